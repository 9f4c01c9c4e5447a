"""Reading logs: the end of one, and several at once as they grow."""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from sandbox.backend import rotation
from sandbox.backend.protocol import Instance, LogLine

BLOCK = 2**16
POLL_S = 0.1
SELECT_S = 0.5  # how often it is asked which instances there are
LONGEST_LINE = 2**20  # a longer one is given in pieces
_STAMP = re.compile(rb'(?:\{"time": ")?(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d{3})')


def tail(log: str, lines: int) -> list[str]:
    """Return the last lines, from as many parts as it takes; an unfinished last line counts as one."""
    return [line.decode("utf-8", "replace") for line in _tail(log, lines)]


def follow(select: Callable[[], Sequence[Instance]], lines: int) -> Iterator[LogLine]:
    """Give the last ``lines`` lines of each instance in the order of time, then new ones as they come.

    ``select`` is asked again and again, so that new instances are heard, from their first line on; the end comes when
    it returns none. Large logs are rotated on the way.
    """
    sources: dict[str, _Source] = {}
    history = lines
    asked = float("-inf")
    while True:
        if time.monotonic() - asked >= SELECT_S:
            asked = time.monotonic()
            wanted = {instance.log: instance for instance in select()}
            ended = [sources.pop(log) for log in list(sources) if log not in wanted]
            for log, instance in wanted.items():
                if log not in sources:
                    sources[log] = _Source(instance, history)
            history = -1
        yield from _in_order([*sources.values(), *ended])
        ended = []
        if not wanted:
            return
        for log in sources:
            with contextlib.suppress(OSError):
                rotation.rotate(log)
        time.sleep(POLL_S)


def merged(logs: Iterable[tuple[Iterable[LogLine], float]]) -> list[LogLine]:
    """Return the lines of several logs in the order of time; with each log, when it began (Unix time).

    Lines without a time of their own belong to the line before.
    """
    timed = []
    for lines, began in logs:
        latest = _written(began)
        for line in lines:
            found = _STAMP.match(line.text.encode())
            latest = max(latest, _normal(found[1])) if found else latest
            timed.append((latest, line))
    return [line for _, line in sorted(timed, key=lambda each: each[0])]


def moment(text: str) -> float:
    """Return a time as Azure writes it (ISO 8601) as Unix time; 0 for none."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else 0.0


class _Source:
    """One log that is being followed."""

    def __init__(self, instance: Instance, history: int) -> None:
        """``history``: so many lines before now; negative: the newest part from its beginning."""
        self._instance = instance
        self._log = instance.log
        self._latest: bytes | None = None
        self._rest = b""  # the beginning of a line
        self._position = self._turns = 0
        self._before: list[bytes] = []
        with contextlib.suppress(OSError), rotation.still(self._log) as turns:
            self._turns = turns.count()
            if history >= 0:
                self._before = _tail(self._log, history)
                self._position = rotation.size(self._log)

    def read(self) -> list[tuple[bytes, LogLine]]:
        """Return what is new, each line with the time for the order."""
        data = b""
        with contextlib.suppress(OSError), rotation.still(self._log) as turns:  # OSError: its folder is removed
            before, self._turns = self._turns, turns.count()
            if self._turns == before and rotation.size(self._log) < self._position:
                self._position = 0  # cut by somebody else
            data, self._position = rotation.since(self._log, self._turns - before, self._position)
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            whole.append(self._rest)
            self._rest = b""
        whole, self._before = [*self._before, *whole], []
        return [self._timed(line) for line in whole]

    def _timed(self, line: bytes) -> tuple[bytes, LogLine]:
        """Lines without a time of their own belong to the line before."""
        found = _STAMP.match(line)
        if found:
            self._latest = max(_normal(found[1]), self._latest or b"")
        elif self._latest is None:
            self._latest = _written(self._instance.started)
        one = self._instance
        return self._latest or b"", LogLine(one.endpoint, one.deployment, one.index, line.decode("utf-8", "replace"))


def _normal(stamp: bytes) -> bytes:
    return stamp.replace(b"T", b" ").replace(b".", b",")


def _written(moment: float) -> bytes:
    """Return a time (Unix) as the server writes it."""
    text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))
    return f"{text},{int(moment % 1 * 1000):03d}".encode()


def _in_order(sources: Sequence[_Source]) -> Iterator[LogLine]:
    found = [timed for source in sources for timed in source.read()]
    for _, line in sorted(found, key=lambda timed: timed[0]):
        yield line


def _tail(log: str, lines: int) -> list[bytes]:
    found: list[bytes] = []
    for path in reversed(rotation.parts(log)):
        if len(found) >= lines:
            break
        found = [*_last(path, lines - len(found)), *found]
    return found


def _last(path: str, lines: int) -> list[bytes]:
    """Return the last lines of one file, reading no more of it than needed."""
    try:
        with open(path, "rb") as file:
            position = file.seek(0, os.SEEK_END)
            blocks: list[bytes] = []
            ends = 0
            while position > 0 and ends <= lines:
                step = min(BLOCK, position)
                position = file.seek(position - step)
                blocks.append(file.read(step))
                ends += blocks[-1].count(b"\n")
    except FileNotFoundError:
        return []
    whole = b"".join(reversed(blocks)).split(b"\n")
    if not whole[-1]:
        whole.pop()
    return whole[-lines:]
