"""The parts of one instance's log: ``log`` is written, ``log.1`` to ``log.3`` are older, the highest the oldest.

Nothing of ours runs all the time, and the processes that write hold the file open for good, each its own copy of the
descriptor. So the file cannot be renamed away under them; who comes by and finds it large copies it and cuts it to
nothing. They append (O_APPEND), so that they go on at the new end. What is written between the last look and the cut,
microseconds, is lost. At a start nobody writes: then the file is renamed, and each run begins with a part of its own.
"""

import contextlib
import os
import shutil

from sandbox.backend.locks import locked

LARGEST = 10 * 2**20
KEPT = 3


def parts(log: str) -> list[str]:
    """Return the paths of the parts that there are, the oldest first."""
    names = [*(f"{log}.{number}" for number in range(KEPT, 0, -1)), log]
    return [name for name in names if os.path.exists(name)]


def lock(log: str) -> str:
    """Return the file whose lock keeps others from rotating this log."""
    return f"{log}.lock"


def set_aside(log: str) -> None:
    """Begin a new part, before a process is started that will write to it."""
    with locked(lock(log)):
        if _size(log):
            _shift(log)
            os.rename(log, f"{log}.1")


def rotate(log: str, largest: int = LARGEST) -> bool:
    """Copy and cut the newest part if it is large; tell whether it was."""
    if _size(log) <= largest:
        return False
    with locked(lock(log)):
        if _size(log) <= largest:  # somebody else was faster
            return False
        draft = f"{log}.draft"
        with open(log, "rb") as source, open(os.open(draft, _FRESH, 0o600), "wb") as target:
            shutil.copyfileobj(source, target, 2**20)
            _shift(log)
            os.rename(draft, f"{log}.1")  # before the cut: who is killed in between leaves lines twice, not never
            while data := source.read(2**16):
                target.write(data)
                target.flush()
            os.truncate(log, 0)
    return True


_FRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def _shift(log: str) -> None:
    """Make room for a new ``log.1``."""
    for number in range(KEPT, 1, -1):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{log}.{number - 1}", f"{log}.{number}")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
