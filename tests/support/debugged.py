"""The process picture in little, for tests of the debugger alone: listener, zygote, forked workers. No HTTP, no policy.

A worker's main thread loads the script and calls init() and run() as the server does; threads that are kept out of the
debugger answer everything else, on a socket of the worker's own. ``python -m tests.support.debugged`` is the zygote.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from inference_http.debug import debuggee
from inference_http.debug.listener import Listener
from inference_http.user import script

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """What a test does with one worker process."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port

    def ask(self, timeout: float = 20, **message: Any) -> Any:
        """One message and its answer, on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as link, link.makefile("rwb") as file:
            file.write(json.dumps(message).encode() + b"\n")
            file.flush()
            return json.loads(file.readline())["answer"]

    def run(self, data: Any = None, timeout: float = 20) -> Any:
        """What run() returned, or {"error": its class}."""
        return self.ask(timeout, op="run", data=data)

    def start_run(self, data: Any = None) -> queue.SimpleQueue[Any]:
        """Call run() in the background; it may come to stand at a breakpoint. The queue gets the answer."""
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=lambda: answers.put(self.run(data, timeout=60)), daemon=True).start()
        return answers

    def ready(self, timeout: float = 20) -> None:
        deadline = time.monotonic() + timeout
        while self.ask(op="phase") != "ready":
            assert time.monotonic() < deadline, "init() did not end"
            time.sleep(0.005)

    def probe_s(self) -> float:
        """How long the worker's control thread takes to answer."""
        began = time.perf_counter()
        self.ask(op="phase")
        return time.perf_counter() - began

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Supervisor:
    """A listener and a zygote; ``fork`` is what a reload does."""

    def __init__(self, listener: Listener, *, preload: bool = True) -> None:
        self.listener = listener
        self._zygote = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.support.debugged", "preload" if preload else ""],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fork(self, path: Path, *, debug: bool = True, wait_s: float = debuggee.WAIT_S) -> Worker:
        assert self._zygote.stdin
        assert self._zygote.stdout
        endpoint = self.listener.endpoint() if debug else None
        self._zygote.stdin.write(json.dumps({"path": str(path), "endpoint": endpoint, "wait_s": wait_s}) + "\n")
        self._zygote.stdin.flush()
        return Worker(**json.loads(self._zygote.stdout.readline()))

    def end(self) -> None:
        assert self._zygote.stdin
        assert self._zygote.stdout
        self._zygote.stdin.close()
        self._zygote.wait(10)
        self._zygote.stdout.close()


@contextlib.contextmanager
def supervised(*, preload: bool = True, **options: Any) -> Iterator[Supervisor]:
    """A supervisor whose listener is ready, on a free port."""
    listener = Listener("127.0.0.1", options.pop("port", 0), **options)
    listener.start()
    supervisor = Supervisor(listener, preload=preload)
    try:
        listener.wait_ready()
        yield supervisor
    finally:
        supervisor.end()
        listener.stop()


# --- The zygote's and the workers' side ------------------------------------------------------------------------------


def zygote(preload: bool) -> None:
    if preload:
        debuggee.preload()
    children = []
    for line in sys.stdin:
        order = json.loads(line)
        listening = socket.create_server(("127.0.0.1", 0))
        pid = os.fork()
        if pid == 0:
            try:
                sys.stdin.close()
                Serving(listening).serve(order)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        children.append(pid)
        print(json.dumps({"pid": pid, "port": listening.getsockname()[1]}), flush=True)
        listening.close()
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class Serving:
    """A worker."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._calls: queue.SimpleQueue[tuple[Any, queue.SimpleQueue[Any]]] = queue.SimpleQueue()
        self._phase = "attach"
        self.waited: bool | str | None = None

    def serve(self, order: dict[str, Any]) -> None:
        self._thread(self._accept)
        if order["endpoint"]:
            self._attach(order["endpoint"], order["wait_s"])
        self._phase = "import"
        path = order["path"]
        settings: Any = SimpleNamespace(
            entry_script=path, app_root=os.path.dirname(path), source_dir=None, model_dir=None
        )
        loaded = script.load(settings)
        self._phase = "init"
        script.call_init(loaded)
        self._phase = "ready"
        while True:
            data, answers = self._calls.get()
            try:
                answers.put(script.call_run(loaded, {loaded.parameter or "data": data})[0])
            except Exception as error:
                answers.put({"error": type(error.__cause__ or error.args[0]).__name__})

    def _attach(self, endpoint: dict[str, Any], wait_s: float) -> bool | str:
        try:
            self.waited = debuggee.attach(endpoint, wait_s=wait_s)
        except debuggee.DebuggerUnavailable as error:
            self.waited = str(error)
        return self.waited

    def _thread(self, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        debuggee.exempt(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            self._thread(self._answer, self._listening.accept()[0])

    def _answer(self, link: socket.socket) -> None:
        with link, link.makefile("rwb") as file:
            message = json.loads(file.readline())
            file.write(json.dumps({"answer": self._obey(**message)}).encode() + b"\n")
            file.flush()

    def _obey(self, op: str, **message: Any) -> Any:
        if op == "run":
            answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
            self._calls.put((message["data"], answers))
            return answers.get()
        if op == "attach":
            return self._attach(message["endpoint"], message["wait_s"])
        if op == "detach":
            return debuggee.detach()
        if op == "time":
            began = time.process_time()
            for _ in range(message["times"]):
                self._obey("run", data=message["data"])
            return (time.process_time() - began) / message["times"]
        return {"phase": self._phase, "waited": self.waited, "attached": debuggee.attached()}[op]


if __name__ == "__main__":
    zygote(preload=sys.argv[1] == "preload")
