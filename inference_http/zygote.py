"""The process that workers are forked from: it has the server and the user's libraries imported, and runs nothing.

Rules (each from an experiment in the design notes): it stays single-threaded; it imports only, because a library that
has *run* (OpenMP, BLAS pools) may hang in a forked child; what it imports is what the first worker was seen to import;
``gc.freeze()`` keeps the shared pages shared. After preloading a trial fork tells whether a library left a thread that
a fork would lose; then the supervisor is told and falls back to processes that import everything themselves.
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
from typing import Any, NoReturn

from inference_http import logs, runtime
from inference_http.control import Message, Task, Wire
from inference_http.engine import inherited
from inference_http.settings import Settings
from inference_http.worker import Worker

# Background threads of allocators survive a fork without harm: they hold no lock that a child could miss.
HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})


@dataclass(slots=True)
class Preload:
    """One run of imports."""

    started: float = 0.0
    threads: int = 0
    count: int = 0
    failed: list[str] = field(default_factory=list)
    suspects: list[str] = field(default_factory=list)  # modules whose import started native threads


class Zygote:
    """Answers the supervisor's requests until the supervisor is gone."""

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self.settings = settings
        self.wire = wire
        self.children: set[int] = set()
        self.loaded: runtime.Loaded | None = None
        self._before: dict[str, str | None] = {}  # environment values that preloading replaced
        self._frozen = 0
        self._to_import: deque[str] = deque()
        self._to_fork: deque[tuple[Task, list[int]]] = deque()
        self._preload = Preload()
        self._checked = True  # nothing but the server has been imported

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
                for key, _ in selector.select(0 if self._to_import else None):
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

    def _obey(self, message: Message) -> None:
        op = message["op"]
        if op == "fork":
            self._to_fork.append((Task.from_json(message["task"]), message["fds"]))
        elif op == "preload":
            self._begin_preload(message["modules"], message["environment"])
        elif op == "load":
            self._load()
        elif op == "kill":
            with contextlib.suppress(ProcessLookupError):
                os.kill(message["pid"], message["signal"])

    # --- Forking -------------------------------------------------------------------------------------------------------

    def _fork(self, task: Task, descriptors: list[int]) -> None:
        safe = self._check()  # if not, the supervisor starts another zygote and asks that one
        if safe:
            self._freeze()
            pid = os.fork()
            if pid == 0:
                self._become_worker(task, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        if not safe:
            return
        self.children.add(pid)
        self.wire.post("forked", number=task.number, pid=pid)

    def _become_worker(self, task: Task, descriptors: list[int]) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.wire.close()
            for name, value in self._before.items():
                _set_environment(name, value)
            reseed()
            wire, *sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
            Worker(self.settings, task, Wire(wire), sockets).run(self.loaded)
        finally:
            os._exit(1)  # nothing of the zygote's loop may run in a child

    def _freeze(self) -> None:
        """Move everything alive out of the collector's sight, once for each change, so that children share the pages."""
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
            if pid in self.children:
                self.children.discard(pid)
                self.wire.post("exited", pid=pid, code=os.waitstatus_to_exitcode(status))

    def _end(self) -> NoReturn:
        """The supervisor is gone. The workers see that too and drain; what does not end is killed."""
        deadline = time.monotonic() + self.settings.graceful_timeout_s + 1
        while self.children and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.02)
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os._exit(0)

    # --- Preloading ----------------------------------------------------------------------------------------------------

    def _begin_preload(self, modules: list[str], environment: dict[str, str | None]) -> None:
        """Queue libraries to import, one at a time between requests to fork, with the environment the script gave them."""
        for name, value in environment.items():
            self._before.setdefault(name, os.environ.get(name))
            _set_environment(name, value)
        self._to_import = deque(name for name in modules if name not in sys.modules)
        self._preload = Preload(started=time.perf_counter(), threads=len(_threads()))
        self._checked = False
        if not self._to_import:
            self._end_preload()

    def _import_next(self) -> None:
        preload, name = self._preload, self._to_import.popleft()
        try:
            importlib.import_module(name)
        except BaseException:  # the worker imports it itself and shows the error where the user looks for it
            preload.failed.append(name)
        else:
            preload.count += 1
        threads = len(_threads())
        if threads > preload.threads:
            preload.threads = threads
            preload.suspects.append(name)
        if not self._to_import:
            self._end_preload()

    def _end_preload(self) -> None:
        preload = self._preload
        self._freeze()
        self._check()
        seconds = time.perf_counter() - preload.started
        self.wire.post("preloaded", count=preload.count, failed=preload.failed, seconds=seconds)

    def _check(self) -> bool:
        """Whether what has been imported may be forked; says so to the supervisor when not."""
        if not self._checked:
            reasons = [f"a library's thread {name!r} keeps running across forks" for name in _threads_left_by_fork()]
            if _cuda_is_up():
                reasons.append("a library has initialised CUDA at its import")
            if reasons:
                self.wire.post("unsafe", reasons=reasons, suspects=self._preload.suspects)
                return False
            self._checked = True
        return True

    def _load(self) -> None:
        """WORKER_PRELOAD and kept state: load the script and call init() here, once, for all workers."""
        try:
            self.loaded = runtime.load(self.settings)
        except runtime.script.errors.UserScriptError as error:
            logs.error_block(error.report())
            self.wire.post("load_failed", title=error.title, report=error.report())
            return
        self.wire.post("loaded", init_s=self.loaded.init_s, unsafe=_threads_left_by_fork())


def _set_environment(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def reseed() -> None:
    """Give the global random generators of preloaded libraries a state of their own: a fork copies the parent's."""
    for name in ("numpy.random", "torch"):
        module: Any = sys.modules.get(name)
        if module is not None:
            with contextlib.suppress(Exception):
                module.seed()


def _threads() -> list[str]:
    """The names of this process's native threads; empty where the system does not tell."""
    names = []
    with contextlib.suppress(OSError):
        for entry in os.listdir("/proc/self/task"):
            with contextlib.suppress(OSError), open(f"/proc/self/task/{entry}/comm") as comm:
                names.append(comm.read().strip())
    return names


def _threads_left_by_fork() -> list[str]:
    """Threads that are still there after a trial fork, and so are not stopped and restarted around forks by their library."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    names = _threads()
    main = next(iter(names), "")
    if main:
        names.remove(main)
    return [name for name in names if name not in HARMLESS_THREADS]


def _cuda_is_up() -> bool:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return False
    with contextlib.suppress(Exception):
        return bool(torch.cuda.is_initialized() or _bad_fork(torch))
    return False


def _bad_fork(torch: Any) -> bool:
    """Whether a forked child could not use CUDA (something called cuInit here): asked in a child."""
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(BaseException):
            code = int(bool(torch.cuda._is_in_bad_fork()))
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0


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
    Zygote(settings, wire).serve()
