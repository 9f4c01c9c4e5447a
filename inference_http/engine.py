"""How worker processes come into being: forked from a zygote where the system can, else started anew.

The supervisor sees one interface. Which engine serves is decided by capability, not by the name of the platform, and can
be forced (``--engine spawn``), so that the path of the other platforms is tested on this one.
"""

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from inference_http import control
from inference_http.control import Message, Wire
from inference_http.settings import Settings

CLOSE_S = 2.0  # a zygote without workers ends at once

# The interpreter of the child gets this process's import path: a module run with -m, a script and a checkout find
# inference_http in different ways.
_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[2]); from inference_http.{module} import main; main(sys.argv[1], json.loads(sys.argv[3]))"


class Events(Protocol):
    """What an engine reports; called on the supervisor's thread."""

    def forked(self, engine: "Engine", number: int, pid: int) -> None:
        """Worker ``number`` is process ``pid``."""

    def exited(self, pid: int, code: int) -> None:
        """The worker process ended: exit code, or minus the signal."""

    def preloaded(self, message: Message) -> None:
        """Libraries are imported in the zygote."""

    def engine_lost(self, reason: str) -> None:
        """Workers that were asked for and not yet ``forked`` will not come: ask again."""


class Engine(Protocol):
    """Makes worker processes."""

    environment: dict[str, str | None] | None  # what ``preload`` was last told, None before

    def preload(self, modules: Sequence[str], environment: dict[str, str | None]) -> None:
        """Import libraries ahead for the workers to come, where the engine can."""

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
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # -X, -W, -O as for this process
    code = _BOOT.format(module=module)
    command = [sys.executable, *flags, "-c", code, "", json.dumps(sys.path), json.dumps(sys.argv)]
    if hasattr(wire, "share"):  # Windows
        command[-3] = "stdin"
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        shares = [base64.b64encode(sock.share(process.pid)).decode() for sock in (wire, *sockets)]
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

    environment = None

    def __init__(self, settings: Settings, sockets: Sequence[socket.socket], events: Events) -> None:
        self._settings = settings
        self._sockets = sockets
        self._events = events
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def preload(self, modules: Sequence[str], environment: dict[str, str | None]) -> None:
        """Nothing stays loaded between fresh interpreters."""

    def wires(self) -> list[Wire]:
        """None: each worker's own wire is enough."""
        return []

    def readable(self, wire: Wire) -> None:
        """There is no wire of the engine's own."""

    def start(self, number: int, task: str, theirs: socket.socket, ours: Wire) -> None:
        """Start the interpreter; its settings wait on the wire when it asks."""
        process = spawn("worker", theirs, self._sockets)
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


class ForkEngine:
    """Forks workers from a zygote, which learns from the first worker what to import ahead of the next."""

    def __init__(self, settings: Settings, sockets: Sequence[socket.socket], events: Events) -> None:
        self.environment: dict[str, str | None] | None = None
        self._events = events
        self._wire, theirs = control.pair()
        self._lost = False
        self._workers: set[int] = set()
        self._sockets = sockets
        self._process = spawn("zygote", theirs)
        theirs.close()
        self._wire.send("boot", settings=settings.to_json())

    def wires(self) -> list[Wire]:
        """The wire to the zygote."""
        return [] if self._lost else [self._wire]

    def readable(self, wire: Wire) -> None:
        """The zygote tells something, or is gone."""
        messages, alive = wire.drain()
        for message in messages:
            self._hear(message)
        if not alive and not self._lost:
            self._lost = True
            self._process.wait()
            self._events.engine_lost("the process that workers are forked from has ended")

    def _hear(self, message: Message) -> None:
        op = message["op"]
        if op == "forked":
            self._workers.add(message["pid"])
            self._events.forked(self, message["number"], message["pid"])
        elif op == "exited":
            self._workers.discard(message["pid"])
            self._events.exited(message["pid"], message["code"])
        elif op == "preloaded":
            self._events.preloaded(message)
        elif op == "unsafe":
            self._events.engine_lost("; ".join(message["reasons"]))

    def start(self, number: int, task: str, theirs: socket.socket, ours: Wire) -> None:
        """Ask the zygote for a fork."""
        # The zygote holds no listening socket: one that nobody serves would keep clients waiting at the end.
        descriptors = [theirs.fileno(), *(sock.fileno() for sock in self._sockets)]
        self._wire.post("fork", fds=descriptors, number=number, task=task)

    def preload(self, modules: Sequence[str], environment: dict[str, str | None]) -> None:
        """Let the zygote import libraries for the workers to come."""
        self.environment = environment
        self._wire.post("preload", modules=list(modules), environment=environment)

    def kill(self, pid: int, number: int) -> None:
        """Signal a worker through its parent, which knows that the process is still the worker."""
        if not self._wire.post("kill", pid=pid, signal=number):
            os.kill(pid, number)

    def poll(self) -> None:
        """Workers are the zygote's children. When that has died they are this process's (it adopts orphans)."""
        if self._lost:
            for pid in list(self._workers):
                with contextlib.suppress(ChildProcessError):
                    ended, status = os.waitpid(pid, os.WNOHANG)
                    if ended:
                        self._workers.discard(pid)
                        self._events.exited(pid, os.waitstatus_to_exitcode(status))

    def close(self) -> None:
        """Let the zygote end, and collect it."""
        self._wire.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_S)
