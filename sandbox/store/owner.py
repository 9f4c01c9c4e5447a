"""Which process works on something, told so that a later command knows whether it still does."""

import functools
import os

from sandbox.processes import began


@functools.cache
def _began(pid: int) -> str:
    return began(pid) or ""


def this() -> str:
    """Name this process."""
    pid = os.getpid()
    return f"{pid}:{_began(pid)}"


def works(owner: str) -> bool:
    """Tell whether the process of that name still runs."""
    pid, _, when = owner.partition(":")
    return pid.isdigit() and began(int(pid)) == when
