"""One question to one instance: does it serve?"""

import http.client
import json
import socket
from typing import Any

from inference_http import contract
from sandbox.backend.ports import HOST
from sandbox.backend.protocol import PROBE_S

LARGEST = 2**16


class _BySocket(http.client.HTTPConnection):
    """A connection to a socket of this machine."""

    def __init__(self, path: str, limit_s: float) -> None:
        super().__init__(HOST, timeout=limit_s)
        self._path, self._limit_s = path, limit_s

    def connect(self) -> None:
        """Connect to the socket in the place of a port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._limit_s)
        self.sock.connect(self._path)


def ask(
    port: int, limit_s: float = PROBE_S, path: str = f"{contract.ROUTE_HEALTH}?detail", by: str = ""
) -> tuple[int | None, dict[str, Any]]:
    """Return the status of ``GET /?detail`` and the object that it answers; None and why where nobody answers.

    The server says 503 with the reason in ``message`` while init() runs, and in ``error`` what is wrong with newer
    code than that which serves. ``by``: the path of a socket, for one that has no port.
    """
    connection = _BySocket(by, limit_s) if by else http.client.HTTPConnection(HOST, port, timeout=limit_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(LARGEST)
    except (ConnectionRefusedError, FileNotFoundError):
        return None, {"message": "Not ready: the server is starting"}
    except TimeoutError:
        return None, {"message": f"no answer in {limit_s:g} s"}
    except (OSError, http.client.HTTPException) as error:
        return None, {"message": f"no answer on port {port}: {type(error).__name__}: {error}"}
    finally:
        connection.close()
    try:
        found = json.loads(text)
    except ValueError:  # a server of another kind
        found = None
    return answer.status, found if isinstance(found, dict) else {}
