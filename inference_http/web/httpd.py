"""The HTTP side of a worker: waitress on inherited sockets, with a drain that loses nothing.

Drain: stop accepting and say so, hand idle keep-alive connections to the successor as descriptors, answer what has been
received, hand those over too, leave. Without a successor every answer carries ``Connection: close``, and a connection
that was active a moment ago is given that moment to send one more request.
"""

import contextlib
import logging
import math
import select
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from inference_http import contract
from inference_http.config.settings import Settings
from inference_http.scoring import scorer
from inference_http.telemetry.slot import Slot
from inference_http.web.channel import LOOKAHEAD, Channel
from inference_http.web.dispatch import Dispatcher
from inference_http.web.loop import Loop

CONNECTION_LIMIT = 4096  # open connections of one worker, where the process may open as many files
CLOSING_IDLE_S = 1.0  # without a successor: how long a connection must have been quiet before it is closed
TICK_S = 1.0
SWEEP_S = 0.1  # while draining

logger = logging.getLogger("azmlinfsrv")
_poll = wasyncore.poll2 if hasattr(select, "poll") else wasyncore.poll

HandOver = Callable[[socket.socket], bool]


class Listener(TcpWSGIServer):  # type: ignore[misc]  # waitress has no annotations
    """One inherited listening socket (TCP or unix) in waitress's loop."""

    channel_class = Channel

    def __init__(self, httpd: "Httpd", sock: socket.socket, adj: Adjustments) -> None:
        self._httpd = httpd
        self.serving: dict[int, Channel] = httpd.serving
        info = (sock.family, sock.type, sock.proto, sock.getsockname())
        super().__init__(
            httpd.application,
            httpd.map,
            _start=False,
            _sock=sock,
            dispatcher=httpd.dispatcher,
            adj=adj,
            sockinfo=info,
            bind_socket=False,
        )

    @property
    def closing(self) -> bool:
        """Whether connections end with their next answer."""
        return self._httpd.draining and self._httpd.hand_over is None

    @property
    def draining(self) -> bool:
        """Whether this worker is leaving."""
        return self._httpd.draining

    @property
    def handing_over(self) -> bool:
        """Whether idle connections go to a successor."""
        return self._httpd.draining and self._httpd.hand_over is not None

    @property
    def marks(self) -> str:
        """Header lines that every answer carries."""
        return self._httpd.marks

    def observe(self, request: Any, status: str, seconds: float) -> None:
        """Count an answer; probes and scrapes are not what a user wants to see counted."""
        if request.error or request.path not in (contract.ROUTE_HEALTH, contract.ROUTE_METRICS):
            self._httpd.slot.observe(int(status[:3]), seconds)

    def getsockname(self) -> Any:
        """Host and port as text; for a unix socket its path."""
        if self.socket.family in (socket.AF_INET, socket.AF_INET6):
            return super().getsockname()
        return ("unix", self.socket.getsockname())

    def fix_addr(self, addr: Any) -> Any:
        """A client's address; a unix socket has none."""
        return addr if isinstance(addr, tuple) else ("localhost", None)

    def set_reuse_addr(self) -> None:
        """The supervisor made the socket; its options are not this process's to change."""


