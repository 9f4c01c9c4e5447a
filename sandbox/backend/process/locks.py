"""A lock that the kernel releases when its holder ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator


@contextlib.contextmanager
def locked(path: str) -> Iterator[int]:
    """Hold the lock of a file for a few file operations, and give its descriptor; waits while somebody else has it.

    Raises:
        FileNotFoundError: its folder is gone.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
