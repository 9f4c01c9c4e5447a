"""Many requests, several at once: how long they took, while they run and at the end."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tui.looks import Answer


@dataclass(frozen=True, slots=True)
class Tally:
    """What came back so far. Times are in milliseconds, sorted."""

    wanted: int
    done: int = 0
    seconds: float = 0.0
    times: tuple[float, ...] = ()
    statuses: tuple[tuple[str, int], ...] = ()
    last: Answer | None = None
    by: tuple[tuple[str, int], ...] = field(default=())

    def quantile(self, share: float) -> float | None:
        """Return the time that ``share`` of the requests stayed below."""
        return self.times[min(len(self.times) - 1, int(share * len(self.times)))] if self.times else None

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.done / self.seconds if self.seconds else 0.0


class Load:
    """Sends; ``tally`` may be asked at any time, ``end`` lets what is under way be the last."""

    def __init__(self, send: Callable[[], Answer], count: int, at_once: int) -> None:
        self._send, self._count = send, count
        self._turn = threading.Lock()
        self._left = count
        self._times: list[float] = []
        self._statuses: Counter[str] = Counter()
        self._by: Counter[str] = Counter()
        self._last: Answer | None = None
        self._began = self._ended = 0.0
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(min(at_once, count))]

    def start(self) -> None:
        """Begin."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Send no more."""
        with self._turn:
            self._left = 0

    @property
    def works(self) -> bool:
        """Tell whether something is under way."""
        return any(thread.is_alive() for thread in self._threads)

    def tally(self) -> Tally:
        """Return what came back so far."""
        with self._turn:
            seconds = (self._ended if not self.works and self._ended else time.monotonic()) - self._began
            return Tally(
                self._count,
                sum(self._statuses.values()),
                seconds,
                tuple(sorted(self._times)),
                tuple(self._statuses.most_common()),
                self._last,
                tuple(sorted(self._by.items())),
            )

    def _run(self) -> None:
        while self._next():
            began = time.monotonic()
            try:
                answer = self._send()
                status = str(answer.status)
            except Exception as error:  # noqa: BLE001 - it is counted by its name
                answer, status = None, getattr(error, "code", type(error).__name__)
            took = 1000 * (time.monotonic() - began)
            with self._turn:
                self._statuses[status] += 1
                self._times.append(took)
                self._ended = time.monotonic()
                if answer is not None:
                    self._last = answer
                    self._by[answer.header("azureml-model-deployment") or "-"] += 1

    def _next(self) -> bool:
        with self._turn:
            self._left -= 1
            return self._left >= 0
