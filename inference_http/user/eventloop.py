"""One event loop in a thread of its own, on which everything asynchronous of the script runs: init(), run(), streams.

One loop for all, because what async init() opens (sessions, pools) belongs to the loop it was opened on. The calling
thread waits, so that run() stays serial where it has to be; background tasks of the script go on between requests.

ScoringTimeout strikes the waiting thread. The task is cancelled then, and the thread goes on waiting until the task has
ended: a task that swallows the cancellation, or blocks the loop, holds its thread exactly as a plain run() would, and
the deadline's second stage deals with both alike.
"""

import asyncio
import atexit
import contextlib
import contextvars
import os
import threading
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Iterator
from time import monotonic
from types import CoroutineType
from typing import Any, Final, Generic, TypeVar

from inference_http.scoring.interrupt import set_asynchronous, swallow_asynchronous
from inference_http.user.errors import ScoringTimeout

T = TypeVar("T")

POLL_S: Final = 0.02  # how soon an exception set in a waiting thread is noticed where no signal can wake it
BLOCKED_S: Final = 0.05  # after a cancellation: a loop that is silent for so long is blocked by the script's own code
CLOSE_S: Final = 0.5  # what the script's tasks get to end in when the process does

_lock = threading.Lock()
_loop: "_Loop | None" = None
_inherited: list[
    "_Loop"
] = []  # loops of the parent process: closing one would close the parent's, so they are only kept


def wait_for(awaitable: Awaitable[T]) -> T:
    """Run an awaitable on the loop and wait for its result; what it raises is raised here, its own frames kept.

    It sees the calling thread's context variables (the request, its id). RuntimeError on the loop's own thread.
    """
    coroutine = awaitable if isinstance(awaitable, CoroutineType) else _complete(awaitable)
    task: _Task[T] = _Task(coroutine, contextvars.copy_context())
    task.wait(task.has_ended)
    return task.result()


def as_generator(pieces: AsyncIterable[T]) -> Iterator[T]:
    """Give the items of an asynchronous iterator as a plain generator, each made when it is asked for.

    One task runs all of it, because an ``async with`` block (a timeout, a task group) may span several items. Closing
    the generator cancels that task where it stands, and waits for its clean-up.
    """
    return _items(pieces, contextvars.copy_context())


def close() -> None:
    """Cancel what still runs and end the loop's thread; the next use starts a new one."""
    global _loop
    with _lock:
        loop, _loop = _loop, None
    if loop is not None:
        loop.close()


