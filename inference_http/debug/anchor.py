"""The process that debug clients attach to: it runs none of the user's code; ``listener.Listener`` starts it.

Why a process of its own and not the supervisor: debugpy traces the process it listens in (on Python <= 3.11 that one
becomes about ten times slower), "pause" in an editor suspends it, and "terminate" ends it. All of that may happen here
without harm: workers connect themselves to the same adapter and appear as children of this process, so a session lives
as long as the anchor does, whatever number of workers comes and goes.

It speaks JSON lines: events on standard output, commands on standard input, whose end is its own end.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import threading
import time
from typing import IO, Any, Final

from inference_http.debug import debuggee

POLL_S: Final = 0.01  # how often attach and detach are looked for: less than a client takes to come again
RETRY_S: Final = 0.5  # between two attempts to reach an editor that does not listen yet

# What a debugpy that is missing, or not as this module knows it, raises.
_CHANGED: Final = (ImportError, AttributeError, TypeError, ValueError, LookupError)


def main(arguments: list[str]) -> None:
    """Run until standard input ends: ``listen|connect HOST PORT``."""
    mode, host, port = arguments[0], arguments[1], int(arguments[2])
    commands, events = _private_streams()
    Anchor(commands, events).run(mode, host, port)


class Anchor:
    """The debugged process of the root session."""

    def __init__(self, commands: IO[str], events: IO[str]) -> None:
        self._commands = commands
        self._events = events
        self._lock = threading.Lock()
        self._parent = os.getppid()

    def run(self, mode: str, host: str, port: int) -> None:
        """Listen or connect, then tell of each attach and detach; ends the process."""
        os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # no warning about the stdlib's frozen modules
        threading.current_thread().name = "waiting (your code runs in the subprocess)"  # what an editor shows
        reader = threading.Thread(target=self._obey, name="commands", daemon=True)
        debuggee.exempt(reader)  # "pause" must not stop it
        reader.start()
        try:
            facts = self._listen(host, port) if mode == "listen" else self._connect(host, port)
        except (*_CHANGED, OSError, RuntimeError) as error:
            self._tell("failed", kind=type(error).__name__, message=str(error))
            os._exit(1)
        pydevd = importlib.import_module("pydevd")
        debuggee.answer_at_once(pydevd)
        self._tell("listening", joins=joins(pydevd), parent_pid=os.getpid(), **facts)
        self.watch(pydevd)
        os._exit(0)

    def _listen(self, host: str, port: int) -> dict[str, Any]:
        debugpy = importlib.import_module("debugpy.server.api")
        debugpy.configure(subProcess=False)  # the anchor starts no processes; workers connect themselves
        address = debugpy.listen((host, port or _free_port(host)))
        setup = importlib.import_module("pydevd").SetupHolder.setup
        facts = {"host": setup["client"], "port": setup["port"], "token": setup["access-token"], "client_token": None}
        return {"address": list(address), **facts}

    def _connect(self, host: str, port: int) -> dict[str, Any]:
        """Connect to an editor that listens, however long it takes; the supervisor sets the limit."""
        debugpy = importlib.import_module("debugpy.server.api")
        debugpy.configure(subProcess=False)
        while not self._attempt(debugpy, host, port):
            self._end_if_orphaned()
            time.sleep(RETRY_S)
        return {"address": [host, port], "host": host, "port": port, "token": None, "client_token": None}

    def _attempt(self, debugpy: Any, host: str, port: int) -> bool:
        try:
            debugpy.connect((host, port))  # returns once the editor has sent its breakpoints
        except OSError as error:
            self._tell("waiting", message=str(error))
            debugpy.pydevd.stoptrace()  # forgets the half-made debugger: the next attempt would do nothing otherwise
            return False
        return True

    def watch(self, pydevd: Any) -> None:
        """Tell of attach and detach until the adapter is gone, which ends the session for good."""
        told = False
        while (debugger := pydevd.get_global_debugger()) is not None:
            attached = debugger.is_attached()
            if attached != told:
                self._tell("attached" if attached else "detached")
                told = attached
            self._end_if_orphaned()
            time.sleep(POLL_S)

    def _obey(self) -> None:
        for line in self._commands:
            self._tell("command", **_with_debugger(json.loads(line)["argv"]))
        os._exit(0)  # the supervisor is gone or wants no debugger any more; the adapter follows by itself

    def _end_if_orphaned(self) -> None:
        """A process that was forked from the supervisor may hold its end of our standard input open."""
        if os.name == "posix" and os.getppid() != self._parent:
            os._exit(0)

    def _tell(self, event: str, **facts: Any) -> None:
        with self._lock:
            try:
                self._events.write(json.dumps({"event": event, **facts}) + "\n")
                self._events.flush()
            except OSError:
                os._exit(0)


def joins(pydevd: Any) -> bool:
    """Whether workers can join the session by themselves with this debugpy (``debuggee.attach``)."""
    return set(importlib.import_module("inspect").signature(pydevd.settrace).parameters) >= debuggee.NEEDED


def _free_port(host: str) -> int:
    """A port by number: only then does the adapter bind so that the next one can have the same port at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        port: int = probe.getsockname()[1]
        return port


def _with_debugger(argv: list[str]) -> dict[str, Any]:
    """The command line with which debugpy makes a new Python process a child of this one."""
    try:
        changed = list(importlib.import_module("_pydev_bundle.pydev_monkey").patch_args(argv))
    except _CHANGED as error:
        return {"argv": None, "message": f"{type(error).__name__}: {error}"}
    if changed == argv:
        return {"argv": None, "message": f"debugpy does not know how to start {argv[0]} with a debugger"}
    return {"argv": changed}


def _private_streams() -> tuple[IO[str], IO[str]]:
    """Our ends of the pipes, under numbers that the adapter does not inherit.

    The adapter is a daemon that outlives this process: with our own streams it would keep a caller waiting for their
    end, and anything that it prints would be taken for an event.
    """
    commands, events = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.close(null)
    return commands, events
