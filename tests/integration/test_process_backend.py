"""Instances as real processes: started, found again, asked, explained, ended."""

import os
import re
import signal
import socket
import sys
import sysconfig
import threading
import time
from pathlib import Path

import pytest

from sandbox.backend import ports
from sandbox.backend.process import cgroup
from sandbox.model.errors import SandboxError
from tests.support.backends import score, until, yard

ECHO = """
import os
def init():
    print("model loaded")
def run(data):
    return {"pid": os.getpid(), "environment": dict(os.environ), "folder": os.getcwd(), "data": data}
"""
BROKEN = """
import helpful
def init():
    print("about to load")
    helpful.load("/no/such/model")
def run(data):
    return 1
"""


@pytest.fixture
def here(tmp_path):
    with yard(tmp_path) as made:
        yield made


def test_an_instance_is_started_answers_and_is_ended_without_a_trace(here):
    app = here.script(ECHO)
    instance = here.start(app)
    assert here.backend.instances() == here.backend.instances("shop") == [here.now(instance)]
    assert here.backend.instances("other") == []
    assert here.now(instance).state == "running"
    answer = score(instance, "x")
    assert (answer["folder"], answer["data"]) == (str(app), '"x"')
    workers = {seen.pid for seen in here.members()}
    assert {instance.pid, answer["pid"]} <= workers
    here.backend.stop(instance, 10)
    assert here.backend.instances() == []
    assert here.members() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", instance.port), timeout=5)
    assert any("model loaded" in line for line in here.backend.tail(instance, 100))
    here.backend.stop(instance, 10)  # again
    here.backend.remove("shop", "blue", "r1")
    assert not (here.home / "instances" / "shop").exists()


def test_it_has_a_session_of_its_own_and_no_descriptor_of_ours(here):
    read, write = os.pipe()
    os.set_inheritable(write, True)  # as a shell's redirection would be
    try:
        instance = here.start(here.script(ECHO))
    finally:
        os.close(read)
        os.close(write)
    assert os.getsid(instance.pid) == instance.pid
    folder = f"/proc/{instance.pid}/fd"
    open_files = {int(number): os.readlink(f"{folder}/{number}") for number in os.listdir(folder)}
    assert open_files[0] == os.devnull
    assert open_files[1] == open_files[2] == instance.log
    assert not [target for target in open_files.values() if target.startswith(("pipe:", "/dev/pts", "/dev/tty"))]
    assert os.stat(instance.log).st_mode & 0o777 == 0o600


def test_the_failing_line_of_init_is_told(here):
    app = here.script(BROKEN)
    (app / "helpful.py").write_text("def load(path):\n    return open(path)\n")
    instance = here.start(app, wait=False)
    failure = until(lambda: here.backend.ready(instance).failure)
    assert (failure.kind, failure.file, failure.line) == ("script", str(app / "helpful.py"), 2)
    assert failure.summary.startswith("FileNotFoundError: ")
    assert f'  File "{app / "score.py"}", line 5, in init' in failure.traceback
    assert "about to load" in failure.log[-1]
    ended = until(lambda: (now := here.now(instance)).state == "exited" and now)  # it says why before it ends
    assert (ended.state, ended.exit_code, ended.pid) == ("exited", 3, None)
    assert here.backend.failure(instance) == failure


def test_it_is_not_ready_and_says_why_while_init_runs(here):
    gate = here.folder / "gate"
    os.mkfifo(gate)
    instance = here.start(
        here.script(f"def init():\n    open({str(gate)!r}).read()\ndef run(data): return 1"), wait=False
    )
    readiness = until(lambda: (found := here.backend.ready(instance)) and "init()" in found.detail and found)
    assert readiness.ready is False
    assert readiness.failure is None
    assert re.match(r"Not ready: init\(\) is running \(\d+\.\d s\)", readiness.detail)
    gate.write_text("go")
    until(lambda: here.backend.ready(instance).ready)


def test_an_instance_that_is_killed_is_seen_and_started_anew(here):
    app = here.script(ECHO)
    instance = here.start(app)
    os.kill(instance.pid, signal.SIGKILL)
    ended = until(lambda: (now := here.now(instance)).state == "exited" and now)
    assert ended.exit_code == -signal.SIGKILL
    failure = here.backend.failure(instance)
    assert (failure.kind, failure.summary) == ("killed", "the server was killed by signal 9")
    again = here.start(app)
    assert again.id != instance.id
    assert {seen.mark.rpartition("/")[2] for seen in here.members()} == {again.id}, "workers of the first are gone"
    assert here.backend.ready(instance).detail == "it has been stopped"


def test_starting_what_runs_changes_nothing(here):
    app = here.script(ECHO)
    instance = here.start(app)
    again = here.backend.start(here.spec(app))
    assert (again.id, again.pid, again.port) == (instance.id, instance.pid, instance.port)