class Httpd:
    """Serves one application on inherited sockets until it is retired."""

    def __init__(self, settings: Settings, application: Any, sockets: Sequence[socket.socket], slot: Slot) -> None:
        self.application = application
        self.map: dict[int, Any] = {}
        self.serving: dict[int, Channel] = {}
        self.dispatcher = Dispatcher(settings, slot)
        self.slot = slot
        self.draining = False
        self.hand_over: HandOver | None = None
        self.marks = ""  # header lines that every answer carries
        self._request_timeout_s = settings.request_timeout_s or math.inf
        adj = _adjustments(settings)
        self._listeners = [Listener(self, sock, adj) for sock in sockets]
        self._on_stopped: Callable[[], None] = lambda: None
        self._on_empty: Callable[[], None] = lambda: None
        self._next_tick = 0.0
        self._done = False
        self._loop = Loop(self._wait, TICK_S, self._listeners[0].pull_trigger)

    def start(self) -> None:
        """Start the loop and the answering threads; nothing is accepted before ``accept``."""
        self.dispatcher.start()
        self._loop.start()

    def run_scoring(self, *, debugged: bool) -> None:
        """Answer scoring requests on the calling thread until this worker has left.

        ``debugged``: a debugger may suspend this thread at any time, so that it waits for no connections meanwhile.
        """
        self.dispatcher.run_scoring(None if debugged else self._loop.turn)

    def accept(self) -> None:
        """Begin to accept connections. Any thread."""
        self._loop.call(self._accept)

    def adopt(self, sock: socket.socket) -> None:
        """Take over a connection that another worker accepted. Any thread."""
        self._loop.call(lambda: self._adopt(sock))

    def retire(self, hand_over: HandOver | None, on_stopped: Callable[[], None], on_empty: Callable[[], None]) -> None:
        """Leave: ``on_stopped`` is called once nothing is accepted any more, ``on_empty`` once no connection is left.

        Both are called on the loop's thread. ``hand_over`` gives a connection to the successor and returns whether it
        did. Any thread; a second call changes nothing but the hand-over.
        """

        def begin() -> None:
            self.hand_over = hand_over
            if not self.draining:
                self.draining = True
                self._on_stopped, self._on_empty = on_stopped, on_empty
                for listener in self._listeners:
                    self._stop_accepting(listener)
                self._on_stopped()
            self._sweep()  # now: nothing is read of connections that wait for it

        self._loop.call(begin)

    def abandon(self) -> None:
        """In a process that the script forks: leave the network and what waits to the worker."""
        self._loop.abandon()
        self.dispatcher.abandon()

    def mark(self, version: str, broken: str | None) -> None:
        """Let every answer carry the version of the code, and what is wrong with a newer one. Any thread."""
        lines = f"{contract.HEADER_CODE_VERSION}: {version}\r\n"
        if broken:
            text = " ".join(broken.split()).encode("latin-1", "replace").decode("latin-1")
            lines += f"{contract.HEADER_RELOAD_ERROR}: {text}\r\n"
        self.marks = lines

    def answer_for_thread(self, thread: int, answer: scorer.Answer) -> None:
        """Answer on behalf of a stuck thread (see deadline.py), and let another thread answer what waits behind it."""
        channel = self.serving.get(thread)
        if channel is not None:
            channel.answer_for_stuck(answer)
        self.dispatcher.replace_stuck_thread()

    def busy(self) -> int:
        """Requests that are being answered."""
        return len(self.serving)

    def connections(self) -> list[socket.socket]:
        """The sockets of all clients."""
        return [channel.socket for channel in self._channels()]

    # --- Only on the loop's thread -----------------------------------------------------------------------------------

    def _wait(self, longest_s: float) -> bool:
        _poll(min(longest_s, SWEEP_S) if self.draining else longest_s, self.map)
        now = time.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + TICK_S
            self._tick(now)
        if self.draining:
            self._sweep()
        return not self._done

    def _tick(self, now: float) -> None:
        self.slot.heartbeat()
        self.slot.waiting(self.dispatcher.waiting())
        for channel in self._channels():
            channel.expire(now, self._request_timeout_s)

    def _channels(self) -> list[Channel]:
        return [channel for listener in self._listeners for channel in listener.active_channels.values()]

    def _accept(self) -> None:
        if not self.draining:
            for listener in self._listeners:
                listener.accepting = True

    def _adopt(self, sock: socket.socket) -> None:
        listener = self._listeners[0]
        try:
            address = listener.fix_addr(sock.getpeername())
            channel = Channel(listener, sock, address, listener.adj, map=self.map)
        except OSError:  # the client has gone meanwhile
            sock.close()
            return
        if self.draining and self.hand_over is None:
            channel.last_activity = time.time()

    def _stop_accepting(self, listener: Listener) -> None:
        if self.hand_over is None:
            self._accept_rest(listener)
        listener.accepting = False
        listener.del_channel()
        listener.socket.close()  # this process's copy; the supervisor keeps the socket alive for the successor

    def _accept_rest(self, listener: Listener) -> None:
        """Take what the kernel has accepted for us: without a successor nobody else will."""
        while True:
            try:
                connection, address = listener.socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                listener.set_socket_options(connection)
                Channel(listener, connection, listener.fix_addr(address), listener.adj, map=self.map)

    def _sweep(self) -> None:
        for channel in self._channels():
            if not channel.idle():
                continue
            if self.hand_over is not None:
                if self.hand_over(channel.socket):
                    channel.handle_close()  # closes this process's copy only
                else:
                    self.hand_over = None  # nobody there: close as without a successor
            elif time.time() - channel.last_activity > CLOSING_IDLE_S:
                channel.handle_close()
        if not self._done and not self._channels():
            self._done = True
            self._on_empty()


def _adjustments(settings: Settings) -> Adjustments:
    return Adjustments(
        threads=1,  # waitress's own dispatcher is not used
        ident=contract.PRODUCT,
        server_name=settings.host,  # what a request without Host is told
        channel_request_lookahead=LOOKAHEAD,
        max_request_body_size=settings.max_body + 1 if settings.max_body else 2**62,
        max_request_header_size=settings.max_header,
        channel_timeout=settings.idle_timeout_s or 1e9,
        cleanup_interval=TICK_S,
        connection_limit=_connection_limit(),
        asyncore_use_poll=True,
        recv_bytes=65536,
        log_untrusted_proxy_headers=False,
        clear_untrusted_proxy_headers=False,
    )


def _connection_limit() -> int:
    try:
        import resource  # POSIX only
    except ImportError:
        return CONNECTION_LIMIT
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(64, min(CONNECTION_LIMIT, soft - 128)) if soft != resource.RLIM_INFINITY else CONNECTION_LIMIT
