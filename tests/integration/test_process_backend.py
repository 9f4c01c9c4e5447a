"""Instances as real processes: started, found again, asked, explained, ended."""

import os
import re
import signal
import socket
import time

import pytest

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
    ended = here.now(instance)
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
    import threading

    answers = []
    asking = threading.Thread(target=lambda: answers.append(score(instance)))
    asking.start()
    until(lambda: _connections(instance.port))
    started = time.monotonic()
    here.backend.stop(instance, 20)
    asking.join()
    assert answers == ["done"]
    assert time.monotonic() - started < 10


def _connections(port):
    with open("/proc/net/tcp") as table:
        return any(f":{port:04X} " in line.split()[1] + " " and line.split()[3] == "01" for line in table)
