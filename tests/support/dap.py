"""A debug client for tests: it speaks the Debug Adapter Protocol on the socket in the order in which VS Code does.

One ``Debugger`` is what a developer has on the screen: breakpoints, one session for the port it attached to, and a
child session for each process that the adapter reports, by a ``startDebugging`` request (VS Code) or a
``debugpyAttach`` event (to clients that do not say that they know the request). Standard library only; every wait has
a limit.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    OnMessage = Callable[["Session", dict[str, Any]], None]

Body = dict[str, Any]


class DapError(Exception):
    """The adapter refused a request, did not answer in time, or went away."""


@dataclass(frozen=True)
class Breakpoint:
    """One line; with a ``condition`` it stops only when that is true, with ``log`` it prints and goes on."""

    line: int
    condition: str | None = None
    hit_condition: str | None = None
    log: str | None = None

    def as_dap(self) -> Body:
        fields = {"condition": self.condition, "hitCondition": self.hit_condition, "logMessage": self.log}
        return {"line": self.line} | {name: value for name, value in fields.items() if value is not None}


class Session:
    """One connection to the adapter: requests out, responses and events in."""

    def __init__(
        self, read: IO[bytes], write: IO[bytes] | socket.SocketIO, close: Callable[[], None], on_message: OnMessage
    ) -> None:
        self.alive = True
        self.pid: int | None = None  # of the debugged process, once the adapter has said so
        self.events: list[Body] = []
        self._read, self._write, self._close, self._on_message = read, write, close, on_message
        self._leaving = False
        self._numbers = itertools.count(1)
        self._responses: dict[int, Body] = {}
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._receive, name="dap-reader", daemon=True)
        self._reader.start()

    @classmethod
    def connect(cls, host: str, port: int, on_message: OnMessage) -> Session:
        link = socket.create_connection((host, port), timeout=10)
        link.settimeout(None)

        def close() -> None:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

        return cls(link.makefile("rb"), link.makefile("wb", buffering=0), close, on_message)

    def send(self, command: str, arguments: Body | None = None) -> int:
        number = next(self._numbers)
        self._post({"seq": number, "type": "request", "command": command, "arguments": arguments or {}})
        return number

    def answer_to(self, number: int, timeout: float = 10) -> Body:
        """The body of the response. Raises DapError when it failed or never came."""
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._responses or not self.alive, timeout):
                raise DapError(f"no response to request {number} within {timeout} s")
            if number not in self._responses:
                raise DapError("the adapter closed the connection")
            message = self._responses.pop(number)
        if not message.get("success"):
            raise DapError(f"{message.get('command')}: {message.get('message')}")
        return message.get("body") or {}

    def request(self, command: str, arguments: Body | None = None, timeout: float = 10) -> Body:
        return self.answer_to(self.send(command, arguments), timeout)

    def event(self, name: str, timeout: float = 10, since: int = 0) -> Body:
        """The body of the first event of that name from position ``since`` on; waits for it."""
        found: list[Body] = []

        def seen() -> bool:
            found[:] = [event for event in self.events[since:] if event["event"] == name][:1]
            return bool(found) or not self.alive

        with self._changed:
            if not self._changed.wait_for(seen, timeout) or not found:
                raise DapError(f"no event {name!r} within {timeout} s")
        return found[0].get("body") or {}

    def wait_closed(self, timeout: float = 10) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: not self.alive, timeout):
                raise DapError(f"the adapter kept the connection for more than {timeout} s")

    def disconnect(self, *, terminate: bool = False) -> None:
        """End the session, once: debugpy's adapter breaks down when it is told twice."""
        with self._changed:
            if self._leaving or not self.alive:
                self._changed.wait_for(lambda: not self.alive, 5)
                return
            self._leaving = True
        with contextlib.suppress(DapError):
            self.request("disconnect", {"restart": False, "terminateDebuggee": terminate}, timeout=5)

    def close(self) -> None:
        """Drop the connection without a word, as a client that was killed does."""
        self._close()
        if threading.current_thread() is not self._reader:
            self._reader.join(5)
            for stream in (self._read, self._write):
                with contextlib.suppress(OSError):
                    stream.close()

    def _post(self, message: Body) -> None:
        data = json.dumps(message).encode()
        with self._changed:
            try:
                self._write.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
                self._write.flush()
            except (OSError, ValueError) as error:
                raise DapError(f"the adapter closed the connection: {error}") from error

    def _receive(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while length := self._header():
                self._take(json.loads(self._read.read(length)))
        with self._changed:
            self.alive = False
            self._changed.notify_all()
        self._on_message(self, {"type": "event", "event": "closed"})

    def _header(self) -> int:
        length = 0
        while (line := self._read.readline()) not in (b"", b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return length

    def _take(self, message: Body) -> None:
        with self._changed:
            if message["type"] == "response":
                self._responses[message["request_seq"]] = message
            elif message["type"] == "event":
                self.events.append(message)
                if message["event"] == "process":
                    self.pid = message["body"].get("systemProcessId")
            self._changed.notify_all()
        if message["type"] == "request":
            reply = {"seq": next(self._numbers), "type": "response", "request_seq": message["seq"], "success": True}
            self._post(reply | {"command": message["command"], "body": {}})
        self._on_message(self, message)


@dataclass(frozen=True)
class Stop:
    """A thread that stands at a breakpoint, a step or an exception."""

    session: Session
    thread: int
    reason: str
    text: str

    def frames(self) -> list[Body]:
        arguments = {"threadId": self.thread, "startFrame": 0, "levels": 0}
        frames: list[Body] = self.session.request("stackTrace", arguments)["stackFrames"]
        return frames

    def top(self) -> tuple[str, int]:
        """Function name and line of the innermost frame."""
        frame = self.frames()[0]
        return frame["name"], frame["line"]

    def variables(self, scope: str = "Locals") -> dict[str, str]:
        scopes = self.session.request("scopes", {"frameId": self.frames()[0]["id"]})["scopes"]
        reference = next(one["variablesReference"] for one in scopes if one["name"] == scope)
        found = self.session.request("variables", {"variablesReference": reference})["variables"]
        return {one["name"]: one["value"] for one in found}

    def evaluate(self, expression: str, context: str = "repl") -> str:
        arguments = {"expression": expression, "frameId": self.frames()[0]["id"], "context": context}
        result: str = self.session.request("evaluate", arguments)["result"]
        return result

    def exception(self) -> Body:
        return self.session.request("exceptionInfo", {"threadId": self.thread})

    def go(self, command: str = "continue") -> None:
        """Go on with ``continue``, ``next``, ``stepIn`` or ``stepOut``."""
        self.session.request(command, {"threadId": self.thread})


@contextlib.contextmanager
def _unless_it_ends(session: Session) -> Iterator[None]:
    """A process may end while it is spoken to; its session is then of no interest any more."""
    try:
        yield
    except DapError:
        if session.alive:
            raise


class Debugger:
    """What the developer sees: breakpoints that hold for every process, one root session and its children."""

    def __init__(
        self,
        *,
        just_my_code: bool = True,
        path_mappings: Iterable[tuple[str, str]] = (),
        start_debugging: bool = True,
        follow_children: bool = True,
        sub_process: bool = True,
    ) -> None:
        self.sessions: list[Session] = []
        self.root: Session | None = None
        self.children: list[Body] = []  # the configurations that the adapter proposed
        self.output: list[str] = []
        self.errors: list[str] = []
        self._config: Body = {"justMyCode": just_my_code, "subProcess": sub_process, "name": "test", "type": "debugpy"}
        mappings = [{"localRoot": local, "remoteRoot": remote} for local, remote in path_mappings]
        self._config |= {"pathMappings": mappings} if mappings else {}
        self._start_debugging, self._follow_children = start_debugging, follow_children
        self._breakpoints: dict[str, list[Breakpoint]] = {}
        self._changes = 0  # of breakpoints and filters; a session that was begun before the last one lacks it
        self._exception_filters: list[str] = []
        self._stops: deque[Stop] = deque()
        self._changed = threading.Condition()
        self._adapter: subprocess.Popen[bytes] | None = None

    # --- Starting and ending ---

    def attach(self, port: int, host: str = "127.0.0.1", timeout: float = 15) -> Session:
        """Attach to a server that listens; returns once every breakpoint known now is set there."""
        self.root = Session.connect(host, port, self._on_message)
        self._configure(self.root, {"connect": {"host": host, "port": port}}, timeout)
        return self.root

    def listen(self, port: int, host: str = "127.0.0.1") -> threading.Thread:
        """Wait for a server that connects, through an adapter of our own on pipes: the "listen" entry."""
        root = self._own_adapter()
        argument = {"listen": {"host": host, "port": port}}
        thread = threading.Thread(target=self._quietly, args=(root, argument, 120), name="dap-listen", daemon=True)
        thread.start()
        root.event("debugpyWaitingForServer", 20)
        return thread

    def launch(self, module: str, arguments: list[str], cwd: str, timeout: float = 30) -> Session:
        """Start a program under the debugger, as the launch entry does; returns once it runs."""
        root = self._own_adapter()
        program = {"module": module, "args": arguments, "cwd": cwd, "python": [sys.executable]}
        self._configure(root, {"request": "launch", "console": "internalConsole", **program}, timeout)
        return root

    def _own_adapter(self) -> Session:
        command = [sys.executable, "-m", "debugpy.adapter"]
        self._adapter = adapter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert adapter.stdin
        assert adapter.stdout
        self.root = Session(adapter.stdout, adapter.stdin, adapter.terminate, self._on_message)
        return self.root

    def disconnect(self, *, terminate: bool = False) -> None:
        """Stop as the red square does: the root session first, then the children, which it manages."""
        for session in [self.root, *self.sessions[::-1]]:
            if session:
                session.disconnect(terminate=terminate)
        self.kill()

    def kill(self) -> None:
        """Be gone at once, as an editor that crashed."""
        for session in [self.root, *self.sessions]:
            if session:
                session.close()
        self.sessions.clear()
        if self._adapter:
            self._adapter.kill()
            self._adapter.wait(10)

    def __enter__(self) -> Debugger:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    # --- Breakpoints ---

    def set_breakpoints(self, path: str, points: Iterable[int | Breakpoint]) -> list[Body]:
        """Replace the breakpoints of one file, everywhere; returns what the newest session says about them."""
        with self._changed:
            self._breakpoints[path] = [Breakpoint(point) if isinstance(point, int) else point for point in points]
            self._changes += 1
        answers: list[Body] = []
        for session in self._all():
            with _unless_it_ends(session):
                answers = self._send_breakpoints(session, path)
        return answers

    def stop_on_exceptions(self, *filters: str) -> None:
        """``userUnhandled``, ``uncaught``, ``raised``; none to stop at none."""
        with self._changed:
            self._exception_filters = list(filters)
            self._changes += 1
        for session in self._all():
            with _unless_it_ends(session):
                session.request("setExceptionBreakpoints", {"filters": self._exception_filters})

    def wait_stopped(self, timeout: float = 10) -> Stop:
        with self._changed:
            if not self._changed.wait_for(lambda: self._stops, timeout):
                raise DapError(f"nothing stopped within {timeout} s; {self.errors}")
            return self._stops.popleft()

    def wait_child(self, pid: int | None = None, timeout: float = 10) -> Session:
        """The session of that process (or the newest one) once its breakpoints are set."""

        def found() -> Session | None:
            return next((one for one in self.sessions[::-1] if one.alive and pid in (None, one.pid)), None)

        with self._changed:
            self._changed.wait_for(found, timeout)
            child = found()
        if child is None:
            raise DapError(f"no session for process {pid} within {timeout} s; {self.errors}")
        return child

    def wait_output(self, text: str, timeout: float = 10) -> str:
        with self._changed:
            if not self._changed.wait_for(lambda: any(text in line for line in self.output), timeout):
                raise DapError(f"{text!r} was not printed within {timeout} s; {self.output[-5:]}")
            return next(line for line in self.output if text in line)

    # --- Inside ---

    def _all(self) -> list[Session]:
        return [session for session in [self.root, *self.sessions] if session]

    def _configure(self, session: Session, target: Body, timeout: float) -> None:
        session.request(
            "initialize",
            {
                "clientID": "vscode",
                "adapterID": "debugpy",
                "pathFormat": "path",
                "linesStartAt1": True,
                "columnsStartAt1": True,
                "supportsStartDebuggingRequest": self._start_debugging,
                "supportsRunInTerminalRequest": True,
            },
        )
        request = target.get("request", "attach")
        started = session.send(request, self._config | {"request": request} | target)
        session.event("initialized", timeout)
        self._send_all(session)
        session.request("configurationDone")
        session.answer_to(started, timeout)

    def _send_all(self, session: Session) -> None:
        for path in list(self._breakpoints):
            self._send_breakpoints(session, path)
        session.request("setExceptionBreakpoints", {"filters": self._exception_filters})

    def _send_breakpoints(self, session: Session, path: str) -> list[Body]:
        points = [point.as_dap() for point in self._breakpoints[path]]
        arguments = {"source": {"path": path}, "breakpoints": points, "lines": [point["line"] for point in points]}
        answer: list[Body] = session.request("setBreakpoints", arguments)["breakpoints"]
        return answer

    def _open_child(self, configuration: Body) -> None:
        where = configuration["connect"]
        session = Session.connect(where["host"], where["port"], self._on_message)
        changes = self._changes
        if not self._quietly(session, configuration, 15):
            return
        while True:
            with self._changed:
                if changes == self._changes:
                    self.sessions.append(session)
                    self._changed.notify_all()
                    return
                changes = self._changes
            self._send_all(session)

    def _quietly(self, session: Session, target: Body, timeout: float) -> bool:
        """Configure in a thread of its own: what goes wrong is kept for the message of the wait that then fails."""
        try:
            self._configure(session, target, timeout)
        except DapError as error:
            self.errors.append(f"{time.strftime('%X')} {error}")
            session.close()
            return False
        return True

    def _on_message(self, session: Session, message: Body) -> None:
        kind, body = message.get("event") or message.get("command"), message.get("body") or {}
        proposal = message["arguments"]["configuration"] if kind == "startDebugging" else body
        with self._changed:
            if kind == "stopped":
                reason, text = body["reason"], body.get("text") or ""
                self._stops.append(Stop(session, body.get("threadId", 0), reason, text))
            elif kind == "output" and body.get("category") != "telemetry":
                self.output.append(body.get("output", ""))
            elif kind in ("startDebugging", "debugpyAttach") and message["type"] in ("request", "event"):
                self.children.append(proposal)
            self._changed.notify_all()
        if kind in ("startDebugging", "debugpyAttach") and message["type"] != "response" and self._follow_children:
            threading.Thread(target=self._open_child, args=(proposal,), name="dap-child", daemon=True).start()
        elif kind == "terminated" and session is not self.root:
            threading.Thread(target=self._end_child, args=(session,), name="dap-child-end", daemon=True).start()

    def _end_child(self, session: Session) -> None:
        session.disconnect()
        session.close()
        with self._changed, contextlib.suppress(ValueError):
            self.sessions.remove(session)
