"""The process of the gateway: started so that it outlives us, found again by whoever comes next, ended gently.

Whether it runs is told by a lock that it inherits and that the kernel releases at its end; who it is, by the kernel's
word about its admin socket. Nothing about it is believed because a file says so.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.gateway.admin import Admin
from sandbox.gateway.binary import binary, words
from sandbox.gateway.bootstrap import bootstrap
from sandbox.gateway.errors import GatewayError, NotRunning, Unresponsive
from sandbox.gateway.folder import Folder
from sandbox.gateway.publish import LOG
from sandbox.processes import began

ALIVE = "alive.lock"
IDENTITY = "process.json"
LOGS = (LOG, "access.log")
START_S = 15.0
END_S = 5.0
ACTIVE = "downstream_rq_active"


@dataclass(frozen=True, slots=True)
class Identity:
    """A process: its number, and when it began (``sandbox.processes``)."""

    pid: int
    began: str


def runs(folder: Folder) -> bool:
    """Tell whether the gateway of this folder runs, or is being started."""
    if not folder.is_ours():
        return False
    try:
        descriptor = os.open(folder.at(ALIVE), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def start(folder: Folder, admin: Admin) -> int:
    """Start it, and return when it answers: from where on the log is its. The files that it reads are there already.

    Raises:
        NotRunning: it ended; the end of its log says why.
    """
    folder.write("bootstrap.json", json.dumps(bootstrap(folder.path), indent=1))
    folder.set_aside_large(LOGS)
    for name in LOGS:
        folder.append_to(name).close()  # 0600; Envoy would make them readable for others
    log_from = folder.size(LOG)
    with _alive(folder) as lock:
        pid = _spawn(words(binary(), folder.at("bootstrap.json")), folder, lock)
    folder.write(IDENTITY, json.dumps({"pid": pid, "began": began(pid)}))
    wait_until(lambda: admin.answers() or ended(pid), START_S)
    if not admin.answers():
        said = folder.tail(LOG, log_from).strip().splitlines()[-5:]
        raise NotRunning("the gateway could not be started", "\n".join(said), f"see {folder.at(LOG)}")
    return log_from


def stop(folder: Folder, admin: Admin, grace_s: float) -> None:
    """End it: new connections are told to go, requests get ``grace_s`` to finish, the rest is cut off."""
    if not runs(folder):
        return
    process = identify(folder, admin)
    with contextlib.suppress(Unresponsive):
        drain(admin, grace_s)
        admin.ask("/quitquitquit", "POST")
        wait_until(lambda: not runs(folder), END_S)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not runs(folder):
            break
        if process is None:
            raise GatewayError("the gateway runs and cannot be ended", "nothing tells which process it is")
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        wait_until(lambda: not runs(folder), END_S)
    if process:
        ended(process.pid)
    for name in (IDENTITY, "admin.sock", "keeper.sock"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder.at(name))


def drain(admin: Admin, grace_s: float) -> None:
    """Tell clients to go, and return when no request is under way or ``grace_s`` seconds are over.

    Raises:
        Unresponsive: nobody answers.
    """
    admin.ask("/drain_listeners?graceful&skip_exit", "POST")
    wait_until(lambda: not _active(admin), grace_s)


def identify(folder: Folder, admin: Admin) -> Identity | None:
    """Return the process of the running gateway, None where nobody can tell."""
    pid = admin.pid()
    if pid:
        return Identity(pid, began(pid) or "")
    found = folder.read_json(IDENTITY)
    if isinstance(found, dict) and found.get("began") and began(int(found["pid"])) == found["began"]:
        return Identity(int(found["pid"]), found["began"])
    return None


def wait_until(condition: Callable[[], bool], limit_s: float) -> bool:
    """Wait; tell whether it came true."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _active(admin: Admin) -> int:
    """Return how many requests are under way; WebSockets count as well."""
    return sum(int(value) for value in admin.texts(rf"^http\.ingress\.{ACTIVE}$").values())


@contextlib.contextmanager
def _alive(folder: Folder) -> Iterator[int]:
    """Take the lock that says "it runs", for the process that is about to be started."""
    descriptor = os.open(folder.at(ALIVE), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    except BlockingIOError as error:
        raise GatewayError("the gateway is running already") from error
    finally:
        os.close(descriptor)  # our copy: the process has its own


def _spawn(command: list[str], folder: Folder, lock: int) -> int:
    """Start a process of its own session that keeps nothing of ours but the lock and its log."""
    with folder.append_to(LOG) as log:
        return os.posix_spawn(
            command[0],
            command,
            {"PATH": os.defpath},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
                (os.POSIX_SPAWN_DUP2, lock, 3),
            ],
            setsid=True,
        )


def ended(pid: int) -> bool:
    """Tell whether a process has ended; if it was our child, nothing is left of it."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return began(pid) is None
