"""The parent process: owns the listening sockets, keeps workers serving, obeys signals, decides the exit code.

It stays small (no Flask, no waitress, nothing of the user's) and single-threaded: workers, zygote, signals, file
changes and the debugger all arrive in one loop. The rules about workers are in ``fleet.py``, how processes are made in
``engine.py``, by which of the ways in ``engines.py``.
"""

import contextlib
import dataclasses
import logging
import math
import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from inference_http import contract
from inference_http.config import banner
from inference_http.config.settings import Settings, exported_environment
from inference_http.process import orphans
from inference_http.process.control import Message, Task
from inference_http.process.development import Development
from inference_http.process.engine import Engine
from inference_http.process.engines import Engines
from inference_http.process.fleet import Fleet
from inference_http.process.holding import Holding
from inference_http.process.links import Links
from inference_http.process.listen import CannotListen, bind, turn_away
from inference_http.process.member import Member, State
from inference_http.process.news import News
from inference_http.telemetry.board import Board

OUTAGE_GRACE_S = 2.0  # connections wait this long in the kernel for a replacement before they are answered 503
TICK_S = 0.25
TORN_LIMIT = 3  # a script that writes its own files would never be served
SPARE_SLOTS = 24  # of the metrics board, for workers that come while others leave

logger = logging.getLogger("azmlinfsrv")


