"""The agent's rules: when an instance is dead, how long what fails is left alone. Time is a number here."""

import threading
import time

from sandbox.agent.liveness import Liveness
from sandbox.agent.loop import LONGEST_PAUSE_S, Loop, Pause
from sandbox.api import Sandbox
from sandbox.model.deployment import ManagedDeployment
from sandbox.model.serving import Probe


def test_an_instance_is_dead_after_a_row_of_failures_as_long_as_the_threshold():
    probe = Probe(initial_delay=5, period=2, failure_threshold=3)
    seen = Liveness(since=100.0)
    assert not seen.due(probe, 104.9)
    assert seen.due(probe, 105)
    assert [seen.dead(probe, 105 + 2 * each, answered=False) for each in range(2)] == [False, False]
    assert not seen.dead(probe, 109, answered=True)
    assert [seen.dead(probe, 111 + 2 * each, answered=False) for each in range(3)] == [False, False, True]


def test_until_it_has_started_only_the_startup_probe_counts():
    startup = Probe(initial_delay=0, period=5, failure_threshold=100, success_threshold=2)
    live = Probe(initial_delay=0, period=1, failure_threshold=1)
    made_of = ManagedDeployment("blue", "shop", startup_probe=startup, liveness_probe=live)
    seen = Liveness.of(startup, 100.0, 100.0)
    for each in range(99):
        assert seen.probe(made_of) is startup
        assert not seen.dead(startup, 100 + 5 * each, answered=False)
    for now in (600, 605):
        assert seen.probe(made_of) is startup
        assert not seen.dead(startup, now, answered=True)
    assert seen.probe(made_of) is live
    assert seen.due(live, 605)
    assert seen.dead(live, 606, answered=False)


def test_what_never_starts_is_dead_when_its_startup_probe_says_so():
    startup = Probe(initial_delay=0, period=5, failure_threshold=3)
    seen = Liveness.of(startup, 100.0, 101.0)
    assert [seen.dead(startup, 101 + 5 * each, answered=False) for each in range(3)] == [False, False, True]


def test_what_began_long_before_the_agent_has_started():
    startup = Probe(initial_delay=10, period=5, failure_threshold=3)
    assert not Liveness.of(startup, 100.0, 120.0).started
    assert Liveness.of(startup, 100.0, 125.5).started
    assert Liveness.of(None, 100.0, 100.0).started


def test_it_is_asked_once_a_period():
    probe = Probe(initial_delay=0, period=10)
    seen = Liveness(since=100.0)
    assert seen.due(probe, 100)
    seen.dead(probe, 100, answered=True)
    assert not seen.due(probe, 109.9)
    assert seen.due(probe, 110)


def test_what_fails_is_left_alone_twice_as_long_each_time_and_never_for_ever():
    pause, now = Pause(), 0.0
    lengths = []
    for _ in range(12):
        pause.longer(now)
        lengths.append(pause.until - now)
        now = pause.until
    assert lengths[:4] == [2, 4, 8, 16]
    assert lengths[-1] == LONGEST_PAUSE_S


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_trouble_with_files_ends_no_agent_and_is_told_once(tmp_path):
    endpoints = tmp_path / "home" / "endpoints"
    endpoints.parent.mkdir()
    endpoints.write_text("no folder")
    told = []
    loop = Loop(Sandbox(str(tmp_path / "home")), told.append)
    thread = threading.Thread(target=loop.run, args=(0.01,))
    thread.start()
    try:
        until(lambda: told)
        lock = tmp_path / "home" / "locks" / "_gateway.lock"
        time.sleep(0.3)  # rounds in which the same is found
        assert [event.text.partition(":")[0] for event in told] == [f"[E003] {endpoints} cannot be used"]
        assert not lock.exists()
        endpoints.unlink()
        until(lock.exists)  # a round that came to its end
    finally:
        loop.end()
        thread.join(20)
    assert not thread.is_alive()
