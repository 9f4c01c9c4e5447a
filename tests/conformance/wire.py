"""Raw sockets: bytes out, and answers read strictly, byte by byte as they came."""

import contextlib
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

_STATUS_LINE = re.compile(rb"(HTTP/1\.[01]) (\d{3}) ([\t\x20-\x7e\x80-\xff]*)")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_BODILESS = frozenset({204, 304})


class Malformed(Exception):
    """What came is not an HTTP answer; the message says where it stopped being one."""


class NoAnswer(Exception):
    """The connection ended (or was reset) before the first byte of an answer."""


@dataclass(frozen=True)
class Answer:
    """One answer. ``framing`` is how its end was marked: length, chunked, close or none (no body allowed)."""

    version: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    framing: str = "none"
    chunks: tuple[bytes, ...] = ()
    complete: bool = True
    interim: tuple[int, ...] = field(default=())

    def header(self, name: str) -> str | None:
        """All values of a header, spelled exactly so, joined with `` | ``; None when there is none."""
        values = [value for key, value in self.headers if key == name]
        return " | ".join(values) if values else None


class Connection:
    """One client connection to 127.0.0.1:``port``. Reading waits at most ``timeout_s`` for each piece."""

    def __init__(self, port: int, timeout_s: float = 20.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ahead = b""

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send; a peer that answered early and closed is no error here, its answer is still to be read."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.ahead += data
        return bool(data)

    def ended(self) -> bool:
        """Wait for the peer's end of stream; False if more bytes come instead."""
        return not self.ahead and not self._more()

    def _line(self) -> bytes:
        while b"\r\n" not in self.ahead:
            if not self._more():
                raise Malformed(f"the connection ended inside a line: {self.ahead[:200]!r}")
        line, self.ahead = self.ahead.split(b"\r\n", 1)
        return line

    def _exactly(self, count: int) -> tuple[bytes, bool]:
        while len(self.ahead) < count:
            if not self._more():
                data, self.ahead = self.ahead, b""
                return data, False
        data, self.ahead = self.ahead[:count], self.ahead[count:]
        return data, True

    def receive(self, *, head: bool = False) -> Answer:
        """Read one answer. ``head``: it answers a HEAD request. Raises NoAnswer, Malformed, TimeoutError."""
        if not self.ahead and not self._more():
            raise NoAnswer("the connection ended without an answer")
        interim: list[int] = []
        while True:
            version, status, reason = self._status_line()
            headers = self._headers()
            if status >= 200:
                break
            interim.append(status)
        body, framing, chunks, complete = self._body(status, dict(_lower(headers)), head)
        return Answer(version, status, reason, headers, body, framing, chunks, complete, tuple(interim))

    def _status_line(self) -> tuple[str, int, str]:
        line = self._line()
        found = _STATUS_LINE.fullmatch(line)
        if not found:
            raise Malformed(f"no status line: {line[:200]!r}")
        return found[1].decode(), int(found[2]), found[3].decode("latin-1")

    def _headers(self) -> tuple[tuple[str, str], ...]:
        headers = []
        while line := self._line():
            found = _HEADER.fullmatch(line)
            if not found:
                raise Malformed(f"no header line: {line[:200]!r}")
            headers.append((found[1].decode(), found[2].decode("latin-1")))
        return tuple(headers)

    def _body(
        self, status: int, headers: dict[str, list[str]], head: bool
    ) -> tuple[bytes, str, tuple[bytes, ...], bool]:
        lengths, codings = headers.get("content-length", []), headers.get("transfer-encoding", [])
        if lengths and codings:
            raise Malformed("both Content-Length and Transfer-Encoding")
        if len(set(lengths)) > 1 or any(not value.isdecimal() for value in lengths):
            raise Malformed(f"Content-Length: {lengths}")
        if head or status in _BODILESS:
            return b"", "none", (), True
        if codings:
            if codings != ["chunked"]:
                raise Malformed(f"Transfer-Encoding: {codings}")
            chunks, complete = self._chunks()
            return b"".join(chunks), "chunked", chunks, complete
        if lengths:
            body, complete = self._exactly(int(lengths[0]))
            return body, "length", (), complete
        while self._more():
            pass
        body, self.ahead = self.ahead, b""
        return body, "close", (), True

    def _chunks(self) -> tuple[tuple[bytes, ...], bool]:
        chunks: list[bytes] = []
        while True:
            try:
                size_line = self._line()
            except Malformed:
                return tuple(chunks), False
            if not re.fullmatch(rb"[0-9a-fA-F]+", size_line):
                raise Malformed(f"no chunk size: {size_line[:100]!r}")
            size = int(size_line, 16)
            data, complete = self._exactly(size)
            end, ended = self._exactly(2)
            if not complete or not ended:
                return (*chunks, data), False
            if end != b"\r\n":
                raise Malformed(f"chunk without its end: {end!r}")
            if size == 0:
                return tuple(chunks), True
            chunks.append(data)


def _lower(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, list[str]]]:
    names = {name.lower() for name, _ in headers}
    return [(name, [value for key, value in headers if key.lower() == name]) for name in names]


@contextlib.contextmanager
def connect(port: int, timeout_s: float = 20.0) -> Iterator[Connection]:
    """A connection for the length of a ``with`` block."""
    connection = Connection(port, timeout_s)
    try:
        yield connection
    finally:
        connection.close()


def ask(port: int, request: bytes, timeout_s: float = 20.0) -> Answer:
    """Send one request on a new connection and read its answer."""
    with connect(port, timeout_s) as connection:
        connection.send(request)
        return connection.receive(head=request.startswith(b"HEAD "))


def build(
    method: str,
    target: str | bytes,
    headers: tuple[tuple[str, str | bytes], ...] | list[tuple[str, str | bytes]] = (),
    body: bytes = b"",
    *,
    host: str = "conformance.test",
    version: str = "HTTP/1.1",
    length: bool = True,
) -> bytes:
    """The bytes of a request. A Content-Length is added for a body (``length=False``: the caller frames it)."""
    to = target.encode("latin-1") if isinstance(target, str) else target
    lines = [method.encode() + b" " + to + b" " + version.encode()]
    if host:
        lines.append(b"Host: " + host.encode())
    for name, value in headers:
        lines.append(name.encode("latin-1") + b": " + (value.encode("utf-8") if isinstance(value, str) else value))
    if length and (body or method in {"POST", "PUT", "PATCH"}):
        lines.append(b"Content-Length: " + str(len(body)).encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
