"""Clients of the endpoint on the host of the demo: by TLS, several at once; what fails is counted."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections import Counter

CLIENTS, LIMIT_S = 4, 30.0
NAME = "prod.example"  # in the certificate
USUAL, ODD = b'{"rooms": 4}', b'{"rooms": 0}'


class Clients:
    """Asks the host by TLS, from four threads, until the block ends; counts who answered, and what failed."""

    def __init__(self, address: str, trusted: str, key: str) -> None:
        self._address, self._key = address, key
        self._tls = ssl.create_default_context(cadata=trusted)
        self.answered: Counter[str] = Counter()
        self.failed = 0
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(index,), daemon=True) for index in range(CLIENTS)]

    def __enter__(self) -> "Clients":  # noqa: PYI034 - typing.Self came with 3.11
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def __str__(self) -> str:
        return f"{self.answered.total() + self.failed} requests, {self.failed} failed"

    def ask(self, body: bytes, connection: http.client.HTTPSConnection | None = None) -> tuple[int, str, str]:
        """Send one request; return status, who answered, and the text."""
        with contextlib.ExitStack() as stack:
            used = connection or stack.enter_context(contextlib.closing(self.connection()))
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            used.request("POST", "/prices/score", body, headers)
            found = used.getresponse()
            text = found.read().decode()
            return found.status, found.getheader("azureml-model-deployment") or "", text

    def connection(self) -> http.client.HTTPSConnection:
        """Return a connection to the name in the certificate; where that is, the demo knows better than DNS."""
        made = http.client.HTTPSConnection(NAME, 443, timeout=LIMIT_S, context=self._tls)
        made._create_connection = lambda _, *more: socket.create_connection((self._address, 443), *more)  # type: ignore[attr-defined]  # noqa: SLF001
        return made

    def _run(self, index: int) -> None:
        while not self._ended.is_set():
            self._some(index)

    def _some(self, index: int) -> None:
        """Send some requests on one connection."""
        try:
            with contextlib.closing(self.connection()) as connection:
                for number in range(50):
                    status, name, _ = self.ask(ODD if (number + index) % 5 == 0 else USUAL, connection)
                    if status == 200:
                        self.answered[name] += 1
                    else:
                        self.failed += 1
                    if self._ended.is_set():
                        return
        except (OSError, http.client.HTTPException):
            self.failed += 1
