"""The first process of the gateway's container: ``python -m sandbox.hosts.inside_gateway FOLDER CERTIFICATES``.

It gives up being root but for listening on low ports, holds the lock that says "it runs", and starts Envoy. Where
another container has the lock, this one is to take its place: Envoy is given the sockets of the other one, which goes
on with what it has and takes nothing new (Envoy's hot restart), so that no connection is refused. Beside that it keeps
logs small, takes new certificates that appear in their folder, and lets requests finish when the container is stopped.
"""

import contextlib
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from sandbox.gateway import logs, process
from sandbox.gateway.admin import Admin
from sandbox.gateway.binary import binary, words
from sandbox.gateway.bootstrap import bootstrap
from sandbox.gateway.errors import GatewayError
from sandbox.gateway.folder import Folder
from sandbox.gateway.publish import LOG
from sandbox.hosts import privileges, renewal
from sandbox.hosts.inside import told
from sandbox.model.errors import SandboxError

MODULE = "sandbox.hosts.inside_gateway"
EXIT_FAILED = 1
EXIT_INCOMPATIBLE = 75  # the Envoy that runs can hand nothing over to this one
LOCK_S = 0.5  # whoever only asks for the lock has it for a moment
PARENT_S = 200  # for so long one that was replaced goes on; Azure's longest request takes 180
GRACE_S = 8.0  # the engine kills after ten
MOST_CONNECTIONS = 20_000
OTHER_FILES = 256  # that Envoy has open beside connections, of which each takes one here and one to an instance
TICK_S = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gateway until it ends; return the exit code."""
    folder_path, certificates = list(sys.argv[1:] if arguments is None else arguments)
    try:
        owner = os.stat(folder_path)
        privileges.become(owner.st_uid, owner.st_gid, keep=(privileges.NET_BIND_SERVICE,))
        os.umask(0o077)
        return Keeper(Folder(folder_path), certificates).run()
    except SandboxError as error:
        sys.stderr.write(told(error))
    except GatewayError as error:
        sys.stderr.write(told(SandboxError("E173", error.what, error.why, error.fix)))
    except OSError as error:
        sys.stderr.write(told(SandboxError("E173", "the gateway cannot begin", str(error))))
    return EXIT_FAILED


class Keeper:
    """Keeps one Envoy."""

    def __init__(self, folder: Folder, certificates: str) -> None:
        self._folder = folder
        self._admin = Admin(folder.at("admin.sock"))
        self._lock = os.open(folder.at(process.ALIVE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._held = self._left = self._answered = False
        self._renewal = renewal.Renewal(folder, certificates)

    def run(self) -> int:
        """Start Envoy and stay until it ends; return its exit code."""
        self._held = process.wait_until(self._take, LOCK_S)
        program = binary()
        epoch = 0 if self._held else self._next(program)
        if epoch is None:
            return EXIT_INCOMPATIBLE
        config = limited(bootstrap(self._folder.path), connections_possible())
        self._folder.write("bootstrap.json", json.dumps(config, indent=1))
        for name in process.LOGS:
            self._folder.append_to(name).close()  # 0600; Envoy would make them readable for others
        heard = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, heard)  # before there is a thread, which would lose them
        if not self._held:
            threading.Thread(target=self._wait_for_lock, daemon=True).start()
        envoy = os.posix_spawn(program, command(program, self._folder, epoch), {"PATH": os.defpath}, setsigmask=[])
        while True:
            found = signal.sigtimedwait(heard, TICK_S)
            if (code := ended(envoy)) is not None:
                return code
            if found is None:
                self._look(envoy)
            elif found.si_signo != signal.SIGCHLD:
                self._end(envoy)

    def _take(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait_for_lock(self) -> None:
        """Take the lock in the moment in which the other container lets go of it."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._held = True

    def _next(self, program: str) -> int | None:
        """Return which in the row of Envoys this one is, None where it cannot take over from the one that runs."""
        running = self._admin.json("/server_info")
        ours, theirs = handing_over(program), running["hot_restart_version"]
        if ours != theirs:
            sys.stderr.write(f"the gateway that runs hands over as {theirs}, and this one takes over as {ours}\n")
            return None
        return int(running["command_line_options"]["restart_epoch"]) + 1

    def _look(self, envoy: int) -> None:
        """Do what comes up once in a while."""
        if not self._left and self._replaced(envoy):
            # Envoy goes on until the other one ends it, which cannot do without it before.
            self._left, self._held = True, False
            fcntl.flock(self._lock, fcntl.LOCK_UN)
        elif self._held:
            with contextlib.suppress(GatewayError, OSError):  # a full disk: next time
                logs.shorten(self._folder, self._admin)
            self._renewal.look()

    def _replaced(self, envoy: int) -> bool:
        """Tell whether another Envoy has taken over: it answers on the admin socket, where ours did before."""
        found = self._admin.pid()
        self._answered = self._answered or found == envoy
        return self._answered and found is not None and found != envoy

    def _end(self, envoy: int) -> None:
        """End Envoy gently, if requests are under way; one that was replaced has nobody else to ask."""
        if not self._left and not self._replaced(envoy):
            with contextlib.suppress(GatewayError):
                process.drain(self._admin, GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.kill(envoy, signal.SIGTERM)


def handing_over(program: str) -> str:
    """Return how an Envoy hands over to another one; two can only where this is equal."""
    said = subprocess.run([program, "--hot-restart-version"], capture_output=True, text=True, check=False)
    return (said.stdout or said.stderr).strip()


def command(program: str, folder: Folder, epoch: int) -> list[str]:
    """Return the command line of Envoy, one that can hand over to the next."""
    usual = [word for word in words(program, folder.at("bootstrap.json")) if word != "--disable-hot-restart"]
    return [
        *usual,
        *("--restart-epoch", str(epoch)),
        *("--socket-path", folder.at("h")),
        *("--socket-mode", "600"),
        *("--parent-shutdown-time-s", str(PARENT_S)),
        "--skip-hot-restart-on-no-parent",
        *("--log-path", folder.at(LOG)),
    ]


def connections_possible() -> int:
    """Let this process and its children have as many files open as they may; return for how many clients that is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, (hard - OTHER_FILES) // 2)


def limited(config: dict[str, object], most: int) -> dict[str, object]:
    """Return the bootstrap with a limit of connections: everybody may open some."""
    kind = (
        "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    )
    limit = {"@type": kind, "max_active_downstream_connections": str(most)}
    name = "envoy.resource_monitors.global_downstream_max_connections"
    return {**config, "overload_manager": {"resource_monitors": [{"name": name, "typed_config": limit}]}}


def ended(envoy: int) -> int | None:
    """Return the exit code of Envoy as a shell would, None while it runs. Whatever else has ended is forgotten."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == envoy:
                found = os.waitstatus_to_exitcode(status)
                code = found if found >= 0 else 128 - found
    return code


if __name__ == "__main__":
    sys.exit(main())
