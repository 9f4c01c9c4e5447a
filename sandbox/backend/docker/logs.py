"""Logs of containers: their end, and several at once as they grow. The engine's own time stamps give the order."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.backend.protocol import Instance, LogLine

if TYPE_CHECKING:
    from docker import APIClient

POLL_S = 0.1
SELECT_S = 0.5  # how often it is asked which instances there are
FIRST_S = 0.3  # so long lines of the past are gathered, to be put in order


def tail(client: "APIClient", container: str, lines: int) -> list[str]:
    """Return the last lines of a container that is there, also of one that has ended."""
    return _end(client, container, lines)[0]


def _end(client: "APIClient", container: str, lines: int) -> tuple[list[str], int, int]:
    """Return the last lines, how many messages of the engine hold them, and how many lines these hold before them.

    The engine counts messages, and a line of more than 16 KiB is several of them: it is asked for more until the lines
    are whole and enough.
    """
    asked = lines + 1
    while True:
        messages = list(client.logs(container, timestamps=True, tail=asked, stream=True, follow=False))
        found = [text for _, text in _lines(messages)]
        if len(messages) < asked or len(found) > lines:  # else the first one may be the end of a line
            surplus = max(0, len(found) - lines)
            return found[surplus:], len(messages), surplus
        asked *= 4


def follow(client: "APIClient", select: Callable[[], Sequence[Instance]], lines: int) -> Iterator[LogLine]:
    """Give the last ``lines`` lines of each instance in the order of time, then new ones as they come.

    ``select`` is asked again and again; the end comes when it returns none.
    """
    heard: queue.SimpleQueue[tuple[str, LogLine]] = queue.SimpleQueue()
    sources: dict[str, _Source] = {}
    asked, history, wait = float("-inf"), lines, FIRST_S
    try:
        while True:
            if time.monotonic() - asked >= SELECT_S:
                asked = time.monotonic()
                wanted = {each.id: each for each in select()}
                for key in sources.keys() - wanted.keys():
                    sources.pop(key).close()
                for key, instance in wanted.items():
                    if key not in sources:
                        sources[key] = _Source(client, instance, history, heard)
                history = -1
            time.sleep(wait)
            wait = POLL_S
            yield from _drained(heard)
            if not wanted:
                return
    finally:
        for source in sources.values():
            source.close()


def _drained(heard: "queue.SimpleQueue[tuple[str, LogLine]]") -> list[LogLine]:
    found = []
    with contextlib.suppress(queue.Empty):
        while True:
            found.append(heard.get_nowait())
    return [line for _, line in sorted(found, key=lambda timed: timed[0])]


@dataclass
class _Source:
    """One container that is heard, by a thread of its own that ends with the container."""

    client: "APIClient"
    instance: Instance
    history: int  # lines before now; negative: all
    heard: "queue.SimpleQueue[tuple[str, LogLine]]"
    _thread: threading.Thread = field(init=False)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        one = self.instance
        with contextlib.suppress(Exception):  # the container is removed, the engine ends: there is nothing more to hear
            past: int | str = "all"
            surplus = 0
            if self.history >= 0:
                _, past, surplus = _end(self.client, one.id, self.history)
            self._stream = self.client.logs(one.id, timestamps=True, tail=past, stream=True, follow=True)
            for stamp, text in _lines(self._stream):
                if self._closed:
                    return
                if surplus:
                    surplus -= 1
                    continue
                self.heard.put((stamp, LogLine(one.endpoint, one.deployment, one.index, text)))

    def close(self) -> None:
        """Hear no more."""
        self._closed = True
        with contextlib.suppress(Exception):
            self._stream.close()


def _lines(stream: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Give (time, line). A line of more than 16 KiB comes in pieces, each with a time of its own."""
    began, rest = "", b""
    for message in stream:
        stamp, _, text = message.partition(b" ")
        began = began or stamp.decode("ascii", "replace")
        if not text.endswith(b"\n"):
            rest += text
            continue
        yield began, (rest + text).rstrip(b"\r\n").decode("utf-8", "replace")
        began, rest = "", b""
    if rest:
        yield began, rest.decode("utf-8", "replace")
