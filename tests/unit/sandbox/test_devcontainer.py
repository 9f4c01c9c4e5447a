"""The dev container of a deployment: what stands in it, and whose file it is."""

import json

import jsonschema
import pytest

from sandbox.image.devcontainer import Described, content, write

TEXT, TEXTS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
# What containers.dev/implementors/json_reference says of an image's dev container, as far as it concerns what we write:
# whatever else would stand in the file is refused. tests/docker opens one with the reference implementation.
REFERENCE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "name": TEXT,
        "image": TEXT,
        "workspaceFolder": TEXT,
        "workspaceMount": TEXT,
        "mounts": TEXTS,
        "containerEnv": {"type": "object", "additionalProperties": TEXT},
        "containerUser": TEXT,
        "overrideCommand": {"type": "boolean"},
        "forwardPorts": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 65535}},
        "portsAttributes": {
            "type": "object",
            "patternProperties": {
                r"^\d+$": {
                    "properties": {"label": TEXT, "onAutoForward": {"enum": ["notify", "silent", "ignore"]}},
                    "additionalProperties": False,
                }
            },
        },
        "customizations": {
            "type": "object",
            "properties": {
                "vscode": {
                    "properties": {"extensions": TEXTS, "settings": {"type": "object"}},
                    "additionalProperties": False,
                }
            },
        },
    },
}


@pytest.fixture
def made(tmp_path):
    code = tmp_path / "project" / "blue"
    code.mkdir(parents=True)
    variables = {"AZUREML_ENTRY_SCRIPT": "score.py", "WHO": "blue"}
    mounts = ((str(tmp_path / "model"), "/models/model"), (str(code), "/var/azureml-app/blue"))
    return Described(
        "shop/blue", "endpoint-sandbox/environment:1", variables, str(code), "/var/azureml-app/blue", mounts
    )


def test_it_is_what_the_reference_describes(made):
    said = content(made, made.code)
    jsonschema.validate(said, REFERENCE)
    assert said["workspaceFolder"] == "/var/azureml-app/blue"
    assert said["workspaceMount"] == "source=${localWorkspaceFolder},target=/var/azureml-app/blue,type=bind"
    assert [mount.rpartition("target=")[2] for mount in said["mounts"]] == ["/models/model,type=bind,readonly"]
    assert said["containerEnv"]["WHO"] == "blue"


def test_where_a_folder_above_is_opened_the_code_is_mounted_where_azure_has_it(made, tmp_path):
    (tmp_path / "project" / ".vscode").mkdir()
    path = write(made)
    assert path == str(tmp_path / "project" / ".devcontainer" / "devcontainer.json")
    said = json.loads((tmp_path / "project" / ".devcontainer" / "devcontainer.json").read_text())
    jsonschema.validate(said, REFERENCE)
    assert said["workspaceFolder"] == "/workspaces/project"
    assert "source=${localWorkspaceFolder}/blue,target=/var/azureml-app/blue,type=bind" in said["mounts"]


def test_somebodys_own_file_stays_and_ours_is_written_again(made, tmp_path):
    first = write(made)
    assert write(made) == first
    theirs = tmp_path / "project" / "blue" / ".devcontainer" / "devcontainer.json"
    theirs.write_text('{"image": "mine", // with a comment\n}')
    assert write(made) == str(theirs.parent / "shop-blue" / "devcontainer.json")
    assert "mine" in theirs.read_text()
