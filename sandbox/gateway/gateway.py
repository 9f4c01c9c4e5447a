"""The gateway as the rest of the control plane sees it."""

import contextlib
import os
from collections.abc import Collection, Mapping

from sandbox.gateway import keeping, logs, process, publish, stats, strays
from sandbox.gateway.admin import Admin
from sandbox.gateway.description import Description
from sandbox.gateway.errors import NotRunning, PortBusy, Unresponsive
from sandbox.gateway.folder import Folder
from sandbox.gateway.launching import AsProcess, Launcher
from sandbox.gateway.occupant import is_taken
from sandbox.gateway.process import Identity

LOOPBACK = "127.0.0.1"
DYING_S = 1.0  # somebody who was killed holds his lock a moment longer


class Gateway:
    """The gateway whose files lie in ``folder`` (made when needed; 90 bytes of path at most), run by ``launcher``.

    Objects of this class hold nothing: any number of them, in any number of processes, may stand for one gateway.
    """

    def __init__(self, folder: str, launcher: Launcher | None = None) -> None:
        self._folder = Folder(folder)
        self._launcher = launcher or AsProcess()
        self._admin = Admin(self._folder.at("admin.sock"))

    def apply(self, description: Description, keep: Collection[str] = ()) -> Mapping[str, PortBusy]:
        """Make it do what is described, starting it where needed; return when it does, confirmed by itself.

        Args:
            description: what it shall do.
            keep: names (lower case) of further endpoints that nobody can describe now: they stay as they were
                published last.

        Returns:
            The endpoints whose ports somebody else has taken, by name: all the rest of the description is published.

        Raises:
            Rejected: refused; it does what it did before.
            NotRunning, Unresponsive: it could not be started, or does not answer.
        """
        with self._folder.alone():
            busy = self._publish(description, keep) if self._running() else None
            return self._start(description, keep) if busy is None else busy

    def stop(self, grace_s: float = 10.0) -> None:
        """End it, when the requests that are under way are answered or ``grace_s`` is over. Fine if it does not run."""
        if os.path.isdir(self._folder.path):
            with self._folder.alone():
                self._launcher.stop(self._folder, self._admin, grace_s)

    def running(self) -> Identity | None:
        """Return its process, None where it does not run."""
        return self._launcher.identify(self._folder, self._admin) if process.runs(self._folder) else None

    def stats(self) -> stats.Snapshot:
        """Return what it has counted since its start.

        Raises:
            NotRunning, Unresponsive: it cannot be asked.
        """
        if not process.runs(self._folder):
            raise NotRunning("the gateway does not run", "", "apply a description to it")
        return stats.snapshot(self._admin)

    def busy(self, ports: Mapping[str, int]) -> dict[str, PortBusy]:
        """Return which of these endpoints (name -> port) are not served because somebody else has their ports.

        Raises:
            Unresponsive: it cannot be asked.
        """
        found = {keeping.endpoint_of(name): port for name, port in self._admin.listening().items()}
        closed = {name: port for name, port in ports.items() if found.get(name) != port}
        return {name: publish.port_busy(port) for name, port in closed.items() if is_taken(LOOPBACK, port)}

    def shorten_logs(self) -> bool:
        """Set logs aside that have grown large, as each publication does; tell whether there was one."""
        with contextlib.suppress(OSError):  # a full disk, or somebody has just removed the folder
            return process.runs(self._folder) and logs.shorten(self._folder, self._admin)
        return False

    def end_strays(self) -> list[int]:
        """End gateways that were started in this folder before it was removed, and return their processes."""
        with self._folder.alone():
            found = self._launcher.strays(self._folder, self._admin)
        return strays.end(found)

    def _running(self) -> bool:
        """Tell whether it runs, when it answers: one that is being started, or is dying, gets the time for it."""
        process.wait_until(lambda: self._admin.answers() or not process.runs(self._folder), process.START_S)
        return process.runs(self._folder)

    def _publish(self, description: Description, keep: Collection[str]) -> Mapping[str, PortBusy] | None:
        """Publish to the gateway that runs; return whose ports are taken, None where it has ended meanwhile."""
        try:
            self._launcher.renew(self._folder, self._admin)
            busy = publish.publish(self._folder, self._admin, description, keep)
            logs.within(self._folder, self._admin)
        except Unresponsive:
            if not process.wait_until(lambda: not process.runs(self._folder), DYING_S):
                raise
            return None
        return busy

    def _start(self, description: Description, keep: Collection[str]) -> Mapping[str, PortBusy]:
        strays.end(self._launcher.strays(self._folder, self._admin))
        publish.write_all(self._folder, description, keep)
        log_from = self._launcher.start(self._folder, self._admin)
        with contextlib.suppress(PortBusy):  # it is found again below
            publish.confirm_all(self._folder, self._admin, log_from)  # what is not refused is served, if this raises
        return publish.publish(self._folder, self._admin, description, keep)
