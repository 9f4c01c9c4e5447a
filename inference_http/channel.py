"""waitress's connection and answer, adapted: one write per answer, headers spelled as given, JSON errors, stuck threads.

Everything here runs on waitress's own parser and buffers; each docstring names what is replaced and why.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import WSGITask
from waitress.utilities import build_http_date

from inference_http import contract, ids, scoring
from inference_http.streaming import StreamBroken

if TYPE_CHECKING:
    from inference_http.httpd import Listener

LINGER_S = 2.0  # how long a refused upload is read and dropped, so that the client sees the answer and not a reset
LINGER_BYTES = 64 * 1024 * 1024
CRLF = "\r\n"
LOOKAHEAD = 1  # requests read ahead on a connection; with 1 the loop need not be woken when an answer is done

logger = logging.getLogger("azmlinfsrv")
_date: tuple[int, str] = (0, "")


def _http_date() -> str:
    """The Date header; formatted once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, build_http_date(now))
    return _date[1]


class Refusal:
    """A request that the server answers by itself, in the shape of the errors of waitress's parser."""

    def __init__(self, status: HTTPStatus, body: str, *, close: bool = True, retry_after_s: int | None = None) -> None:
        self.code, self.reason, self.body = int(status), status.phrase, body
        self.close, self.retry_after_s = close, retry_after_s


class AnswerTask(WSGITask):  # type: ignore[misc]  # waitress has no annotations
    """Builds the answer's head itself (waitress capitalises header names, the reference does not, S47) and sends it
    together with the first piece of the body (waitress makes two system calls of that)."""

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

    def send(self, answer: scoring.Answer) -> None:
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
        headers = self.request.headers
        try:
            found = ids.resolve(lambda name: headers.get(name.upper().replace("-", "_")))
        except ids.TooLong:
            found = ids.resolve(lambda name: None)
        retry_after = getattr(error, "retry_after_s", None)
        extra = [] if retry_after is None else [("Retry-After", str(retry_after))]
        answer = scoring.answer_json(error.code, f"{error.reason}: {error.body}", found, headers=extra)
        if getattr(error, "close", True):
            self.close_on_finish = True
        self.send(answer)
        if self.close_on_finish and error.code in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT):
            self.channel.linger = True


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"  # a script may answer any status (S98)


class Request(HTTPRequestParser):  # type: ignore[misc]
    """waitress's request, with values for what a request that is refused early never gets."""

    command = path = query = request_uri = ""


