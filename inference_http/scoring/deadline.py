"""Scoring timeouts that work in every thread, in two stages, streams included (S89; S90 of the reference is poor).

Use, where ``context`` is anything that ``on_stuck`` wants to know about the request::

    call = deadlines.open(context)
    try:
        result = call.run(function, argument)   # raises RunTimeout after limit_ms
    finally:
        call.finish()

or, where the result is a stream, hand out ``call.stream(result)``, whose ``close()`` finishes the call.

Stage 1, at the limit: ScoringTimeout is raised in the thread that runs the call (``interrupt.py`` tells how, and what
that can end). A BaseException, it passes ``except Exception``. Stage 2, ``grace_ms`` later, or at the hard limit at
once: the thread cannot be stopped, so ``on_stuck(call)`` is called from the watcher's thread, to answer for it.

Only the script's own time counts: the clock runs from ``rebind`` to ``pause``, and a stream's is paused between two
pieces, while the client reads. ScoringTimeout is raised between these two only, never in what follows them.

Cost on a 2-core container, CPython 3.11: begin() + finish() 0.55 us, open() + run() + finish() 0.9 us.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from math import inf
from time import monotonic
from typing import Any, Final, Literal, TypeVar

from inference_http.scoring import interrupt
from inference_http.scoring.overdue import Overdue
from inference_http.user.errors import RunTimeout, ScoringTimeout

__all__ = ["Call", "Deadlines", "Stream"]

T = TypeVar("T")

State = Literal["open", "run", "raised", "stuck", "done"]
Overrun = Literal["scoring", "worker"]

_AT_REST: Final = ("open", "done")


class Call:
    """One scoring request's clock.

    ``context``: as given. ``limit_ms``: SCORING_TIMEOUT_MS, 0 = off. ``thread_id``: where the call runs, or ran last.
    ``state``: open (no clock runs), run, raised (after stage 1), stuck (after stage 2), done.
    ``overrun``: which limit was passed, SCORING_TIMEOUT_MS (scoring) or WORKER_TIMEOUT (worker), None while none was.
    ``started``: monotonic seconds; when the clock would have been started had it never been paused.
    """

    __slots__ = ("_overdue", "_used", "context", "limit_ms", "overrun", "started", "state", "thread_id")

    def __init__(self, overdue: Overdue, limit_ms: int, context: Any) -> None:
        self._overdue = overdue
        self._used = 0.0  # seconds on the clock when it was paused
        self.context = context
        self.limit_ms = limit_ms
        self.overrun: Overrun | None = None
        self.started = 0.0
        self.state: State = "open"
        self.thread_id = 0

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """``function(*args)`` on the calling thread with the clock running.

        Raises RunTimeout (an ordinary Exception) when the limit ends it, RuntimeError as ``rebind`` does.
        """
        try:
            self.rebind()
            try:
                return function(*args)
            finally:
                self.pause()
        except ScoringTimeout:
            self.pause()  # it may have struck on the way into the first one; it cannot strike twice
            raise RunTimeout(self.limit_ms) from None

    def stream(self, pieces: Iterable[T]) -> "Stream[T]":
        """The pieces, each of them made with the clock running; its close() finishes the call."""
        return Stream(self, pieces, self._overdue.grace_s)

    def rebind(self) -> None:
        """Start the clock again, on the calling thread. ScoringTimeout may be raised from here on, until ``pause``.

        Raises RuntimeError unless the call is open, and where another one runs on this thread.
        """
        if self.state != "open":
            raise RuntimeError(f"a scoring call that is {self.state!r} cannot be started")
        overdue, used, thread_id = self._overdue, self._used, threading.get_ident()
        if used >= overdue.first_limit_s:
            raise ScoringTimeout
        if overdue.bound.setdefault(thread_id, self) is not self:
            raise RuntimeError("another scoring call runs on this thread")
        if thread_id == overdue.unprepared_thread:
            overdue.unprepared_thread = None
            interrupt.listen()
        self.thread_id = thread_id
        self.state = "run"
        self.started = started = monotonic() - used
        overdue.running.add(self)
        if started + overdue.first_limit_s < overdue.wake_at:
            overdue.rouse()

    def pause(self) -> None:
        """Stop the clock: ScoringTimeout is not raised any more. On the thread of ``rebind``; idempotent.

        It may be raised on the way in here; then call it again.
        """
        if self.state not in _AT_REST:
            self._stop()
            self._used = self._overdue.elapsed(self)
            self.state = "open"

    def finish(self) -> None:
        """``pause`` for good: the call cannot be started again. Idempotent."""
        if self.state not in _AT_REST:
            self._stop()
        self.state = "done"

    def _stop(self) -> None:
        overdue = self._overdue
        try:
            try:
                overdue.running.remove(self)  # from here on nobody can interrupt this thread
            except KeyError:
                overdue.settle(self)
        except ScoringTimeout:  # too late: what was asked for is done
            overdue.settle(self)
        overdue.bound.pop(self.thread_id, None)

    def allow(self, seconds: float) -> None:
        """Let a paused call run at least that much longer, to clean up."""
        self._used = min(self._used, max(0.0, self._overdue.first_limit_s - seconds))


class _Unlimited(Call):
    """The call for which no limit is set; one object for all."""

    __slots__ = ()

    def run(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    def rebind(self) -> None:
        pass

    pause = finish = rebind


class Stream(Iterator[T]):
    """An iterator under a call's limit: a piece that takes too long raises RunTimeout. Any thread may pull it."""

    def __init__(self, call: Call, pieces: Iterable[T], grace_s: float) -> None:
        self._call = call
        self._next = iter(pieces).__next__
        self._close: Callable[[], object] | None = getattr(pieces, "close", None)
        self._grace_s = grace_s

    def __next__(self) -> T:
        return self._call.run(self._next)

    def close(self) -> None:
        """Close the script's iterator, which is given at least ``grace_ms``, and finish the call. Idempotent.

        Raises what the iterator's close() raises, or RunTimeout.
        """
        close, self._close = self._close, None
        try:
            if close is not None:
                self._call.allow(self._grace_s)
                self._call.run(close)
        finally:
            self._call.finish()


