"""Deployments in containers: rolled out under load, reloaded after an edit, debugged, of users' own images, sealed."""

import json
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from sandbox.image import labels
from sandbox.model.errors import SandboxError
from tests.support.backends import until
from tests.support.dap import Debugger

pytestmark = [pytest.mark.docker, pytest.mark.slow]

OWN_SERVER = """
import http.server, os, threading
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        said = f"{self.path} {sorted(os.listdir(os.environ['MODELS']))}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
    def log_message(self, *words): pass
threading.Thread(target=http.server.ThreadingHTTPServer(("", 9000), Answers).serve_forever).start()
http.server.ThreadingHTTPServer(("", 8501), Answers).serve_forever()
"""


def test_code_is_changed_under_load_and_no_request_is_lost(box):
    box.start("blue", count=2)
    assert {one.backend for one in box.instances()} == {"docker"}
    assert box.who() == "blue"
    shown = box.api.online_deployments.show("blue", "shop").as_azure()["properties"]
    assert (shown["sandbox.backend"], shown["sandbox.image"].partition(":")[0]) == (
        "docker",
        "endpoint-sandbox/deployment",
    )
    with box.load(least=2000) as result:
        box.api.online_deployments.update(box.deployment("blue", count=2, who="newer"))
    assert (result["statuses"].keys(), result["errors"]) == ({"200"}, [])
    assert box.who() == "newer"
    assert {one.revision for one in box.instances()} == {"2"}
    before = [line[:4] for line in box.api.online_deployments.logs("blue", "shop", previous=True) if "200" in line]
    assert set(before) == {"[0] ", "[1] "}, "both had answered, and are gone"


def test_a_container_that_is_killed_under_load_is_brought_back(box, engine):
    box.start("blue", count=2)
    with box.load(least=2000) as result:
        engine.kill(box.instances()[0].id)
        until(lambda: len(box.instances()) == 1)
        box.api.heal()
    assert len(box.instances()) == 2
    answered = result["statuses"]
    # One request of each of the four connections was in it; and for some milliseconds Docker's proxy still accepts, on
    # the port of a container that is gone, one more that cannot be told from one that was begun.
    assert sum(answered.values()) - answered.get("200", 0) <= 8, result
    assert box.who() == "blue"


def test_one_that_cannot_start_names_the_developers_own_file_and_the_old_one_serves_on(box):
    box.start("blue")
    with pytest.raises(SandboxError) as raised:
        box.api.online_deployments.update(box.deployment("blue", "def init():\n    1 / 0\ndef run(data): return 1"))
    assert (raised.value.code, "division by zero" in raised.value.what) == ("E054", True)
    assert raised.value.why == f"{box.folder / 'blue' / 'score.py'}:2"
    assert box.who() == "blue"
    assert box.api.online_deployments.show("blue", "shop").as_azure()["provisioning_state"] == "Failed"
    assert any("division by zero" in line for line in box.api.online_deployments.logs("blue", "shop", previous=True))


def test_an_edit_on_the_host_is_answered_from_the_container_and_a_debugger_stops_in_it(box):
    box.api.online_endpoints.create(box.endpoint())
    script = "def init(): pass\ndef run(data):\n    answer = 'old'\n    return answer\n"
    box.api.online_deployments.create(box.deployment("blue", script), debug=True, all_traffic=True)
    assert box.ask().json() == "old"
    box.script("blue", script.replace("old", "new"))
    began = time.monotonic()
    until(lambda: box.ask().json() == "new")
    print(f"edit to answer: {time.monotonic() - began:.2f} s")

    def count(text):
        return sum(text in line for line in box.api.online_deployments.logs("blue", "shop"))

    until(lambda: count("debugger: listening"))
    port = box.api.context().deployment("shop", "blue")[1].debug_port
    path = str(box.folder / "blue" / "score.py")
    with Debugger(path_mappings=[(str(box.folder / "blue"), "/var/azureml-app/blue")]) as debugger:
        debugger.set_breakpoints(path, [4])
        before = count("serves version")
        debugger.attach(port)
        until(lambda: count("serves version") > before)  # a worker that is debugged takes over
        debugger.wait_child(timeout=20)
        with subprocess.Popen(
            [
                "curl",
                "-s",
                "-m",
                "30",
                "-H",
                f"Authorization: Bearer {box.key()}",
                "-d",
                "{}",
                f"http://127.0.0.1:{box.port()}/score",
            ],
            stdout=subprocess.PIPE,
            text=True,
        ) as asking:
            stop = debugger.wait_stopped(20)
            assert (stop.top(), stop.frames()[0]["source"]["path"]) == (("run", 4), path)
            assert stop.variables()["answer"] == "'new'"
            stop.go()
            assert json.loads(asking.communicate(timeout=20)[0]) == "new"


