"""How a gateway is made to run: as a process of its own here, or in another way that is said to ``Gateway``."""

from typing import Protocol

from sandbox.gateway import process, strays
from sandbox.gateway.admin import Admin
from sandbox.gateway.folder import Folder
from sandbox.gateway.process import Identity


class Launcher(Protocol):
    """Starts and ends the gateway of a folder. Whether it runs is told by the lock in it, whoever started it."""

    def start(self, folder: Folder, admin: Admin) -> int:
        """Start it, and return when it answers: from where on the log is its.

        Raises:
            NotRunning: it ended; the end of its log says why.
        """

    def renew(self, folder: Folder, admin: Admin) -> None:
        """Replace one that runs and is not as it would be started now, without refusing a connection.

        Raises:
            NotRunning: the new one does not run; the old one goes on.
        """

    def stop(self, folder: Folder, admin: Admin, grace_s: float) -> None:
        """End it: requests get ``grace_s`` seconds to finish. Fine if it does not run."""

    def identify(self, folder: Folder, admin: Admin) -> Identity | None:
        """Return the process of the one that runs, None where nobody can tell."""

    def strays(self, folder: Folder, admin: Admin) -> list[Identity]:
        """Return those that were started for this folder and are not the one that runs in it."""


class AsProcess:
    """A process that outlives us. It is never outdated: it ends with the machine, as the program changes."""

    def start(self, folder: Folder, admin: Admin) -> int:
        """Start Envoy."""
        return process.start(folder, admin)

    def renew(self, folder: Folder, admin: Admin) -> None:
        """Leave it as it is."""

    def stop(self, folder: Folder, admin: Admin, grace_s: float) -> None:
        """End it."""
        process.stop(folder, admin, grace_s)

    def identify(self, folder: Folder, admin: Admin) -> Identity | None:
        """Ask the kernel whose the admin socket is."""
        return process.identify(folder, admin)

    def strays(self, folder: Folder, admin: Admin) -> list[Identity]:
        """Look at the system's list of processes."""
        return strays.find(folder, admin)
