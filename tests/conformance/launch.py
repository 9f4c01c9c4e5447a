"""Start a server as a user would, follow its output, stop it."""

import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests.conformance import reference, wire

SIDES = ("ref", "our")  # equally long, so that a path of one side is as long as the other's: Content-Length may compare
READY_S = 45.0  # generous: a start costs one second of CPU, and the machine may be busy with other things
_ports_lock = threading.Lock()
# Five digits, below the range that the system hands out; sessions at the same time begin at different places.
_ports = itertools.islice(itertools.cycle(range(20000, 30000)), random.Random(os.getpid()).randrange(10000), None)


class NotReady(Exception):
    """The server ended, or never answered; carries what it said."""


def free_port() -> int:
    """A port nobody listens on, and that was not given out before."""
    with _ports_lock:
        return next(port for port in _ports if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def command(side: str) -> list[str]:
    """The console script of a side. Not ``-m``: that would put the working directory on sys.path (S1)."""
    if side == "ref":
        return reference.command()
    return [sys.executable, str(Path(sys.executable).with_name("inference-http"))]


class Server:
    """One started server. ``{port}``, ``{health_port}`` and ``{root}`` in flags and environment are filled in."""

    def __init__(
        self,
        side: str,
        root: Path,
        flags: Sequence[str],
        environment: Mapping[str, str],
        *,
        start: Sequence[str] = (),
        cwd: str = "",
    ) -> None:
        self.side = side
        self.root = root
        self.port, self.health_port = free_port(), free_port()
        known = {"port": str(self.port), "health_port": str(self.health_port), "root": str(root)}
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(root.parent),  # gunicorn leaves a control socket there (S125)
            "LANG": "C.UTF-8",
            "HOSTNAME": "conformance",
            "PYTHONUNBUFFERED": "1",  # forked workers would write what their parent had not flushed a second time
        }
        line = [*(start or command(side)), *(flag.format_map(known) for flag in flags)]
        self._stdout = (root.parent / "stdout").open("wb")
        self._stderr = (root.parent / "stderr").open("wb")
        self.process = subprocess.Popen(
            line,
            cwd=root / cwd,
            env=base | {name: value.format_map(known) for name, value in environment.items()},
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            start_new_session=True,
        )

    def stdout(self) -> str:
        return (self.root.parent / "stdout").read_text("utf-8", "backslashreplace")

    def stderr(self) -> str:
        return (self.root.parent / "stderr").read_text("utf-8", "backslashreplace")

    def wait_ready(self, timeout_s: float = READY_S) -> None:
        """Return once GET / answers 200. Raises NotReady."""
        end = time.monotonic() + timeout_s
        last = "no connection was accepted"
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise NotReady(f"{self.side} ended with {self.process.returncode}\n{self.stdout()}\n{self.stderr()}")
            try:
                answer = wire.ask(self.port, wire.build("GET", "/"), timeout_s=end - time.monotonic())
                if answer.status == 200:
                    return
                last = f"GET / answered {answer.status} {answer.body[:200]!r}"
            except (OSError, wire.NoAnswer, wire.Malformed) as problem:
                last = repr(problem)
            time.sleep(0.02)
        raise NotReady(f"{self.side} was not ready in {timeout_s} s ({last})\n{self.stdout()}\n{self.stderr()}")

    def wait_end(self, timeout_s: float = READY_S) -> int | None:
        """The exit code (negative: the signal), or None if it still runs after ``timeout_s``."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, with_signal: int = signal.SIGTERM, timeout_s: float = 15.0) -> int | None:
        """Ask the server to end and return its exit code; None (and a kill) if it did not end in time."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        code = self.wait_end(timeout_s)
        self.kill()
        return code

    def kill(self) -> None:
        """End what is left of the server's process group; safe to call at any time."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._stdout.close()
        self._stderr.close()

    def ask(self, request: bytes, timeout_s: float = 20.0) -> wire.Answer:
        return wire.ask(self.port, request, timeout_s)

    def connect(self, timeout_s: float = 20.0) -> AbstractContextManager[wire.Connection]:
        return wire.connect(self.port, timeout_s)
