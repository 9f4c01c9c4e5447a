"""The process that workers are forked from: it has the server and the user's libraries imported, and runs nothing.

Rules (each from an experiment in the design notes): it stays single-threaded; it imports only, because a library that
has *run* (OpenMP, BLAS pools) may hang in a forked child; what it imports is what the first worker was seen to import;
``gc.freeze()`` keeps the shared pages shared. After preloading a trial fork tells whether a library left a thread that
a fork would lose; then the supervisor is told, and starts another zygote that leaves that library alone.
"""

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import time
import warnings
from collections import deque
from dataclasses import dataclass, field
from typing import NoReturn

from inference_http.config.settings import Settings
from inference_http.process.control import Message, Task, Wire
from inference_http.process.engine import inherited
from inference_http.telemetry import logs
from inference_http.user import importing
from inference_http.worker import forksafe
from inference_http.worker.main import Worker, orphan_s
from inference_http.worker.spare import Spare, Spares


@dataclass(slots=True)
class Preload:
    """One run of imports."""

    started: float = 0.0
    threads: int = 0
    count: int = 0
    failed: list[str] = field(default_factory=list)


class Zygote:
    """Answers the supervisor's requests until the supervisor is gone."""

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self.settings = settings
        self.wire = wire
        self.children: set[int] = set()
        self._before: dict[str, str | None] = {}  # environment values that preloading replaced
        self._frozen = 0
        self._to_import: deque[str] = deque()
        self._to_fork: deque[tuple[Task, list[int]]] = deque()
        self._preload = Preload()
        self._roots: list[str] = []
        self._unsafe = False  # the supervisor has been told so and asks another process
        self.spares = Spares(self._make_spare, wanted=settings.reload)

    def serve(self) -> None:
        """The loop: messages from the supervisor, and children that ended."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for message in self.wire.buffered():
            self._obey(message)
        with selectors.DefaultSelector() as selector:
            selector.register(self.wire, selectors.EVENT_READ)
            selector.register(wake_read, selectors.EVENT_READ)
            while True:
                self._work()
                for key, _ in selector.select(0 if self._to_import else self.spares.due_s()):
                    if key.fileobj is not self.wire:
                        with contextlib.suppress(BlockingIOError):
                            os.read(wake_read, 4096)
                        continue
                    messages, alive = self.wire.drain()
                    for message in messages:
                        self._obey(message)
                    if not alive:
                        self._end()

    def _work(self) -> None:
        self._reap()
        if self._to_import:
            self._import_next()
        while self._to_fork and not self._to_import:  # a worker forked earlier would import the same again
            self._fork(*self._to_fork.popleft())

        if not self._to_import:
            self.spares.make()

    def _obey(self, message: Message) -> None:
        op = message["op"]
        if op == "fork":
            self._to_fork.append((Task.from_json(message["task"]), message["fds"]))
        elif op == "preload":
            self._roots = message["roots"]
            self._begin_preload(message["modules"], message["environment"])
        elif op == "keeper":
            self._make_keeper(Task.from_json(message["task"]), message["fds"][0], whole=message["whole"])
        elif op == "kill":
            with contextlib.suppress(ProcessLookupError):
                os.kill(message["pid"], message["signal"])

    # --- Forking -----------------------------------------------------------------------------------------------------

    def _fork(self, task: Task, descriptors: list[int]) -> None:
        if not self._unsafe:
            pid = self.spares.take(task, descriptors) or self._fork_worker(task, descriptors)
            self.children.add(pid)
            self.wire.post("forked", number=task.number, pid=pid)
            self.spares.soon()
        for descriptor in descriptors:
            os.close(descriptor)

    def _fork_worker(self, task: Task, descriptors: list[int]) -> int:
        self._freeze()
        pid = os.fork()
        if pid == 0:
            try:
                self._leave_loop()
                self._become_worker(task, descriptors)
            finally:
                os._exit(1)  # nothing of the zygote's loop may run in a child
        return pid

    def _become_worker(self, task: Task, descriptors: list[int]) -> NoReturn:
        wire, *sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        self.work(Worker(self.settings, task, Wire(wire), sockets))

    def _make_spare(self) -> Spare | None:
        if self._unsafe:
            return None
        self._freeze()
        return Spare.make(self._become_worker, self._prepare_spare)

    def _prepare_spare(self) -> None:
        """In the spare: all that can be done before it is known what to load."""
        self._leave_loop()
        with contextlib.suppress(Exception):  # it only saves time
            from inference_http.worker.rehearsal import rehearse

            rehearse(self.settings)

    def work(self, worker: Worker) -> NoReturn:
        """Be the worker, in a forked child."""
        worker.run()

    def _make_keeper(self, task: Task, descriptor: int, *, whole: bool) -> None:
        """Fork a process that loads the script and calls init() once, for workers that are forked from there."""
        if not self._unsafe:
            pid = os.fork()
            if pid == 0:
                self._become_keeper(task, descriptor, whole=whole)
            self.children.add(pid)
        os.close(descriptor)

    def _become_keeper(self, task: Task, descriptor: int, *, whole: bool) -> NoReturn:
        try:
            from inference_http.worker.keeper import Keeper

            self._leave_loop()
            keeper = Keeper(self.settings, Wire(socket.socket(fileno=descriptor)), task, whole=whole)
            keeper.load()
            keeper.serve()
        finally:
            os._exit(1)

    def _leave_loop(self) -> None:
        """In a child: undo what belongs to the zygote alone."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.wire.close()
        self.spares.leave()
        for _, descriptors in self._to_fork:  # other workers' sockets: this process must not keep them open
            for descriptor in descriptors:
                os.close(descriptor)
        self._to_fork.clear()
        for name, value in self._before.items():
            _set_environment(name, value)
        forksafe.reseed()

    def _freeze(self) -> None:
        """Move all that is alive out of the collector's sight, once for each change: children share the pages."""
        if self._frozen != len(sys.modules):
            gc.collect()
            gc.freeze()
            self._frozen = len(sys.modules)

    def _reap(self) -> None:
        while self.children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.spares.gone(pid)
            if pid in self.children:
                self.children.discard(pid)
                self.wire.post("exited", pid=pid, code=os.waitstatus_to_exitcode(status))

    def _end(self) -> NoReturn:
        """The supervisor is gone. The workers see that too and drain; what does not end is killed."""
        self.spares.drop()
        deadline = time.monotonic() + orphan_s(self.settings) + 1
        while self.children and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.02)
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os._exit(0)

    # --- Preloading --------------------------------------------------------------------------------------------------

    def _begin_preload(self, modules: list[str], environment: dict[str, str | None]) -> None:
        """Queue libraries to import, one at a time between messages, with the environment the script gave them."""
        self.spares.drop()
        for name, value in environment.items():
            self._before.setdefault(name, os.environ.get(name))
            _set_environment(name, value)
        self._to_import = deque(name for name in modules if name not in sys.modules)
        self._preload = Preload(started=time.perf_counter(), threads=len(forksafe.threads()))
        if not self._to_import:
            self._end_preload()

    def _import_next(self) -> None:
        preload, name = self._preload, self._to_import.popleft()
        try:
            importlib.import_module(name)
        except BaseException:  # noqa: BLE001 - the worker imports it too, and shows the error where users look for it
            preload.failed.append(name)
        else:
            preload.count += 1
        threads = len(forksafe.threads())
        if threads > preload.threads:
            if not self._check([name]):
                return
            preload.threads = len(forksafe.threads())
        if not self._to_import:
            self._end_preload()

    def _end_preload(self) -> None:
        preload = self._preload
        if self._check([]):
            importing.look_ahead(self._roots)
            self._freeze()
            seconds = time.perf_counter() - preload.started
            self.spares.soon()
            self.wire.post("preloaded", count=preload.count, failed=preload.failed, seconds=seconds)

    def _check(self, suspects: list[str]) -> bool:
        """Whether this process may be forked with what is loaded; says so to the supervisor when not."""
        reasons = forksafe.objections()
        if reasons:
            self._unsafe = True
            self._to_import.clear()
            self.wire.post("unsafe", reasons=reasons, suspects=suspects)
        return not reasons


def _set_environment(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def main(handles: str, argv: list[str]) -> None:
    """Be a zygote; ``handles`` are the inherited sockets, as engine.spawn passes them."""
    sys.argv = argv
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)  # the supervisor decides when this process ends
    wire = Wire(inherited(handles)[0])
    boot = wire.receive()
    if boot is None:
        return
    settings = Settings.from_json(boot["settings"])
    logs.configure(settings)
    # Python counts native threads too; the trial fork is the better judge.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    with contextlib.suppress(OSError):
        socket.getaddrinfo("127.0.0.1", 80)  # loads what each worker's HTTP would load
    Zygote(settings, wire).serve()