class Channel(HTTPChannel):  # type: ignore[misc]
    """One client connection."""

    parser_class = Request
    task_class = AnswerTask
    error_task_class = RefusalTask
    server: "Listener"

    half_closed = False  # the client has stopped sending; it still wants its answers
    answering = False  # the running request's answer has begun
    linger = False  # close by first dropping what still arrives
    _linger_until: float | None = None
    _lingered = 0
    _arriving_since: float | None = None  # monotonic; when the request being received began to arrive

    # --- The loop's side -------------------------------------------------------------------------------------------

    def readable(self) -> bool:
        """While draining, only a request that has begun to arrive is read on; other bytes move on with their socket."""
        if self._linger_until is not None:
            return True
        if self.half_closed or (self.server.handing_over and self.request is None):
            return False
        return bool(super().readable())

    def writable(self) -> bool:
        """waitress's rule, but a lingering connection only waits for the client."""
        return self._linger_until is None and bool(super().writable())

    def handle_read(self) -> None:
        """Read once. A client that stops sending after its request still gets the answer; waitress drops it."""
        try:
            data = self.socket.recv(self.adj.recv_bytes)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.handle_close()
            return
        if self._linger_until is not None:
            self._drop(data)
        elif data:
            self.last_activity = time.time()
            self.received(data)
            if self.request is None:
                self._arriving_since = None
            elif self._arriving_since is None:
                self._arriving_since = time.monotonic()
        elif self.requests or self.total_outbufs_len:
            self.half_closed = True
        else:
            self.handle_close()

    def handle_write(self) -> None:
        """Send what is waiting; turn a close into a linger where one is wanted."""
        if self.linger and self.close_when_flushed:
            if self.total_outbufs_len:
                self._flush_exception(self._flush_some)
            if not self.total_outbufs_len and not self.will_close:
                self._linger_until = time.monotonic() + LINGER_S
                with contextlib.suppress(OSError):
                    self.socket.shutdown(socket.SHUT_WR)
                return
        super().handle_write()

    def _drop(self, data: bytes) -> None:
        self._lingered += len(data)
        if not data or self._lingered > LINGER_BYTES:
            self.handle_close()

    def expire(self, now: float, request_timeout_s: float) -> None:
        """End a linger, and cut off a request that takes too long to arrive with 408. Called each second."""
        if self._linger_until is not None:
            if now > self._linger_until:
                self.handle_close()
            return
        since = self._arriving_since
        if since is None or now - since <= request_timeout_s or self.requests:
            return
        with self.requests_lock:
            request, self.request, self._arriving_since = self.request, None, None
            if request is None:
                return
            request.error = Refusal(
                HTTPStatus.REQUEST_TIMEOUT, f"the request did not arrive within {request_timeout_s:g} s"
            )
            request.completed = True
            self.requests.append(request)
        self.server.add_task(self)

    def idle(self) -> bool:
        """Whether nothing is being received, answered or sent."""
        return not (self.requests or self.request or self.total_outbufs_len or self._linger_until is not None)

    # --- The answering thread's side -------------------------------------------------------------------------------

    def service(self) -> None:
        """Answer the first request that waits here.

        waitress's ``service`` with three changes: nothing that a script raises ends the thread, failures are JSON, and
        the loop is woken only when it has something to do (two system calls saved on each answer).
        """
        request = self.requests[0]
        task = (self.error_task_class if request.error else self.task_class)(self, request)
        thread = threading.get_ident()
        self.answering = False
        self.server.serving[thread] = self
        started = time.perf_counter()
        try:
            if self.connected:
                task.service()
            else:
                task.close_on_finish = True
        except ClientDisconnected:
            task.close_on_finish = True
        except BaseException as error:
            if not isinstance(error, StreamBroken):  # the script's own failure is in the log already
                logger.exception("the connection is closed: its answer could not be sent")
            task.close_on_finish = True
            if not self.answering:
                self._apologise(request)
        finally:
            self.server.serving.pop(thread, None)
        self.server.observe(request, task.status, time.perf_counter() - started)
        self._next(task, request)

    def _apologise(self, request: Any) -> None:
        request.error = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed to answer; its log says why")
        with contextlib.suppress(BaseException):  # what is wrong has been logged; the thread goes on
            RefusalTask(self, request).service()

    def _next(self, task: AnswerTask, request: Any) -> None:
        full = len(self.requests) > LOOKAHEAD
        if task.close_on_finish:
            with self.requests_lock:
                self.close_when_flushed = True
                for waiting in self.requests:
                    waiting.close()
                self.requests = []
        else:
            if len(self.requests) > 1:
                self._flush_outbufs_below_high_watermark()
            if self.current_outbuf_count > 0:
                # A new buffer for the next answer, so that a long connection does not keep one growing.
                self.current_outbuf_count = self.adj.outbuf_high_watermark
            request.close()
            with self.requests_lock:
                self.requests.pop(0)
                if self.connected and self.requests:
                    self.server.add_task(self)
                elif self.half_closed:
                    self.close_when_flushed = True
                elif self.connected and self._continue_is_due():
                    self.send_continue()
        self.last_activity = time.time()
        if full or self.close_when_flushed or self.total_outbufs_len or self.server.draining:
            self.server.pull_trigger()

    def _continue_is_due(self) -> bool:
        request = self.request
        return bool(request and request.expect_continue and request.headers_finished and not self.sent_continue)

    def write_soon(self, data: Any) -> int:
        """Write to the socket at once when nothing is waiting; waitress goes through its buffer first."""
        self.answering = True
        if type(data) is not bytes or not data or self.total_outbufs_len:
            return int(super().write_soon(data))
        with self.outbuf_lock:
            if not self.connected:
                raise ClientDisconnected
            if self.total_outbufs_len:
                return int(super().write_soon(data))
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self.will_close = True
                self.server.pull_trigger()
                raise ClientDisconnected from error
            rest = data[sent:]
            return sent + (int(super().write_soon(rest)) if rest else 0)

    # --- Another thread's side -------------------------------------------------------------------------------------

    def answer_for_stuck(self, answer: scoring.Answer) -> None:
        """Answer for the thread that is stuck in this connection's request, and close the connection.

        Where the answer has begun the connection is cut: the client must not take half an answer for a whole one.
        """
        with self.outbuf_lock:
            if not self.connected:
                return
            if not self.answering and isinstance(answer.body, bytes):
                lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
                lines += [f"{name}: {value}" for name, value in answer.headers]
                lines += [f"Content-Length: {len(answer.body)}", "Connection: close", f"Server: {contract.PRODUCT}"]
                head = ("\r\n".join([*lines, f"Date: {_http_date()}"]) + "\r\n\r\n").encode("latin-1")
                with contextlib.suppress(OSError):
                    self.socket.send(head + answer.body)
            self.connected = False
            self.will_close = True
        self.server.pull_trigger()
