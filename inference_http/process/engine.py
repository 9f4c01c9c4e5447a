"""How worker processes come into being: forked from a zygote where the system can, else started anew.

The supervisor sees one interface. Which engine serves is decided by capability, not by the name of the platform, and
can be forced (``--engine spawn``), so that the path of the other platforms is tested on this one.
"""

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from inference_http.config.settings import Settings
from inference_http.process import control, orphans
from inference_http.process.control import Message, Wire

CLOSE_S = 2.0  # a zygote without workers ends at once
_BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot.py")


class Events(Protocol):
    """What an engine reports; called on the supervisor's thread."""

    def forked(self, engine: "Engine", number: int, pid: int) -> None:
        """Worker ``number`` is process ``pid``."""

    def exited(self, pid: int, code: int) -> None:
        """The worker process ended: exit code, or minus the signal."""

    def preloaded(self, engine: "Engine", message: Message) -> None:
        """Libraries are imported in the zygote."""

    def state_loaded(self, engine: "Engine", message: Message) -> None:
        """A keeper has called init()."""

    def engine_lost(self, engine: "Engine", reason: str, suspects: list[str]) -> None:
        """Workers that were asked for and not yet ``forked`` will not come: ask again.

        ``suspects`` are the modules whose import made forking unsafe; none: the process has ended.
        """


class Engine(Protocol):
    """Makes worker processes."""

    environment: dict[str, str | None] | None  # what ``preload`` was last told, None before
    ready: bool  # whether workers come at once: a keeper loads the script first

    def preload(self, modules: Sequence[str], environment: dict[str, str | None], roots: Sequence[str]) -> None:
        """Import libraries ahead for the workers to come, where the engine can; ``roots`` are the user's folders."""

    def keeper(self, task: str, *, whole: bool) -> "Engine | None":
        """An engine that has called init(), where processes can be forked.

        ``whole``: workers take all of it as it is.
        """

    def forget(self) -> None:
        """Let go of state that no worker will want."""

    def wires(self) -> list[Wire]:
        """What the supervisor has to watch for this engine."""

    def readable(self, wire: Wire) -> None:
        """One of ``wires`` has something to read."""

    def start(self, number: int, task: str, theirs: socket.socket, ours: Wire) -> None:
        """Make worker ``number``. It talks through ``theirs``, which this process closes afterwards, to ``ours``."""

    def kill(self, pid: int, number: int) -> None:
        """Send the signal ``number`` to a worker of this engine."""

    def poll(self) -> None:
        """Look for ended workers where no event tells."""

    def close(self) -> None:
        """End whatever the engine keeps running."""


def can_fork() -> bool:
    """Whether forking a process with many libraries loaded is safe here; on macOS system libraries abort after it."""
    return hasattr(os, "fork") and control.can_send_sockets() and sys.platform != "darwin"


def spawn(module: str, wire: socket.socket, sockets: Sequence[socket.socket] = ()) -> "subprocess.Popen[bytes]":
    """Start ``inference_http.MODULE`` in a fresh interpreter that inherits these sockets.

    Secrets do not travel here (the command line is public): the child asks for its settings on the wire.
    """
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001 - -X, -W, -O as here
    command = [sys.executable, *flags, _BOOT, module, "", json.dumps(sys.path), json.dumps(sys.argv)]
    if hasattr(wire, "share"):  # Windows
        command[-3] = "stdin"
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        share: Callable[[socket.socket, int], bytes] = getattr(socket.socket, "share")  # noqa: B009  # Windows only
        shares = [base64.b64encode(share(sock, process.pid)).decode() for sock in (wire, *sockets)]
        assert process.stdin is not None
        process.stdin.write(json.dumps(shares).encode() + b"\n")
        process.stdin.close()
        return process
    descriptors = [wire.fileno(), *(sock.fileno() for sock in sockets)]
    command[-3] = ",".join(map(str, descriptors))
    return subprocess.Popen(command, pass_fds=descriptors)


def inherited(text: str) -> list[socket.socket]:
    """In the child: the sockets that ``spawn`` gave, the wire first."""
    if text == "stdin":
        shares = json.loads(sys.stdin.readline())
        from_share: Callable[[bytes], socket.socket] = getattr(socket, "fromshare")  # noqa: B009  # Windows only
        return [from_share(base64.b64decode(share)) for share in shares]
    sockets = [socket.socket(fileno=int(descriptor)) for descriptor in text.split(",")]
    for sock in sockets:
        sock.set_inheritable(False)  # programs that the script starts must not keep the port open
    return sockets


