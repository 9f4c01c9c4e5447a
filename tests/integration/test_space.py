"""What nobody uses any more goes, and nothing else."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.cli.main import main
from sandbox.copies import content
from tests.support.boxes import SAYS, Box, box_in, until

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


def test_an_environment_that_a_command_is_about_to_use_stays(box):
    file = box.deployment("blue", SAYS.replace("pass", "import time; time.sleep(2)"), environment=PYTHON_ALONE)
    box.api.online_endpoints.create(box.endpoint())
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(box.api.online_deployments.create, file)
        until(lambda: box.instances("blue"))
        assert box.api.prune()[0] == []
        creating.result()
    assert box.who("blue") == "blue"
    box.kill(box.pids("blue")[0])
    box.api.heal()
    assert box.who("blue") == "blue"


def test_copies_that_no_deployment_uses_go_when_deployments_change(box, monkeypatch):
    monkeypatch.setattr(content, "_IN_USE_S", 0.0)
    box.start("blue", "green")
    assert len(stored(box)) == 2
    for number in range(3):
        box.api.online_deployments.update(box.deployment("green", f"{SAYS}# {number}\n"))
        assert len(stored(box)) == 2
    box.api.online_deployments.delete("green", "shop")
    assert len(stored(box)) == 1
    assert box.who("blue") == "blue"


def stored(box):
    return [name for name in os.listdir(box.home / "content") if name.endswith(".json") and len(name) > 64]


def test_a_requirements_file_that_changes_builds_the_environment_anew(box):
    (box.folder / "requirements.txt").write_text("")
    said = {"name": "x", "dependencies": ["python", {"pip": ["-r requirements.txt"]}]}
    (box.folder / "conda.yml").write_text(json.dumps(said))
    box.start("blue", environment=PYTHON_ALONE)
    file = str(box.folder / "blue.yml")
    box.api.online_deployments.update(file)
    first = box.api.context().endpoint("shop").deployments["blue"].serving
    assert first is not None
    assert first.id == "1"
    (box.folder / "extra").mkdir()
    (box.folder / "extra" / "pyproject.toml").write_text('[project]\nname = "extra"\nversion = "1"\n')
    (box.folder / "requirements.txt").write_text("./extra\n")
    box.api.online_deployments.update(file)
    second = box.api.context().endpoint("shop").deployments["blue"].serving
    assert second is not None
    assert second.environment_key != first.environment_key
    assert box.who("blue") == "blue"