class Supervisor:
    """One server. ``run`` returns the exit code."""

    def __init__(self, settings: Settings, sockets: list[socket.socket]) -> None:
        self.settings = settings
        self.sockets = sockets
        self.selector = selectors.DefaultSelector()
        self.calls: deque[Callable[[], None]] = deque()  # from other threads and signal handlers
        self.wake_read, self.wake_write = socket.socketpair()
        self.wake_read.setblocking(False)
        self.wake_write.setblocking(False)
        self.selector.register(self.wake_read, selectors.EVENT_READ, self._woken)
        slots = settings.worker_count * 2 + SPARE_SLOTS  # and so many processes at most
        self.board = Board.create(slots)
        self.links = Links(self.board, self.selector, self)
        self.fleet = Fleet(
            self,
            count=settings.worker_count,
            graceful_s=settings.graceful_timeout_s or math.inf,
            hang_s=settings.worker_timeout_s,
            patient=settings.reload,
            stop_old_first=settings.stop_old_first,
            most=slots,
        )
        self.development = Development(settings, self.fleet, self.board, self.call_soon, self.give_up, end=self.end)
        self.news = News(settings, self.fleet, self.links, self.development.waiting_for_debugger)
        self.holding = Holding(sockets, self.news.reason, self.news.detail)
        self.engines = Engines(settings, sockets, self.selector, self, self.links)
        self.exit_code: int | None = None
        self.torn = 0  # workers in a row whose files were saved while they loaded
        self._served_until = float("-inf")

    # --- The loop ----------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Serve until told to end, or until nothing can be served."""
        self._set_signals()
        self.holding.start()
        try:
            if self.development.start():
                self.fleet.roll()
            while not (self.exit_code is not None and not self.links):
                for key, _ in self.selector.select(TICK_S):
                    key.data()
                self.engines.poll()
                self._tick()
        finally:
            self.holding.stop()
            self.development.stop()
            self.engines.close()
            self.links.close()
            self.board.close()
            self._stop_listening()
        return self.exit_code

    def call_soon(self, call: Callable[[], None]) -> None:
        """Run ``call`` in the loop. Any thread, any signal handler."""
        self.calls.append(call)
        with contextlib.suppress(BlockingIOError):
            self.wake_write.send(b"x")

    def _woken(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.wake_read.recv(4096)
        while self.calls:
            self.calls.popleft()()

    def _tick(self) -> None:
        now = time.monotonic()
        self.links.tick(now)
        self.fleet.tick()
        self.engines.release(self.links.engines())
        if self.fleet.serving():
            self._served_until = now
        elif now > self._served_until + OUTAGE_GRACE_S and self.exit_code is None and not self._taking_over():
            self.holding.start()

    def _taking_over(self) -> bool:
        return any(member.state is State.READY for member in self.fleet.members)

    # --- Signals -----------------------------------------------------------------------------------------------------

    def _set_signals(self) -> None:
        orphans.adopt()
        signal.signal(signal.SIGTERM, lambda *_: self.call_soon(self.end))
        signal.signal(signal.SIGINT, lambda *_: self.call_soon(self.end))
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, lambda *_: self.call_soon(self.refresh))
        if hasattr(signal, "SIGCHLD"):
            signal.signal(signal.SIGCHLD, lambda *_: self.call_soon(lambda: None))

    def end(self) -> None:
        """Drain and end with exit code 0; asked a second time, end at once."""
        if self.exit_code is not None:
            self.fleet.kill_all()
            return
        logger.info("Shutting down: finishing the requests that have arrived")
        self.exit_code = contract.EXIT_OK
        self._stop_listening()
        self.fleet.close()

    def _stop_listening(self) -> None:
        """Close this process's copies first: the port is free for others once the last worker closes its own."""
        for sock in self.sockets:
            if sock.fileno() >= 0:
                turn_away(sock)
        self.holding.stop()
        for sock in self.sockets:
            sock.close()

    def refresh(self) -> None:
        """SIGHUP: new processes with newly read code and libraries, ready before the old ones leave."""
        logger.info("Replacing the workers (SIGHUP)")
        self.engines.renew()
        self.fleet.roll()

    # --- What the fleet asks (member.Outside) ------------------------------------------------------------------------

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def start(self, member: Member) -> None:
        """Make a worker process."""
        self.links.start(member)
        self.news.spread("loading")

    def tell(self, member: Member, op: str, **fields: Any) -> None:
        """Send a message to a worker; one that is gone does not hear it."""
        if op == "go":
            self.holding.stop()
        self.links.post(member, op, **fields)

    def kill(self, member: Member, number: int) -> None:
        """Signal a worker."""
        self.links.kill(member, number)

    def served(self, member: Member) -> int:
        """Requests it has answered or begun."""
        return self.board.slot(self.links[member].slot).served()

    def beat(self, member: Member) -> float | None:
        """Its last sign of life."""
        return self.board.slot(self.links[member].slot).beat() or None

    def took_over(self, member: Member) -> None:
        """A worker serves: tell how long it took, and what the next one shall find ready."""
        report, link = member.report, self.links[member]
        self.news.broken = None
        logger.info(
            "worker %s serves version %s (import %.3f s, init %.3f s)",
            member.pid,
            report["version"],
            report["import_s"],
            report["init_s"],
        )
        self.development.took_over(member)
        self.links.hand_out()
        if link.task is not None:
            self.engines.took_over(report, link.task, link.engine)

    def start_failed(self, member: Member, message: Message) -> None:  # noqa: ARG002 - the fleet knows whose
        """The newest code does not load: the old workers say so on each answer."""
        self.news.failed(message, message["file"] and self.development.shown(message["file"]))
        self.development.start_failed(message)

    def lost(self, member: Member) -> None:  # noqa: ARG002 - whichever it is
        """Count it."""
        self.board.add("worker_restarts")

    def give_up(self, cause: str) -> None:
        """End with exit code 3: nobody serves and nobody can be started."""
        logger.error("The server ends: %s", cause)
        self.exit_code = contract.EXIT_START_FAILED
        self._stop_listening()
        self.fleet.close()

    # --- What engines ask (engines.Owner) ----------------------------------------------------------------------------

    def roll(self) -> None:
        """Replace all workers."""
        self.fleet.roll()

    def ending(self) -> bool:
        """Whether the server ends."""
        return self.exit_code is not None

    def ask_again(self, engine: Engine) -> None:
        """Workers that this engine has not forked will not come from there: ask the one that is current now."""
        for member in self.links.unmade(engine):
            self.links.ask_again(member)

    # --- What links ask (links.Owner) --------------------------------------------------------------------------------

    def task(self, member: Member, slot: int) -> Task:
        """What a new worker shall be."""
        return Task(
            number=member.number,
            slot=slot,
            board=self.board.handle,
            reloading=self.settings.reload,
            data=self.development.data(),
            debug=self.development.endpoint(),
        )

    def engine(self, member: Member, task: Task) -> Engine:
        """Who makes it."""
        return self.engines.next(member.generation, task)

    def hear(self, member: Member, message: Message) -> None:
        """A worker says something."""
        op = message["op"]
        if op == "learned":
            self.engines.learn(message["modules"])
        elif op in ("ready", "failed") and member.generation == self.fleet.generation and self._again(message):
            self.fleet.roll()
        else:
            self.fleet.hear(member, message)

    def _again(self, message: Message) -> bool:
        """Whether a worker has loaded what nobody wanted: a half saved file, or libraries with old variables."""
        self.torn = self.torn + 1 if message["torn"] else 0
        if 0 < self.torn <= TORN_LIMIT:
            logger.info("Loading again: a file was saved while it was read")
            return True
        return bool(message["op"] == "ready" and self.engines.outdated(message))

    def gone(self, member: Member, code: int | None) -> None:
        """Its process has ended."""
        self.fleet.gone(member, code)

    def heirs(self) -> list[Member]:
        """Who may get a connection of a worker that leaves."""
        return self.fleet.serving()


def serve(settings: Settings) -> int:
    """Run a server with these settings until it ends; returns the process's exit code."""
    try:
        sockets = bind(settings)
    except CannotListen as error:
        logger.error("%s", error)  # noqa: TRY400 - the sentence says all
        return contract.EXIT_FAILED
    if 0 in (settings.port, settings.health_port):
        ports = [sock.getsockname()[1] for sock in sockets]
        settings = dataclasses.replace(settings, port=ports[0], health_port=ports[1] if len(ports) > 1 else None)
        os.environ.update(exported_environment(settings))
        banner.show_routes(settings)
    return Supervisor(settings, sockets).run()
