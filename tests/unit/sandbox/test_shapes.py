"""Objects as az ml prints them; and what is printed can be read again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.model.state import DeploymentState, EndpointState, Failure, Revision
from sandbox.ops import shapes
from sandbox.spec.fingerprint import name_assets
from sandbox.spec.load import load_deployment, load_endpoint, load_given

ENDPOINT_KEYS = {
    "auth_mode", "description", "id", "identity", "kind", "location", "mirror_traffic", "name", "openapi_uri",
    "properties", "provisioning_state", "public_network_access", "scoring_uri", "tags", "traffic",
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "conda.yml").write_text("name: x\ndependencies: [python=3.11, {pip: [numpy]}]\n")
    (tmp_path / "endpoint.yml").write_text(
        "name: shop\ndescription: d\ntags: {a: b}\ntraffic: {blue: 100}\nidentity: {type: system_assigned}\n"
    )
    (tmp_path / "managed.yml").write_text(
        "name: blue\nendpoint_name: shop\nmodel: {path: model}\ninstance_type: Standard_DS3_v2\ninstance_count: 2\n"
        "code_configuration: {code: code, scoring_script: score.py}\n"
        "environment: {image: x, conda_file: conda.yml}\nenvironment_variables: {A: 1, B: ''}\n"
        "data_collector: {collections: {model_inputs: {enabled: 'true'}}, sampling_rate: 0.5}\n"
        "liveness_probe: {period: 3}\n"
    )
    (tmp_path / "kubernetes.yml").write_text(
        "type: kubernetes\nname: blue\nendpoint_name: shop\nmodel: azureml:m:1\nenvironment: azureml:e@latest\n"
        "code_configuration: {code: code, scoring_script: score.py}\n"
        "resources: {requests: {cpu: '0.5', memory: 1Gi}, limits: {cpu: '1', memory: 2Gi, gpu: '1'}}\n"
        "scale_settings: {type: target_utilization, max_instances: 3}\n"
    )
    return tmp_path


def test_an_endpoint_has_azures_keys_and_shows_deployments_without_traffic_as_zero(project):
    endpoint = load_endpoint(str(project / "endpoint.yml"))
    blue = DeploymentState(load_deployment(str(project / "managed.yml")))
    said = shapes.endpoint(
        EndpointState(endpoint, 8100, deployments={"blue": blue, "green": blue}), "http://127.0.0.1:8100"
    )
    assert said.keys() == ENDPOINT_KEYS
    assert said["traffic"] == {"blue": 100, "green": 0}
    assert said["scoring_uri"] == "http://127.0.0.1:8100/score"
    assert said["openapi_uri"] == "http://127.0.0.1:8100/swagger.json"
    json.dumps(said)


def test_a_mirrored_deployment_is_not_shown_as_zero_traffic(project):
    endpoint = replace(load_endpoint(str(project / "endpoint.yml")), mirror_traffic={"green": 10})
    blue = DeploymentState(load_deployment(str(project / "managed.yml")))
    said = shapes.endpoint(
        EndpointState(endpoint, 8100, deployments={"blue": blue, "green": blue}), "http://127.0.0.1:8100"
    )
    assert said["traffic"] == {"blue": 100}
    assert said["mirror_traffic"] == {"green": 10}


@pytest.mark.parametrize("file", ["managed.yml", "kubernetes.yml"])
def test_what_is_written_out_is_the_same_deployment_again(project, file):
    value = name_assets(load_deployment(str(project / file)))
    again = load_given(shapes.deployment_mapping(value), "deployment blue", "deployment")
    assert again == value


def test_an_endpoint_written_out_is_the_same_again(project):
    value = load_endpoint(str(project / "endpoint.yml"))
    assert load_given(shapes.endpoint_mapping(value), "endpoint shop", "endpoint") == value


def test_a_deployment_names_its_assets_and_its_error(project):
    value = name_assets(load_deployment(str(project / "managed.yml")))
    failure = Failure("E054", "cannot start", "score.py:3", "correct it")
    said = shapes.deployment(DeploymentState(value, "Failed", serving=Revision("3", "d", "c", "/p"), failure=failure))
    assert said["model"] == f"azureml:{value.model.name}:1"
    assert said["provisioning_state"] == "Failed"
    assert said["error"]["message"] == "cannot start"
    assert said["properties"]["sandbox.revision"] == "3"
    json.dumps(said)
