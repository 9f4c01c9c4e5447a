"""What the engine is asked for, and what its answers mean; no engine is needed."""

import pytest

from sandbox.backend.docker import words
from sandbox.backend.docker.failure import explain, refused
from sandbox.backend.docker.seen import instance_of
from sandbox.backend.protocol import InstanceSpec
from sandbox.model.container import Container, Mount
from sandbox.model.deployment import ManagedDeployment
from sandbox.model.environment import Build, Environment, InferenceConfig, Route
from sandbox.model.errors import SandboxError
from sandbox.ops import backends

OURS = Container("sha256:1", (Mount("/here", "/there"),), code="/var/azureml-app/app")
THEIRS = Container("sha256:2", port=8501, probe_port=9000, probe_path="/ready", own=True)


def spec(container=OURS, **fields):
    return InstanceSpec("shop", "blue", "3", 0, "", "/var/azureml-app/app", container=container, **fields)


def test_a_debugger_comes_from_outside_of_the_container_by_the_port_that_was_said():
    wanted = spec(arguments=("--reload", "--debug", "5678"))
    assert words.inside(wanted, OURS) == [5001, 5678]
    assert words.command(wanted, OURS)[-5:] == ["--port", "5001", "--reload", "--debug", "0.0.0.0:5678"]


def test_the_users_own_server_keeps_its_command_its_user_and_its_root():
    assert words.command(spec(THEIRS), THEIRS) is None
    assert words.inside(spec(THEIRS), THEIRS) == [8501, 9000]
    assert words.environment(spec(THEIRS, variables={"A": "1"}), THEIRS) == {"A": "1"}
    asked = words.host_config(spec(THEIRS), THEIRS, {8501: 1, 9000: 2}, network="n", cpus=2, podman=False)
    assert "read_only" not in asked
    assert asked["cap_drop"] == ["MKNOD", "NET_RAW"]
    assert asked["port_bindings"] == {8501: ("127.0.0.1", 1), 9000: ("127.0.0.1", 2)}


def test_ours_has_no_rights_and_is_not_started_again_before_it_has_served():
    wanted = spec(cpus=0.5, memory_bytes=2**30)
    asked = words.host_config(wanted, OURS, {5001: 1}, network="n", cpus=2, podman=False)
    assert (asked["cap_drop"], asked["read_only"], asked["security_opt"]) == (["ALL"], True, ["no-new-privileges"])
    assert asked["restart_policy"] == {"Name": "no"}
    assert (asked["mem_limit"], asked["memswap_limit"], asked["nano_cpus"]) == (2**30, 2**30, 500_000_000)
    assert asked["mounts"] == [{"Target": "/there", "Source": "/here", "Type": "bind", "ReadOnly": True}]
    assert "nano_cpus" not in words.host_config(spec(cpus=8), OURS, {5001: 1}, network="n", cpus=2, podman=False), (
        "the engine refuses more than there are"
    )
    assert "ulimits" in words.host_config(wanted, OURS, {5001: 1}, network="n", cpus=2, podman=True)


def test_without_egress_there_is_no_network_and_no_port():
    closed = Container("sha256:1", egress=False)
    assert words.inside(spec(closed), closed) == []
    asked = words.host_config(spec(closed), closed, {}, network="n", cpus=2, podman=False, door="/door")
    assert (asked["network_mode"], "port_bindings" in asked) == ("none", False)
    assert asked["mounts"][-1]["Target"] == words.DOOR
    assert words.labels("me", spec(closed), closed, {}, "/door")[words.SOCKET] == "/door/s"


