"""A thread that follows logs and hands over batches: the screen is asked ten times a second, not once a line."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from tui.looks import Line, Trouble
from tui.trouble import of_error

BATCH_S = 0.1
MOST_WAITING = 50_000  # lines; what comes faster than it can be drawn is counted and dropped
AGAIN_S = 1.0

Lines = Callable[[Callable[[], bool]], Iterator[Line]]


class Follower:
    """Follows until it is ended. ``take`` gives what came since it was last asked."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._turn = threading.Lock()
        self._waiting: list[Line] = []
        self._dropped = 0
        self._ended = threading.Event()
        self.trouble: Trouble | None = None

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="follower", daemon=True).start()

    def end(self) -> None:
        """Stop; the thread ends by itself within a second."""
        self._ended.set()

    def take(self) -> tuple[Sequence[Line], int]:
        """Return the new lines, and how many were dropped because nobody took them."""
        with self._turn:
            found, self._waiting = self._waiting, []
            dropped, self._dropped = self._dropped, 0
        return found, dropped

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.trouble = None
                for line in self._lines(self._ended.is_set):
                    self._put(line)
                    if self._ended.is_set():
                        return
            except Exception as error:  # noqa: BLE001 - it is shown, and tried again
                self.trouble = of_error(error)
            self._ended.wait(AGAIN_S)

    def _put(self, line: Line) -> None:
        with self._turn:
            if len(self._waiting) >= MOST_WAITING:
                self._dropped += len(self._waiting)
                self._waiting = []
            self._waiting.append(line)
            full = len(self._waiting) % 2000 == 0
        if full:  # a long log: let the screen have its turn
            time.sleep(0)
