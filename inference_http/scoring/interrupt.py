"""Raise ScoringTimeout in the thread that runs a scoring script, and take it back when it comes too late.

Two ways. On POSIX the main thread gets SIGURG (ignored by default, used by nobody), whose Python handler raises: that
ends sleeps, socket reads and lock waits too. Every other thread gets an asynchronous exception, which CPython raises at
the thread's next bytecode boundary: a call that blocks in C ends first.

A signal may arrive just before its thread enters a system call, or be masked by the script. So it is repeated, and at
last replaced by the asynchronous exception. Whoever raises takes the one token of the interruption first, so
that it is raised once, however it travels.
"""

import contextlib
import ctypes  # not when the first limit is passed: an import beside a busy thread can take 100 ms
import signal
import sys
import threading
from types import FrameType
from typing import Final

from inference_http.user.errors import ScoringTimeout

REPEAT_S: Final = 0.005  # seconds between two tries to reach the main thread
SIGNAL_TRIES: Final = 2  # then the asynchronous exception takes over
ASYNCHRONOUS_TRIES: Final = 6
SWALLOW_ROUNDS: Final = 100_000  # a bound; the first is enough

_set_async_exc = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)

_tokens: "list[Interruption]" = []  # interruptions of the main thread that its signal handler has yet to raise


class Interruption:
    """One ScoringTimeout on its way to the thread ``thread_id``.

    ``send`` and ``repeat`` belong to the watcher's thread. ``withdraw`` belongs to the interrupted thread. The caller
    keeps ``send``/``repeat`` and ``withdraw`` apart by a lock.
    """

    __slots__ = ("_asynchronous", "_thread_id", "_tries")

    def __init__(self, thread_id: int) -> None:
        self._thread_id = thread_id
        self._tries = 0
        self._asynchronous = False

    def send(self) -> bool:
        """Interrupt the thread. True: call ``repeat`` after REPEAT_S, as it is not sure to have arrived."""
        if self._thread_id == threading.main_thread().ident and listening():
            _tokens.append(self)
            self._signal()
        else:
            self._raise_asynchronously()
        return True

    def repeat(self) -> bool:
        """Try again if need be; True as from ``send``.

        An asynchronous exception cannot be repeated, as the thread may have met it. But up to CPython 3.12 another
        thread that meets its own takes the flag down that all share. Being called is enough then: a thread that gives
        way to this one looks for exceptions as well.
        """
        self._tries += 1
        if self not in _tokens:
            return self._asynchronous and self._tries < ASYNCHRONOUS_TRIES
        if self._tries < SIGNAL_TRIES:
            self._signal()
        elif _claim(self):
            self._raise_asynchronously()
            self._signal()  # where only its handler is slow: entering it raises the asynchronous exception
        return True

    def withdraw(self) -> None:
        """Make sure that nothing is raised any more; may itself be hit while it does so, and be called again then.

        An asynchronous exception that is still pending is swallowed; a signal still to come finds no token.
        """
        _claim(self)
        if self._asynchronous:
            swallow_asynchronous()
            self._asynchronous = False

    def _signal(self) -> None:
        if sys.platform != "win32":
            signal.pthread_kill(self._thread_id, signal.SIGURG)

    def _raise_asynchronously(self) -> None:
        self._asynchronous = True
        set_asynchronous(self._thread_id, ScoringTimeout)


def set_asynchronous(thread_id: int, exception: type[BaseException]) -> bool:
    """Let an exception be raised in a thread at its next bytecode; False if there is no such thread any more.

    A thread has one place for such an exception: a second one replaces a first that has not been raised yet.
    """
    return bool(_set_async_exc(thread_id, id(exception)))


def swallow_asynchronous() -> None:
    """Make sure that no ScoringTimeout is pending in the calling thread; one may strike on the way in here.

    Not by clearing its place, as the documentation of PyThreadState_SetAsyncExc has it: up to CPython 3.12 clearing
    leaves the interpreter's flag "look for exceptions" up for ever, which slows every call down and makes a traced
    function of 3.11 hang (a debugger, coverage). Only an exception that is raised takes the flag down. So one is put
    in the place of what may be pending, is raised here at once, and is dropped.
    """
    try:
        set_asynchronous(threading.get_ident(), ScoringTimeout)
        for _ in range(SWALLOW_ROUNDS):
            pass
    except ScoringTimeout:
        pass


def listen() -> bool:
    """Install the signal's handler; call it on the main thread. False where signals cannot be used.

    A handler that the script has installed itself is left alone; so is one that it installs later (``listening``).
    """
    if sys.platform != "win32" and signal.getsignal(signal.SIGURG) in (signal.SIG_DFL, signal.SIG_IGN):
        with contextlib.suppress(ValueError):  # not the main thread of the main interpreter
            signal.signal(signal.SIGURG, _on_signal)
    return listening()


def listening() -> bool:
    """Whether the signal still reaches our handler. Any thread."""
    return sys.platform != "win32" and signal.getsignal(signal.SIGURG) is _on_signal


def forget() -> None:
    """Drop what was on its way: for the child after a fork."""
    _tokens.clear()


def _claim(interruption: Interruption) -> bool:
    try:
        _tokens.remove(interruption)
    except ValueError:
        return False
    return True


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    try:
        _tokens.pop()
    except IndexError:  # too late, or a repetition
        return
    raise ScoringTimeout
