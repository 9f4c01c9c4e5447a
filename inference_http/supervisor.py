"""The parent process: owns the listening sockets, keeps workers serving, obeys signals, decides the exit code.

It stays small (no Flask, no waitress, nothing of the user's) and single-threaded: workers, zygote, signals, file changes
and the debugger all arrive in one loop. The rules about workers are in ``fleet.py``; how processes are made, in ``engine.py``.
"""

import contextlib
import dataclasses
import functools
import logging
import math
import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from inference_http import banner, contract, control
from inference_http.board import Board
from inference_http.control import Message, Task, Wire
from inference_http.development import Development
from inference_http.engine import Engine, ForkEngine, SpawnEngine, can_fork
from inference_http.fleet import Fleet, Member, State
from inference_http.holding import Holding
from inference_http.listen import CannotListen, bind
from inference_http.settings import Settings, exported_environment

OUTAGE_GRACE_S = 2.0  # connections wait this long in the kernel for a replacement before they are answered 503
TICK_S = 0.25
END_OF_WIRE_S = 0.5  # after a worker's wire has ended: how long its exit code is waited for
SPARE_SLOTS = 8  # of the metrics board, for workers that come while others leave
ENGINE_LOSSES = 5
PR_SET_CHILD_SUBREAPER = 36

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
        slots = settings.worker_count * 2 + SPARE_SLOTS
        self.board = Board.create(slots)
        self.free_slots = list(range(slots))
        self.links: dict[Member, Link] = {}
        self.holding = Holding(sockets, self.reason)
        self.fleet = Fleet(
            self,
            count=settings.worker_count,
            graceful_s=settings.graceful_timeout_s or math.inf,
            hang_s=settings.worker_timeout_s,
            patient=settings.reload,
            stop_old_first=settings.stop_old_first,
        )
        self.development = Development(settings, self.fleet, self.board, self.call_soon, self.give_up)
        self.engine = self._new_engine()
        self.retired_engines: list[Engine] = []
        self.broken: str | None = None  # why the newest code does not serve
        self.exit_code: int | None = None
        self.learn = settings.preload_modules  # let the zygote import what the first worker was seen to import
        self.known: list[str] = []  # what the zygote has learned
        self.losses = 0  # zygotes that ended by themselves
        self._served_until = float("-inf")
        self._rounds = 0  # of handing over, so that connections are spread

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
                for engine in (self.engine, *self.retired_engines):
                    engine.poll()
                self._tick()
        finally:
            self.holding.stop()
            self.development.stop()
            for engine in (self.engine, *self.retired_engines):
                self._close_engine(engine)
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
        for member, link in list(self.links.items()):
            if link.ended_at is not None and now > link.ended_at + END_OF_WIRE_S:
                self._gone(member, None)
        self.fleet.tick()
        if self.fleet.serving():
            self._served_until = now
        elif now > self._served_until + OUTAGE_GRACE_S and self.exit_code is None and not self._taking_over():
            self.holding.start()

    def _taking_over(self) -> bool:
        return any(member.state is State.READY for member in self.fleet.members)

    # --- Signals -----------------------------------------------------------------------------------------------------

    def _set_signals(self) -> None:
        _adopt_orphans()
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
        """Close this process's copies first, so that the port is free for others once the last worker closes its own.

        A connection that the kernel accepts after that would be reset.
        """
        self.holding.stop()
        for sock in self.sockets:
            sock.close()

    def refresh(self) -> None:
        """SIGHUP: new processes with newly read code and libraries, ready before the old ones leave."""
        logger.info("Replacing the workers (SIGHUP)")
        self._replace_engine()
        self.fleet.roll()

    # --- What the fleet asks (fleet.Outside) ---------------------------------------------------------------------------

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def start(self, member: Member) -> None:
        """Make a worker process and listen to it."""
        ours, theirs = control.pair()
        slot = self.free_slots.pop(0)
        self.links[member] = Link(ours, slot, self.engine)
        self.selector.register(ours, selectors.EVENT_READ, functools.partial(self._heard, member))
        self._ask_for(member, theirs)

    def _ask_for(self, member: Member, theirs: socket.socket) -> None:
        link = self.links[member]
        task = Task(
            number=member.number,
            slot=link.slot,
            board=self.board.handle,
            reloading=self.settings.reload,
            broken=self.broken,
            debug=self.development.endpoint(),
        )
        with theirs:
            self.engine.start(member.number, task.to_json(), theirs, link.wire)

    def tell(self, member: Member, op: str, **fields: Any) -> None:
        """Send a message to a worker; one that is gone does not hear it."""
        if op == "go":
            self.holding.stop()
        self.links[member].wire.post(op, **fields)

    def kill(self, member: Member, number: int) -> None:
        """Signal a worker; one whose process is not known yet is given up, and ended when it shows itself."""
        link = self.links.get(member)
        if link is None:
            return
        if member.pid is not None:
            link.engine.kill(member.pid, number)
        elif link.ended_at is None:
            link.ended_at = time.monotonic()
            self.selector.unregister(link.wire)

    def served(self, member: Member) -> int:
        """Requests it has answered or begun."""
        return self.board.slot(self.links[member].slot).served()

    def beat(self, member: Member) -> float | None:
        """Its last sign of life."""
        return self.board.slot(self.links[member].slot).beat() or None

    def took_over(self, member: Member) -> None:
        """A worker serves: tell how long it took, and let the zygote learn from it."""
        report = member.report
        self.broken = None
        logger.info(
            "worker %s serves version %s (import %.3f s, init %.3f s)",
            member.pid,
            report["version"],
            report["import_s"],
            report["init_s"],
        )
        self.development.took_over(member)
        if self.learn and self.engine is self.links[member].engine and self._more_to_come():
            self._teach(report)

    def _more_to_come(self) -> bool:
        """Whether other workers will want what this one imported."""
        return self.settings.reload or self.settings.debug_port is not None or self.settings.worker_count > 1

    def _teach(self, report: Message) -> None:
        """Let the zygote import ahead what the worker imported, with the environment that the script gave it."""
        modules = [name for name in report["modules"] if not _listed(name, self.settings.never_preload)]
        if self.engine.environment is not None and report["environment"] != self.engine.environment:
            # The script sets a variable otherwise than before: libraries may have read the old value at their import.
            logger.info("Workers are made anew: the script changed its environment variables")
            self._replace_engine()
            self.engine.preload([*self.known, *modules], report["environment"])
            self.fleet.roll()
        elif modules:
            self.known += modules
            self.engine.preload(modules, report["environment"])

    def start_failed(self, member: Member, message: Message) -> None:
        """The newest code does not load: the old workers say so on each answer."""
        where = f" ({message['file']}:{message['line']})" if message["file"] else ""
        self.broken = f"{message['title']}{where}"
        for other in self.fleet.serving():
            self.links[other].wire.post("broken", text=self.broken)
        self.development.start_failed(message)

    def give_up(self, cause: str) -> None:
        """End with exit code 3: nobody serves and nobody can be started."""
        logger.error("The server ends: %s", cause)
        self.exit_code = contract.EXIT_START_FAILED
        self._stop_listening()
        self.fleet.close()

    # --- What the engine reports (engine.Events) -------------------------------------------------------------------------

    def forked(self, engine: Engine, number: int, pid: int) -> None:
        """A worker has its process."""
        member = self._member(lambda member: member.number == number)
        if member is not None:
            member.pid = pid
        if member is None or self.links[member].ended_at is not None:
            engine.kill(pid, signal.SIGTERM)  # nobody wants it any more

    def exited(self, pid: int, code: int) -> None:
        """A worker's process has ended."""
        member = self._member(lambda member: member.pid == pid)
        if member is not None:
            self._gone(member, code)

    def preloaded(self, message: Message) -> None:
        """The zygote has learned."""
        logger.debug("%d modules preloaded in %.2f s", message["count"], message["seconds"])

    def engine_lost(self, reason: str) -> None:
        """Start another zygote, which imports nothing ahead, and ask it for the workers that will not come."""
        if self.exit_code is not None:
            return
        self.losses += 1
        if self.losses > ENGINE_LOSSES:
            self.give_up(reason)
            return
        logger.warning("Workers import their libraries themselves from now on: %s", reason)
        self.learn = False
        self._replace_engine()
        for member in self.fleet.starting():
            if member.pid is None:
                link = self.links[member]
                if link.ended_at is None:
                    self.selector.unregister(link.wire)
                link.wire.close()
                ours, theirs = control.pair()
                link.wire, link.engine, link.ended_at = ours, self.engine, None
                self.selector.register(ours, selectors.EVENT_READ, functools.partial(self._heard, member))
                self._ask_for(member, theirs)

    def _new_engine(self) -> Engine:
        settings = self.settings
        fork = can_fork() if settings.engine == "auto" else settings.engine == "fork"
        engine: Engine = (ForkEngine if fork else SpawnEngine)(settings, self.sockets, self)
        for wire in engine.wires():
            self.selector.register(wire, selectors.EVENT_READ, functools.partial(self._engine_says, engine, wire))
        return engine

    def _engine_says(self, engine: Engine, wire: Wire) -> None:
        engine.readable(wire)
        if wire not in engine.wires():
            self.selector.unregister(wire)

    def _replace_engine(self) -> None:
        """The old engine stays until the last of its workers has gone: it is their parent."""
        self.retired_engines.append(self.engine)
        self.engine = self._new_engine()

    def _drop_unused_engines(self) -> None:
        used = {id(link.engine) for link in self.links.values()}
        for engine in [engine for engine in self.retired_engines if id(engine) not in used]:
            self.retired_engines.remove(engine)
            self._close_engine(engine)

    def _close_engine(self, engine: Engine) -> None:
        for wire in engine.wires():
            self.selector.unregister(wire)
        engine.close()

    # --- Workers talking -------------------------------------------------------------------------------------------------

    def _heard(self, member: Member) -> None:
        link = self.links[member]
        messages, alive = link.wire.drain()
        for message in messages:
            if message["op"] == "connection":
                self._pass_on(message["fds"][0])
            else:
                self.fleet.hear(member, message)
        if not alive and member in self.links and link.ended_at is None:
            link.ended_at = time.monotonic()
            self.selector.unregister(link.wire)

    def _pass_on(self, descriptor: int) -> None:
        """Give a connection of a leaving worker to a serving one, each in turn."""
        self._rounds += 1
        for number in range(len(self.fleet.serving())):
            heir = self.fleet.serving()[(self._rounds + number) % len(self.fleet.serving())]
            if self.links[heir].wire.post("connection", fds=[descriptor]):
                break
        os.close(descriptor)

    def _gone(self, member: Member, code: int | None) -> None:
        link = self.links[member]
        if link.ended_at is None:
            for message in link.wire.drain()[0]:
                self.fleet.hear(member, message)
            self.selector.unregister(link.wire)
        self.fleet.gone(member, code)
        self.board.retire(link.slot)
        self.free_slots.append(link.slot)
        link.wire.close()
        del self.links[member]
        self._drop_unused_engines()

    def _member(self, wanted: Callable[[Member], bool]) -> Member | None:
        return next((member for member in self.links if wanted(member)), None)

    def reason(self) -> str:
        """Why nobody serves, for people who ask meanwhile."""
        waiting = self.development.waiting_for_debugger()
        if waiting:
            return waiting
        if self.broken:
            return f"The scoring script does not load: {self.broken}"
        for member in self.fleet.members:
            if member.state is State.STARTING:
                seconds = time.monotonic() - member.since
                what = {"init": "init() is running", "import": "the scoring script is being imported"}
                return f"Not ready: {what.get(member.phase, 'the server is starting')} ({seconds:.1f} s)"
        return "Not ready: no worker is serving"


def _listed(module: str, names: Sequence[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


class Link:
    """The supervisor's side of one worker."""

    def __init__(self, wire: Wire, slot: int, engine: Engine) -> None:
        self.wire = wire
        self.slot = slot
        self.engine = engine
        self.ended_at: float | None = None  # monotonic; when the wire ended


def _adopt_orphans() -> None:
    """Let workers whose zygote is replaced become children of this process, where the system can (Linux)."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def serve(settings: Settings) -> int:
    """Run a server with these settings until it ends; returns the process's exit code."""
    try:
        sockets = bind(settings)
    except CannotListen as error:
        logger.error("%s", error)
        return contract.EXIT_FAILED
    if 0 in (settings.port, settings.health_port):
        ports = [sock.getsockname()[1] for sock in sockets]
        settings = dataclasses.replace(settings, port=ports[0], health_port=ports[1] if len(ports) > 1 else None)
        os.environ.update(exported_environment(settings))
        banner.show_routes(settings)
    return Supervisor(settings, sockets).run()
