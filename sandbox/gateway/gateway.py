"""The gateway as the rest of the control plane sees it."""

import os

from sandbox.gateway import process, publish, stats
from sandbox.gateway.admin import Admin
from sandbox.gateway.description import Description
from sandbox.gateway.errors import NotRunning
from sandbox.gateway.folder import Folder
from sandbox.gateway.process import Identity


class Gateway:
    """The gateway whose files lie in ``folder`` (made when needed; 90 bytes of path at most).

    Objects of this class hold nothing: any number of them, in any number of processes, may stand for one gateway.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder)
        self._admin = Admin(self._folder.at("admin.sock"))

    def apply(self, description: Description) -> None:
        """Make it do what is described, starting it where needed; return when it does, confirmed by itself.

        Raises:
            Rejected, PortBusy: refused; it does what it did before.
            NotRunning, Unresponsive: it could not be started, or does not answer.
        """
        with self._folder.alone():
            if process.runs(self._folder):
                process.wait_until(self._admin.answers, process.START_S)
                publish.publish(self._folder, self._admin, description)
                if self._folder.set_aside_large(process.LOGS[1:]):
                    self._admin.ask("/reopen_logs", "POST")
            else:
                self._start(description)

    def stop(self, grace_s: float = 10.0) -> None:
        """End it, when the requests that are under way are answered or ``grace_s`` is over. Fine if it does not run."""
        if os.path.isdir(self._folder.path):
            with self._folder.alone():
                process.stop(self._folder, self._admin, grace_s)

    def running(self) -> Identity | None:
        """Return its process, None where it does not run."""
        return process.identify(self._folder, self._admin) if process.runs(self._folder) else None

    def stats(self) -> stats.Snapshot:
        """Return what it has counted since its start.

        Raises:
            NotRunning, Unresponsive: it cannot be asked.
        """
        if not process.runs(self._folder):
            raise NotRunning("the gateway does not run", "", "apply a description to it")
        return stats.snapshot(self._admin)

    def _start(self, description: Description) -> None:
        publish.write_all(self._folder, description)
        log_from = process.start(self._folder, self._admin)
        publish.confirm_all(self._folder, self._admin, log_from)  # what is not refused is served, also if this raises
