"""The gateway's logs stay small: whoever comes by sets large ones aside, for nobody of ours stands beside Envoy."""

import contextlib
import fcntl
import os
import shutil

from sandbox.gateway import folder as places
from sandbox.gateway.admin import Admin
from sandbox.gateway.errors import Unresponsive
from sandbox.gateway.folder import Folder

OWN = "envoy.log"  # what Envoy says; its standard output, which it cannot open anew
ACCESS = "access.log"


def shorten(folder: Folder, admin: Admin) -> bool:
    """Set large logs of a running gateway aside; tell whether there was one. Fine while somebody publishes: he does it.

    One older copy of each is kept, so that a log takes twice ``LARGEST_LOG`` bytes, and what is written between two
    looks.
    """
    if max(folder.size(OWN), folder.size(ACCESS)) <= places.LARGEST_LOG:
        return False
    with folder.append_to("change.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return within(folder, admin)


def within(folder: Folder, admin: Admin) -> bool:
    """Do the same for somebody who holds the folder's lock."""
    found = folder.set_aside_large((ACCESS,))
    if found:
        with contextlib.suppress(Unresponsive):  # it is dying; the next one opens the new file
            admin.ask("/reopen_logs", "POST")
    if folder.size(OWN) > places.LARGEST_LOG:
        _copy_and_cut(folder.at(OWN))
        found = True
    return found


def _copy_and_cut(path: str) -> None:
    """Envoy appends, so that it goes on at the new end; what it says between the last look and the cut is lost."""
    draft = f"{path}.1.draft"
    with open(path, "rb") as source, open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        shutil.copyfileobj(source, target, 2**20)
    os.replace(draft, f"{path}.1")
    os.truncate(path, 0)
