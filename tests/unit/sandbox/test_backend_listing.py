"""Processes as the system shows them, by both ways of asking."""

import os
import signal
import subprocess
import sys

import pytest

from sandbox.backend.process import listing, processes
from sandbox.backend.process.listing import MARK, Seen
from sandbox.model.errors import SandboxError
from tests.support.backends import until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def child():
    with subprocess.Popen(SLEEP, env={MARK: "home/shop/blue/0/x"}, start_new_session=True) as process:
        until(lambda: listing.one(process.pid).mark)  # a moment after exec the system has no environment to show
        yield process
        process.kill()


def test_both_ways_of_asking_see_the_same(child):
    from_files = listing.one(child.pid)
    assert from_files == Seen(child.pid, child.pid, from_files.began, "home/shop/blue/0/x")
    told = {seen.pid: seen for seen in listing.from_ps()}[child.pid]
    assert (told.session, told.mark) == (child.pid, "home/shop/blue/0/x")
    assert told.began.split()[-1].isdigit(), "the year"
    assert os.getpid() not in {seen.pid for seen in listing.from_ps()}
    assert os.getpid() not in {seen.pid for seen in listing.everybody()}


def test_without_files_of_processes_ps_is_asked(child, monkeypatch):
    monkeypatch.setattr(listing, "has_proc", lambda: False)
    seen = listing.one(child.pid)
    assert seen.mark == "home/shop/blue/0/x"
    assert listing.one(2**22 + 1) is None
    monkeypatch.delattr(os, "pidfd_open")
    assert not processes.send(child.pid, "another time", signal.SIGTERM)
    assert processes.send(child.pid, seen.began, signal.SIGTERM)
    assert child.wait(10) == -signal.SIGTERM


def test_a_signal_reaches_the_process_that_is_meant_and_no_other(child):
    began = listing.one(child.pid).began
    assert not processes.send(child.pid, str(int(began) + 1), signal.SIGKILL)
    assert not processes.send(2**22 + 1, began, signal.SIGKILL)
    assert child.poll() is None
    assert processes.send(child.pid, began, signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL
    assert listing.one(child.pid) is None
    assert not processes.send(child.pid, began, signal.SIGKILL)


def test_all_processes_with_a_mark_are_ended_and_none_else(child):
    with subprocess.Popen(SLEEP, env={MARK: "home/shop/blue/0/y"}) as other:
        until(lambda: listing.one(other.pid).mark)
        processes.end_all("home/shop/blue/0/x", "shop/blue/0")
        assert child.wait(10) == -signal.SIGKILL
        assert other.poll() is None, "although it is in the session of this process, which has no mark"
        assert processes.marks("home/") == {"home/shop/blue/0/y"}
        other.kill()


def test_what_does_not_end_is_named(child, monkeypatch):
    monkeypatch.setattr(processes, "END_S", 0.05)
    monkeypatch.setattr(processes, "send", lambda *_: True)
    with pytest.raises(SandboxError) as raised:
        processes.end_all("home/shop/blue/0/x", "shop/blue/0")
    assert raised.value.code == "E087"
    assert str(child.pid) in raised.value.what


def test_adopted_children_leave_no_zombies_and_others_are_not_touched(child):
    with subprocess.Popen(SLEEP) as stranger:
        processes.adopt(child.pid)
        assert processes.reap(child.pid) is None
        for pid in (child.pid, stranger.pid):
            os.kill(pid, signal.SIGTERM)
        assert until(lambda: processes.reap(child.pid)) == -signal.SIGTERM
        assert processes.reap(child.pid) is None, "the number may be another's from now on"
        assert not os.path.exists(f"/proc/{child.pid}")
        assert processes.reap(stranger.pid) is None
        assert stranger.wait(10) == -signal.SIGTERM
    child.returncode = -signal.SIGTERM  # Popen shall not wait for it


def test_the_machine_tells_its_start_and_its_kills():
    assert processes.boot_id() == processes.boot_id() != ""
    assert processes.oom_kills() >= 0
