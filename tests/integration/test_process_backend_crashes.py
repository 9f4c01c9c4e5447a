"""Whoever starts or ends an instance may be killed at any moment, and the instance itself too: nothing gets lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sandbox.backend.process import listing
from tests.support.backends import score, until, yard

ROOT = Path(__file__).resolve().parents[2]
QUICK = "import os\ndef init(): pass\ndef run(data): return os.getpid()\n"
# Kills itself with SIGKILL before or after the call of one function.
STARTER = """
import os, signal, sys
from pathlib import Path
from sandbox.backend.process import launch
from sandbox.backend.process import backend as process
from sandbox.backend.process import processes
from sandbox.backend.process.place import Place
from tests.support.backends import Yard
from sandbox.backend.process.backend import ProcessBackend
from sandbox.home import Home

folder, verb, owner, name, when = sys.argv[1:]
owner = {"Place": Place, "os": os, "launch": launch, "processes": processes, "none": None}[owner]

def dying(call):
    def replaced(*arguments, **named):
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        call(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    return replaced

here = Yard(Path(folder), ProcessBackend(Home(folder + "/home")))
if owner:
    setattr(owner, name, dying(getattr(owner, name)))
if verb == "start":
    here.backend.start(here.spec(Path(folder) / "app"))
else:
    for instance in here.backend.instances():
        here.backend.stop(instance, 10)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def here(tmp_path):
    with yard(tmp_path) as made:
        yield made


def run_until_killed(here, *words):
    command = [sys.executable, "-c", STARTER, str(here.folder), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def supervisors(here):
    return [seen for seen in here.members() if seen.pid == seen.session]


START_STEPS = [
    ("Place", "write", "before"),
    ("Place", "write", "after"),
    ("os", "posix_spawn", "before"),
    ("os", "posix_spawn", "after"),
    ("none", "-", "after"),
]


@pytest.mark.parametrize("step", START_STEPS, ids=" ".join)
def test_a_starter_that_is_killed_leaves_nothing_that_is_not_found_again(here, step):
    app = here.script(QUICK)
    run_until_killed(here, "start", *step)
    found = here.backend.instances()
    spawned = step in START_STEPS[-2:]
    assert [instance.state != "exited" for instance in found] == ([True] if spawned else [False] * len(found))
    instance = here.start(app)  # the same command again
    if spawned:
        assert instance.id == found[0].id
    assert len(supervisors(here)) == 1
    assert score(instance) in {seen.pid for seen in here.members()}
    assert [one.id for one in here.backend.instances()] == [instance.id]


STOP_STEPS = [
    ("processes", "send", "before"),
    ("processes", "send", "after"),
    ("processes", "end_all", "before"),
    ("processes", "end_all", "after"),
    ("Place", "forget", "before"),
    ("Place", "forget", "after"),
]


@pytest.mark.parametrize("step", STOP_STEPS, ids=" ".join)
def test_a_stop_that_is_killed_can_be_said_again(here, step):
    instance = here.start(here.script(QUICK))
    run_until_killed(here, "stop", *step)
    for one in here.backend.instances():
        assert one.id == instance.id
        here.backend.stop(one, 2)
    assert here.backend.instances() == []
    assert here.members() == []


IN_A_TERMINAL = """
import fcntl, sys, termios, time
from pathlib import Path
from sandbox.backend.process.backend import ProcessBackend
from sandbox.home import Home
from tests.support.backends import Yard

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
folder = Path(sys.argv[1])
here = Yard(folder, ProcessBackend(Home(str(folder / "home"))))
print(here.backend.start(here.spec(folder / "app")).pid, flush=True)
time.sleep(600)
"""


def test_it_lives_on_when_the_terminal_is_closed(here):
    here.script(QUICK)
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", IN_A_TERMINAL, str(here.folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as starter:
        os.close(theirs)
        pid = int(starter.stdout.readline())
        os.close(ours)
        assert starter.wait(30) == -signal.SIGHUP, "the terminal's processes are told, and this one ends by it"
    instance = here.backend.instances()[0]
    until(lambda: here.backend.ready(instance).ready)
    assert here.now(instance).pid == pid
    assert listing.one(pid).session == pid


def test_two_who_start_the_same_instance_get_one(here):
    app = here.script(QUICK)
    found = []
    starters = [threading.Thread(target=lambda: found.append(here.start(app, wait=False))) for _ in range(6)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert len({(instance.id, instance.port) for instance in found}) == 1
    assert len(supervisors(here)) == 1


def test_instances_that_are_started_at_once_get_ports_of_their_own(here):
    app = here.script(QUICK)
    found = []
    starters = [
        threading.Thread(target=lambda index=index: found.append(here.start(app, index=index))) for index in range(4)
    ]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert len({instance.port for instance in found}) == 4
    assert len({score(instance) for instance in found}) == 4
    assert [one.index for one in here.backend.instances("shop")] == [0, 1, 2, 3]


def test_what_the_script_has_started_ends_with_it_also_in_sessions_of_their_own(here):
    script = """
import subprocess, sys
def init():
    global found
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    found = [subprocess.Popen(sleep).pid, subprocess.Popen(sleep, start_new_session=True).pid,
             subprocess.Popen(sleep, env={}).pid]
def run(data): return found
"""
    instance = here.start(here.script(script))
    children = score(instance)
    assert all(listing.one(pid) for pid in children)
    here.backend.stop(instance, 10)
    assert [pid for pid in children if listing.one(pid)] == []


def test_a_server_that_does_not_end_is_killed_when_the_grace_is_over(here):
    instance = here.start(here.script(QUICK))
    os.kill(instance.pid, signal.SIGSTOP)
    here.backend.stop(instance, 0.5)
    assert here.members() == []


def test_a_second_stop_waits_for_the_first_and_does_not_cut_it_off(here):
    instance = here.start(
        here.script("import time\ndef init(): pass\ndef run(data):\n    time.sleep(1.5)\n    return 'done'")
    )
    answers = []
    asking = threading.Thread(target=lambda: answers.append(score(instance)))
    asking.start()
    until(lambda: _connected(instance.port))
    stopping = [threading.Thread(target=here.backend.stop, args=(instance, 20)) for _ in range(3)]
    for one in stopping:
        one.start()
    for one in [*stopping, asking]:
        one.join()
    assert answers == ["done"]
    assert here.members() == []


def test_a_stop_that_was_killed_does_not_cut_off_what_it_lets_finish(here):
    instance = here.start(
        here.script("import time\ndef init(): pass\ndef run(data):\n    time.sleep(3)\n    return 'done'")
    )
    answers = []
    asking = threading.Thread(target=lambda: answers.append(score(instance)))
    asking.start()
    until(lambda: _connected(instance.port))
    run_until_killed(here, "stop", "processes", "send", "after")
    here.backend.stop(instance, 20)
    asking.join()
    assert answers == ["done"]


def _connected(port):
    with open("/proc/net/tcp") as table:
        lines = [line.split() for line in table]
    return any(line[1].endswith(f":{port:04X}") and line[3] == "01" for line in lines)


def test_a_number_that_is_somebody_elses_by_now_is_not_touched(here):
    """As after a restart of the machine: the record is there, and another process bears the number."""
    app = here.script(QUICK)
    instance = here.start(app)
    os.kill(instance.pid, signal.SIGKILL)
    until(lambda: here.now(instance).state == "exited")
    folder = Path(instance.log).parent
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as other:
        said = json.loads((folder / "alive.lock").read_text())
        (folder / "alive.lock").write_text(json.dumps({**said, "pid": other.pid, "began": "1", "exit_code": None}))
        record = json.loads((folder / "record.json").read_text())
        (folder / "record.json").write_text(json.dumps({**record, "boot": "another"}))
        ended = here.now(instance)
        assert (ended.state, ended.pid, ended.exit_code) == ("exited", None, None)
        assert here.backend.failure(instance).kind == "reboot"
        here.backend.stop(ended, 5)
        assert other.poll() is None
        other.kill()
    again = here.start(app)
    assert here.now(again).state == "running"


def test_an_instance_is_ended_at_any_moment_of_its_start(here):
    app = here.script(QUICK)
    for number in range(20):
        instance = here.start(app, wait=False)
        time.sleep(number * 0.005)  # not to wait for anything: to be at another moment each time
        here.backend.stop(instance, 0 if number % 2 else 5)
        assert here.backend.instances() == []
        assert here.members() == []


def test_what_another_process_ends_is_no_zombie_of_the_one_that_started_it(here):
    instance = here.start(here.script(QUICK))
    program = STARTER.replace("os.kill(os.getpid(), signal.SIGKILL)\n", "pass\n")
    command = [sys.executable, "-c", program, str(here.folder), "stop", "none", "-", "-"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    assert here.backend.instances() == []
    assert not os.path.exists(f"/proc/{instance.pid}")


def test_a_stop_after_the_folder_was_removed_ends_what_runs(here):
    instance = here.start(here.script(QUICK))
    shutil.rmtree(Path(instance.log).parent)
    here.backend.stop(instance, 5)
    assert here.members() == []
    assert not Path(instance.log).parent.exists()


def test_instances_whose_home_was_removed_are_ended(here):
    app = here.script(QUICK)
    kept, lost = here.start(app), here.start(app, index=1)
    shutil.rmtree(Path(lost.log).parent)
    assert [one.id for one in here.backend.instances()] == [kept.id]
    assert here.backend.end_strays() == ["shop/blue/r1/1"]
    assert {seen.mark.rpartition("/")[2] for seen in here.members()} == {kept.id}
    assert here.backend.ready(kept).ready
    assert here.backend.end_strays() == []