def test_an_interpreter_that_does_not_exist_is_named(here):
    with pytest.raises(SandboxError) as raised:
        here.start(here.script(ECHO), python="/no/such/python")
    assert raised.value.code == "E085"
    assert "/no/such/python" in raised.value.what
    assert here.backend.instances() == []


def test_a_port_that_somebody_has_taken_is_told_and_the_next_start_gets_another(here, monkeypatch):
    app = here.script(ECHO)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with monkeypatch.context() as patch:
            patch.setattr(ports, "number", lambda held: taken)  # it was free when it was chosen
            instance = here.start(app, wait=False)
        failure = until(lambda: here.backend.failure(instance))
        assert failure.kind == "port"
        assert here.now(instance).exit_code == 1
        again = here.start(app)
        assert again.port != taken
        assert score(again)["data"] == "null"


@pytest.mark.parametrize("variables", [{"A": "nul \0 in it"}, {"A=B": "x"}], ids=["value", "name"])
def test_variables_that_no_environment_can_hold_are_refused(here, variables):
    with pytest.raises(SandboxError) as raised:
        here.start(here.script(ECHO), variables=variables)
    assert raised.value.code == "E088"
    assert "in it" not in f"{raised.value} {raised.value.why}", "the value may be a secret"
    assert here.backend.instances() == []


