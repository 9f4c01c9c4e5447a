"""``sandbox debug`` and ``--vscode-debug`` where deployments are containers: tests of processes, and dev containers."""

import json

import pytest

from tests.integration.test_ops_debugging import (
    test_debug_mode_stops_a_request_of_the_endpoint_and_gives_back_what_served,
    test_said_twice_it_changes_nothing_and_an_update_meanwhile_counts_afterwards,
    test_what_cannot_be_switched_serves_on_as_it_was,
)

pytestmark = [pytest.mark.docker, pytest.mark.slow]

__all__ = [
    "test_debug_mode_stops_a_request_of_the_endpoint_and_gives_back_what_served",
    "test_said_twice_it_changes_nothing_and_an_update_meanwhile_counts_afterwards",
    "test_what_cannot_be_switched_serves_on_as_it_was",
]


def test_vscode_debug_writes_a_dev_container_that_opens(box, devcontainer, engine):
    model = box.folder / "model"
    model.mkdir()
    (model / "weights").write_text("42")
    box.api.online_endpoints.create(box.endpoint())
    path = box.deployment("blue", model={"name": "m", "version": "3", "path": "model"})
    box.api.online_deployments.create(path, debug=True)
    folder = box.folder / "blue"
    said = json.loads((folder / ".devcontainer" / "devcontainer.json").read_text())
    label = f"endpoint-sandbox.tests={box.home}"
    where = ("--workspace-folder", str(folder), "--id-label", label)
    read = devcontainer("read-configuration", *where)
    assert read["configuration"]["image"] == said["image"]
    try:
        assert devcontainer("up", *where)["remoteWorkspaceFolder"] == "/var/azureml-app/blue"
        asks = (
            "import inference_http, debugpy, os; print(os.environ['WHO'], os.listdir('.').count('score.py'),"
            " open(os.environ['AZUREML_MODEL_DIR'] + '/model/weights').read())"
        )
        assert devcontainer("exec", *where, "/opt/sandbox/python", "-c", asks, parsed=False).split() == [
            "blue",
            "1",
            "42",
        ]
    finally:
        for each in engine.containers(all=True, filters={"label": label}):
            engine.remove_container(each["Id"], force=True)
