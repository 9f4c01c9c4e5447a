"""Questions to a running Envoy, over its unix socket."""

import http.client
import json
import os
import socket
import struct
from typing import Any
from urllib.parse import quote

from sandbox.gateway.errors import Unresponsive

TIMEOUT_S = 5.0


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self.timeout)
            _connect(self.sock, self._path)
        except OSError:
            self.sock.close()
            raise


class Admin:
    """The admin interface at ``path``. Every method raises ``Unresponsive`` where nobody answers."""

    def __init__(self, path: str, timeout: float = TIMEOUT_S) -> None:
        self._path = path
        self._timeout = timeout

    def ask(self, path: str, method: str = "GET") -> bytes:
        """Return what ``path`` answers."""
        connection = _Connection(self._path, self._timeout)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unresponsive(f"the gateway did not answer {path}", str(error)) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise Unresponsive(f"the gateway answered {answer.status} to {path}", body.decode(errors="replace")[:500])
        return body

    def json(self, path: str) -> Any:
        """Return what ``path`` answers, decoded."""
        return json.loads(self.ask(path))

    def answers(self) -> bool:
        """Tell whether anybody is there and through with its start."""
        try:
            return self.ask("/ready").strip() == b"LIVE"
        except Unresponsive:
            return False

    def texts(self, regex: str) -> dict[str, str]:
        """Return numbers and texts whose names match, as they are written."""
        lines = self.ask(f"/stats?filter={quote(regex)}").decode().splitlines()
        pairs = (line.partition(": ") for line in lines)
        return {name: value.strip('"') for name, _, value in pairs}

    def listening(self) -> dict[str, int]:
        """Return the listeners that are open, by name, with their ports; 0 for a socket."""
        found = self.json("/listeners?format=json").get("listener_statuses", [])
        return {one["name"]: one["local_address"].get("socket_address", {}).get("port_value", 0) for one in found}

    def pid(self) -> int | None:
        """Return the process behind the socket, as the kernel knows it; None where it cannot tell."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(self._timeout)
            try:
                _connect(asking, self._path)
                if hasattr(socket, "SO_PEERCRED"):
                    size = struct.calcsize("3i")
                    return int(struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0])
                return int(struct.unpack("i", asking.getsockopt(0, 0x002, 4))[0])  # SOL_LOCAL, LOCAL_PEERPID
            except OSError:
                return None


def _connect(connection: socket.socket, path: str) -> None:
    """Connect to ``path``, also where it is longer than a socket's address may be."""
    try:
        connection.connect(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        if "too long" not in str(error) or not os.path.isdir("/proc/self/fd"):
            raise
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            connection.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        finally:
            os.close(folder)
