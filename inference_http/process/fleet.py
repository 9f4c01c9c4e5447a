"""The workers of one server: how many, which generation of the code, who takes over from whom.

A state machine driven by the supervisor: messages of workers, ended processes, and the clock come in; starting, killing
and messages to workers go out. It knows neither sockets nor files: its rules can be tested with a scripted clock.

Take-over, in the order that lost nothing in experiments: the new worker loads and is ready; the old one stops accepting
and says so; only then the new one accepts; the old one hands over its idle connections and finishes the rest. A new
worker that fails leaves the old ones serving.
"""

import logging
import signal

from inference_http.process.control import Message
from inference_http.process.member import Member, Outside, State, cause_of

__all__ = ["Fleet", "Member", "Outside", "State"]

ABORT_TO_KILL_S = 2.0  # a hung worker gets SIGABRT (it prints where it hangs), then SIGKILL
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 10.0
LOOP_LIMIT = 6  # this many failed starts in a row, with nobody serving, end the server
AT_ONCE = 64  # workers loading: of hundreds, orders and reports would fill both sockets, and both ends wait for ever
SUSPICIOUS = 2  # code whose worker ends while loading so many times in a row is called broken: once may be bad luck
# A request that takes too long is answered by its worker; a hang is what keeps even the worker's loop from running.
HANG_MARGIN_S = 3.0

logger = logging.getLogger("azmlinfsrv")


