"""The thread that watches scoring calls, and what it does with those whose time is over (rules: deadline.py)."""

import contextlib
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final

from inference_http.debug import debuggee
from inference_http.scoring.interrupt import REPEAT_S, Interruption, forget

if TYPE_CHECKING:
    from inference_http.scoring.deadline import Call

LONGEST_WAIT_S: Final = 3600.0

logger = logging.getLogger("azmlinfsrv")


class Pursuit:
    """What follows stage 1 of one call."""

    __slots__ = ("interruption", "raised_at", "repeat_at")

    def __init__(self, call: "Call", now: float) -> None:
        self.interruption = Interruption(call.thread_id)
        self.raised_at = now
        self.repeat_at = now + REPEAT_S if self.interruption.send() else inf

    def repeat(self, now: float) -> None:
        """Try again to reach the thread, if it is time to and not sure that it was reached."""
        if self.repeat_at <= now:
            self.repeat_at = now + REPEAT_S if self.interruption.repeat() else inf


class Overdue:
    """The calls that run, and their watcher.

    A call is in ``running`` while it may be interrupted. Whoever removes it from there owns it, which is one atomic
    step and needs no lock: its own thread when it ends in time, else the watcher. A thread that finds its call taken
    calls ``settle``, which waits for the watcher and withdraws what is on its way.

    The watcher is not woken for each call. All have the same limit, so a new one is due after all that the watcher
    knows of; ``wake_at`` is when it will look again, and only who is due earlier than that calls ``rouse``.

    Limits are in seconds, ``inf`` = off. A fork leaves the child without calls and without a watcher.
    """

    def __init__(self, limit_s: float, hard_limit_s: float, grace_s: float, on_stuck: Callable[["Call"], None]) -> None:
        self.first_limit_s = min(limit_s, hard_limit_s)
        self.grace_s = grace_s
        self.count = 0  # of stage 1
        self.running: set[Call] = set()
        self.bound: dict[int, Call] = {}  # thread id -> the call that is running or overdue there
        self._limit_s = limit_s
        self._hard_limit_s = hard_limit_s
        self._on_stuck = on_stuck
        self._suspended = False
        self._resumed_at = -inf
        self._closing = False
        self.reset()
        _all.add(self)

    def reset(self) -> None:
        """Forget all calls and the watcher; after a fork its thread is gone and the lock may be held by nobody."""
        self.wake_at = inf
        self.unprepared_thread = threading.main_thread().ident  # must learn to listen before its first call
        for call in self.bound.values():
            call.state = "done"
        self.running.clear()
        self.bound.clear()
        self._overdue: dict[Call, Pursuit] = {}
        self._lock = threading.RLock()
        self._quiet = threading.Lock()  # taken while there is nothing to look at; unlike an Event it wakes in one step
        self._quiet.acquire()
        self._thread: threading.Thread | None = None

    # --- Any thread ------------------------------------------------------------------------------------------------

    def rouse(self) -> None:
        """Let the watcher look at all calls now; the first time, start it."""
        if self._thread is None:
            self._start()
        with contextlib.suppress(RuntimeError):  # it has been told already
            self._quiet.release()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._watch, name="inference-http deadlines", daemon=True)
                debuggee.exempt(self._thread)
                self._thread.start()

    def settle(self, call: "Call") -> None:
        """The end of a call that the watcher has taken, on the call's thread: afterwards nothing can strike any more.

        ScoringTimeout may strike in here, also with the lock just taken; ``settle`` is called again then. So the lock
        is one that its owner can take twice, and it is released as often as it was taken.
        """
        self._lock.acquire()
        pursuit = self._overdue.get(call)
        if pursuit is not None:
            pursuit.interruption.withdraw()
            del self._overdue[call]
        with contextlib.suppress(RuntimeError):
            while True:
                self._lock.release()

    def elapsed(self, call: "Call") -> float:
        """Seconds on the clock of a running call. Nothing has elapsed while suspended: a new allowance will follow."""
        return 0.0 if self._suspended else monotonic() - self._since(call)

    def suspend(self, *, on: bool) -> None:
        """Stop all clocks, or start them anew."""
        with self._lock:
            if self._suspended and not on:
                self._resumed_at = monotonic()
            self._suspended = on
        if self._thread is not None:
            self.rouse()

    def close(self) -> None:
        """End the watcher and wait for that."""
        with self._lock:
            self._closing = True
        if self._thread is not None:
            self.rouse()
            self._thread.join()

    # --- The watcher's thread --------------------------------------------------------------------------------------

    def _watch(self) -> None:
        quiet, roused = self._quiet, True
        while not self._closing:
            self.wake_at = inf  # a call that starts now may be missed by the sweep, so it must rouse
            self.wake_at = wake_at = inf if self._suspended else self._sweep(busy=roused)
            roused = quiet.acquire(timeout=max(0.0, min(wake_at - monotonic(), LONGEST_WAIT_S)))

    def _sweep(self, *, busy: bool) -> float:
        """Do what is due; when to look again. ``busy``: somebody has roused us, and more will come.

        What starts from now on is due a whole limit later at the earliest. Without looking then, each of many short
        calls, which have ended before we come to see them, would rouse us.
        """
        now = monotonic()
        wake_at = now + self.first_limit_s if busy else inf
        for call in self.running.copy():
            due = self._since(call) + self.first_limit_s
            wake_at = min(wake_at, due if due > now else self._expire(call, now))
        for call in list(self._overdue):
            wake_at = min(wake_at, self._follow(call, now))
        return wake_at

    def _since(self, call: "Call") -> float:
        return max(call.started, self._resumed_at)

    def _expire(self, call: "Call", now: float) -> float:
        """The first limit is over: stage 1, or stage 2 where the hard limit comes first. When to look again."""
        with self._lock:
            if self._suspended:
                return inf
            try:
                self.running.remove(call)
            except KeyError:  # it ended just in time
                return inf
            if self._limit_s < self._hard_limit_s:
                # A traced thread of CPython 3.11 stands still while such an exception is under way to another thread.
                sys.settrace(None)
                call.overrun, call.state = "scoring", "raised"
                self._overdue[call] = pursuit = Pursuit(call, now)
                self.count += 1
                return min(pursuit.repeat_at, now + self.grace_s)
            call.overrun, call.state = "worker", "stuck"
        self._report(call)
        return inf

    def _follow(self, call: "Call", now: float) -> float:
        """After stage 1: the grace, then stage 2. When to look again."""
        with self._lock:
            pursuit = self._overdue.get(call)
            if pursuit is None or self._suspended or call.state == "stuck":
                return inf  # a stuck call stays known until it is settled: the exception may still strike
            due = max(pursuit.raised_at, self._resumed_at) + self.grace_s
            due = min(due, self._since(call) + self._hard_limit_s)
            if due > now:
                pursuit.repeat(now)
                return min(pursuit.repeat_at, due)
            call.state = "stuck"
        self._report(call)
        return inf

    def _report(self, call: "Call") -> None:
        try:
            self._on_stuck(call)
        except Exception:
            logger.exception("no answer could be given for a stuck request")


_all: "weakref.WeakSet[Overdue]" = weakref.WeakSet()


def _after_fork() -> None:
    forget()
    for overdue in _all:
        overdue.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
