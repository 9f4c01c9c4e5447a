"""What the API may be given: files, mappings, objects of ours, and objects of Azure's own SDK."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from sandbox.api.given import read
from sandbox.model.deployment import Deployment, ManagedDeployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import UsageError
from sandbox.model.problem import SpecError
from tests.unit.sandbox.azure_loader import installed

ROOT = Path(__file__).parents[3]

# Runs where azure-ai-ml is installed: what read() makes of each entity, as JSON.
ENTITIES = """
import json, logging, sys, warnings
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
from azure.ai.ml import entities as az
from sandbox.api.given import read
from sandbox.model.asset import Model
from sandbox.model.deployment import Deployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.environment import Environment
from sandbox.store import codec
code = sys.argv[1]
endpoint = az.ManagedOnlineEndpoint(name="shop", auth_mode="key", traffic={"blue": 100}, tags={"a": "b"})
blue = az.ManagedOnlineDeployment(
    name="blue", endpoint_name="shop", model=az.Model(path=code),
    code_configuration=az.CodeConfiguration(code=code, scoring_script="score.py"),
    environment=az.Environment(image="x", conda_file={"name": "x", "dependencies": ["python=3.11"]}),
    instance_type="Standard_DS3_v2", instance_count=2, environment_variables={"A": "1"},
    request_settings=az.OnlineRequestSettings(request_timeout_ms=3000), liveness_probe=az.ProbeSettings(period=3),
)
cluster = az.KubernetesOnlineDeployment(
    name="blue", endpoint_name="shop", model="azureml:m:1", environment="azureml:e@latest", instance_count=1,
    code_configuration=az.CodeConfiguration(code=code, scoring_script="score.py"),
)
found = [
    read(Endpoint, "endpoint", endpoint), read(Deployment, "deployment", blue), read(Deployment, "deployment", cluster),
    read(Model, "model", az.Model(name="m", version="3", path=code)),
    read(Environment, "environment", az.Environment(name="e", image="x")),
]
json.dump([codec.encode(each) for each in found], sys.__stdout__)
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    return tmp_path


@pytest.mark.conformance
@pytest.mark.timeout(600)
def test_objects_of_azures_sdk_are_taken(code):
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(installed()), "-c", ENTITIES, str(code)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    endpoint, blue, cluster, model, packages = json.loads(done.stdout)
    assert endpoint["name"] == "shop"
    assert endpoint["traffic"] == {"blue": 100}
    assert blue["is"] == "ManagedDeployment"
    assert blue["instance_count"] == 2
    assert blue["model"]["path"] == str(code)
    assert blue["environment"]["conda"]["dependencies"] == ["python=3.11"]
    assert blue["request_settings"]["request_timeout_ms"] == 3000
    assert blue["liveness_probe"]["period"] == 3
    assert cluster["is"] == "KubernetesDeployment"
    assert cluster["model"]["text"] == "azureml:m:1"
    assert (model["name"], model["version"]) == ("m", "3")
    assert packages["image"] == "x"


def test_a_mapping_is_read_as_if_it_stood_in_a_file(code, monkeypatch):
    monkeypatch.chdir(code)
    said = {
        "name": "blue",
        "endpoint_name": "shop",
        "code_configuration": {"code": ".", "scoring_script": "score.py"},
        "instance_type": "Standard_DS3_v2",
    }
    found = read(Deployment, "deployment", said)
    assert isinstance(found, ManagedDeployment)
    assert found.code_configuration is not None
    assert found.code_configuration.code == str(code)
    assert read(Deployment, "deployment", found) is found


def test_problems_of_a_mapping_name_it():
    with pytest.raises(SpecError) as caught:
        read(Endpoint, "endpoint", {"name": "shop", "auth": "key"})
    assert "endpoint shop" in str(caught.value)
    assert caught.value.code == "E030"


@pytest.mark.parametrize("given", [3, object(), ["name"], b"file.yml"])
def test_anything_else_is_refused_with_what_would_do(given):
    with pytest.raises(UsageError) as caught:
        read(Endpoint, "endpoint", given)
    assert caught.value.code == "E018"
    assert "azure.ai.ml.entities" in caught.value.fix
