"""When a process began: its number alone says little, for numbers are used again."""

import os
import sys


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
