"""Answers while no worker serves: 503 with the reason, at once, on the same sockets.

The reference lets probes hang (S39).

Runs in the supervisor on the standard library alone. It stops accepting before a worker starts to.
"""

import contextlib
import json
import select
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from inference_http import contract

READ_S = 5.0  # what a client may take to send its request's head
_HEAD_LIMIT = 65536
_AT_ONCE = 256


class Holding:
    """A small HTTP answerer in a thread of its own.

    ``reason`` gives the text, asked for each answer, and ``detail`` what ``GET /?detail`` tells beside it.
    """

    def __init__(
        self, sockets: Sequence[socket.socket], reason: Callable[[], str], detail: Callable[[], dict[str, Any]]
    ) -> None:
        self._sockets = sockets
        self._reason = reason
        self._detail = detail
        self._thread: threading.Thread | None = None
        self._wake: tuple[socket.socket, socket.socket] | None = None
        self._slots = threading.Semaphore(_AT_ONCE)

    def active(self) -> bool:
        """Whether it answers now."""
        return self._thread is not None

    def start(self) -> None:
        """Begin to answer."""
        if self._thread is None:
            self._wake = socket.socketpair()
            self._thread = threading.Thread(target=self._accept, args=(self._wake[1],), daemon=True, name="holding")
            self._thread.start()

    def stop(self) -> None:
        """Accept nothing more; what has been accepted is still answered."""
        thread, wake = self._thread, self._wake
        if thread is None or wake is None:
            return
        self._thread = self._wake = None
        wake[0].close()
        thread.join()
        wake[1].close()

    def _accept(self, wake: socket.socket) -> None:
        waiting: list[socket.socket] = [wake, *self._sockets]
        while True:
            ready, _, _ = select.select(waiting, [], [])
            if wake in ready:
                return
            for listener in ready:
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    self._slots.acquire()
                    threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                connection.settimeout(READ_S)
                head, body_length = _read_head(connection)
                if head is not None:
                    connection.sendall(self._response(head))
                    connection.shutdown(socket.SHUT_WR)
                    _drop_rest(connection, body_length)
        finally:
            self._slots.release()

    def _response(self, head: bytes) -> bytes:
        request_id = _header(head, contract.HEADER_REQUEST_ID) or str(uuid.uuid4())
        target, _, query = head.split(b"\r\n")[0].partition(b"?")
        detail = self._detail() if target.endswith(b" /") and query.startswith(b"detail") else {}
        body = json.dumps({"message": self._reason(), **detail}).encode()
        lines = [
            "HTTP/1.1 503 Service Unavailable",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Retry-After: 1",
            f"{contract.HEADER_RUN_FAILED}: False",
            f"{contract.HEADER_REQUEST_ID}: {request_id[: contract.REQUEST_ID_LIMIT]}",
            "Connection: close",
            f"Server: {contract.PRODUCT}",
        ]
        if head.startswith(b"HEAD "):
            body = b""
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + body


def _read_head(connection: socket.socket) -> tuple[bytes | None, int]:
    """The request's head, and how many bytes of a body are still to come (0 when unknown)."""
    deadline = time.monotonic() + READ_S
    data = b""
    while b"\r\n\r\n" not in data:
        if len(data) > _HEAD_LIMIT or time.monotonic() > deadline:
            return None, 0
        piece = connection.recv(8192)
        if not piece:
            return None, 0
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    length = _header(head, "content-length")
    return head, max(0, int(length) - len(rest)) if length and length.isdigit() else 0


def _drop_rest(connection: socket.socket, length: int) -> None:
    """Read on until the client closes: a close with unread bytes would reset the answer."""
    deadline = time.monotonic() + READ_S
    while time.monotonic() < deadline:
        connection.settimeout(max(0.01, min(READ_S, deadline - time.monotonic()) if length else 0.5))
        piece = connection.recv(65536)
        if not piece:
            return
        length -= len(piece)


def _header(head: bytes, name: str) -> str | None:
    wanted = name.lower().encode()
    for line in head.split(b"\r\n")[1:]:
        found, colon, value = line.partition(b":")
        if colon and found.strip().lower() == wanted:
            return value.strip().decode("latin-1")
    return None
