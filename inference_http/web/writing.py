"""How answers are written: one write for head and first piece, headers spelled as given, refusals in JSON.

The framing rules are waitress's; each docstring names what is replaced and why.
"""

import time
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from waitress.task import WSGITask
from waitress.utilities import build_http_date

from inference_http import contract
from inference_http.scoring import ids, scorer
from inference_http.telemetry.request_lines import log_refused

if TYPE_CHECKING:
    from collections.abc import Iterable

CRLF = "\r\n"


@lru_cache(maxsize=1)
def _date_of(second: int) -> str:
    return str(build_http_date(second))


def _http_date() -> str:
    """The Date header; formatted once a second."""
    return _date_of(int(time.time()))


class Refusal:
    """A request that the server answers by itself, in the shape of the errors of waitress's parser."""

    def __init__(self, status: HTTPStatus, body: str, *, close: bool = True, retry_after_s: int | None = None) -> None:
        self.code, self.reason, self.body = int(status), status.phrase, body
        self.close, self.retry_after_s = close, retry_after_s


class AnswerTask(WSGITask):  # type: ignore[misc]  # waitress has no annotations
    """Builds the answer's head itself and sends it together with the first piece of the body.

    waitress capitalises header names, which the reference does not (S47), and makes two system calls of an answer.
    """

    close_on_finish: bool
    wrote_header: bool
    has_body: bool
    content_length: int | None
    start_time: float

    def build_response_header(self) -> bytes:
        """The head of the answer, with framing and connection headers decided as waitress decides them."""
        lines = [f"HTTP/{self.version} {self.status}"]
        length: str | None = None
        dated = False
        for name, value in self.response_headers:
            lowered = name.lower()
            if lowered == "content-length":
                if not self.has_body:
                    continue
                length = value
            elif lowered == "date":
                dated = True
            lines.append(f"{name}: {value}")
        if length is None and self.content_length is not None and self.has_body:
            length = str(self.content_length)
            lines.append(f"Content-Length: {length}")
        self._frame(lines, length)
        lines.append(f"Server: {contract.PRODUCT}")
        if not dated:
            lines.append(f"Date: {_http_date()}")
        return f"{CRLF.join(lines)}{CRLF}{self.channel.server.marks}{CRLF}".encode("latin-1")

    def _frame(self, lines: list[str], length: str | None) -> None:
        connection = self.request.headers.get("CONNECTION", "").lower()
        closing = self.channel.server.closing or self.channel.half_closed
        if self.version == "1.0":
            if connection == "keep-alive" and length and not (self.close_on_finish or closing):
                lines.append("Connection: Keep-Alive")
                return
            self.close_on_finish = True
        else:
            if length is None and self.has_body:
                # A chunked body ends by itself, so the connection stays open; waitress would close it.
                lines.append("Transfer-Encoding: chunked")
                self.chunked_response = True
            if connection == "close" or closing:
                self.close_on_finish = True
        if self.close_on_finish:
            lines.append("Connection: close")

    def set_close_on_finish(self) -> None:
        """Only remember it: the header is written once, in ``_frame``."""
        self.close_on_finish = True

    def _head_only(self) -> bool:
        return getattr(self.request, "command", "") == "HEAD"  # there is none where the request line was refused

    def write(self, data: bytes) -> None:
        """Send the head and the first piece in one write."""
        if not self.complete:
            raise RuntimeError("start_response was not called before the body was written")
        head = b""
        if not self.wrote_header:
            head = self.build_response_header()
            self.wrote_header = True
        piece = data if self.has_body and not self._head_only() else b""
        self.content_bytes_written += len(data)
        if piece:
            if self.chunked_response:
                piece = b"%X\r\n%b\r\n" % (len(piece), piece)
            elif self.content_length is not None:
                excess = self.content_bytes_written - self.content_length
                if excess > 0:
                    piece = piece[: max(0, len(piece) - excess)]
        if head or piece:
            self.channel.write_soon(head + piece)

    def finish(self) -> None:
        """End a chunked body, but never that of a HEAD request."""
        if not self.wrote_header:
            self.write(b"")
        if self.chunked_response and not self._head_only():
            self.channel.write_soon(b"0\r\n\r\n")

    def send(self, answer: scorer.Answer) -> None:
        """Send an answer that did not come through WSGI."""
        self.status = f"{answer.status} {_phrase(answer.status)}"
        self.response_headers = list(answer.headers)
        self.complete = True
        body = answer.body
        if isinstance(body, bytes):
            self.content_length = len(body)
            self.write(body)
            return
        pieces: Iterable[bytes] = body
        try:
            for piece in pieces:
                if piece:
                    self.write(piece)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()


class RefusalTask(AnswerTask):
    """What the HTTP parser refuses, answered as JSON with ids (the reference answers HTML without any, S52)."""

    def execute(self) -> None:
        """Write the answer; close the connection when what follows on it cannot be trusted or is not wanted."""
        error = self.request.error
        found = ids_of(self.request)
        retry_after = getattr(error, "retry_after_s", None)
        extra = [] if retry_after is None else [("Retry-After", str(retry_after))]
        answer = scorer.answer_json(error.code, f"{error.reason}: {error.body}", found, headers=extra)
        if getattr(error, "close", True):
            self.close_on_finish = True
        self.send(answer)
        duration_ms = (time.time() - self.start_time) * 1000
        log_refused(self.request.command, self.request.request_uri, answer, duration_ms, found)
        if self.close_on_finish and error.code in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT):
            self.channel.linger = True


def ids_of(request: Any) -> ids.Ids:
    """The ids of a request that comes to no script: its own, else new ones."""
    try:
        return ids.resolve(lambda name: request.headers.get(name.upper().replace("-", "_")))
    except ids.TooLong:
        return ids.fresh()


def whole(answer: scorer.Answer) -> bytes:
    """An answer with its head, for a connection that is closed after it."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines += [
        f"Content-Length: {len(body)}",
        "Connection: close",
        f"Server: {contract.PRODUCT}",
        f"Date: {_http_date()}",
    ]
    return f"{CRLF.join(lines)}{CRLF}{CRLF}".encode("latin-1", "replace") + body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"  # a script may answer any status (S98)
