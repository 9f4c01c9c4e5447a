"""Processes whose parent has gone: the workers of a zygote that was replaced are still this server's."""

import contextlib
import os
import signal

_PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """Let workers whose zygote is replaced become children of this process, where the system can (Linux)."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill(pid: int) -> None:
    """Kill a process that does not end, with those that it has forked where the system tells which (Linux)."""
    for child in _children(pid):
        kill(child)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []
