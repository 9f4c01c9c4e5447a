"""What a good file becomes."""

import dataclasses
import re
from pathlib import Path

import pytest

from sandbox.model.collector import CollectedData
from sandbox.model.deployment import KubernetesDeployment, ManagedDeployment
from sandbox.model.endpoint import UserIdentity
from sandbox.model.problem import SpecError
from sandbox.model.serving import Probe, RequestSettings, ResourceAmounts, ScaleSettings
from sandbox.spec.load import (
    examine,
    load,
    load_connection,
    load_deployment,
    load_endpoint,
    load_environment,
    load_model,
)
from sandbox.spec.override import parse
from tests.unit.sandbox.cases import CASES, CORPUS

PROJECT = CORPUS.parent / "project"


def case(name):
    return str(CORPUS / f"{name}.yml")


def test_an_endpoint():
    made = load_endpoint(case("endpoint-everything"))
    assert (made.name, made.auth_mode, made.public_network_access) == ("my-endpoint", "aml_token", "disabled")
    assert made.traffic == {"blue": 90, "green": 10}
    assert made.mirror_traffic == {"red": 20}
    assert made.tags == {"team": "blue", "size": 3, "nothing": None}
    assert made.identity.user_assigned_identities[0].resource_id.endswith("/i")
    assert load_endpoint(case("endpoint-kubernetes")).compute == "my-cluster"


@pytest.mark.parametrize("name", ["endpoint-identity-text", "endpoint-identity-list-of-text"])
def test_identities_given_as_text_mean_their_id(name):
    identity = UserIdentity("/subscriptions/s/resourceGroups/g/providers/x/y/i")
    assert load_endpoint(case(name)).identity.user_assigned_identities == (identity,)


def test_a_managed_deployment():
    made = load_deployment(case("deployment-everything"))
    assert isinstance(made, ManagedDeployment)
    assert (made.name, made.endpoint_name, made.instance_count, made.app_insights_enabled) == (
        "blue",
        "My-Endpoint",
        2,
        True,
    )
    assert (made.model.name, made.model.version, made.model.path) == ("m", "2", str(PROJECT / "model" / "weights.txt"))
    assert made.code_configuration.code == str(PROJECT / "src")
    assert (made.environment.name, made.environment.os_type) == ("e", "linux")
    assert made.environment.inference_config.scoring_route.path == "/score"
    assert made.environment_variables == {"TEXT": "a", "NUMBER": "3", "EMPTY": None}
    assert made.request_settings == RequestSettings(180000, 4, 100)
    assert made.readiness_probe == Probe(30, 10, 2, 3, 30)
    collector = made.data_collector
    assert (collector.rolling_rate, collector.sampling_rate) == ("hour", 0.5)
    assert collector.request_logging.capture_headers == ("x-a",)
    assert [each.enabled for each in collector.collections.values()] == [True, False, True]
    assert collector.collections["model_inputs"].data == CollectedData(data_id="azureml:d:1")


def test_defaults_are_azures():
    made = load_deployment(case("deployment-no-model"))
    assert made.request_settings == RequestSettings(5000, 1, 500)
    assert made.liveness_probe == made.readiness_probe == Probe(10, 10, 2, 1, 30)
    assert made.startup_probe is None
    assert made.scale_settings == ScaleSettings("default")
    assert (made.instance_count, made.egress_public_network_access) == (1, "enabled")


def test_a_kubernetes_deployment():
    made = load_deployment(case("deployment-kubernetes"))
    assert isinstance(made, KubernetesDeployment)
    assert made.resources.limits == ResourceAmounts("1", None, "1")
    assert made.scale_settings == ScaleSettings("target_utilization", 1, 3, 50, 10)
    assert load_deployment(case("deployment-kubernetes-number")).resources.requests.cpu == "1"


def test_an_environment_in_a_file_of_its_own_has_its_paths_from_there():
    made = load_deployment(case("deployment-environment-file")).environment
    assert (made.name, made.version, made.conda_file) == ("shared-env", "3", str(PROJECT / "conda.yml"))
    assert made.conda["dependencies"][0] == "python=3.11"


def test_models_and_environments():
    assert load_model(case("model-everything")).type == "mlflow_model"
    assert load_model(case("model-remote")).version == "1.0"
    made = load_environment(case("environment-build"))
    assert (made.build.path, made.build.dockerfile_path) == (str(PROJECT / "docker"), "Dockerfile")


def test_relative_paths_start_from_the_file_wherever_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Path(load_deployment(case("deployment-blue")).model.path).is_dir()


def test_a_refused_file_raises_every_problem():
    with pytest.raises(SpecError) as caught:
        load_deployment(case("deployment-many-problems"))
    assert len(caught.value.problems) == 7
    assert str(caught.value).endswith("'my_blue' cannot be a name (and 6 more)")


def test_a_value_cannot_be_changed_afterwards():
    made = load(case("endpoint-minimal"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.name = "other"


@pytest.mark.parametrize("each", [each for each in CASES if each.accepted], ids=lambda each: each.name)
def test_equal_files_make_equal_values(each):
    assert load(str(each.path)) == load(str(each.path))


def test_no_message_about_a_connection_shows_a_secret(tmp_path):
    file = tmp_path / "connection.yml"
    for content in (
        "name: abc\ntype: custom\ntarget: x\ncredentials: {type: api_key, key: 4444, kee: s3cr3t}\n",
        "name: abc\ntype: custom\ntarget: x\ncredentials: {type: pat, key: s3cr3t, pat: 4444}\n",
        "name: abc\ntype: open_ai\napi_key: [s3cr3t]\n",
        "name: abc\ntype: open_ai\napi_key: {s3cr3t: 4444}\n",
        "name: abc\ntype: open_ai\napi_key: 's3cr3t\n",
        "name: abc\ntype: custom\ntarget: x\nsecrets: {A: 4444, B: [s3cr3t]}\n",
        "name: abc\ntype: custom\ntarget: x\ncredentials: s3cr3t\n",
    ):
        file.write_text(content)
        found = examine(str(file), kind="connection")
        assert found.errors
        for problem in found.problems:
            assert not {"s3cr3t", "4444"} & set(re.findall(r"\w+", f"{problem!r}")), content
    file.write_text("name: abc\ntype: custom\ntarget: x\ncredentials: {type: api_key}\n")
    assert examine(str(file), [parse("credentials.key=s3cr3t")]).value.credentials.values == {"key": "s3cr3t"}
    for change in ("credentials.key.x=s3cr3t", "credentials.kee=s3cr3t", 'credentials.key=["s3cr3t"]'):
        found = examine(str(file), [parse("credentials.key=a"), parse(change)], "connection")
        assert found.errors
        assert "s3cr3t" not in f"{found!r}", change


def test_a_connection_keeps_the_case_of_its_name():
    assert load_connection(str(CORPUS / "connection-open-ai.yml")).name == "Default_AzureOpenAI"
