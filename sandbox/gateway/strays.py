"""Gateways that lost their folder: somebody removed it while they ran, and their ports are still theirs."""

import os
import signal
from collections.abc import Iterator

from sandbox.gateway import process
from sandbox.gateway.admin import Admin
from sandbox.gateway.folder import Folder


def end(folder: Folder, admin: Admin) -> list[int]:
    """End every gateway that was started with this folder and is not the one that runs in it now; return which.

    The caller holds the folder. Where the system shows no processes as files (macOS) none is found.
    """
    known = None
    if process.runs(folder):
        known = process.identify(folder, admin)
        if known is None:  # it is being started, by somebody who was killed
            return []
    found = [pid for pid in _of(folder) if known is None or pid != known.pid]
    for pid in found:
        began = process.began(pid)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if began is not None and process.began(pid) == began:
                os.kill(pid, number)
                process.wait_until(lambda pid=pid, began=began: process.began(pid) != began, process.END_S)  # type: ignore[misc]
        process.ended(pid)
    return found


def _of(folder: Folder) -> Iterator[int]:
    """Give the processes of this user whose command line names the folder as Envoy's is made to."""
    words = ["--config-path", folder.at("bootstrap.json")]
    if os.path.isdir("/proc/self"):
        yield from (int(name) for name in os.listdir("/proc") if name.isdigit() and _words(name)[1:3] == words)


def _words(pid: str) -> list[str]:
    """Return the command line of a process of this user; nothing of others and of one that has ended."""
    try:
        if os.stat(f"/proc/{pid}").st_uid != os.getuid():
            return []
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="surrogateescape").split("\0")
    except OSError:
        return []
