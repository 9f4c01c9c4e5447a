"""How requests reach a container that has no network: by a socket in a folder that it shares with this machine.

Where the container brings a server of its own, the socket is served by a second container, the door, which has no
network either and lends the first one its own: they see each other on the loopback address, and nothing else.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.backend.docker import words
from sandbox.backend.docker.failure import refused
from sandbox.home import Home
from sandbox.model.container import Container

if TYPE_CHECKING:
    from docker import APIClient


def folder(home: Home, name: str) -> str:
    """Make the folder for the socket of a container; the path of a socket is short, and its parent private."""
    made = os.path.join(home.gateway, f"i-{hashlib.sha256(name.encode()).hexdigest()[:8]}")
    os.makedirs(home.gateway, mode=0o700, exist_ok=True)
    os.makedirs(made, exist_ok=True)
    os.chmod(made, 0o777)  # noqa: S103 - the one above is private; the user in the container is another
    return made


def open_for(
    client: "APIClient", name: str, container: Container, place: str, labels: Mapping[str, str], *, podman: bool
) -> str:
    """Start the door of a container that brings its own server; return its id.

    Args:
        client: of the engine.
        name: of the container that it is for.
        container: that one.
        place: the folder of the socket.
        labels: of everything of this home.
        podman: the engine is Podman.

    Raises:
        SandboxError: E117.
    """
    from docker.errors import APIError
    from docker.types import Mount

    close(client, place)
    probe = [str(container.probe_port or container.port), container.probe_path]
    asked = client.create_host_config(
        network_mode="none",
        mounts=[Mount(words.DOOR, place, "bind", read_only=False)],
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        pids_limit=words.MOST_PROCESSES,
        init=True,
        restart_policy={"Name": "unless-stopped"},
        ulimits=words.podman_limits() if podman else None,
    )
    try:
        made = client.create_container(
            container.door,
            command=[words.COMMAND[0], "/opt/sandbox/relay.py", f"{words.DOOR}/s", str(container.port), *probe],
            name=f"{name}-door",
            user=words.user(),
            labels={**labels, words.DOOR_OF: place},
            host_config=asked,
        )["Id"]
        client.start(made)
    except APIError as error:
        close(client, place)
        raise refused(f"{name}-door", str(error.explanation or error)) from None
    return str(made)


def close(client: "APIClient", place: str) -> None:
    """Remove the door whose socket lies in a folder, if there is one."""
    from docker.errors import APIError

    for each in client.containers(all=True, filters={"label": f"{words.DOOR_OF}={place}"}):
        with contextlib.suppress(APIError):  # somebody else removes it
            client.remove_container(each["Id"], force=True, v=True)


def forget(client: "APIClient", socket: str) -> None:
    """Remove everything that led to a container which has been removed, unless another one is in its place."""
    if client.containers(all=True, filters={"label": f"{words.SOCKET}={socket}"}):
        return
    place = os.path.dirname(socket)
    close(client, place)
    shutil.rmtree(place, ignore_errors=True)
