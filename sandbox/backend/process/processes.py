"""Processes of this machine: who is who, and how to end one without ever hitting another.

A process belongs to an instance if the instance's mark stands in its environment, which children inherit, or if it
shares the session with one that does. Numbers are looked at again when the process is held fast (``pidfd``), so that
one which has ended and whose number is used anew is not hit.
"""

import contextlib
import os
import signal
import time

from sandbox.backend.process import listing
from sandbox.backend.process.listing import Seen
from sandbox.model.errors import SandboxError

END_S = 5.0
PAUSE_S = 0.01
DYING_S = 0.2  # between the end of a process's locks, by which others see that it has ended, and its exit code
_children: dict[int, int | None] = {}  # those of this process, and how they have ended


def marked(mark: str) -> list[Seen]:
    """Return the processes that bear this mark, and those that share a session with one."""
    everybody = list(listing.everybody())
    sessions = {seen.session for seen in everybody if seen.mark == mark} - {os.getsid(0), os.getpgid(0)}
    return [seen for seen in everybody if seen.mark == mark or seen.session in sessions]


def marks(beginning: str) -> set[str]:
    """Return the marks of running processes that begin so."""
    return {seen.mark for seen in listing.everybody() if seen.mark.startswith(beginning)}


def send(pid: int, began: str, number: int) -> bool:
    """Signal the process that began then; tell whether it was there."""
    with contextlib.suppress(ProcessLookupError):
        if not hasattr(os, "pidfd_open"):  # not Linux: the number is looked at a moment before
            if _is(pid, began):
                os.kill(pid, number)
                return True
            return False
        held = os.pidfd_open(pid)
        try:
            if _is(pid, began):
                signal.pidfd_send_signal(held, number)
                return True
        finally:
            os.close(held)
    return False


def _is(pid: int, began: str) -> bool:
    seen = listing.one(pid)
    return seen is not None and began in ("", seen.began)


def end_all(mark: str, what: str) -> None:
    """Kill every process of an instance, also those that are made meanwhile.

    Raises:
        SandboxError: E087, one does not end.
    """
    deadline = time.monotonic() + END_S
    before: list[Seen] = []
    while (left := marked(mark)) or before:  # once more after the last: a process that begins shows no mark yet
        if left and time.monotonic() > deadline:
            numbers = ", ".join(str(seen.pid) for seen in left)
            why = "a process that waits for a device or a network file system cannot be killed"
            raise SandboxError("E087", f"{what} cannot be ended: process {numbers}", why, "see what it waits for")
        for seen in left:
            send(seen.pid, seen.began, signal.SIGKILL)
        before = left
        time.sleep(PAUSE_S)


def adopt(pid: int) -> None:
    """Remember a child, so that nothing is left of it at its end, whoever ends it."""
    _children[pid] = None


def reap(pid: int) -> int | None:
    """Return the exit code (or minus the signal) of a child that has ended, once; None for all others.

    Of a child that is about to end it waits for the end, for a moment.
    """
    deadline = time.monotonic() + DYING_S
    while True:
        collect()
        if _children.get(pid) is not None:
            return _children.pop(pid)
        if pid not in _children or time.monotonic() > deadline:
            return None
        time.sleep(PAUSE_S / 5)


def collect() -> None:
    """Leave no zombies."""
    for pid in [pid for pid, code in list(_children.items()) if code is None]:
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:  # another thread was faster, and writes it down; or somebody who waits for all
            if _children.get(pid) is None:
                _children.pop(pid, None)
            continue
        if ended == pid:
            _children[pid] = os.waitstatus_to_exitcode(status)


def boot_id() -> str:
    """Return what is different after each start of the machine; empty where the system does not tell."""
    return _line("/proc/sys/kernel/random/boot_id")


def oom_kills() -> int:
    """Return how many processes the system has killed for want of memory since its start; 0 where it does not tell."""
    with contextlib.suppress(OSError), open("/proc/vmstat", encoding="ascii") as file:
        for line in file:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _line(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
