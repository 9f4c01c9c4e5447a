"""One worker process: load the script, call init(), serve until told to leave.

The main thread runs init() and, with one scoring thread, every run() (S130). A control thread listens to the
supervisor. The process ends by ``os._exit`` after the script's own exit functions: ending an interpreter with native
threads loaded (torch) can abort.
"""

import atexit
import contextlib
import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from inference_http import contract
from inference_http.config.settings import ConfigError, Settings
from inference_http.debug import debuggee
from inference_http.process.control import Message, Task, Wire
from inference_http.process.engine import inherited
from inference_http.telemetry import logs
from inference_http.user import errors, importing
from inference_http.worker import inventory, runtime

if TYPE_CHECKING:
    from inference_http.worker.kept import State

ORPHAN_S = 30.0
EXIT_FUNCTIONS_S = 2.0  # what the script's atexit functions may take

logger = logging.getLogger("azmlinfsrv")

_handlers: dict[int, Callable[..., None]] = {}  # of signals, by number: this process's own


class Worker:
    """The state of this process while it serves."""

    def __init__(self, settings: Settings, task: Task, wire: Wire, sockets: Sequence[socket.socket]) -> None:
        self.settings = settings
        self.task = task
        self.wire = wire
        self.sockets = sockets
        self.runtime: runtime.Runtime | None = None
        self._main_done = threading.Event()
        self._newest = importing.newest_module()
        self._sources = inventory.Sources()

    # --- Main thread -------------------------------------------------------------------------------------------------

    def run(
        self, loaded: "runtime.Loaded | errors.UserScriptError | None" = None, state: "State | None" = None
    ) -> NoReturn:
        """Be the worker; never returns.

        ``loaded`` is a script that this process has inherited ready, or what was wrong with it (WORKER_PRELOAD);
        ``state``, what the init() of an earlier version has made in this process (``__keep__``).
        """
        _set_signals(self)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._let_go)
        listener = threading.Thread(target=self._listen, name="inference-http control", daemon=True)
        debuggee.exempt(listener)
        listener.start()
        try:
            self._join_debugger()
            if isinstance(loaded, errors.UserScriptError):
                raise loaded  # noqa: TRY301 - answered below like one of this process's own
            loaded = loaded or runtime.load(
                self.settings, self._phase, state=state, data=self.task.data, sources=self._sources
            )
            self.runtime = runtime.Runtime(self.settings, self.task, loaded, self.sockets, self._stuck)
        except errors.UserScriptError as error:
            logs.error_block(error.report())
            self._fail(f"{error.failure.type}: {error.failure.message}", error.report(), error.failure)
        except ConfigError as error:
            logs.report_config_error(error)
            self._fail(str(error), str(error), None)
        except Exception as error:
            logger.exception("the server could not start")
            self._fail(f"{type(error).__name__}: {error}", str(error), None)
        self.runtime.httpd.start()
        logger.info("Scoring timeout is set to %s", self.settings.scoring_timeout_ms)
        worker = os.getpid()
        logger.info("Worker with pid %s ready for serving traffic", worker)
        self.wire.post("ready", pid=worker, **self.runtime.report())
        debugged = self.task.debug is not None or self.settings.debug_port is not None
        self.runtime.httpd.run_scoring(debugged=debugged)
        if os.getpid() != worker:
            _flush()
            os._exit(contract.EXIT_OK)  # forked by the script, and come back from run(): it is nobody's worker
        self._main_done.set()
        _exit_functions()
        os._exit(contract.EXIT_OK)

    def _let_go(self) -> None:
        """In a process that the script forks: close the port, the connections and the wire, which stay the worker's.

        Such a process may outlive the server: the port would be taken, and clients would wait for an end that no
        longer comes. It ends by signals as any other: a pool of multiprocessing waits for that.
        """
        _reset_signals()
        connections: Sequence[socket.socket] = ()
        if self.runtime is not None:
            connections = self.runtime.httpd.connections()
            self.runtime.httpd.abandon()
        for sock in (self.wire.sock, *self.sockets, *connections):
            with contextlib.suppress(OSError):
                sock.close()

    def _join_debugger(self) -> None:
        if self.task.debug is not None:
            try:
                debuggee.attach(self.task.debug)
            except debuggee.DebuggerUnavailable as error:
                logger.warning("serving without the debugger: %s", error)
        elif self.settings.debug_port is not None:
            debuggee.pass_breakpoints()

    def _phase(self, phase: str) -> None:
        self.wire.post("phase", phase=phase)

    def _fail(self, title: str, report: str, failure: errors.Failure | None) -> NoReturn:
        line = failure.line if failure else None
        file = failure.file if failure else None
        files = sorted(set(inventory.own_modules((), importing.modules_since(self._newest)).values()))
        torn = self.task.reloading and self._sources.differ()
        self.wire.post(
            "failed", pid=os.getpid(), title=title, report=report, file=file, line=line, files=files, torn=torn
        )
        _exit_functions()
        os._exit(contract.EXIT_START_FAILED)

    # --- Control thread ----------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while (message := self.wire.receive()) is not None:
            self._obey(message)
        # The supervisor is gone. A run() that does not end must not keep this process for ever.
        threading.Thread(target=self._end_orphan, name="inference-http orphan", daemon=True).start()
        self.leave()

    def _end_orphan(self) -> None:
        time.sleep(orphan_s(self.settings))
        _flush()
        os._exit(contract.EXIT_FAILED)

    def _obey(self, message: Message) -> None:
        op, current = message["op"], self.runtime
        if op == "connection":
            sock = socket.socket(fileno=message["fds"][0])
            if current is None:
                sock.close()
            else:
                current.httpd.adopt(sock)
        elif current is None:
            if op == "retire":
                os._exit(contract.EXIT_OK)  # not ready and not wanted any more
        elif op == "go":
            current.httpd.accept()
        elif op == "retire":
            self.leave(hand_over=message["hand_over"])
        elif op == "news":
            current.tell(message["state"], message["error"])
        elif op == "suspend":
            current.deadlines.suspended = message["on"]

    def leave(self, *, hand_over: bool = False) -> None:
        """Stop accepting, finish what is here, exit. Any thread; also a signal's handler."""
        if self.runtime is None:
            os._exit(contract.EXIT_OK)
        httpd = self.runtime.httpd
        httpd.retire(self._hand_over if hand_over else None, self._stopped, self._empty)

    def _stopped(self) -> None:
        self.wire.post("stopped")
        if self.task.reloading and self.runtime is not None:
            self.wire.post("learned", modules=self.runtime.imported_late())

    def _hand_over(self, sock: socket.socket) -> bool:
        return self.wire.post("connection", fds=[sock.fileno()])

    def _empty(self) -> None:
        """No connection is left; on the loop's thread. A main thread stuck in run() is not waited for."""
        if self.runtime is not None:
            self.runtime.httpd.dispatcher.stop()
        threading.Thread(target=self._end_anyway, daemon=True).start()

    def _end_anyway(self) -> None:
        self._main_done.wait(0.5)
        time.sleep(EXIT_FUNCTIONS_S if self._main_done.is_set() else 0)
        _flush()
        os._exit(contract.EXIT_OK)

    # --- The deadline watcher's thread -------------------------------------------------------------------------------

    def _stuck(self, reason: str) -> None:
        self.wire.post("recycle", reason=reason)


