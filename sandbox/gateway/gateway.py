"""The gateway as the rest of the control plane sees it."""

import os

from sandbox.gateway import process, publish, stats, strays
from sandbox.gateway.admin import Admin
from sandbox.gateway.description import Description
from sandbox.gateway.errors import NotRunning, Unresponsive
from sandbox.gateway.folder import Folder
from sandbox.gateway.process import Identity

DYING_S = 1.0  # somebody who was killed holds his lock a moment longer


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
            if not self._running() or not self._publish(description):
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

    def end_strays(self) -> list[int]:
        """End gateways that were started in this folder before it was removed, and return their processes."""
        with self._folder.alone():
            return strays.end(self._folder, self._admin)

    def _running(self) -> bool:
        """Tell whether it runs, when it answers: one that is being started, or is dying, gets the time for it."""
        process.wait_until(lambda: self._admin.answers() or not process.runs(self._folder), process.START_S)
        return process.runs(self._folder)

    def _publish(self, description: Description) -> bool:
        """Publish to the gateway that runs; tell whether it still does."""
        try:
            publish.publish(self._folder, self._admin, description)
            if self._folder.set_aside_large(process.LOGS[1:]):
                self._admin.ask("/reopen_logs", "POST")
        except Unresponsive:
            if not process.wait_until(lambda: not process.runs(self._folder), DYING_S):
                raise
            return False
        return True

    def _start(self, description: Description) -> None:
        strays.end(self._folder, self._admin)
        publish.write_all(self._folder, description)
        log_from = process.start(self._folder, self._admin)
        publish.confirm_all(self._folder, self._admin, log_from)  # what is not refused is served, also if this raises