def test_labels_say_all_that_is_known_of_an_instance():
    said = words.labels("me", spec(THEIRS), THEIRS, {8501: 41, 9000: 42}, "")
    listed = {"Labels": said, "State": "exited", "Status": "Exited (137) 2 seconds ago", "Id": "x", "Created": 5}
    one = instance_of(listed, "/instances", loops=False)
    assert (one.endpoint, one.deployment, one.revision, one.index) == ("shop", "blue", "3", 0)
    assert (one.port, one.probe_port, one.state, one.exit_code) == (41, 42, "exited", 137)
    assert one.log == "/instances/shop/blue/3/0/log"
    for state, loops, found in (("restarting", False, "starting"), ("restarting", True, "exited")):
        assert instance_of({**listed, "State": state}, "/instances", loops=loops).state == found


def ended(code, log=(), restarts=0, **state):
    found = {"State": {"ExitCode": code, **state}, "RestartCount": restarts, "HostConfig": {"Memory": 2**27}}
    return explain(found, list(log))


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        (ended(137, OOMKilled=True), "memory", "out of memory"),
        (ended(0, OOMKilled=True), "memory", "128 MiB"),  # a child was killed, and the rest went home
        (ended(137), "killed", "signal 9"),
        (ended(1, ["last words"]), "ended", "exit code 1: last words"),
        (ended(127, Error="exec: no such file"), "ended", "could not start it: exec: no such file"),
        (ended(1, ["again"], restarts=3), "loop", "ended 4 times"),
    ],
)
def test_the_end_of_a_container_is_explained(failure, kind, said):
    assert (failure.kind, said in failure.summary) == (kind, True), failure


@pytest.mark.parametrize(
    ("why", "code", "said"),
    [
        ('could not select device driver "" with capabilities: [[gpu]]', "E118", "no GPU"),
        ("invalid mount config: bind source path does not exist: /x/y", "E117", "/x/y is missing"),
        ("No such image: sha256:1", "E117", "its image was removed"),
        ("exec: python: executable file not found in $PATH", "E117", "cannot be started"),
    ],
)
def test_what_the_engine_refuses_is_explained(why, code, said):
    error = refused("sandbox-x", why)
    assert (error.code, said in error.what) == (code, True), error.what
    assert error.fix


def deployment(**fields):
    return ManagedDeployment("blue", "shop", **fields)


OWN = Environment(image="x", inference_config=InferenceConfig(*(Route(1, "/"),) * 3))


@pytest.mark.parametrize(
    ("value", "given", "before", "environ", "chosen"),
    [
        (deployment(), None, None, {}, "process"),
        (deployment(), None, None, {"SANDBOX_BACKEND": "docker"}, "docker"),
        (deployment(), None, "process", {"SANDBOX_BACKEND": "docker"}, "process"),
        (deployment(properties={"sandbox.backend": "docker"}), None, None, {}, "docker"),
        (deployment(properties={"sandbox.backend": "docker"}), "process", None, {}, "process"),
        (deployment(environment=OWN), None, None, {}, "docker"),
        (deployment(environment=Environment(build=Build("/x"))), None, "process", {}, "docker"),
    ],
)
def test_what_runs_a_deployment_is_said_or_follows_from_what_it_is(value, given, before, environ, chosen):
    assert backends.choose(value, given, before, environ) == chosen


def test_an_endpoint_says_what_is_usual_for_its_deployments():
    assert backends.choose(deployment(), None, None, {}, usual="docker") == "docker"
    assert backends.choose(deployment(), None, None, {"SANDBOX_BACKEND": "docker"}, usual="process") == "process"
    assert backends.choose(deployment(), "process", None, {}, usual="docker") == "process"
    with pytest.raises(SandboxError, match="E122"):
        backends.choose(deployment(), None, None, {}, usual="podman")


@pytest.mark.parametrize(
    ("value", "given", "environ"),
    [
        (deployment(), "podman", {}),
        (deployment(), None, {"SANDBOX_BACKEND": "podman"}),
        (deployment(environment=OWN), "process", {}),
    ],
)
def test_a_backend_that_cannot_be_is_refused(value, given, environ):
    with pytest.raises(SandboxError) as raised:
        backends.choose(value, given, None, environ)
    assert raised.value.code == "E122"
