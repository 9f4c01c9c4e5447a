"""A model of MLflow's without code or environment, in a container: packages, script and payload are made for it."""

import json

import pytest

from tests.support.gateways import ask
from tests.support.mlflow_models import MLFLOW

# The first time the packages are installed; the image with them is kept for the next run.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]

MLMODEL = {
    "flavors": {
        "python_function": {
            "loader_module": "doubles",
            "code": "code",
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "python_version": "3.11.2",
        }
    },
    "mlflow_version": MLFLOW,
    "model_uuid": "0123456789abcdef0123456789abcdef",
    "signature": {
        "inputs": json.dumps([{"type": "double", "name": "age", "required": True}]),
        "outputs": json.dumps([{"type": "double", "required": True}]),
    },
}
PACKAGES = {"dependencies": ["python=3.11", "pip", {"pip": [f"mlflow=={MLFLOW}", "numpy", "pandas"]}]}
LOADER = """
import os

class Doubles:
    def __init__(self, factor): self.factor = factor
    def predict(self, data, params=None): return [self.factor * age for age in data["age"]]

def _load_pyfunc(path):
    with open(os.path.join(path, "factor.txt") if os.path.isdir(path) else path) as file:
        return Doubles(float(file.read()))
"""


def test_a_model_alone_is_deployed_and_takes_azures_payload(box):
    model = box.folder / "model"
    (model / "code").mkdir(parents=True)
    (model / "MLmodel").write_text(json.dumps(MLMODEL))
    (model / "conda.yaml").write_text(json.dumps(PACKAGES))
    (model / "python_env.yaml").write_text(json.dumps({"python": "3.11.2", "dependencies": ["-r requirements.txt"]}))
    (model / "requirements.txt").write_text("\n".join(PACKAGES["dependencies"][2]["pip"]))
    (model / "code" / "doubles.py").write_text(LOADER)
    (model / "factor.txt").write_text("2")
    box.api.online_endpoints.create(box.endpoint())
    said = {"name": "blue", "endpoint_name": "shop", "model": {"path": "model", "type": "mlflow_model"}}
    path = box.folder / "blue.yml"
    path.write_text(json.dumps({**said, "instance_type": "Standard_DS1_v2", "instance_count": 1}))
    shown = box.api.online_deployments.create(str(path), all_traffic=True).as_azure()
    assert shown["properties"]["sandbox.backend"] == "docker"

    def asked(data):
        body = json.dumps({"input_data": {"columns": ["age"], "data": data}}).encode()
        return ask(box.port(), key=box.key(), body=body.decode(), content_type="application/json")

    assert asked([[2.0], [21.0]]).json() == [4.0, 42.0]
    refused = asked([["old"]])
    assert refused.headers["ms-azureml-model-error-statuscode"] == "400"
    assert "input_data.data[0][0]" in refused.json()["message"]
