"""Gateways that lost their folder: somebody removed it while they ran, and their ports are still theirs."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence

from sandbox.gateway import process
from sandbox.gateway.admin import Admin
from sandbox.gateway.folder import Folder
from sandbox.gateway.process import Identity
from sandbox.processes import began


def find(folder: Folder, admin: Admin) -> list[Identity]:
    """Return every gateway that was started with this folder and is not the one that runs in it now.

    The caller holds the folder. Where the system shows no processes as files (macOS) none is found.
    """
    known = None
    if process.runs(folder):
        known = process.identify(folder, admin)
        if known is None:  # it is being started, by somebody who was killed
            return []
    found = ((pid, began(pid)) for pid in _of(folder) if known is None or pid != known.pid)
    return [Identity(pid, when) for pid, when in found if when is not None]


def end(found: Sequence[Identity]) -> list[int]:
    """End them, all at once; needs no lock, for none of them becomes a gateway in use again. Return their processes."""

    def left() -> list[Identity]:
        return [each for each in found if began(each.pid) == each.began]

    for number in (signal.SIGTERM, signal.SIGKILL):
        for each in left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(each.pid, number)
        process.wait_until(lambda: not left(), process.END_S)
    for each in found:
        process.ended(each.pid)
    return [each.pid for each in found]


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
