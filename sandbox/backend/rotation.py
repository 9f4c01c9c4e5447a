"""The parts of one instance's log: ``log`` is written, ``log.1`` to ``log.3`` are older, the highest the oldest.

Nothing of ours runs all the time, and the processes that write hold the file open for good, each its own copy of the
descriptor. So the file cannot be renamed away under them; who comes by and finds it large copies it and cuts it to
nothing. They append (O_APPEND), so that they go on at the new end. What is written between the last look and the cut,
microseconds, is lost. At a start nobody writes: then the file is renamed, and each run begins with a part of its own.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.backend.process.locks import locked

LARGEST = 10 * 2**20
KEPT = 3
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@contextlib.contextmanager
def still(log: str) -> Iterator["Turns"]:
    """Let nobody else rotate this log meanwhile.

    Raises:
        FileNotFoundError: its folder is gone.
    """
    with locked(f"{log}.lock") as descriptor:
        yield Turns(descriptor)


@dataclass(frozen=True, slots=True)
class Turns:
    """How often a log has been rotated, which stands in the file that is locked for it."""

    descriptor: int

    def count(self) -> int:
        """Return how often."""
        return int(os.pread(self.descriptor, 20, 0) or 0)

    def add(self) -> None:
        """Once more."""
        os.pwrite(self.descriptor, b"%d" % (self.count() + 1), 0)


def parts(log: str) -> list[str]:
    """Return the paths of the parts that there are, the oldest first."""
    names = [*(f"{log}.{number}" for number in range(KEPT, 0, -1)), log]
    return [name for name in names if os.path.exists(name)]


def since(log: str, turns: int, position: int) -> tuple[bytes, int]:
    """Return what was written after ``position`` of the newest part, ``turns`` rotations ago, and the position now."""
    older = [_read(f"{log}.{number}", position if number == turns else 0) for number in range(min(turns, KEPT), 0, -1)]
    start = 0 if turns else position
    newest = _read(log, start)
    return b"".join([*older, newest]), start + len(newest)


def set_aside(log: str) -> None:
    """Begin a new part, before a process is started that will write to it."""
    with still(log) as turns:
        if size(log):
            _shift(log)
            os.rename(log, f"{log}.1")
            turns.add()


def rotate(log: str, largest: int = LARGEST) -> bool:
    """Copy and cut the newest part if it is large; tell whether it was."""
    if size(log) <= largest:
        return False
    with still(log) as turns:
        if size(log) <= largest:  # somebody else was faster
            return False
        import shutil  # here: it is large, and this is rare

        draft = f"{log}.draft"
        with open(log, "rb") as source, open(os.open(draft, _FRESH, 0o600), "wb", buffering=0) as target:
            shutil.copyfileobj(source, target, 2**20)
            _shift(log)
            os.rename(draft, f"{log}.1")  # before the cut: who is killed in between leaves lines twice, not never
            turns.add()
            while data := source.read(2**20):
                target.write(data)
            os.truncate(log, 0)
    return True


def size(path: str) -> int:
    """Return the bytes of a file; 0 for none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _shift(log: str) -> None:
    """Make room for a new ``log.1``."""
    for number in range(KEPT, 1, -1):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{log}.{number - 1}", f"{log}.{number}")


def _read(path: str, position: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(position)
            return file.read()
    except FileNotFoundError:
        return b""
