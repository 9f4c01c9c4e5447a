"""Processes of this machine: who is who, and how to end one without ever hitting another.

A process belongs to an instance if the instance's mark stands in its environment, which children inherit, or if it
shares the session with one that does. Numbers are looked at again when the process is held fast (``pidfd``), so that
one which has ended and whose number is used anew is not hit.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.model.errors import SandboxError

MARK = "ENDPOINT_SANDBOX_INSTANCE"
END_S = 5.0
PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as the system shows it; ``began`` in the system's own words, ``mark`` empty where there is none."""

    pid: int
    session: int
    began: str
    mark: str


def look(pid: int) -> Seen | None:
    """Return what is known of a process; None for one that has ended, is a zombie or belongs to somebody else."""
    folder = f"/proc/{pid}"
    try:
        if os.stat(folder).st_uid != os.getuid():
            return None
        with open(f"{folder}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        if fields[0] in "ZX":
            return None
        with open(f"{folder}/environ", "rb") as raw:
            environment = raw.read()
    except PermissionError:
        environment = b""
    except OSError:
        return None
    return Seen(pid, int(fields[3]), fields[19], _mark_in(environment))


def all_of_us() -> Iterator[Seen]:
    """Give all processes of this user but this one."""
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            seen = look(int(name))
            if seen is not None:
                yield seen


def marked(mark: str) -> list[Seen]:
    """Return the processes that bear this mark, and those that share a session with one."""
    everybody = list(all_of_us())
    sessions = {seen.session for seen in everybody if seen.mark == mark} - {os.getsid(0)}
    return [seen for seen in everybody if seen.mark == mark or seen.session in sessions]


def send(pid: int, began: str, number: int) -> bool:
    """Signal the process that began then; tell whether it was there."""
    with contextlib.suppress(ProcessLookupError):
        held = os.pidfd_open(pid)
        try:
            seen = look(pid)
            if seen is not None and seen.began == began:
                signal.pidfd_send_signal(held, number)
                return True
        finally:
            os.close(held)
    return False


def end_all(mark: str, what: str) -> None:
    """Kill every process of an instance, also those that are made meanwhile.

    Raises:
        SandboxError: E087, one does not end.
    """
    deadline = time.monotonic() + END_S
    while left := marked(mark):
        if time.monotonic() > deadline:
            numbers = ", ".join(str(seen.pid) for seen in left)
            why = "a process that waits for a device or a network file system cannot be killed"
            raise SandboxError("E087", f"{what} cannot be ended: process {numbers}", why, "see what it waits for")
        for seen in left:
            send(seen.pid, seen.began, signal.SIGKILL)
        time.sleep(PAUSE_S)


def reap(pid: int) -> int | None:
    """Return the exit code (or minus the signal) of an ended child, which is no zombie then; None for all others."""
    try:
        ended, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if ended == pid else None


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


def _mark_in(environment: bytes) -> str:
    prefix = MARK.encode() + b"="
    for entry in environment.split(b"\0"):
        if entry.startswith(prefix):
            return entry[len(prefix) :].decode("utf-8", "replace")
    return ""
