"""SIGTERM ends a command as Ctrl-C does: with a word about how things stand, and with the terminal as it was."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """Somebody told this process to end."""


@contextmanager
def heard() -> Iterator[None]:
    """Let SIGTERM be an exception inside the block. Where signals cannot be handled, nothing changes."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
