"""The supervisor's side of debugging: the port that clients attach to, and whether one is attached.

The port belongs to the adapter of ``anchor``, a small process of its own, so the supervisor is neither traced nor
suspended nor ended by a client, imports no debugger before its first answer, and forks as it likes. Workers join the
session with ``debuggee.attach(listener.endpoint())``; the session outlives them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

logger = logging.getLogger("azmlinfsrv")

START_S: Final = 20.0  # for the anchor to listen; 0.6 s on an idle machine
CONNECT_S: Final = 60.0  # for an editor to start listening (S133: the reference fails and is restarted for ever)
PORT_S: Final = 10.0  # for the adapter of the session before to give the port back
RETRY_S: Final = 0.25
_BOOT: Final = (  # not -m: the working folder is the user's, and its modules must not be taken for debugpy's imports
    "import sys; sys.path[:] = [*filter(None, sys.path), sys.argv.pop(1)]; "
    "from inference_http.debug.anchor import main; main(sys.argv[1:])"
)


class DebugError(Exception):
    """The debugger cannot be offered; the message says why and what to do. The server can run without it."""


class Listener:
    """Offers a debug session, or with ``connect`` seeks one, and tells when a client holds it.

    Args:
        host: address to bind, or with ``connect`` the address where the editor listens.
        port: 0 takes a free one (``address`` tells which); with ``connect`` the editor's port.
        connect: the reference's sense of AZUREML_DEBUG_PORT (S133): the editor listens, the server connects.
        on_attach: called when a client has finished setting its breakpoints.
        on_detach: called when it is gone, whether it said so or died. Both run on the listener's thread: hand over.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connect: bool = False,
        on_attach: Callable[[], None] = lambda: None,
        on_detach: Callable[[], None] = lambda: None,
    ) -> None:
        self.host, self.port, self.connect = host, port, connect
        self._on_attach, self._on_detach = on_attach, on_detach
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._facts: dict[str, Any] | None = None  # what the anchor said when it began to listen
        self._attached = False
        self._stopping = False
        self._failure: str | None = None
        self._unreached = "no answer"  # why the editor could not be reached so far
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    # --- What the supervisor asks ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, and return at once: a process is started, nothing is imported here."""
        if not self.connect and self.host not in ("127.0.0.1", "::1", "localhost"):
            logger.warning("debugger: whoever reaches %s port %s can run code in this server", self.host, self.port)
        self._thread = threading.Thread(target=self._run, name="debug-listener", daemon=True)
        self._thread.start()

    def wait_ready(self, timeout_s: float | None = None) -> None:
        """Wait until clients can attach, or until the editor has been reached; always bounded.

        Raises DebugError when the port is taken, debugpy is missing, or no editor listens; it stays started.
        """
        limit = timeout_s if timeout_s is not None else CONNECT_S if self.connect else START_S
        with self._changed:
            self._changed.wait_for(lambda: self._facts or self._failure or self._stopping, limit)
        if self._facts is None:
            raise DebugError(self._failure or self._not_ready(limit))

    def client_connected(self) -> bool:
        """Whether a client holds the session now; timeouts and kills are suspended while it does. Costs nothing."""
        return self._attached

    def wait_client(self, timeout_s: float | None = None) -> bool:
        """Wait until a client holds the session (``--wait-for-client``). False: not in time, stopped, or failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._attached or self._stopping or self._failure, timeout_s)
            return self._attached

    @property
    def failure(self) -> str | None:
        """Why there is no debugger, for good; None while there is one or one is being started."""
        return self._failure

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that clients attach to. Raises DebugError before ``wait_ready``."""
        host, port = self._known()["address"]
        return str(host), int(port)

    @property
    def joins(self) -> bool:
        """Whether workers can use ``debuggee.attach`` with this debugpy; False: start them with ``command``."""
        return bool(self._known()["joins"])

    def endpoint(self) -> dict[str, Any]:
        """What a worker needs for ``debuggee.attach``: plain JSON, to be sent to it on a private channel.

        The tokens are passwords of the adapter: whoever has them can take part in the session. Raises DebugError.
        """
        known = self._known()
        return {name: known[name] for name in ("host", "port", "token", "client_token", "parent_pid")}

    def command(self, argv: Sequence[str], timeout_s: float = 5.0) -> list[str]:
        """The command line that starts a Python process as a child of the session, by debugpy's own means.

        For a debugpy in which ``debuggee.attach`` does not work (``joins`` is False). Only while a client is attached:
        the process waits for it, without limit, before it runs; and the token is among its arguments, which other
        users of the machine can read. Raises DebugError.
        """
        self._known()
        process = self._process
        if process is None or process.stdin is None:
            raise DebugError("no process can be started into a session that the editor launched: attach instead")
        try:
            process.stdin.write(json.dumps({"argv": list(argv)}) + "\n")
            process.stdin.flush()
            answer = self._answers.get(timeout=timeout_s)
        except (OSError, ValueError, queue.Empty) as error:
            raise DebugError(f"the debugger's process does not answer: {error!r}") from error
        if answer["argv"] is None:
            raise DebugError(answer["message"])
        return list(answer["argv"])

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the session and give the port back; no thread and no process of ours stays."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._end_process(timeout_s)
        if self._thread is not None:
            self._thread.join(timeout_s)

    # --- The listener's thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Keep an anchor alive: it ends when a client says "terminate", and somebody may want to attach again."""
        listened = False
        give_up = time.monotonic() + PORT_S
        while True:
            last_words = self._live()
            listened = listened or self._facts is not None
            self._facts = None
            self._set_detached()
            if self._stopping:
                return
            # Once it has listened, what holds the port is the adapter of before, until its last worker is gone.
            if not listened and (time.monotonic() > give_up or not _may_pass(last_words)):
                break
            with self._changed:
                if self._changed.wait_for(lambda: self._stopping, RETRY_S):
                    return
        with self._changed:
            self._failure = _explain(last_words, self.host, self.port)
            self._changed.notify_all()
        logger.error("debugger: %s", self._failure)

    def _live(self) -> dict[str, Any]:
        """Run one anchor to its end. Returns its last words."""
        last_words: dict[str, Any] = {"kind": "", "message": "the debugger's process ended without a word"}
        try:
            process = self._start_process()
        except OSError as error:
            return last_words | {"message": f"{sys.executable}: {error}"}
        assert process.stdout is not None  # asked for as a pipe
        with process.stdout as events:
            for line in events:
                event = json.loads(line)
                if event["event"] == "failed":
                    last_words = event
                self._take(event)
        self._end_process(2.0)
        return last_words

    def _start_process(self) -> subprocess.Popen[str]:
        ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        mode = "connect" if self.connect else "listen"
        with self._changed:  # so that stop() finds the process, or this finds that it was called
            process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, ours, mode, self.host, str(self.port)],
                stdin=subprocess.DEVNULL if self._stopping else subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                # Ctrl-C in a terminal reaches the whole group; the session ends when the supervisor says so.
                start_new_session=os.name == "posix",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            self._process = process
            return process

    def _end_process(self, timeout_s: float) -> None:
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _take(self, event: dict[str, Any]) -> None:
        name = event["event"]
        if name == "listening":
            with self._changed:
                self._facts, self.port = event, event["address"][1]
                self._changed.notify_all()
            logger.info("debugger: %s %s:%s", "connected to" if self.connect else "listening on", *event["address"])
        elif name == "waiting":
            self._unreached = event["message"]
        elif name == "command":
            self._answers.put(event)
        elif name == "attached":
            with self._changed:
                self._attached = True
                self._changed.notify_all()
            logger.info("debugger: a client has attached")
            self._on_attach()
        elif name == "detached":
            self._set_detached()

    def _set_detached(self) -> None:
        with self._changed:
            was, self._attached = self._attached, False
            self._changed.notify_all()
        if was:
            logger.info("debugger: the client has gone")
            self._on_detach()

    # --- Words -------------------------------------------------------------------------------------------------------

    def _known(self) -> dict[str, Any]:
        if self._facts is None:
            raise DebugError(self._failure or "the debugger is not ready")
        return self._facts

    def _not_ready(self, limit: float) -> str:
        if self._stopping:
            return "the debugger was stopped"
        if not self.connect:
            return f"the debugger did not start within {limit:g} s"
        return (
            f"no editor listens at {self.host}:{self.port} ({self._unreached}), tried for {limit:g} s. "
            'Start its "listen" configuration first, or use --debug to let the editor attach to this server instead'
        )


def _may_pass(last_words: dict[str, Any]) -> bool:
    """Whether trying again can help: a port that the adapter of the session before still holds."""
    return "in use" in last_words["message"]


def _explain(last_words: dict[str, Any], host: str, port: int) -> str:
    if last_words["kind"] in ("ModuleNotFoundError", "ImportError"):
        return f"debugpy cannot be imported ({last_words['message']}): pip install debugpy"
    if _may_pass(last_words):
        return f"port {port} on {host} is in use, perhaps by another debugged server: choose another with --debug"
    return f"no debugger on {host}:{port}: {last_words['message']}"
