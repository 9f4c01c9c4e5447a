"""Instances as real containers: started, found again, asked, explained, ended."""

import os
import signal
import socket
import subprocess
import threading
from dataclasses import replace

import pytest

from sandbox.backend.docker import words
from sandbox.image import address, engine
from sandbox.model.container import Container, Mount
from sandbox.model.errors import SandboxError
from tests.support.backends import score, until
from tests.support.recorded import recorded

pytestmark = pytest.mark.docker

LOOKS = """
import os
def init():
    print("model loaded")
def run(data):
    def write(path):
        try:
            open(path, "w").write("x")
            return "written"
        except OSError as error:
            return error.strerror
    status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
    return {
        "uid": os.getuid(), "folder": os.getcwd(), "rights": status["CapEff"], "none new": status["NoNewPrivs"],
        "root": write("/x"), "code": write(os.environ["AML_APP_ROOT"] + "/x"), "tmp": write("/tmp/x"),
        "secret": os.environ.get("SECRET"), "shell": os.environ.get("SANDBOX_HOME"), "pid": os.getpid(),
    }
"""
ECHO = "def init(): pass\ndef run(data): return data"


def test_an_instance_is_started_answers_and_is_ended_without_a_trace(here):
    instance = here.start(here.script(LOOKS), variables={"SECRET": "of the user"})
    assert [one.id for one in here.backend.instances("shop")] == [instance.id]
    assert here.backend.instances("other") == []
    assert (here.now(instance).state, here.now(instance).backend) == ("running", "docker")
    answer = score(instance)
    assert answer["folder"] == "/var/azureml-app/app"
    assert (answer["secret"], answer["shell"]) == ("of the user", None)
    used = here.backend.usage([instance, replace(instance, id="0" * 64)])
    assert list(used) == [instance.id]
    assert used[instance.id].cpu_s > 0
    assert used[instance.id].memory_bytes > 1_000_000
    again = here.backend.start(here.spec(here.folder / "app"))
    assert (again.id, again.port) == (instance.id, instance.port)
    here.backend.stop(instance, 10)
    assert here.backend.instances() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", instance.port), timeout=5)
    here.backend.stop(instance, 10)  # again
    here.backend.remove("shop", "blue", "1")


def test_it_has_no_rights_and_writes_to_tmp_only(here):
    answer = score(here.start(here.script(LOOKS)))
    assert answer["uid"] == int(words.user().partition(":")[0]) != 0
    assert (int(answer["rights"], 16), answer["none new"]) == (0, "1")
    assert (answer["root"], answer["code"]) == ("Read-only file system", "Read-only file system")
    assert answer["tmp"] == "written"


def test_its_port_is_on_the_loopback_address_and_instances_do_not_reach_each_other(here):
    first = here.start(here.script(ECHO))
    assert [bound["HostIp"] for bound in here.inspect(first)["NetworkSettings"]["Ports"]["5001/tcp"]] == ["127.0.0.1"]
    networks = here.inspect(first)["NetworkSettings"]["Networks"]
    inner = next(iter(networks.values()))["IPAddress"]
    asks = "import socket\ndef init(): pass\ndef run(data):\n    try: socket.create_connection(('%s', 5001), 1)\n"
    asks = asks % inner + "    except OSError as error: return type(error).__name__"
    second = here.start(here.script(asks, "other"), index=1)
    assert score(second) == "TimeoutError"


def test_the_failing_line_of_init_is_told(here):
    app = here.script("import help_me\ndef init():\n    help_me.load()\ndef run(data): return 1")
    (app / "help_me.py").write_text("def load():\n    return open('/no/such/model')\n")
    instance = here.start(app, wait=False)
    failure = until(lambda: here.backend.ready(instance).failure)
    assert (failure.kind, failure.file, failure.line) == ("script", "/var/azureml-app/app/help_me.py", 2)
    assert failure.summary.startswith("FileNotFoundError: ")
    ended = until(lambda: (now := here.now(instance)).state == "exited" and now)  # it may have said so before its end
    assert ended.exit_code == 3
    assert here.inspect(instance)["RestartCount"] == 0


def test_what_needs_more_memory_than_its_limit_is_told_so(here):
    hungry = "def init():\n    print('about to load')\n    bytearray(b'1') * 2**29\n"
    instance = here.start(here.script(hungry + "def run(data): return 1"), wait=False, memory_bytes=2**27)
    failure = until(lambda: here.backend.ready(instance).failure)
    assert failure.kind == "memory"
    assert "memory" in failure.summary
    assert any("about to load" in line for line in failure.log)


