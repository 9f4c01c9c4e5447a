"""What the engine still has of homes that somebody removed: containers that run on, and that nobody will ever end."""

import contextlib
import hashlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.backend.docker import words

if TYPE_CHECKING:
    from docker import APIClient


def machine() -> str:
    """Return what tells the file system that this program sees from that of a container or of another machine."""
    known = ""
    with contextlib.suppress(OSError), open("/etc/machine-id", encoding="ascii") as file:
        known = file.read().strip()
    said = f"{known}:{socket.gethostname()}:{os.stat('/').st_ino}"
    return hashlib.sha256(said.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Left:
    """One container. ``home`` is the folder that is gone; ``what`` ENDPOINT/DEPLOYMENT/INDEX."""

    id: str
    home: str
    what: str
    running: bool


def find(client: "APIClient", url: str) -> list[Left]:
    """Return the containers of homes that are no longer on this machine.

    Where the engine is on another machine, or this program in a container, the homes of others cannot be seen: they
    are left alone.
    """
    if not url.startswith("unix://"):
        return []
    found = client.containers(all=True, filters={"label": [words.ROOT, f"{words.MACHINE}={machine()}"]})
    return [_left(each) for each in found if not os.path.isdir(each["Labels"][words.ROOT])]


def _left(found: Mapping[str, Any]) -> Left:
    said = found["Labels"]
    what = "/".join(said.get(label, "") for label in (words.ENDPOINT, words.DEPLOYMENT, words.INDEX))
    return Left(found["Id"], said[words.ROOT], what, found["State"] == "running")


def remove(client: "APIClient", url: str) -> list[Left]:
    """Remove these containers and the networks of their homes; return what was removed."""
    from docker.errors import APIError, NotFound

    gone = find(client, url)
    for each in gone:
        with contextlib.suppress(NotFound):
            client.remove_container(each.id, force=True, v=True)
    for network in client.networks(filters={"label": f"{words.MACHINE}={machine()}"}) if gone else ():
        if not os.path.isdir(network["Labels"][words.ROOT]):
            with contextlib.suppress(APIError):  # somebody else was faster
                client.remove_network(network["Id"])
    return gone