class Fleet:
    """Keeps ``count`` workers of the newest generation serving."""

    def __init__(
        self,
        outside: Outside,
        *,
        count: int,
        graceful_s: float,
        hang_s: float,
        patient: bool,
        stop_old_first: bool,
        most: int = 10**6,
    ) -> None:
        self._outside = outside
        self.count = count
        self.members: list[Member] = []
        self.generation = 0
        self.waits_for_change = False  # the code is broken; only a new generation can help
        self._graceful_s = graceful_s
        self._leave_s = max(graceful_s, hang_s)  # a replaced worker is in nobody's way: it may finish what it has
        self._hang_s = hang_s
        self._patient = patient  # with --reload: broken code waits for a fix instead of ending the server
        self._stop_old_first = stop_old_first
        self._most = most  # workers at a time, those that leave included
        self._numbers = 0
        self._failures = 0  # failed starts in a row
        self._not_before = 0.0
        self._ever_served = False
        self._closing = False

    # --- What the supervisor asks ------------------------------------------------------------------------------------

    def serving(self) -> list[Member]:
        """Those that accept connections, or are about to hand over while they still do."""
        return [member for member in self.members if member.state is State.SERVING]

    def starting(self) -> list[Member]:
        """Those that load the code."""
        return [member for member in self.members if member.state is State.STARTING]

    def roll(self, count: int | None = None) -> None:
        """Replace all workers by ones of a new generation; those that were still loading are dropped."""
        self.generation += 1
        self.waits_for_change = False
        self._failures, self._not_before = 0, 0.0
        if count is not None:
            self.count = count
        for member in self.members:
            if member.state is State.STARTING or (member.state is State.READY and member.predecessor is None):
                self._drop(member)  # a take-over that has begun is finished: the old one accepts nothing any more
            elif self._stop_old_first and member.state is State.SERVING:
                self._retire(member, hand_over=False)
        self.tick()

    def recycle(self, member: Member) -> None:
        """Replace one worker by another of the same code, ready before it leaves."""
        if member.state is State.SERVING and member.generation == self.generation:
            member.generation = -1
            self.tick()

    def close(self) -> None:
        """Let every worker finish what it has; ``members`` is empty when all have."""
        self._closing = True
        for member in self.members:
            if member.state in (State.STARTING, State.READY):
                self._drop(member)
            elif member.kill_at is not None:
                member.kill_at = min(member.kill_at, self._outside.now() + self._graceful_s)
        self.tick()

    def _close_serving(self) -> None:
        """Those that load go first: they hold the listening sockets too, and what arrives there would be lost."""
        if not any(member.state in (State.STARTING, State.READY) for member in self.members):
            for member in self.serving():
                self._retire(member, hand_over=False)

    def kill_all(self) -> None:
        """At once."""
        self._closing = True
        for member in self.members:
            self._outside.kill(member, _KILL)

    # --- What happens ------------------------------------------------------------------------------------------------

    def hear(self, member: Member, message: Message) -> None:
        """A worker says something."""
        op = message["op"]
        if member.state is State.GONE:
            return
        if op == "phase":
            member.phase = message["phase"]
        elif op == "ready":
            member.report = message
            if member.state is State.STARTING:
                self._enter(member, State.READY)
        elif op == "failed":
            self._failed(member, message)
        elif op == "stopped":
            if member.state in (State.SERVING, State.STOPPING):
                self._enter(member, State.DRAINING)
        elif op == "recycle":
            logger.warning("worker %s is replaced: %s", member.pid, message["reason"])
            self.recycle(member)
        self.tick()

    def gone(self, member: Member, code: int | None) -> None:
        """Its process has ended; ``code`` is the exit code, minus the signal, or None when nobody knows."""
        if member.state is State.GONE:
            return
        state, member.state = member.state, State.GONE
        self.members.remove(member)
        if not self._closing and member.kill_at is None and state is not State.DRAINING:
            self._died(member, state, code)
        self.tick()

    def tick(self) -> None:
        """Bring the workers closer to what is wanted. Safe to call at any time."""
        now = self._outside.now()
        for member in list(self.members):
            if member.kill_at is not None and now >= member.kill_at:
                member.kill_at = now + 1.0
                self._outside.kill(member, _KILL)
            elif member.state is State.SERVING and self._hang_s:
                self._look_for_hang(member, now)
        if self._closing:
            self._close_serving()
            return
        self._take_over()
        self._start_missing(now)

    # --- Rules -------------------------------------------------------------------------------------------------------

    def _enter(self, member: Member, state: State) -> None:
        member.state, member.since = state, self._outside.now()

    def _current(self, *states: State) -> list[Member]:
        return [member for member in self.members if member.generation == self.generation and member.state in states]

    def _take_over(self) -> None:
        for member in [member for member in self.members if member.state is State.READY]:
            old = member.predecessor
            if old is None and member.generation != self.generation:
                continue  # dropped
            if old is not None and old.state in (State.SERVING, State.STOPPING):
                continue  # it has been told to stop accepting
            if old is None:
                old = next((m for m in self.serving() if m.generation != self.generation and not m.successor), None)
                if old is not None:
                    old.successor, member.predecessor = True, old
                    self._retire(old, hand_over=True)
                    continue
            self._enter(member, State.SERVING)
            self._outside.tell(member, "go")
            self._ever_served = True
            self._outside.took_over(member)
        if len(self._current(State.SERVING)) >= self.count:
            for member in self.serving():
                if member.generation != self.generation and not member.successor:
                    self._retire(member, hand_over=True)
            for member in self._current(State.SERVING)[self.count :]:
                self._retire(member, hand_over=True)

    def _start_missing(self, now: float) -> None:
        if not self.generation or self.waits_for_change or now < self._not_before:
            return  # generation 0: nothing has been asked for yet, a debugger is waited for
        if self._stop_old_first and any(member.generation != self.generation for member in self.members):
            return
        coming = self._current(State.STARTING, State.READY, State.SERVING)
        missing = self.count - len(coming)
        if missing > 0 and not self._current(State.READY, State.SERVING):
            # The first of a generation goes alone: if the code is broken, it is broken once.
            missing = 0 if coming else 1
        for _ in range(min(missing, AT_ONCE - len(self._current(State.STARTING)))):
            if len(self.members) >= self._most:
                self._make_room(now)
                return
            self._numbers += 1
            member = Member(self._numbers, self.generation, now)
            self.members.append(member)
            self._outside.start(member)

    def _make_room(self, now: float) -> None:
        """Many edits while requests take long: the worker that has been leaving for the longest time has to go."""
        leaving = [member for member in self.members if member.state is State.DRAINING]
        if leaving and leaving[0].kill_at != now:
            logger.warning("worker %s is ended in the middle of its requests: too many are leaving", leaving[0].pid)
            leaving[0].kill_at = now

    def _retire(self, member: Member, *, hand_over: bool) -> None:
        if member.state is State.SERVING:
            self._enter(member, State.STOPPING)
        by = self._outside.now() + (self._graceful_s if self._closing else self._leave_s)
        member.kill_at = by if member.kill_at is None else min(by, member.kill_at)
        self._outside.tell(member, "retire", hand_over=hand_over)

    def _drop(self, member: Member) -> None:
        member.kill_at = self._outside.now() + 1.0
        self._outside.kill(member, _KILL)

    def _failed(self, member: Member, message: Message) -> None:
        member.kill_at = self._outside.now() + ABORT_TO_KILL_S  # it ends by itself; its end is no news
        if member.generation != self.generation:
            return
        # Trying the same code again is of use only where it has served before: something else is missing then.
        self.waits_for_change = self._patient or (bool(self._others()) and not self._current(*_ALIVE))
        self._outside.start_failed(member, message)
        self._count_failure(message["title"], for_good=True)

    def _others(self) -> list[Member]:
        return [member for member in self.members if member.state in (State.SERVING, State.STOPPING)]

    def _died(self, member: Member, state: State, code: int | None) -> None:
        cause = cause_of(code)
        while_loading = state in (State.STARTING, State.READY)
        if not self._patient:
            self.waits_for_change = False
        if while_loading:
            logger.error("worker %s ended while it was loading (%s): %s", member.pid, member.phase, cause)
        elif self.waits_for_change:
            logger.error("worker %s ended: %s; the code has to be fixed before another can start", member.pid, cause)
        else:
            logger.error("worker %s ended: %s; another takes its place", member.pid, cause)
        self._outside.lost(member)
        if while_loading or not self._outside.served(member):
            if member.generation == self.generation:
                self._unlucky(member, f"worker ended during {member.phase}: {cause}")
        else:
            self._failures = 0

    def _unlucky(self, member: Member, cause: str) -> None:
        """A process ended without a word: somebody killed it, or the code ends the interpreter."""
        self._count_failure(cause)
        if self._patient and self._failures >= SUSPICIOUS:
            self.waits_for_change = self._failures >= LOOP_LIMIT
            self._outside.start_failed(member, {"title": cause, "file": None, "line": None})

    def _count_failure(self, cause: str, *, for_good: bool = False) -> None:
        self._failures += 1
        delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (self._failures - 1))
        self._not_before = self._outside.now() + delay
        if self._others() or self._patient:
            return
        if self._failures >= LOOP_LIMIT or (for_good and not self._ever_served):
            self._outside.give_up(cause)

    def _look_for_hang(self, member: Member, now: float) -> None:
        beat = self._outside.beat(member)
        if beat is None or now - max(beat, member.since) < self._hang_s + HANG_MARGIN_S:
            return
        logger.error("worker %s has not responded for %.0f s and is ended", member.pid, self._hang_s)
        self._outside.lost(member)
        member.kill_at = now + ABORT_TO_KILL_S
        member.generation = -1
        self._outside.kill(member, _ABORT)


_ALIVE = (State.READY, State.SERVING)
_KILL = int(getattr(signal, "SIGKILL", signal.SIGTERM))
_ABORT = int(getattr(signal, "SIGABRT", signal.SIGTERM))
