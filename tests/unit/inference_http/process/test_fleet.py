"""The rules about workers, with a scripted clock and no process."""

import signal
from typing import Any

import pytest

from inference_http.process.control import Message
from inference_http.process.fleet import AT_ONCE, LOOP_LIMIT, Fleet, Member, State


class Script:
    """Plays the supervisor: remembers what the fleet asks for."""

    def __init__(self) -> None:
        self.clock = 100.0
        self.started: list[Member] = []
        self.told: list[tuple[int, str, dict[str, Any]]] = []
        self.killed: list[tuple[int, int]] = []
        self.failures: list[str] = []
        self.cause: str | None = None
        self.losses = 0
        self.answered: dict[int, int] = {}
        self.beats: dict[int, float] = {}

    def now(self) -> float:
        return self.clock

    def start(self, member: Member) -> None:
        member.pid = 1000 + member.number
        self.started.append(member)

    def tell(self, member: Member, op: str, **fields: Any) -> None:
        self.told.append((member.number, op, fields))

    def kill(self, member: Member, number: int) -> None:
        self.killed.append((member.number, number))

    def served(self, member: Member) -> int:
        return self.answered.get(member.number, 0)

    def beat(self, member: Member) -> float | None:
        return self.beats.get(member.number)

    def took_over(self, member: Member) -> None:
        pass

    def start_failed(self, member: Member, message: Message) -> None:
        self.failures.append(message["title"])

    def lost(self, member: Member) -> None:
        self.losses += 1

    def give_up(self, cause: str) -> None:
        self.cause = cause

    def ops(self, number: int) -> list[str]:
        return [op for to, op, _ in self.told if to == number]


def make(count: int = 1, *, patient: bool = False, stop_old_first: bool = False) -> tuple[Script, Fleet]:
    script = Script()
    fleet = Fleet(script, count=count, graceful_s=30, hang_s=60, patient=patient, stop_old_first=stop_old_first)
    fleet.roll()
    return script, fleet


def ready(fleet: Fleet, member: Member) -> None:
    fleet.hear(member, {"op": "ready"})


def serve(count: int = 1, *, patient: bool = False, stop_old_first: bool = False) -> tuple[Script, Fleet]:
    script, fleet = make(count, patient=patient, stop_old_first=stop_old_first)
    while len(fleet.serving()) < count:
        for member in fleet.starting():
            ready(fleet, member)
    return script, fleet


def test_of_many_workers_so_many_load_at_once_as_the_sockets_carry() -> None:
    script, fleet = make(3 * AT_ONCE)
    ready(fleet, script.started[0])
    assert len(fleet.starting()) == AT_ONCE
    for member in fleet.starting()[:10]:
        ready(fleet, member)
    assert len(fleet.starting()) == AT_ONCE
    assert len(script.started) == 1 + AT_ONCE + 10
    while len(fleet.serving()) < 3 * AT_ONCE:
        for member in fleet.starting():
            ready(fleet, member)
    assert len(script.started) == 3 * AT_ONCE


def test_the_first_worker_of_a_generation_starts_alone() -> None:
    script, fleet = make(3)
    assert [member.number for member in script.started] == [1]
    ready(fleet, script.started[0])
    assert [member.number for member in script.started] == [1, 2, 3]
    assert script.ops(1) == ["go"]


def test_a_new_worker_begins_only_after_the_old_one_has_stopped_accepting() -> None:
    script, fleet = serve()
    old = fleet.serving()[0]
    fleet.roll()
    new = script.started[-1]
    assert new is not old
    assert old.state is State.SERVING  # it serves while the new one loads
    ready(fleet, new)
    assert script.told[-1] == (old.number, "retire", {"hand_over": True})
    assert script.ops(new.number) == []
    fleet.hear(old, {"op": "stopped"})
    assert script.ops(new.number) == ["go"]
    assert (old.state, new.state) == (State.DRAINING, State.SERVING)
    fleet.gone(old, 0)
    assert fleet.members == [new]


def test_an_old_worker_that_dies_in_the_middle_of_a_take_over_does_not_stop_it() -> None:
    script, fleet = serve()
    old = fleet.serving()[0]
    fleet.roll()
    new = script.started[-1]
    ready(fleet, new)
    fleet.gone(old, -9)
    assert script.ops(new.number) == ["go"]
    assert len(fleet.members) == 1


def test_a_roll_replaces_every_worker_one_for_one() -> None:
    script, fleet = serve(3)
    first = list(fleet.serving())
    fleet.roll()
    for _ in range(20):
        for member in fleet.starting():
            ready(fleet, member)
        for member in list(fleet.members):
            if member.state is State.STOPPING:
                fleet.hear(member, {"op": "stopped"})
        assert len(fleet.serving()) + sum(m.state is State.READY for m in fleet.members) >= 2
        for member in list(fleet.members):
            if member.state is State.DRAINING:
                fleet.gone(member, 0)
    assert len(fleet.serving()) == 3
    assert not set(first) & set(fleet.serving())
    assert script.cause is None


@pytest.mark.parametrize("patient", [False, True])
def test_broken_code_leaves_the_old_worker_serving(patient: bool) -> None:
    script, fleet = serve(patient=patient)
    old = fleet.serving()[0]
    fleet.roll()
    new = script.started[-1]
    fleet.hear(new, {"op": "failed", "title": "SyntaxError"})
    fleet.gone(new, 3)
    script.clock += 60
    fleet.tick()
    assert script.failures == ["SyntaxError"]
    assert fleet.serving() == [old]
    assert script.started[-1] is new, "the same broken code is not tried again by itself"
    assert script.cause is None
    fleet.roll()
    fixed = script.started[-1]
    assert fixed is not new
    ready(fleet, fixed)
    fleet.hear(old, {"op": "stopped"})
    assert fleet.serving() == [fixed]


def test_a_start_that_fails_ends_the_server_unless_it_waits_for_edits() -> None:
    script, fleet = make()
    fleet.hear(script.started[0], {"op": "failed", "title": "NameError: x"})
    assert script.cause == "NameError: x"

    script, fleet = make(patient=True)
    fleet.hear(script.started[0], {"op": "failed", "title": "NameError: x"})
    fleet.gone(script.started[0], 3)
    script.clock += 100
    fleet.tick()
    assert script.cause is None
    assert len(script.started) == 1


def test_an_edit_while_the_last_one_loads_drops_the_loading_worker() -> None:
    script, fleet = serve()
    fleet.roll()
    superseded = script.started[-1]
    fleet.roll()
    assert (superseded.number, signal.SIGKILL) in script.killed
    fleet.gone(superseded, -9)
    newest = script.started[-1]
    assert newest is not superseded
    assert script.cause is None


def test_an_edit_in_the_middle_of_a_take_over_lets_it_finish() -> None:
    script, fleet = serve()
    old = fleet.serving()[0]
    fleet.roll()
    second = script.started[-1]
    ready(fleet, second)  # the old one has been told to stop
    fleet.roll()
    third = script.started[-1]
    assert script.killed == []
    fleet.hear(old, {"op": "stopped"})
    assert fleet.serving() == [second], "somebody accepts at any time"
    ready(fleet, third)
    fleet.hear(second, {"op": "stopped"})
    assert fleet.serving() == [third]


def test_a_worker_that_is_killed_while_it_serves_is_replaced_at_once_every_time() -> None:
    script, fleet = serve()
    for _ in range(LOOP_LIMIT * 3):
        member = fleet.serving()[0]
        script.answered[member.number] = 1
        fleet.gone(member, -9)
        ready(fleet, script.started[-1])
        assert len(fleet.serving()) == 1
    assert script.cause is None


def test_a_crash_loop_backs_off_and_ends_with_its_cause() -> None:
    script, fleet = serve()
    fleet.gone(fleet.serving()[0], -11)
    delays = []
    while script.cause is None:
        before = len(script.started)
        waited = 0.0
        while len(script.started) == before:
            script.clock += 0.05
            waited += 0.05
            fleet.tick()
        delays.append(waited)
        fleet.gone(script.started[-1], -11)
    assert "SIGSEGV" in script.cause
    assert len(delays) == LOOP_LIMIT - 1
    assert delays == sorted(delays)
    assert delays[-1] > 1


def test_a_hung_worker_is_aborted_then_killed_and_replaced() -> None:
    script, fleet = serve()
    hung = fleet.serving()[0]
    script.beats[hung.number] = script.clock
    script.clock += 61
    fleet.tick()
    assert script.killed == [], "its own deadline comes first"
    script.clock += 3
    fleet.tick()
    assert script.killed == [(hung.number, signal.SIGABRT)]
    assert script.started[-1] is not hung
    script.clock += 2.1
    fleet.tick()
    assert script.killed[-1] == (hung.number, signal.SIGKILL)
    ready(fleet, script.started[-1])
    fleet.gone(hung, -9)
    assert fleet.serving() == [script.started[-1]]


