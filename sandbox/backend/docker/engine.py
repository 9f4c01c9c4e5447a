"""The engine as one home uses it: connected when needed, remembered while there are containers, its network."""

import contextlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox import files
from sandbox.backend.docker import left, words
from sandbox.backend.protocol import Unreachable
from sandbox.home import Home
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

Connection = tuple["APIClient", str]  # and its address


class Engine:
    """A file of the home says that there are containers, and in which engine; without it no engine is asked."""

    def __init__(self, home: Home, connect: Callable[[], Connection]) -> None:
        self._marker = home.at("docker.json")
        self._connect = connect
        self._client: APIClient | None = None
        self._url = ""
        self._lock = threading.Lock()
        self.cpus = self.memory_bytes = 0
        self.podman = False
        self.owner, self._root = home.owner, home.root

    def used(self) -> "APIClient | None":
        """Return a client where there are, or may be, containers of this home; else None, and nothing is loaded.

        Raises:
            SandboxError: E110 to E112, it does not answer; E113, another engine is chosen than they run in.
        """
        known = files.read_json(self._marker)
        if known is None:
            return None
        client = self._connected()
        if known["url"] != self._url:
            what = f"instances run in the engine {known['url']}, and {self._url} is chosen now"
            fix = f"DOCKER_HOST={known['url']}, or docker context use the one it was; sandbox down there ends them"
            raise Unreachable("E113", what, "one home uses one engine at a time", fix)
        return client

    def begin(self) -> "APIClient":
        """Return a client, and remember that there may be containers from now on; raises as ``used``."""
        if (client := self.used()) is not None:
            return client
        client = self._connected()
        files.write_json(self._marker, {"url": self._url})
        return client

    def _connected(self) -> "APIClient":
        with self._lock:
            if self._client is None:
                try:
                    self._client, self._url = self._connect()
                except SandboxError as error:
                    raise Unreachable(error.code, error.what, error.why, error.fix) from None
                info, version = self._client.info(), self._client.version()
                self.podman = any("Podman" in str(part.get("Name")) for part in version.get("Components") or ())
                self.cpus, self.memory_bytes = int(info.get("NCPU") or 1), int(info.get("MemTotal") or 0)
            return self._client

    def network(self) -> str:
        """Return the network of this home, made when it is not there. Containers in it do not reach each other."""
        from docker.errors import APIError

        client, name = self.begin(), words.network(self.owner)
        labels = {words.OWNER: self.owner, words.ROOT: self._root, words.MACHINE: left.machine()}
        with self._one_at_a_time():  # the engine makes two of one name where it is asked twice at once
            if not client.networks(names=[f"^{name}$"]):
                with contextlib.suppress(APIError):  # who starts a container in it hears why there is none
                    client.create_network(
                        name,
                        driver="bridge",
                        options={"com.docker.network.bridge.enable_icc": "false"},
                        labels=labels,
                        check_duplicate=True,
                    )
        return name

    def _one_at_a_time(self) -> contextlib.AbstractContextManager[None]:
        return files.alone(os.path.join(self._root, "locks", "_network.lock"), "the network of the containers")

    def leave(self) -> None:
        """Forget the engine, and remove the network, when no container is left."""
        client = self.used()
        if client is None or client.containers(all=True, filters={"label": f"{words.OWNER}={self.owner}"}):
            return
        from docker.errors import APIError

        with self._one_at_a_time():
            for each in client.networks(filters={"label": f"{words.OWNER}={self.owner}"}):
                with contextlib.suppress(APIError):  # somebody starts a container at this moment
                    client.remove_network(each["Id"])
        if not client.containers(all=True, filters={"label": f"{words.OWNER}={self.owner}"}):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._marker)
