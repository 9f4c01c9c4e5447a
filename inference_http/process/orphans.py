"""Processes whose parent has gone: the workers of a zygote that was replaced are still this server's."""

import contextlib

_PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """Let workers whose zygote is replaced become children of this process, where the system can (Linux)."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
