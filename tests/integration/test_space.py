"""What nobody uses any more goes, and nothing else."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.cli.main import main
from tests.support.boxes import Box, box_in

PYTHON_ALONE = {"image": "x", "conda_file": "conda.yml"}  # nothing to download


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with box_in(tmp_path) as made:
        (made.folder / "conda.yml").write_text(json.dumps({"name": "x", "dependencies": ["python"]}))
        yield made


def test_prune_removes_what_no_deployment_uses_and_nothing_else(box, capsys, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(box.home))
    box.start("blue", environment=PYTHON_ALONE)
    assert main(["prune", "--dry-run"]) == 0
    assert "  used" in capsys.readouterr().out
    assert main(["prune", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("0 MiB freed\n")
    assert box.who("blue") == "blue"
    box.api.down()
    assert main(["prune", "--dry-run", "-o", "json"]) == 0
    [kept] = json.loads(capsys.readouterr().out)
    assert kept["used"] is False
    assert main(["prune"]) == 1  # nobody can be asked here
    assert main(["prune", "--yes", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["environments"] == [kept["key"]]
    left = [name for name in os.listdir(box.home / "environments") if name.startswith(kept["key"])]
    assert left == []