class SpawnEngine:
    """A fresh interpreter for each worker: always correct, pays the imports each time."""

    environment: dict[str, str | None] | None = None
    ready = True

    def __init__(self, settings: Settings, sockets: Sequence[socket.socket], events: Events) -> None:
        self._settings = settings
        self._sockets = sockets
        self._events = events
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def preload(self, modules: Sequence[str], environment: dict[str, str | None], roots: Sequence[str]) -> None:
        """Nothing stays loaded between fresh interpreters."""

    def keeper(self, task: str, *, whole: bool) -> Engine | None:  # noqa: ARG002 - as the others
        """Fresh interpreters inherit nothing."""
        return None

    def forget(self) -> None:
        """There is no state."""

    def wires(self) -> list[Wire]:
        """None: each worker's own wire is enough."""
        return []

    def readable(self, wire: Wire) -> None:
        """There is no wire of the engine's own."""

    def start(self, number: int, task: str, theirs: socket.socket, ours: Wire) -> None:
        """Start the interpreter; its settings wait on the wire when it asks."""
        process = spawn("worker.main", theirs, self._sockets)
        ours.send("boot", settings=self._settings.to_json(), task=task)
        self._processes[process.pid] = process
        self._events.forked(self, number, process.pid)

    def kill(self, pid: int, number: int) -> None:
        """Signal a worker; on Windows every signal but Ctrl-C ends it."""
        process = self._processes.get(pid)
        if process is not None:
            process.send_signal(number)

    def poll(self) -> None:
        """Collect the ended."""
        for pid, process in list(self._processes.items()):
            code = process.poll()
            if code is not None:
                del self._processes[pid]
                self._events.exited(pid, code)

    def close(self) -> None:
        """Nothing is kept running."""


class ZygoteEngine:
    """Asks a process that forks workers; what runs there is ``zygote.Zygote``."""

    def __init__(self, wire: Wire, sockets: Sequence[socket.socket], events: Events) -> None:
        self.environment: dict[str, str | None] | None = None
        self.ready = True
        self._events = events
        self._wire = wire
        self._lost = False
        self._workers: set[int] = set()
        self._sockets = sockets

    def wires(self) -> list[Wire]:
        """The wire to the process."""
        return [] if self._lost else [self._wire]

    def readable(self, wire: Wire) -> None:
        """The process tells something, or is gone."""
        messages, alive = wire.drain()
        for message in messages:
            self._hear(message)
        if not alive and not self._lost:
            self._lost = True
            self._collect()
            self._events.engine_lost(self, "the process that workers are forked from has ended", [])

    def _collect(self) -> None:
        """The process has ended; whose child it was has to know."""

    def _hear(self, message: Message) -> None:
        op = message["op"]
        if op == "forked":
            self._workers.add(message["pid"])
            self._events.forked(self, message["number"], message["pid"])
        elif op == "exited":
            self._workers.discard(message["pid"])
            self._events.exited(message["pid"], message["code"])
        elif op == "preloaded":
            self._events.preloaded(self, message)
        elif op == "loaded":
            self.ready = True
            self._events.state_loaded(self, message)
        elif op == "unsafe":
            self._events.engine_lost(self, "; ".join(message["reasons"]), message["suspects"])

    def start(self, number: int, task: str, theirs: socket.socket, ours: Wire) -> None:  # noqa: ARG002 - as the others
        """Ask for a fork."""
        # That process holds no listening socket: one that nobody serves would keep clients waiting at the end.
        descriptors = [theirs.fileno(), *(sock.fileno() for sock in self._sockets)]
        self._wire.post("fork", fds=descriptors, number=number, task=task)

    def preload(self, modules: Sequence[str], environment: dict[str, str | None], roots: Sequence[str]) -> None:
        """Let it import libraries for the workers to come."""
        self.environment = environment
        self._wire.post("preload", modules=list(modules), environment=environment, roots=list(roots))

    def keeper(self, task: str, *, whole: bool) -> "ZygoteEngine | None":
        """An engine whose process has loaded the script and called init(); see ``zygote.Keeper``."""
        ours, theirs = control.pair()
        with theirs:
            self._wire.post("keeper", fds=[theirs.fileno()], task=task, whole=whole)
        keeper = ZygoteEngine(ours, self._sockets, self._events)
        keeper.environment, keeper.ready = self.environment, whole
        return keeper

    def forget(self) -> None:
        """Let go of the state; no worker will be asked for any more."""
        self._wire.post("forget")

    def kill(self, pid: int, number: int) -> None:
        """Signal a worker through its parent, which knows that the process is still the worker."""
        if not self._wire.post("kill", pid=pid, signal=number):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def poll(self) -> None:
        """Workers are that process's children. When it has died they are this process's (it adopts orphans)."""
        if self._lost:
            for pid in list(self._workers):
                with contextlib.suppress(ChildProcessError):
                    ended, status = os.waitpid(pid, os.WNOHANG)
                    if ended:
                        self._workers.discard(pid)
                        self._events.exited(pid, os.waitstatus_to_exitcode(status))

    def close(self) -> None:
        """Let the process end."""
        self._wire.close()


class ForkEngine(ZygoteEngine):
    """Forks workers from a zygote of its own, which learns from the first worker what to import ahead of the next."""

    def __init__(self, settings: Settings, sockets: Sequence[socket.socket], events: Events) -> None:
        ours, theirs = control.pair()
        super().__init__(ours, sockets, events)
        self._process = spawn("worker.zygote", theirs)
        theirs.close()
        ours.send("boot", settings=settings.to_json())

    def _collect(self) -> None:
        self._process.wait()

    def close(self) -> None:
        """Let the zygote end, and collect it; one that is stopped (SIGSTOP) or hangs is killed with its children."""
        super().close()
        try:
            self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            orphans.kill(self._process.pid)
            self._process.wait()
