"""What is generated is what lies in the repository."""

import dataclasses
import re
from pathlib import Path

import pytest

from sandbox.cli.main import main
from sandbox.model.asset import Model
from sandbox.model.codes import CODES
from sandbox.model.deployment import KubernetesDeployment, ManagedDeployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError
from sandbox.spec.kinds import KINDS
from sandbox.spec.pages import COMMAND, files

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", files())
def test_a_generated_file_is_up_to_date(name):
    assert (ROOT / name).read_text(encoding="utf-8") == files()[name], f"stale: run {COMMAND}"


def test_nothing_else_lies_among_the_schemas():
    lying = {f"sandbox/spec/schemas/{path.name}" for path in (ROOT / "sandbox/spec/schemas").iterdir()}
    assert lying == {name for name in files() if "schemas" in name}


def test_every_row_of_a_table_has_its_cells():
    for name in ("docs/yaml.md", "docs/error-codes.md"):
        rows = [line for line in files()[name].splitlines() if line.startswith("|")]
        assert {line.replace("\\|", "").count("|") for line in rows} <= {3, 5, 7}


@pytest.mark.parametrize(
    ("title", "made"),
    [
        ("managed online endpoint", Endpoint),
        ("Kubernetes online endpoint", Endpoint),
        ("managed online deployment", ManagedDeployment),
        ("Kubernetes online deployment", KubernetesDeployment),
        ("model", Model),
        ("environment", Environment),
    ],
)
def test_the_table_of_keys_and_the_dataclass_know_the_same(title, made):
    kept = {key.field or key.name for key in KINDS[title].record.keys if key.kept}
    beyond = {"conda_file", "compute", "public_network_access"}  # made beside conda; on one of the two kinds only
    assert kept - beyond == {item.name for item in dataclasses.fields(made)} - beyond


def test_codes_are_numbered_and_explained():
    assert list(CODES) == sorted(CODES)
    assert [name for name, code in CODES.items() if not (code.title and code.meaning and code.remedy)] == []


def test_an_error_without_a_row_in_the_table_cannot_be_made():
    with pytest.raises(KeyError):
        SandboxError("E999", "what")


def test_every_code_is_used_somewhere():
    text = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "sandbox").rglob("*.py") if path.name != "errors.py"
    )
    assert [name for name in CODES if f'"{name}"' not in text] == []


def test_links_within_the_page_lead_to_a_heading():
    page = files()["docs/yaml.md"]
    headings = {line[3:].lower().replace(" ", "-") for line in page.splitlines() if line.startswith("## ")}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) - headings == set()


def test_examples_in_the_page_are_what_the_command_prints(capsys, monkeypatch):
    monkeypatch.chdir(ROOT / "templates" / "starter")
    command = next(line for line in files()["docs/yaml.md"].splitlines() if line.startswith("$ sandbox "))
    assert main(command.split()[2:]) == 0
    assert capsys.readouterr().out in files()["docs/yaml.md"]
