"""Which process is the agent of a home: the one that holds a lock, whatever a file says."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone

from sandbox.files import read_json, try_lock, write_json
from sandbox.home import VARIABLE, Home
from sandbox.model.errors import SandboxError
from sandbox.store import owner

START_S = 10.0
END_S = 40.0
LOG_LARGEST = 1 << 20  # bytes


@contextlib.contextmanager
def alone(home: Home) -> Iterator[None]:
    """Be the agent of a home.

    Raises:
        SandboxError: E068, somebody else is.
    """
    with try_lock(home.at("agent", "lock")) as held:
        if not held:
            pid = running(home)
            raise SandboxError("E068", f"the agent runs already (process {pid})", "there is one for each home")
        write_json(home.at("agent", "process.json"), {"owner": owner.this()})
        try:
            yield
        finally:
            if ours(home):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(home.at("agent", "process.json"))


def ours(home: Home) -> bool:
    """Tell whether this process still is the agent: somebody may have removed the home, and its lock with it."""
    return running(home) == os.getpid()


def running(home: Home) -> int | None:
    """Return the process of the agent, None where it is off."""
    found = read_json(home.at("agent", "process.json"))
    if not isinstance(found, dict) or not owner.works(str(found.get("owner"))):
        return None
    return int(str(found["owner"]).partition(":")[0])


def start(home: Home) -> int:
    """Start the agent in a session of its own and return its process; the one that runs where there is one.

    Raises:
        SandboxError: E069, it ended at once; the end of its log says why.
    """
    found = running(home)
    if found is not None:
        return found
    home.make()
    path = home.at("agent", "log")
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if os.path.getsize(path) > LOG_LARGEST:
            os.replace(path, f"{path}.1")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "sandbox.agent"],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            cwd=home.root,
            env={**os.environ, VARIABLE: home.root},
        )
    finally:
        os.close(descriptor)
    deadline = time.monotonic() + START_S
    while running(home) is None and time.monotonic() < deadline:
        if child.poll() is not None:
            with open(path, encoding="utf-8", errors="replace") as file:
                said = "".join(file.readlines()[-5:]).strip()
            raise SandboxError("E069", "the agent could not be started", said, f"see {path}")
        time.sleep(0.02)
    child.returncode = 0  # it goes on after we have ended
    return child.pid


def stop(home: Home) -> bool:
    """End the agent; tell whether there was one. What it looked after goes on."""
    pid = running(home)
    if pid is None:
        return False
    deadline = time.monotonic() + END_S
    number = signal.SIGTERM
    while running(home) == pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        _pause(home, pid, deadline)
        number = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
    return True


def _pause(home: Home, pid: int, deadline: float) -> None:
    while running(home) == pid and time.monotonic() < deadline:
        time.sleep(0.02)


def stamp() -> str:
    """Return this moment for the agent's log."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