def test_a_container_of_the_users_own_keeps_its_server_its_ports_and_its_paths(box, engine):
    context = box.folder / "own"
    context.mkdir()
    (context / "server.py").write_text(OWN_SERVER)
    (context / "Dockerfile").write_text(
        'FROM endpoint-sandbox-test/python:3.11\nCOPY server.py /\nUSER 1234\nCMD ["python3", "/server.py"]\n'
    )
    model = box.folder / "half_plus_two"
    model.mkdir()
    (model / "weights").write_text("1")
    box.api.online_endpoints.create(box.endpoint())
    routes = {"liveness_route": {"port": 9000, "path": "/health/live"}}
    routes |= {"readiness_route": {"port": 9000, "path": "/health/ready"}}
    routes |= {"scoring_route": {"port": 8501, "path": "/v1/models/half:predict"}}
    mount = "/var/models"
    path = box.deployment(
        "blue",
        environment={"build": {"path": "own"}, "inference_config": routes},
        model={"name": "half", "version": "3", "path": "half_plus_two"},
        model_mount_path=mount,
        variables={"MODELS": f"{mount}/half/3"},
        code_configuration=None,
    )
    said = json.loads(Path(path).read_text())
    del said["code_configuration"]
    Path(path).write_text(json.dumps(said))
    box.api.online_deployments.create(path, all_traffic=True)
    reply = box.api.online_endpoints.invoke("shop", b"{}")
    assert (reply.status, reply.body.decode()) == (200, "/v1/models/half:predict ['half_plus_two']")
    uri = box.api.online_endpoints.show("shop").as_azure()["scoring_uri"]
    assert uri == f"http://127.0.0.1:{box.port()}/v1/models/half:predict"
    (one,) = box.instances()
    assert engine.inspect_container(one.id)["Config"]["Cmd"] == ["python3", "/server.py"]
    assert one.probe_port not in (None, one.port)
    with pytest.raises(SandboxError) as raised:
        box.api.images.seal("blue", "shop")
    assert raised.value.code == "E120"


TRIES = """
import http.server, json, socket, threading
def tried():
    found = []
    for address in ("172.17.0.1", "1.1.1.1", "127.0.0.1"):
        for port in (80, 53, PORT):
            try:
                socket.create_connection((address, port), 2).close()
                found.append([address, port])
            except OSError: pass
    return [found, [name for _, name in socket.if_nameindex()]]
class Probes(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
    def log_message(self, *words): pass
class Answers(Probes):
    do_GET = None
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        said = json.dumps(tried()).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
threading.Thread(target=http.server.ThreadingHTTPServer(("", 9000), Probes).serve_forever).start()
http.server.ThreadingHTTPServer(("", 8501), Answers).serve_forever()
"""