def test_the_developers_shell_is_not_handed_on_and_the_users_variables_win(here, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("AZUREML_ENTRY_SCRIPT", "other.py")
    instance = here.start(here.script(ECHO), variables={"PASSWORD": "of the user", "LANG": "de_DE.UTF-8"})
    environment = score(instance)["environment"]
    assert not {"GITHUB_TOKEN", "PYTHONPATH", "SANDBOX_HOME"} & environment.keys()
    assert (environment["PASSWORD"], environment["LANG"]) == ("of the user", "de_DE.UTF-8")
    for seen in here.members():
        with open(f"/proc/{seen.pid}/cmdline", "rb") as command:
            assert b"of the user" not in command.read()
    kept = [path for path in (here.home / "instances").rglob("*") if path.is_file() and path.name != "log"]
    assert kept
    assert [path for path in kept if "of the user" in path.read_text()] == []


def test_requests_in_flight_are_finished(here):
    instance = here.start(
        here.script("import time\ndef init(): pass\ndef run(data):\n    time.sleep(1)\n    return 'done'")
    )
    answers = []
    asking = threading.Thread(target=lambda: answers.append(score(instance)))
    asking.start()
    until(lambda: _connections(instance.port))
    started = time.monotonic()
    here.backend.stop(instance, 20)
    asking.join()
    assert answers == ["done"]
    assert time.monotonic() - started < 10


ROOT = Path(__file__).resolve().parents[2]
WHERE = """
import sys
def init(): pass
def run(data): return {"prefix": sys.prefix, "path": sys.path, "argv": sys.argv}
"""


@pytest.mark.parametrize("engine", ["auto", "spawn"])
def test_an_interpreter_without_our_packages_finds_them_after_its_own(here, engine):
    bare = getattr(sys, "_base_executable", sys.executable)
    ours = (str(ROOT), sysconfig.get_path("purelib"))
    instance = here.start(here.script(WHERE), python=bare, python_path=ours, arguments=("--engine", engine))
    found = score(instance)
    assert found["prefix"] == sys.base_prefix
    own = [path for path in found["path"] if path.startswith(found["prefix"])]
    assert max(map(found["path"].index, own)) < found["path"].index(ours[0]) < found["path"].index(ours[1])
    assert not any(path.endswith(os.path.join("sandbox", "backend")) for path in found["path"])


def test_modules_beside_the_script_do_not_hide_those_of_the_server(here):
    app = here.script("import signals\ndef init(): pass\ndef run(data): return signals.VALUE")
    (app / "signals.py").write_text("VALUE = 'mine'")
    for name in ("selectors", "json", "flask", "inference_http"):
        (app / f"{name}.py").write_text("raise RuntimeError('hidden')")
    assert score(here.start(app)) == "mine"


def test_an_interpreter_that_cannot_find_the_server_says_so(here):
    bare = getattr(sys, "_base_executable", sys.executable)
    instance = here.start(here.script(WHERE), python=bare, wait=False)
    failure = until(lambda: here.backend.failure(instance))
    assert failure.kind == "ended"
    assert failure.summary.startswith("the server ended with exit code 1: ")
    assert "No module named" in failure.summary


def test_an_application_folder_that_is_missing_is_named(here):
    instance = here.start(here.folder / "nowhere", wait=False)
    failure = until(lambda: here.backend.failure(instance))
    assert str(here.folder / "nowhere") in failure.summary


def test_it_is_bound_to_as_many_cores_as_it_asks_for(here):
    script = "import os\ndef init(): pass\ndef run(data): return sorted(os.sched_getaffinity(0))"
    there = sorted(os.sched_getaffinity(0))
    app = here.script(script)
    found = [score(here.start(app, index=index, cpus=1)) for index in range(2)]
    assert [len(cores) for cores in found] == [1, 1]
    assert sorted({core for cores in found for core in cores}) == there[:2], "each its own, as long as there are"
    assert score(here.start(app, index=2, cpus=64)) == there
    spec = here.spec(app, cpus=64)
    assert here.backend.limits(spec) == [f"64 cores: this machine has {len(there)}, the instance may use them all"]


def test_a_script_sees_no_gpu_unless_its_size_has_some_or_the_user_says_so(here):
    script = "import os\ndef init(): pass\ndef run(data): return os.environ.get('CUDA_VISIBLE_DEVICES')"
    app = here.script(script)
    assert score(here.start(app)) == ""
    assert score(here.start(app, index=1, variables={"CUDA_VISIBLE_DEVICES": "3"})) == "3"


def test_gpus_are_shared_out_among_instances(here, monkeypatch):
    tools = here.folder / "tools"
    tools.mkdir()
    (tools / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: A (UUID: GPU-a)'\necho 'GPU 1: B (UUID: GPU-b)'\n")
    (tools / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    app = here.script("import os\ndef init(): pass\ndef run(data): return os.environ['CUDA_VISIBLE_DEVICES']")
    started = [here.start(app, index=index, gpus=1) for index in range(3)]
    assert [instance.gpus for instance in started] == [("0",), ("1",), ("0",)]
    assert [score(instance) for instance in started] == ["0", "1", "0"]
    assert here.now(started[1]).gpus == ("1",)


def test_instances_that_want_a_second_port_for_probes_do_not_collide(here):
    app = here.script(ECHO)
    for index in range(2):
        variables = {"HEALTH_PORT": "5000", "SEPERATE_HEALTH_ENDPOINT": "true"}
        instance = here.start(app, index=index, variables=variables)
        assert score(instance)["environment"]["HEALTH_PORT"] not in {"5000", str(instance.port)}


def test_a_limit_of_memory_is_entered_before_anything_else(here, monkeypatch):
    """A folder stands for the kernel's control group."""
    monkeypatch.setattr(cgroup, "place", lambda: str(here.folder))
    app = here.script(ECHO)
    instance = here.start(app, memory_bytes=2**30)
    group = here.folder / f"endpoint-sandbox-{instance.id}"
    assert (group / "memory.max").read_text() == str(2**30)
    assert (group / "cgroup.procs").read_text() == "0", "the process that writes"
    assert here.backend.limits(here.spec(app, memory_bytes=2**30)) == ["1 GiB of memory: enforced by a control group"]
    (group / "memory.events").write_text("oom 1\noom_kill 1\n")
    os.kill(instance.pid, signal.SIGKILL)
    failure = until(lambda: here.backend.failure(instance))
    assert failure.kind == "memory"


def test_a_limit_that_the_system_refuses_is_told_in_the_log(here, monkeypatch):
    monkeypatch.setattr(cgroup, "place", lambda: str(here.folder / "nowhere"))
    instance = here.start(here.script(ECHO), memory_bytes=2**30)
    assert any("memory of this instance is not limited" in line for line in here.backend.tail(instance, 100))


def test_logs_are_followed_over_a_restart(here):
    app = here.script("import os\ndef init(): print('init in', os.getpid())\ndef run(data): return 1")
    instance = here.start(app)
    there, heard = True, []
    select = lambda: here.backend.instances() if there else []
    listening = threading.Thread(target=lambda: heard.extend(here.backend.follow(select, 100)))
    listening.start()
    os.kill(instance.pid, signal.SIGKILL)
    until(lambda: here.now(instance).state == "exited")
    again = here.start(app)
    here.backend.stop(again, 10)
    there = False
    listening.join(30)
    texts = [line.text for line in heard]
    assert len([text for text in texts if "init in" in text]) == 2
    assert "finishing the requests" in texts[-1]
    assert (heard[0].endpoint, heard[0].deployment, heard[0].index) == ("shop", "blue", 0)


def test_a_reload_that_breaks_is_told_while_the_old_code_serves(here):
    app = here.script("def init(): pass\ndef run(data): return 'old'")
    instance = here.start(app, arguments=("--reload",))
    (app / "score.py").write_text("def init(): raise ValueError('broken')\ndef run(data): return 'new'")
    readiness = until(lambda: (found := here.backend.ready(instance)).failure and found)
    assert readiness.ready
    failure = readiness.failure
    assert (failure.kind, failure.file, failure.line) == ("script", str(app / "score.py"), 1)
    assert failure.summary == "ValueError: broken"
    assert failure.traceback[-1] == "ValueError: broken"
    assert score(instance) == "old"


def _connections(port):
    with open("/proc/net/tcp") as table:
        return any(f":{port:04X} " in line.split()[1] + " " and line.split()[3] == "01" for line in table)
