"""The way to a host's engine by ssh: one connection, and behind a private socket here is the engine's socket there.

It is the user's own ssh: aliases, ports, jump hosts, keys and the agent are those of ``ssh HOST`` typed by hand. Nobody
is asked for anything: what would need an answer fails, and the error says how to give it once.
"""

import atexit
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from typing import IO
from urllib.parse import urlsplit

from sandbox.hosts import refusals
from sandbox.hosts.known import Host
from sandbox.model.errors import SandboxError

ENDING_S = 5.0  # for ssh to end, and for what it has said to arrive
READY_S = 40.0  # for the connection, the login, and the first word from there
_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=15",
    "ServerAliveInterval=10",  # three of them unanswered, and the connection is taken for dead
    "ServerAliveCountMax=3",
    "ExitOnForwardFailure=yes",
    "ControlPath=none",  # a shared connection would keep the socket after our end
    "RemoteCommand=none",
    "RequestTTY=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
)
# Says how things are, then waits until we are gone: when this process ends, however it does, so does the connection.
_THERE = """s={socket}
if [ ! -S "$s" ]; then echo sandbox:missing; elif [ ! -w "$s" ]; then echo sandbox:denied; else echo sandbox:ready; fi
exec cat >/dev/null"""
_WORD = "sandbox:"
_PREFIX = "endpoint-sandbox-ssh"
_LEFT = re.compile(rf"{_PREFIX}-(\d+)-\w+")


class Tunnel:
    """A connection that is open. ``path``: of the socket here.

    Raises:
        SandboxError: E152 to E155.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        _sweep()
        self._folder = tempfile.mkdtemp(prefix=f"{_PREFIX}-{os.getpid()}-")
        self.path = os.path.join(self._folder, "s")
        self._said: deque[str] = deque(maxlen=30)
        self._state = ""
        self._known = threading.Event()
        try:
            self._process = subprocess.Popen(
                words(host, "-L", f"{self.path}:{host.socket}", script=_THERE.format(socket=shlex.quote(host.socket))),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is for us, who may still have to tell the host
            )
        except FileNotFoundError:
            shutil.rmtree(self._folder, ignore_errors=True)
            why = "ssh is not on PATH"
            raise SandboxError("E152", f"{host.name} is reached by ssh", why, "install the OpenSSH client") from None
        self._readers = (
            self._reading(self._process.stdout, self._hear),
            self._reading(self._process.stderr, self._said.append),
        )
        atexit.register(self.close)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Tell whether the connection stands."""
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """What ssh has complained about."""
        return "\n".join(self._said)

    def close(self) -> None:
        """End the connection."""
        atexit.unregister(self.close)
        with contextlib.suppress(OSError):
            self._process.terminate()
        try:
            self._process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:  # a ProxyCommand that lives on may keep open what ssh speaks into
            reader.join(ENDING_S)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _reading(self, stream: "IO[str] | None", told: Callable[[str], None]) -> threading.Thread:
        assert stream is not None

        def read() -> None:
            with stream:
                for line in stream:
                    told(line.rstrip())
            self._known.set()  # it has ended

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def _hear(self, line: str) -> None:
        if line.startswith(_WORD):  # else it is a greeting of the host
            self._state = line.removeprefix(_WORD)
            self._known.set()

    def _wait(self) -> None:
        self._known.wait(READY_S)
        if self._state == "ready":
            return
        if self._state:
            raise refusals.of_socket(self.host, self._state)
        self._process.terminate()
        self._process.wait()
        self._readers[1].join(ENDING_S)
        raise refusals.of_ssh(self.host, self.said or f"no answer in {READY_S:g} s")


def words(host: Host, *more: str, script: str) -> list[str]:
    """Return the command line that runs a shell script on a host."""
    parts = urlsplit(host.url)
    user = ["-l", parts.username] if parts.username else []
    port = ["-p", str(parts.port)] if parts.port else []
    config = ["-F", host.ssh_config] if host.ssh_config else []
    options = [word for option in _OPTIONS for word in ("-o", option)]
    return ["ssh", *config, *options, *user, *port, *more, "--", parts.hostname or "", f"sh -c {shlex.quote(script)}"]


def _sweep() -> None:
    """Remove the folders of those who were killed."""
    folder = tempfile.gettempdir()
    for name in os.listdir(folder):
        if (found := _LEFT.fullmatch(name)) is None:
            continue
        try:
            os.kill(int(found[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
        except OSError:
            continue  # another user's