def test_a_container_of_the_users_own_has_no_way_out_either_where_egress_is_disabled(box, engine):
    context = box.folder / "own"
    context.mkdir()
    box.api.online_endpoints.create(box.endpoint())
    (context / "server.py").write_text(TRIES.replace("PORT", str(box.port())))
    (context / "Dockerfile").write_text(
        'FROM endpoint-sandbox-test/python:3.11\nCOPY server.py /\nUSER 1234\nCMD ["python3", "/server.py"]\n'
    )
    routes = {"liveness_route": {"port": 9000, "path": "/health/live"}}
    routes |= {"readiness_route": {"port": 9000, "path": "/health/ready"}}
    routes |= {"scoring_route": {"port": 8501, "path": "/predict"}}
    said = json.loads(Path(box.deployment("blue", egress_public_network_access="disabled")).read_text())
    said["environment"] = {"build": {"path": "own"}, "inference_config": routes}
    del said["code_configuration"]
    (box.folder / "blue.yml").write_text(json.dumps(said))
    box.api.online_deployments.create(str(box.folder / "blue.yml"), all_traffic=True)
    reply = box.api.online_endpoints.invoke("shop", b"{}")
    assert (reply.status, json.loads(reply.body)) == (200, [[], ["lo"]])
    (one,) = box.instances()
    assert (one.port, engine.inspect_container(one.id)["HostConfig"]["NetworkMode"][:10]) == (0, "container:")
    engine.kill(one.id)
    until(lambda: not box.instances())
    box.api.heal()
    until(
        lambda: box.api.online_endpoints.invoke("shop", b"{}").body == reply.body
    )  # the gateway probes the same socket


def test_a_backend_that_cannot_be_is_refused_and_one_can_be_changed_for_the_other(box, monkeypatch):
    monkeypatch.delenv("SANDBOX_BACKEND")
    box.start("blue")
    assert {one.backend for one in box.instances()} == {"process"}
    box.api.online_deployments.update(box.deployment("blue", who="contained"), backend="docker")
    assert {one.backend for one in box.instances()} == {"docker"}
    assert box.who() == "contained"
    box.api.online_deployments.update(box.deployment("blue", who="again"))
    assert {one.backend for one in box.instances()} == {"docker"}, "what was not said stays"
    for backend, environment in (("podman", None), ("process", {"build": {"path": "blue"}})):
        path = box.deployment("green", **({"environment": environment} if environment else {}))
        with pytest.raises(SandboxError) as raised:
            box.api.online_deployments.create(path, backend=backend)
        assert raised.value.code == "E122"
    box.api.online_deployments.update(box.deployment("blue", who="free"), backend="process")
    assert {one.backend for one in box.instances()} == {"process"}


def test_an_endpoint_has_its_deployments_in_containers_and_a_log_is_followed(box, monkeypatch):
    from tests.support.commands import Commands

    monkeypatch.delenv("SANDBOX_BACKEND")
    box.api.online_endpoints.create(box.endpoint(properties={"sandbox.backend": "docker"}))
    talks = "def init(): pass\ndef run(data):\n    print('asked for it')\n    return 1"
    box.api.online_deployments.create(box.deployment("blue", talks), all_traffic=True)
    assert {one.backend for one in box.instances()} == {"docker"}
    words = ("online-deployment", "get-logs", "-n", "blue", "-e", "shop", "--follow")
    with Commands(box.home, box.folder).started(*words) as following:
        assert box.ask().json() == 1
        assert any("asked for it" in line for line in following.stdout)
        following.terminate()


