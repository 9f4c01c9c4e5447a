"""One client connection: waitress's, adapted so that drains, stuck threads and half-closed clients lose no answer.

Everything here runs on waitress's own parser and buffers; each docstring names what is replaced and why.
"""

import contextlib
import logging
import socket
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from waitress.channel import ClientDisconnected, HTTPChannel

from inference_http import contract
from inference_http.scoring import scorer
from inference_http.scoring.streaming import StreamBroken
from inference_http.telemetry.request_lines import log_refused, log_request
from inference_http.web.reading import Request
from inference_http.web.writing import AnswerTask, Refusal, RefusalTask, ids_of, whole

if TYPE_CHECKING:
    from inference_http.web.httpd import Listener

LINGER_S = 2.0  # how long a refused upload is read and dropped, so that the client sees the answer and not a reset
CLIENT_GONE = 499  # nginx's number, for the log and the metrics: nobody sees the answer
LINGER_BYTES = 64 * 1024 * 1024
HALF_CLOSE_S = 0.5  # a client that stops sending and waits does so with its request; one that leaves gave up later
LOOKAHEAD = 1  # requests read ahead on a connection; with 1 the loop need not be woken when an answer is done

logger = logging.getLogger("azmlinfsrv")


class Channel(HTTPChannel):  # type: ignore[misc]
    """One client connection."""

    parser_class = Request
    task_class = AnswerTask
    error_task_class = RefusalTask
    server: "Listener"
    request: Any  # the one that is being received
    requests: list[Any]  # received and not answered; the first is being answered
    connected: bool
    current_outbuf_count: int
    total_outbufs_len: int

    half_closed = False  # the client has stopped sending; it still wants its answers
    left = False  # it has given up: what has not begun is not begun any more
    _sent_at = 0.0  # monotonic; when the last bytes of a request came
    answering = False  # the running request's answer has begun
    answered_for = False  # another thread has answered the running request, and counted it
    _service_began = 0.0  # perf_counter()
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
        """Read once. A client that stops sending after its request still gets the answer; waitress drops it.

        TCP tells no difference between that and a client that has closed its connection; the moment does.
        """
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
            self._sent_at = time.monotonic()
            self.received(data)
            if self.request is None:
                self._arriving_since = None
            elif self._arriving_since is None:
                self._arriving_since = time.monotonic()
        else:
            with self.requests_lock:  # the answering thread looks at the same two
                self.half_closed = bool(self.requests or self.total_outbufs_len)
                self.left = time.monotonic() - self._sent_at > HALF_CLOSE_S
            if not self.half_closed:
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
        if self.left or not self.connected:
            self._skip(request)
            return
        task = (self.error_task_class if request.error else self.task_class)(self, request)
        thread = threading.get_ident()
        self.answering = False
        self._service_began = time.perf_counter()
        self.server.serving[thread] = self
        try:
            task.service()
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
        if not self.answered_for:
            self.server.observe(request, task.status, time.perf_counter() - self._service_began)
        self._next(task, request)

    def _skip(self, request: Any) -> None:
        """Begin nothing for a client that has gone: who waits behind it would wait for an answer that nobody reads."""
        log_refused(request.command, request.request_uri, scorer.Answer(CLIENT_GONE, [], b""), 0.0, ids_of(request))
        self.server.observe(request, str(CLIENT_GONE), 0.0)
        with self.requests_lock:
            self.close_when_flushed = True
            for waiting in self.requests:
                waiting.close()
            self.requests = []
        self.server.pull_trigger()

    def _apologise(self, request: Any) -> None:
        request.error = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed to answer; its log says why")
        with contextlib.suppress(BaseException):  # what is wrong has been logged; the thread goes on
            RefusalTask(self, request).service()

    def _next(self, task: AnswerTask, request: Any) -> None:
        full = False
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
                full = len(self.requests) > LOOKAHEAD
                if full:  # nothing was read meanwhile: the client may have stopped sending long ago
                    self._sent_at = time.monotonic()
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
        with self.outbuf_lock:
            if not self.connected:
                raise ClientDisconnected
            sent = 0
            if type(data) is bytes and not self.total_outbufs_len:
                try:
                    sent = self.socket.send(data)
                except BlockingIOError:
                    pass
                except OSError as error:
                    self.will_close = True
                    self.server.pull_trigger()
                    raise ClientDisconnected from error
            if sent == len(data):
                return sent
            return sent + int(super().write_soon(data[sent:] if sent else data))

    # --- Another thread's side -------------------------------------------------------------------------------------

    def answer_for_stuck(self, answer: scorer.Answer) -> None:
        """Answer for the thread that is stuck in this connection's request, and close the connection.

        Where the answer has begun the connection is cut: the client must not take half an answer for a whole one.
        The request is counted and has its line now, since that thread may never come to it.
        """
        request, seconds = next(iter(self.requests), None), time.perf_counter() - self._service_began
        if request is None:
            return  # that thread has come to an end of it just now
        with self.outbuf_lock:
            if not self.answered_for:
                self.answered_for = True
                log_request(request.command, contract.ROUTE_SCORE, request.query, answer, seconds * 1000)
                self.server.observe(request, str(answer.status), seconds)
            if not self.connected:
                return
            if not self.answering and isinstance(answer.body, bytes):
                with contextlib.suppress(OSError):
                    self.socket.send(whole(answer))
            self.connected = False
            self.will_close = True
        self.server.pull_trigger()
