"""Models, environments and connections from the command line, and deployments that use them."""

import json
import stat

import pytest

from tests.support.commands import DEPLOYMENT, commands

E, D = "online-endpoint", "online-deployment"

SCORE = """\
import json, os


def init():
    global model
    print(sorted(os.listdir(os.environ["AZUREML_MODEL_DIR"])))
    with open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "weights", "w.json")) as file:
        model = json.load(file)


def run(data):
    return {"version": model, "key": os.environ["KEY"], "place": os.environ["AZUREML_MODEL_DIR"].split("/")[-2:]}
"""

CONNECTION = """\
name: search
type: custom
target: https://search.example
credentials:
  type: api_key
  key: very-secret
"""


@pytest.fixture
def sandbox(tmp_path):
    with commands(tmp_path) as run:
        yield run


def test_a_model_is_registered_found_hidden_and_copied_out(sandbox):
    for version in ("1", "2"):
        sandbox.write("weights/w.json", version)
        made = sandbox.json("model", "create", "--name", "prices", "--path", "weights", "--tags", f"round={version}")
        assert (made["name"], made["version"], made["tags"]) == ("prices", version, {"round": version})
    assert sandbox.out("model", "show", "-n", "prices", "--label", "latest", "--query", "version", "-o", "tsv") == "2\n"
    assert sandbox.out("model", "list", "-n", "prices", "--query", "[].version", "-o", "tsv") == "2\n1\n"
    changed = sandbox.json("model", "update", "-n", "prices", "-v", "1", "--set", "description=old", "tags.round=one")
    assert (changed["description"], changed["tags"]) == ("old", {"round": "one"})
    assert sandbox.out("model", "archive", "-n", "prices", "--version", "2") == ""
    assert sandbox.out("model", "show", "-n", "prices", "-l", "latest", "--query", "version", "-o", "tsv") == "1\n"
    assert sandbox.json("model", "list", "-n", "prices", "--archived-only", "--query", "[].version") == ["2"]
    sandbox.out("model", "restore", "-n", "prices", "--version", "2")
    sandbox.out("model", "download", "-n", "prices", "-v", "2", "--download-path", "copy")
    assert (sandbox.folder / "copy" / "prices" / "weights" / "w.json").read_text() == "2"
    assert sandbox("model", "show", "-n", "none", "-v", "1").returncode == 3
    assert sandbox("model", "create", "-n", "prices", "-v", "2", "--path", "weights").returncode == 0
    sandbox.write("weights/w.json", "other")
    refused = sandbox("model", "create", "-n", "prices", "-v", "2", "--path", "weights")
    assert refused.returncode == 1
    assert refused.stderr.startswith("ERROR: (E")


def test_an_environment_is_registered_from_flags_and_from_a_file(sandbox):
    sandbox.write("conda.yml", "dependencies: [python=3.11]\n")
    first = sandbox.json(
        "environment", "create", "-n", "fruit", "--image", "mcr.example/base", "--conda-file", "conda.yml"
    )
    assert (first["name"], first["version"], first["image"]) == ("fruit", "1", "mcr.example/base")
    sandbox.write("env.yml", "name: fruit\nimage: mcr.example/base:2\n")
    assert sandbox.json("environment", "create", "--file", "env.yml", "--set", "tags.a=b")["version"] == "2"
    assert sandbox.out("environment", "list", "--query", "[].name", "-o", "tsv") == "fruit\n"


def test_a_deployment_of_a_registered_model_gets_its_secret(sandbox):
    sandbox.write("score.py", SCORE)
    sandbox.write("blue.yml", DEPLOYMENT)
    sandbox.write("../connection.yml", CONNECTION)  # not beside the code, which is copied
    sandbox.write("weights/w.json", "7")
    shown = sandbox.json("connection", "create", "--file", "../connection.yml")
    assert (shown["name"], shown["target"]) == ("search", "https://search.example")
    assert "very-secret" not in json.dumps(shown)
    assert "very-secret" in sandbox.out("connection", "show", "-n", "search", "--populate-secrets")
    changed = sandbox.json("connection", "update", "-n", "search", "--set", "target=https://other.example")
    assert changed["target"] == "https://other.example"

    sandbox.out("model", "create", "-n", "prices", "-v", "3", "--path", "weights")
    sandbox.out(E, "create", "-n", "shop")
    secret = "environment_variables.KEY=${{azureml://connections/search/credentials/key}}"
    made = sandbox.json(D, "create", "-e", "shop", "-f", "blue.yml", "--set", "model=azureml:prices@latest", secret)
    assert made["model"] == "azureml:prices:3"
    assert "very-secret" not in json.dumps(made)
    answer = json.loads(sandbox.json(E, "invoke", "-n", "shop", "-d", "blue"))
    assert answer == {"version": 7, "key": "very-secret", "place": ["prices", "3"]}
    assert "['weights']" in sandbox.out(D, "get-logs", "-n", "blue", "-e", "shop")

    for path in (sandbox.folder.parent / "home").rglob("*"):
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            assert b"very-secret" not in path.read_bytes(), path
    assert sandbox("connection", "delete", "-n", "search").returncode == 1
    assert sandbox.out("connection", "delete", "-n", "search", "--yes") == ""
    assert sandbox.json("connection", "list") == []


def test_a_secret_that_is_not_there_is_named(sandbox):
    sandbox.write("score.py", SCORE)
    sandbox.write("blue.yml", DEPLOYMENT)
    sandbox.out(E, "create", "-n", "shop")
    secret = "environment_variables.KEY=${{azureml://connections/none/credentials/key}}"
    done = sandbox(D, "create", "-e", "shop", "-f", "blue.yml", "--set", secret)
    assert done.returncode in {1, 3}
    assert "KEY" in done.stderr
    assert "none" in done.stderr
