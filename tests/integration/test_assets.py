"""What deployments refer to, from the command line to the answer: registered model, connection, token."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")

SCORE = """
import os

def init():
    pass

def run(data):
    folder = os.environ["AZUREML_MODEL_DIR"]
    paths = (os.path.join(base, name) for base, _, names in os.walk(folder) for name in names)
    found = sorted(os.path.relpath(path, folder) for path in paths)
    return {"key": os.environ["KEY"], "target": os.environ["TARGET"], "model": folder, "files": found}
"""
FILES = {
    "code/score.py": SCORE,
    "prices/table.txt": "tea 2.5",
    "prices/deep/more.txt": "coffee 3",
    "connection.yml": """
name: my-openai
type: azure_open_ai
azure_endpoint: https://me.example/
api_key: a-secret-0123
""",
    "endpoint.yml": "name: shop\nauth_mode: aml_token\n",
    "blue.yml": """
name: blue
endpoint_name: shop
model: azureml:prices@latest
code_configuration: {code: code, scoring_script: score.py}
instance_type: Standard_DS3_v2
instance_count: 1
environment_variables:
  KEY: ${{azureml://connections/my-openai/credentials/key}}
  TARGET: ${{azureml://connections/my-openai/target}}
""",
}


@pytest.fixture
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    environ = {**os.environ, "SANDBOX_HOME": str(folder / "home"), "SANDBOX_KEYRING": "off"}

    def sandbox(*words, expect=0):
        command = [sys.executable, "-c", "import sys; from sandbox.cli.main import main; sys.exit(main())", *words]
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == expect, done.stderr
        return done.stdout if expect == 0 else done.stderr

    sandbox.folder = folder
    yield sandbox
    sandbox("down", "--all", "--yes")


def ask(address, token):
    request = urllib.request.Request(address, b"{}", {"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_deployment_uses_what_is_registered_and_kept(project):
    for version in ("1", "2"):
        (project.folder / "prices" / "table.txt").write_text(f"tea {version}")
        made = json.loads(project("model", "create", "--name", "prices", "--path", "prices"))
        assert made["version"] == version
    project("connection", "create", "--file", "connection.yml")
    project("online-endpoint", "create", "--file", "endpoint.yml")
    project("online-deployment", "create", "--file", "blue.yml", "--all-traffic")
    address = json.loads(project("online-endpoint", "show", "--name", "shop"))["scoring_uri"]
    token = json.loads(project("online-endpoint", "get-credentials", "--name", "shop"))
    assert token["tokenType"] == "Bearer"
    status, answer = ask(address, token["accessToken"])
    assert (status, answer["key"], answer["target"]) == (200, "a-secret-0123", "https://me.example/")
    assert answer["model"].endswith("/azureml-models/prices/2")
    assert answer["files"] == ["prices/deep/more.txt", "prices/table.txt"]
    assert ask(address, token["accessToken"][:-8])[0] == 401
    holding = [
        path.parent.name
        for path in (project.folder / "home").rglob("*")
        if path.is_file() and b"a-secret-0123" in path.read_bytes()
    ]
    assert holding == ["connection-secrets"], "the secret is written in one place only"


def test_what_is_missing_fails_with_its_own_line(project):
    project("online-endpoint", "create", "--file", "endpoint.yml")
    said = project("online-deployment", "create", "--file", "blue.yml", expect=3)
    assert "E099" in said
    assert "sandbox model create --name prices" in said
    project("model", "create", "--name", "prices", "--path", "prices")
    said = project("online-deployment", "create", "--file", "blue.yml", expect=1)
    assert "E105" in said
    assert "environment variable KEY" in said
    project("connection", "create", "--file", "connection.yml")
    project("online-deployment", "create", "--file", "blue.yml")
