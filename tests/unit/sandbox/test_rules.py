"""The rules of the model, without any file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.model import deployment, endpoint, environment, names, reference, traffic
from sandbox.model.deployment import CodeConfiguration, KubernetesDeployment, ManagedDeployment
from sandbox.model.endpoint import Endpoint, Identity
from sandbox.model.environment import Build, Environment
from sandbox.model.errors import SandboxError
from sandbox.model.problem import Place, Problem, SpecError, dotted
from sandbox.model.reference import AssetReference
from sandbox.model.serving import Probe, RequestSettings, ScaleSettings

SHARES = st.dictionaries(st.sampled_from(["blue", "Blue", "green", "Red"]), st.integers(-20, 120))


def codes(violations):
    return [(violation.code, dotted(violation.path)) for violation in violations]


@pytest.mark.parametrize("name", ["abc", "A-1", "a--b", "a" * 32])
def test_names_that_are_possible(name):
    assert names.check(name) == []


@pytest.mark.parametrize("name", ["", "ab", "a" * 33, "1ab", "a_b", "ab-", "-ab", "a.b", "ä-endpoint", "abc\n", "a b"])
def test_names_that_are_not(name):
    assert codes(names.check(name)) == [("E038", "name")]


@given(st.text(max_size=40))
def test_a_suggested_name_is_a_possible_one(name):
    for violation in names.check(name):
        if violation.fix.startswith("for instance"):
            assert names.check(violation.fix.removeprefix("for instance name: ")) == []


@given(SHARES, SHARES)
def test_what_passes_can_be_served(weights, mirror):
    if traffic.check(weights, mirror) == []:
        live = traffic.live(weights)
        assert sum(live.values()) in (0, 100)
        assert all(0 < share <= 100 for share in live.values())
        mirrored = traffic.live(mirror)
        assert len(mirrored) <= 1
        assert all(0 < share <= 50 for share in mirrored.values())
        assert not live.keys() & mirrored.keys()


@given(SHARES, SHARES)
def test_what_is_refused_breaks_one_of_those(weights, mirror):
    if traffic.check(weights, mirror):
        good = all(0 <= share <= 100 for share in weights.values()) and sum(weights.values()) in (0, 100)
        mirrored = {name: share for name, share in mirror.items() if share}
        good = good and all(len({name.lower() for name in each}) == len(each) for each in (weights, mirror))
        good = good and len(mirrored) <= 1 and all(0 < share <= 50 for share in mirrored.values())
        assert not good or traffic.live(weights).keys() & traffic.live(mirror).keys()


def test_the_fix_of_a_wrong_sum_makes_it_right():
    [violation] = traffic.check({"blue": 90, "green": 20}, {})
    assert violation.fix == "for instance blue: 80"
    [violation] = traffic.check({"blue": 70, "green": 70, "red": 70}, {})
    assert violation.fix == "lower the others"


def test_traffic_for_a_deployment_that_is_not_there():
    assert codes(traffic.unknown({"blue": 90, "green": 10, "red": 0}, ["Blue"])) == [("E039", "traffic.green")]
    assert "no deployments yet" in traffic.unknown({"blue": 100}, [])[0].why


def test_weights_are_stored_in_lower_case_without_zeros():
    assert traffic.live({"Blue": 100, "green": 0}) == {"blue": 100}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (Endpoint("abc"), []),
        (Endpoint("abc", compute="c", auth_mode="aad_token"), [("E041", "auth_mode")]),
        (Endpoint("abc", compute="c", traffic={"a": 100}, mirror_traffic={"b": 5}), [("E040", "mirror_traffic")]),
        (Endpoint("abc", identity=Identity("user_assigned")), [("E041", "identity")]),
    ],
)
def test_endpoints(made, expected):
    assert codes(endpoint.check(made)) == expected


CODE = CodeConfiguration("/src", "score.py")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code_configuration": CODE}, []),
        ({"code_configuration": CodeConfiguration("/src")}, [("E031", "code_configuration")]),
        ({"instance_count": -1}, [("E033", "instance_count")]),
        ({"instance_count": 51}, [("W063", "instance_count")]),
        ({"request_settings": RequestSettings(0)}, [("E033", "request_settings.request_timeout_ms")]),
        (
            {"request_settings": RequestSettings(1, 0, -1)},
            [
                ("E033", "request_settings.max_concurrent_requests_per_instance"),
                ("E033", "request_settings.max_queue_wait_ms"),
            ],
        ),
        ({"liveness_probe": Probe(-1)}, [("E033", "liveness_probe.initial_delay")]),
        ({"readiness_probe": Probe(timeout=0)}, [("E033", "readiness_probe.timeout")]),
        ({"startup_probe": Probe(success_threshold=2)}, [("W062", "startup_probe.success_threshold")]),
        ({"model_mount_path": "m"}, [("E033", "model_mount_path")]),
        ({"model_mount_path": "/m", "environment": Environment(image="x")}, [("W062", "model_mount_path")]),
        ({"environment": Environment(image="x", build=Build("/b"))}, [("W062", "environment.image")]),
    ],
)
def test_deployments_of_both_kinds(changes, expected):
    assert codes(deployment.check(ManagedDeployment("blue", "my-endpoint", **changes))) == expected
    assert codes(deployment.check(KubernetesDeployment("blue", "my-endpoint", **changes))) == expected


@pytest.mark.parametrize(
    ("scale", "managed", "kubernetes"),
    [
        (ScaleSettings(), [], []),
        (ScaleSettings("target_utilization"), ["E041"], []),
        (ScaleSettings("target_utilization", 3, 2), ["E041", "E041"], ["E041"]),
        (ScaleSettings("target_utilization", -1, 2, 101, -1), ["E041", *["E033"] * 3], ["E033"] * 3),
    ],
)
def test_scaling(scale, managed, kubernetes):
    assert [
        each for each, _ in codes(deployment.check(ManagedDeployment("blue", "abc", scale_settings=scale)))
    ] == managed
    found = codes(deployment.check(KubernetesDeployment("blue", "abc", scale_settings=scale)))
    assert [each for each, _ in found] == kubernetes


def test_kubernetes_alone_has_longer_requests_and_no_registries():
    longer = RequestSettings(request_timeout_ms=300_000)
    registry = AssetReference("azureml://registries/r/models/m/versions/1", "m", "1", registry="r")
    assert codes(deployment.check(KubernetesDeployment("blue", "abc", request_settings=longer))) == []
    assert len(deployment.check(ManagedDeployment("blue", "abc", request_settings=longer))) == 1
    assert codes(deployment.check(KubernetesDeployment("blue", "abc", model=registry))) == [("E041", "model")]
    assert deployment.check(ManagedDeployment("blue", "abc", model=registry)) == []


def test_conda_beside_a_build_has_no_effect():
    made = Environment(build=Build("/b"), conda={"dependencies": []})
    assert codes(environment.check(made)) == [("W062", "conda_file")]


ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/models/m/versions/7"


@pytest.mark.parametrize(
    ("text", "name", "version", "label", "registry"),
    [
        ("azureml:m:1", "m", "1", None, None),
        ("azureml:m:1:2", "m", "1:2", None, None),
        ("azureml:m@latest", "m", None, "latest", None),
        ("azureml:m", "m", None, None, None),
        (f"azureml:{ARM}", "m", "7", None, None),
        ("azureml://registries/r/models/m/versions/3", "m", "3", None, "r"),
        ("azureml://registries/r/models/m/labels/latest", "m", None, "latest", "r"),
    ],
)
def test_references(text, name, version, label, registry):
    found = reference.parse(text, "model")
    assert (found.name, found.version, found.label, found.registry) == (name, version, label, registry)
    assert str(found) == text


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("m:1", "write azureml:m:1"),
        ("m@latest", "write azureml:m@latest"),
        (ARM, f"write azureml:{ARM}"),
        ("./model", "for files on this machine, write a mapping with `path:` below the key"),
        ("model/a.pkl", "for files on this machine, write a mapping with `path:` below the key"),
        ("m", "write azureml:m"),
        ("", ""),
        ("azureml:", ""),
        ("azureml::1", ""),
        ("azureml:m:", ""),
        ("azureml:m@", ""),
        ("azureml:@latest", ""),
        ("azureml:a/b", ""),
        ("azureml://registries/r/environments/m/versions/3", ""),
        ("azureml://datastores/d/paths/p", ""),
        (f"azureml:{ARM.replace('models', 'environments')}", ""),
    ],
)
def test_texts_that_are_no_reference(text, fix):
    with pytest.raises(SandboxError) as caught:
        reference.parse(text, "model")
    assert (caught.value.code, caught.value.fix) == ("E036", fix)


def test_an_error_of_several_problems_counts_them():
    problems = [
        Problem("W060", "w", Place("f", 1, 1)),
        Problem("E030", "first", Place("f", 2, 3)),
        Problem("E031", "x", Place("f")),
    ]
    error = SpecError(problems)
    assert str(error) == "[E030] f:2:3: first (and 1 more)"
    assert (error.exit_code, len(error.problems)) == (1, 3)