async def _complete(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _items(pieces: AsyncIterable[T], context: contextvars.Context) -> Iterator[T]:
    asked = asyncio.Event()
    found: list[T] = []

    async def move() -> None:
        source = aiter(pieces)
        try:
            while True:
                await asked.wait()
                asked.clear()
                found.append(await anext(source))
                task.wake()
        except StopAsyncIteration:
            return
        finally:
            end = getattr(source, "aclose", None)
            if end is not None:
                await end()

    task = _Task(move(), context)
    try:
        while True:
            task.call_soon(asked.set)
            task.wait(lambda: bool(found) or task.has_ended())
            if not found:
                task.result()
                return
            yield found.pop()
    finally:
        task.abandon()


class _Task(Generic[T]):
    """A coroutine on the loop, and the thread that waits for it."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context) -> None:
        self._on = _running_loop()
        if self._on.is_here():
            coroutine.close()
            raise RuntimeError("asynchronous code of the script cannot wait for itself here: use await")
        self._coroutine = coroutine
        self._context = context
        self._task: asyncio.Task[T] | None = None
        self._started = self._broken_into = False
        self._bell = _Bell()

    def has_ended(self) -> bool:
        """Tell whether the coroutine is over, in whatever way."""
        return self._task is not None and self._task.done()

    def result(self) -> T:
        """Give what the coroutine returned, or raise what it raised. Only when it has ended."""
        if self._task is None:
            raise asyncio.CancelledError
        return self._task.result()

    def wake(self) -> None:
        """Let the waiting thread look whether what it waits for has come."""
        self._bell.ring()

    def call_soon(self, function: Callable[[], object]) -> None:
        """Call a function on the loop's thread."""
        self._on.loop.call_soon_threadsafe(function)

    def wait(self, done: Callable[[], bool]) -> None:
        """Wait until ``done()``. What strikes this thread meanwhile cancels the task and is raised after its end."""
        struck: BaseException | None = None
        cancelled = False
        try:
            while True:
                try:
                    if not self._started:
                        self._on.loop.call_soon_threadsafe(self._start, context=self._context)
                        self._started = True
                    if struck is not None and not cancelled:
                        cancelled, done = True, self.has_ended
                        self._cancel()
                    if done():
                        break
                    self._bell.wait(POLL_S)
                except BaseException as error:  # noqa: BLE001 - ScoringTimeout, KeyboardInterrupt: raised below
                    struck = struck or error
        except BaseException:  # struck between two instructions of the loop above: do not leave the task behind
            self._request_cancel()
            raise
        if struck is not None:
            raise struck

    def abandon(self) -> None:
        """Cancel the task if it still runs, and wait for its end."""
        if not self._started:
            self._coroutine.close()
        elif self._on.is_here():  # a generator that nobody closed, collected while the loop's thread was running
            self._request_cancel()
        elif not self.has_ended():
            self._cancel()
            self.wait(self.has_ended)

    def _start(self) -> None:
        if self._task is None:  # the thread may have been struck when it had just asked for this, and have asked again
            self._task = self._on.loop.create_task(self._coroutine)
            self._task.add_done_callback(self._end)

    def _end(self, _task: "asyncio.Task[T]") -> None:
        if self._broken_into:
            swallow_asynchronous()
        self._bell.ring()

    def _request_cancel(self) -> None:
        self._on.loop.call_soon_threadsafe(lambda: self._task is not None and self._task.cancel())

    def _cancel(self) -> None:
        """Cancel the task; where the script's code blocks the loop, break into that code as into a plain run()."""
        answered = _Bell()
        self._request_cancel()
        self._on.loop.call_soon_threadsafe(answered.ring)
        deadline = monotonic() + BLOCKED_S
        while not answered.wait(POLL_S / 4) and not self.has_ended():
            if monotonic() > deadline and asyncio.current_task(self._on.loop) is self._task is not None:
                self._broken_into = True
                set_asynchronous(self._on.ident(), ScoringTimeout)
                return


class _Bell:
    """Wakes one thread. Unlike threading.Event it has no inner lock, which a thread struck within it would keep."""

    def __init__(self) -> None:
        self._closed = threading.Lock()
        self._closed.acquire()

    def ring(self) -> None:
        """Wake the waiting thread, or the next one to wait. Only on the loop's thread."""
        if self._closed.locked():
            self._closed.release()

    def wait(self, seconds: float) -> bool:
        """Tell whether it rang within that time."""
        return self._closed.acquire(timeout=seconds)


class _Loop:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="inference-http async", daemon=True)
        self._thread.start()

    def ident(self) -> int:
        return self._thread.ident or 0

    def is_here(self) -> bool:
        """Tell whether the caller runs on the loop's thread."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        if self.is_here():
            return
        ending = asyncio.run_coroutine_threadsafe(_end_all_tasks(), self.loop)
        try:
            ending.result(CLOSE_S)
        except Exception:  # noqa: BLE001 - the process ends, whatever the script's tasks do about it
            ending.cancel()
        self._closing = True
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CLOSE_S)
        if not self._thread.is_alive():
            self.loop.close()

    def _run(self) -> None:
        while not self._closing and not self.loop.is_closed():
            # SystemExit of a task, a ScoringTimeout that came too late: whoever waits for the task hears of it
            with contextlib.suppress(BaseException):
                self.loop.run_forever()


async def _end_all_tasks() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _running_loop() -> _Loop:
    global _loop  # noqa: PLW0603 - one loop in a process
    with _lock:
        if _loop is None:
            _loop = _Loop()
            atexit.unregister(close)
            atexit.register(close)
        return _loop


def _after_fork() -> None:
    global _loop, _lock  # noqa: PLW0603 - the child has neither the thread nor, perhaps, the lock's holder
    _lock = threading.Lock()
    if _loop is not None:
        _inherited.append(_loop)
        _loop = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