class Deadlines:
    """The clocks of one process.

    ``limit_ms``: SCORING_TIMEOUT_MS, 0 or less = off (S34). ``hard_limit_s``: WORKER_TIMEOUT, 0 or less = off (S128).
    ``on_stuck`` may race with the end of its call, and other calls wait for it: it must be quick. A fork leaves the
    child without open calls and without a watcher, which starts with the first call.
    """

    def __init__(
        self,
        limit_ms: int,
        hard_limit_s: float,
        grace_ms: int = 300,
        on_stuck: Callable[[Call], None] = lambda _: None,
    ) -> None:
        self.limit_ms = max(limit_ms, 0)
        self._suspended = False
        limit_s = limit_ms / 1000 if limit_ms > 0 else inf
        self._overdue = Overdue(limit_s, hard_limit_s if hard_limit_s > 0 else inf, grace_ms / 1000, on_stuck)
        self._off = self._overdue.first_limit_s == inf
        self._unlimited = _Unlimited(self._overdue, 0, None)

    def open(self, context: Any = None) -> Call:
        """A call whose clock does not run yet."""
        return self._unlimited if self._off else Call(self._overdue, self.limit_ms, context)

    def begin(self, context: Any = None) -> Call:
        """A call whose clock runs: ScoringTimeout may be raised from here on, until ``pause`` or ``finish`` returns.

        ``open`` and ``Call.run`` are easier to use rightly, as they let no ScoringTimeout out.
        """
        if self._off:
            return self._unlimited
        call = Call(self._overdue, self.limit_ms, context)
        try:
            call.rebind()
        except ScoringTimeout:
            call.finish()
            raise
        return call

    @property
    def suspended(self) -> bool:
        """While True (a debugger is attached) nothing is raised and nobody is stuck. Then every clock starts anew."""
        return self._suspended

    @suspended.setter
    def suspended(self, on: bool) -> None:
        self._suspended = on
        self._overdue.suspend(on=on)

    @property
    def overruns(self) -> int:
        """How often stage 1 was reached. Then a new worker is wise: the exception may have struck inside a library."""
        return self._overdue.count

    def close(self) -> None:
        """End the watcher; calls that begin later are not limited."""
        self._overdue.close()
