"""Clients of the endpoint: several at once, each on a connection of its own."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.demo.project import Flower

CLIENTS = 4
LIMIT_S = 30.0


@dataclass(slots=True)
class Burst:
    """What became of many requests: how many each deployment answered, how many failed, seconds."""

    answered: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """How many there were."""
        return self.answered.total() + self.failed

    def __str__(self) -> str:
        return f"{self.total} requests in {self.seconds:.1f} s, {self.failed} failed"


class Clients:
    """Sends requests about flowers from the moment it is made: ``count`` of them, or (0) until ``end`` is called."""

    def __init__(self, port: int, key: str, flowers: Sequence[Flower], count: int = 0) -> None:
        self._port, self._flowers, self._count = port, flowers, count
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._burst, self._sent, self._lock = Burst(), 0, threading.Lock()
        self._ended = threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> Burst:
        """Wait for those that are to be sent (all that began, where no number was given)."""
        if not self._count:
            self._ended.set()
        for thread in self._threads:
            thread.join()
        self._burst.seconds = time.monotonic() - self._began
        return self._burst

    def _next(self) -> int | None:
        with self._lock:
            if self._ended.is_set() or (self._count and self._sent >= self._count):
                return None
            self._sent += 1
            return self._sent

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT_S)
        try:
            while (number := self._next()) is not None:
                body = json.dumps({"flowers": [self._flowers[number % len(self._flowers)]]})
                name = self._ask(connection, body)
                with self._lock:
                    if name is None:
                        self._burst.failed += 1
                    else:
                        self._burst.answered[name] += 1
        finally:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, body: str) -> str | None:
        """Return who answered; None where it was no 200."""
        try:
            connection.request("POST", "/score", body, self._headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return None
        return answer.getheader("azureml-model-deployment") if answer.status == 200 else None


def without_key(port: int, body: bytes) -> tuple[int, str]:
    """Ask as somebody who has no key; return the status and the text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.request("POST", "/score", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