def test_a_worker_asks_to_be_replaced_and_serves_until_then() -> None:
    script, fleet = serve()
    old = fleet.serving()[0]
    fleet.hear(old, {"op": "recycle", "reason": "stuck"})
    assert old.state is State.SERVING
    new = script.started[-1]
    ready(fleet, new)
    fleet.hear(old, {"op": "stopped"})
    assert fleet.serving() == [new]


def test_stop_old_first_never_has_two_models_in_memory() -> None:
    script, fleet = serve(stop_old_first=True)
    old = fleet.serving()[0]
    fleet.roll()
    assert len(script.started) == 1
    fleet.hear(old, {"op": "stopped"})
    assert len(script.started) == 1
    fleet.gone(old, 0)
    assert len(script.started) == 2


def test_a_worker_that_does_not_leave_in_time_is_killed() -> None:
    script, fleet = serve()
    member = fleet.serving()[0]
    fleet.close()
    assert script.told[-1] == (member.number, "retire", {"hand_over": False})
    fleet.hear(member, {"op": "stopped"})
    script.clock += 29
    fleet.tick()
    assert script.killed == []
    script.clock += 2
    fleet.tick()
    assert script.killed == [(member.number, signal.SIGKILL)]
    fleet.gone(member, -9)
    assert fleet.members == []
    assert len(script.started) == 1


def test_fewer_workers_are_wanted() -> None:
    _, fleet = serve(3)
    fleet.roll(1)
    for _ in range(10):
        for member in fleet.starting():
            ready(fleet, member)
        for member in list(fleet.members):
            if member.state is State.STOPPING:
                fleet.hear(member, {"op": "stopped"})
            if member.state is State.DRAINING:
                fleet.gone(member, 0)
    assert len(fleet.members) == 1


def test_code_that_ends_the_interpreter_is_broken_the_second_time() -> None:
    script, fleet = serve(patient=True)
    fleet.roll()
    while len(script.started) < LOOP_LIMIT + 1:
        fleet.gone(script.started[-1], -11)
        script.clock += 20
        fleet.tick()
    assert script.failures[0].startswith("worker ended during starting: killed by SIGSEGV")
    assert len(script.failures) == LOOP_LIMIT - 2, "the first end may be bad luck"
    fleet.gone(script.started[-1], -11)
    script.clock += 60
    fleet.tick()
    assert len(script.started) == LOOP_LIMIT + 1, "then only an edit helps"
    assert len(fleet.serving()) == 1
    fleet.roll()
    assert len(script.started) == LOOP_LIMIT + 2


def test_a_replaced_worker_may_finish_what_it_has_but_not_when_the_server_ends() -> None:
    script, fleet = serve()
    old = fleet.serving()[0]
    fleet.roll()
    ready(fleet, script.started[-1])
    fleet.hear(old, {"op": "stopped"})
    script.clock += 31  # more than the graceful time
    fleet.tick()
    assert script.killed == []
    fleet.close()
    script.clock += 31
    fleet.tick()
    assert (old.number, signal.SIGKILL) in script.killed


def test_only_so_many_workers_are_leaving_at_a_time() -> None:
    script = Script()
    fleet = Fleet(script, count=1, graceful_s=30, hang_s=60, patient=True, stop_old_first=False, most=3)
    fleet.roll()
    ready(fleet, script.started[-1])
    for _ in range(2):
        old = fleet.serving()[0]
        fleet.roll()
        ready(fleet, script.started[-1])
        fleet.hear(old, {"op": "stopped"})
    first = fleet.members[0]
    assert [member.state for member in fleet.members] == [State.DRAINING, State.DRAINING, State.SERVING]
    fleet.roll()
    assert len(script.started) == 3
    fleet.tick()
    assert script.killed == [(first.number, signal.SIGKILL)]
    fleet.gone(first, -9)
    assert len(script.started) == 4


def test_ends_that_nobody_asked_for_are_counted() -> None:
    script, fleet = serve(2)
    fleet.gone(fleet.serving()[0], -9)
    assert script.losses == 1
    fleet.roll()
    fleet.close()
    for member in list(fleet.members):
        fleet.gone(member, 0)
    assert script.losses == 1
