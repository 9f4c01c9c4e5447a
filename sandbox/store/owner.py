"""Which process works on something, told so that a later command knows whether it still does."""

import functools
import os
import sys


@functools.cache
def _began(pid: int) -> str:
    return began(pid) or ""


def began(pid: int) -> str | None:
    """Return when a process began, as its system tells it; None for one that has ended. "?" where nothing tells."""
    if not sys.platform.startswith("linux"):
        return _began_elsewhere(pid)
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            state, *fields = file.read().rpartition(")")[2].split()
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            boot = file.read(8)
    except OSError:
        return None
    return None if state in "ZX" else f"{boot}-{fields[18]}"


def _began_elsewhere(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError, OSError):
        return None
    return "?"


def this() -> str:
    """Name this process."""
    pid = os.getpid()
    return f"{pid}:{_began(pid)}"


def works(owner: str) -> bool:
    """Tell whether the process of that name still runs."""
    pid, _, when = owner.partition(":")
    return pid.isdigit() and began(int(pid)) == when
