"""A counting load: clients that send requests all the time and remember every one that was not answered well."""

import http.client
import threading
import time
from collections import Counter
from types import TracebackType


class Load:
    """``clients`` threads; half keep their connection, half open a new one for each request.

    ``answers`` counts bodies of 200 answers, ``failures`` lists whatever else happened.
    """

    def __init__(self, port: int, *, clients: int = 4, pause_s: float = 0.0, body: str = "{}") -> None:
        self.answers: Counter[bytes] = Counter()
        self.headers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.slowest_s = 0.0
        self._port, self._pause_s, self._body = port, pause_s, body
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number % 2 == 0,)) for number in range(clients)]

    def __enter__(self) -> "Load":  # noqa: PYI034 - typing.Self came with 3.11
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Let every client finish its request."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def total(self) -> int:
        """Requests that were sent and ended."""
        with self._lock:
            return sum(self.answers.values()) + len(self.failures)

    def wait(self, more: int, timeout: float = 60) -> None:
        """Wait for ``more`` requests from now on."""
        goal, deadline = self.total + more, time.monotonic() + timeout
        while self.total < goal:
            assert time.monotonic() < deadline, f"only {self.total} of {goal} requests: {self.failures[-3:]}"
            time.sleep(0.01)

    def _run(self, keep_alive: bool) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
                headers = {} if keep_alive else {"Connection": "close"}
                connection.request("POST", "/score", self._body, headers)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._count(None, f"{type(error).__name__}: {error}", started)
                if connection is not None:
                    connection.close()
                connection = None
                continue
            self._count(body if answer.status == 200 else None, f"{answer.status} {body[:200]!r}", started)
            if not keep_alive or answer.getheader("Connection") == "close":
                connection.close()
                connection = None
            if self._pause_s:
                time.sleep(self._pause_s)
        if connection is not None:
            connection.close()

    def _count(self, body: bytes | None, problem: str, started: float) -> None:
        with self._lock:
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)
            if body is None:
                self.failures.append(problem)
            else:
                self.answers[body] += 1