def test_limits_are_those_of_the_engine(here):
    instance = here.start(here.script(ECHO), wait=False, memory_bytes=2**28, cpus=0.5)
    asked = here.inspect(instance)["HostConfig"]
    assert (asked["Memory"], asked["MemorySwap"], asked["NanoCpus"]) == (2**28, 2**28, 500_000_000)
    assert asked["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "4"}
    many = here.spec(here.folder / "app", cpus=999, memory_bytes=2**50)
    assert [sentence.split(":")[0] for sentence in here.backend.limits(many)] == ["999 cores", "1.05e+06 GiB of memory"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can kill the processes of other users")
def test_one_that_dies_after_it_has_served_is_started_again_by_the_engine_on_the_same_port(here):
    instance = here.start(here.script(LOOKS))
    os.kill(here.inspect(instance)["State"]["Pid"], signal.SIGKILL)
    until(lambda: here.inspect(instance)["RestartCount"] == 1 and here.backend.ready(instance).ready)
    assert here.now(instance).port == instance.port
    assert score(instance)["root"] == "Read-only file system"


def test_one_that_was_killed_by_hand_is_explained_and_started_anew(here):
    app = here.script(ECHO)
    instance = here.start(app)
    here.client.kill(instance.id)
    ended = until(lambda: (now := here.now(instance)).state == "exited" and now)
    assert ended.exit_code == 137
    failure = here.backend.failure(instance)
    assert (failure.kind, failure.summary) == ("killed", "the server was killed by signal 9")
    os.makedirs(os.path.dirname(os.path.dirname(instance.log)), exist_ok=True)  # as laying out code and model does
    before = here.backend.tail(instance, 100)
    again = here.start(app)
    assert again.id != instance.id
    assert here.backend.tail(again, 200)[: len(before)] == before, "what the one before it said is kept"
    assert len(here.backend.tail(again, 2)) == 2
    assert here.backend.ready(instance).detail == "it has been stopped"


def test_a_file_that_is_missing_is_named_and_nothing_is_left(here):
    spec = here.spec(here.script(ECHO), mounts=(Mount("/no/such/model", "/model"),))
    with pytest.raises(SandboxError) as raised:
        here.backend.start(spec)
    assert (raised.value.code, "/no/such/model" in raised.value.what) == ("E117", True)
    assert here.backend.instances() == []


def test_an_image_that_is_gone_is_told(here):
    spec = here.spec(here.script(ECHO), container=Container(f"sha256:{'0' * 64}"))
    with pytest.raises(SandboxError) as raised:
        here.backend.start(spec)
    assert (raised.value.code, "its image was removed" in raised.value.what) == ("E117", True)


@pytest.mark.parametrize(
    ("cdi", "request_"),
    [
        (False, {"Driver": "", "Count": 2, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}),
        (
            True,
            {
                "Driver": "cdi",
                "Count": 0,
                "DeviceIDs": ["nvidia.com/gpu=0", "nvidia.com/gpu=1"],
                "Capabilities": [],
                "Options": {},
            },
        ),
    ],
)
def test_gpus_are_asked_for_as_docker_does_it_and_their_lack_is_explained(here, tmp_path, cdi, request_):
    from sandbox.backend.docker.backend import DockerBackend
    from sandbox.home import Home

    where = address.find()
    if "nvidia" in (here.client.info().get("Runtimes") or {}):
        pytest.skip("this engine has GPUs to give: tests of their lack are for those that have none")
    spec = here.spec(here.script(ECHO), container=Container(here.image.id, gpus=True, cdi=cdi), gpus=2)
    with recorded(tmp_path, where.url.removeprefix("unix://")) as wire:
        client = engine.connect_to(address.Address(wire.url, "a test"))
        backend = DockerBackend(Home(str(here.folder / "home")), lambda: (client, where.url))
        with pytest.raises(SandboxError) as raised:
            backend.start(spec)
        client.close()
    (asked,) = wire.bodies("/containers/create")
    assert asked["HostConfig"]["DeviceRequests"] == [request_]
    assert (asked["Image"], asked["HostConfig"]["CapDrop"]) == (here.image.id, ["ALL"])
    assert raised.value.code == "E118"
    assert "NVIDIA Container Toolkit" in raised.value.fix
    assert here.backend.instances() == []


def test_logs_of_two_are_followed_in_order_long_lines_whole_and_kept_after_the_end(here):
    talks = "def init(): print('ready to talk')\ndef run(data):\n    print('x' * 40000 + 'end')\n    return 1"
    app = here.script(talks)
    two = [here.start(app, index=index) for index in (0, 1)]
    heard, done = [], threading.Event()

    def listen():
        heard.extend(here.backend.follow(lambda: [] if done.is_set() else here.backend.instances(), 100))

    thread = threading.Thread(target=listen)
    thread.start()
    score(two[1])
    assert until(lambda: [line for line in here.backend.tail(two[1], 9) if len(line) > 40000])
    until(lambda: any("xxxx" in line.text for line in heard))
    assert ["x" * 40000 + "end" in line for line in here.backend.tail(two[1], 2)] == [True, False], "lines, not pieces"
    assert len(here.backend.tail(two[1], 1)) == 1
    done.set()
    thread.join(10)
    assert {line.index for line in heard if "ready to talk" in line.text} == {0, 1}
    long = [line for line in heard if "xxxx" in line.text]
    assert [(line.index, "x" * 40000 + "end" in line.text) for line in long] == [(1, True)]
    os.makedirs(os.path.dirname(os.path.dirname(two[0].log)), exist_ok=True)  # as laying out code and model does
    here.backend.stop(two[0], 5)
    assert any("ready to talk" in line for line in here.backend.tail(two[0], 100))


def test_without_containers_the_engine_is_not_asked(here, tmp_path):
    script = (
        "import sys\nfrom sandbox.home import Home\nfrom sandbox.ops.backends import Backends\n"
        f"assert Backends(Home({str(tmp_path / 'other')!r})).instances() == []\nassert 'docker' not in sys.modules"
    )
    done = subprocess.run(["python", "-c", script], env={**os.environ, "DOCKER_HOST": "unix:///no"}, check=False)
    assert done.returncode == 0


def test_another_engine_is_refused_while_there_are_containers(here, monkeypatch):
    from sandbox.backend.docker.backend import DockerBackend
    from sandbox.home import Home

    here.start(here.script(ECHO), wait=False)
    other = DockerBackend(Home(str(here.folder / "home")), lambda: (here.client, "tcp://elsewhere:2375"))
    with pytest.raises(SandboxError) as raised:
        other.instances()
    assert raised.value.code == "E113"