def test_a_sealed_image_is_the_same_twice_and_runs_by_itself(box, engine):
    model = box.folder / "model"
    model.mkdir()
    (model / "weights.txt").write_text("42")
    script = (
        "import os\ndef init():\n    global w\n"
        "    w = open(os.environ['AZUREML_MODEL_DIR'] + '/model/weights.txt').read()\n"
        "def run(data): return [w, os.environ['WHO'], os.getuid()]\n"
    )
    box.api.online_endpoints.create(box.endpoint())
    path = box.deployment("blue", script, model={"path": "model"})
    box.api.online_deployments.create(path, all_traffic=True)
    sealed = box.api.images.seal("blue", "shop", tag="sealed-by-tests:1")
    (box.folder / "blue" / "score.py").touch()
    box.api.online_deployments.update(path)  # the same content, of another time
    again = box.api.images.seal("blue", "shop", tag="sealed-by-tests:2")
    assert again.id == sealed.id
    shown = box.api.images.show("sealed-by-tests:1")
    said = shown["Config"]["Labels"]
    spec = json.loads(said[labels.SPEC])
    assert (said[labels.KIND], spec["name"], shown["Config"]["User"]) == ("sealed", "blue", "10001:10001")
    assert str(box.folder) not in json.dumps(shown)
    bill = json.loads(Path(sealed.sbom).read_text())
    assert {"flask", "waitress"} <= {each["name"].lower() for each in bill["components"]}
    box.api.down()
    assert _plainly(engine, "sealed-by-tests:1") == ["42", "blue", 10001]
    engine.remove_image("sealed-by-tests:2")
    engine.remove_image("sealed-by-tests:1", force=True)


def test_a_model_is_packaged_with_what_serves_it(box, engine):
    from tests.support.commands import Commands

    model = box.folder / "model"
    model.mkdir()
    (model / "weights.txt").write_text("42")
    box.api.models.create({"name": "prices", "path": str(model)})
    box.api.online_endpoints.create(box.endpoint())
    box.api.online_deployments.create(box.deployment("blue", model="azureml:prices:1"), all_traffic=True)
    (box.folder / "package.yml").write_text("target_environment: packaged-by-tests\n")
    sandbox = Commands(box.home, box.folder)
    made = sandbox.json("model", "package", "-n", "prices", "-v", "1", "--file", "package.yml")
    assert (made["name"], made["id"][:7]) == ("packaged-by-tests", "sha256:")
    assert "WHO=blue" in engine.inspect_image("packaged-by-tests")["Config"]["Env"]
    engine.remove_image("packaged-by-tests", force=True)
    refused = sandbox("model", "package", "-n", "prices", "-v", "7")
    assert (refused.returncode, "E145" in refused.stderr) == (1, True)


def _plainly(engine, image):
    """Run an image as anybody would, read-only, and ask it once."""
    config = engine.create_host_config(read_only=True, cap_drop=["ALL"], port_bindings={5001: ("127.0.0.1", None)})
    made = engine.create_container(image, ports=[5001], host_config=config)["Id"]
    try:
        engine.start(made)
        port = engine.inspect_container(made)["NetworkSettings"]["Ports"]["5001/tcp"][0]["HostPort"]

        def answered():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/score", b"{}", timeout=5) as answer:
                    return json.loads(answer.read())
            except OSError:
                return None

        return until(answered)
    finally:
        engine.remove_container(made, force=True)


def test_without_egress_there_is_no_way_out_and_requests_come_in(box):
    tries = """import socket
def init(): pass
def run(data):
    found = []
    for address in ("172.17.0.1", "1.1.1.1", GATEWAY):
        for port in (80, 53, PORT):
            try:
                socket.create_connection((address, port), 2).close()
                found.append(address)
            except OSError: pass
    return [found, [name for _, name in socket.if_nameindex()]]
"""
    box.api.online_endpoints.create(box.endpoint())
    tries = tries.replace("GATEWAY", "'127.0.0.1'").replace("PORT", str(box.port()))
    path = box.deployment("blue", tries, egress_public_network_access="disabled", count=2)
    box.api.online_deployments.create(path, all_traffic=True)
    assert box.ask().json() == [[], ["lo"]]
    assert {one.port for one in box.instances()} == {0}
    with box.load(least=500) as result:
        box.api.online_deployments.update(
            box.deployment("blue", count=2, egress_public_network_access="disabled", who="newer")
        )
    assert (result["statuses"].keys(), result["errors"]) == ({"200"}, [])
    assert box.who() == "newer"