def orphan_s(settings: Settings) -> float:
    """How long a process may finish what it has when the supervisor was killed; also where SIGTERM waits for ever."""
    return settings.graceful_timeout_s or ORPHAN_S


def main(handles: str, argv: list[str]) -> None:
    """Be a worker in a process of its own; ``handles`` are the inherited sockets, as engine.spawn passes them."""
    sys.argv = argv
    control, *sockets = inherited(handles)
    wire = Wire(control)
    boot = wire.receive()
    if boot is None:
        return
    settings = Settings.from_json(boot["settings"])
    logs.configure(settings)
    Worker(settings, Task.from_json(boot["task"]), wire, sockets).run()


def _set_signals(worker: Worker) -> None:
    """SIGTERM drains. Ctrl-C reaches the whole process group: the supervisor decides then, so here it does nothing.

    A handler instead of SIG_IGN: programs that the script starts must not inherit an ignored SIGINT.
    """
    _handlers[signal.SIGINT] = lambda *_: None
    _handlers[signal.SIGTERM] = lambda *_: worker.leave()
    if hasattr(signal, "SIGHUP"):
        _handlers[signal.SIGHUP] = lambda *_: None
    for number, handler in _handlers.items():
        signal.signal(number, handler)
    with contextlib.suppress(ValueError, AttributeError, OSError):  # no real stderr: nothing to write a crash to
        faulthandler.enable()


def _reset_signals() -> None:
    """Let signals do again what they do by themselves, but those that the script has taken."""
    for number, handler in _handlers.items():
        if signal.getsignal(number) is handler:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def _exit_functions() -> None:
    timer = threading.Timer(EXIT_FUNCTIONS_S, os._exit, args=(contract.EXIT_OK,))
    timer.daemon = True
    timer.start()
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()  # noqa: SLF001 - the process ends by os._exit
    _flush()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
