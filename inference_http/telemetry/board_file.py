"""The file behind the board of metrics: private, locked while its creator lives, swept when that was killed."""

import contextlib
import glob
import mmap
import os
import stat
import sys
import tempfile
import time
from typing import Final

if sys.platform != "win32":
    import fcntl

PREFIX: Final = "inference-http-"
SUFFIX: Final = ".metrics"
YOUNG_S: Final = 60.0  # a file that may not be locked yet


class BoardFile:
    """A new file of ``size`` zeros. Raises OSError. ``remove`` it; should its creator be killed, the next one does."""

    def __init__(self, size: int) -> None:
        _sweep()
        self._descriptor, self.path = tempfile.mkstemp(prefix=PREFIX, suffix=SUFFIX)
        self._creator = os.getpid()
        try:
            with open(self._descriptor, "wb", closefd=False) as file:
                file.write(bytes(size))  # written out: touching a hole kills the process when the disk is full
            self.memory = mmap.mmap(self._descriptor, size)
        except OSError:
            self.remove()
            raise
        _lock(self._descriptor)

    def remove(self) -> None:
        """Remove the file if this process created it, once."""
        if self._creator != os.getpid():
            return
        self._creator = 0
        os.close(self._descriptor)
        with contextlib.suppress(OSError):
            os.unlink(self.path)


def _lock(descriptor: int) -> bool:
    """Take the lock that lasts as long as this process and its forked children; False if another one has it.

    Windows needs none: a file that is mapped cannot be removed there.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _sweep() -> None:
    """Remove what servers of this user that were killed have left behind."""
    for path in glob.glob(os.path.join(glob.escape(tempfile.gettempdir()), f"{PREFIX}*{SUFFIX}")):
        with contextlib.suppress(OSError):
            if _is_left_behind(path):
                os.unlink(path)


def _is_left_behind(path: str) -> bool:
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or time.time() - status.st_mtime < YOUNG_S:
        return False
    if sys.platform == "win32":
        return True
    if status.st_uid != os.getuid():
        return False
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return _lock(descriptor)
    finally:
        os.close(descriptor)
