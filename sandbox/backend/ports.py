"""Private ports of instances."""

import contextlib
import socket
import sys
from collections.abc import Iterator

HOST = "127.0.0.1"
CAN_HOLD = sys.platform == "linux"


@contextlib.contextmanager
def reserve() -> Iterator[socket.socket]:
    """Give a socket that is bound to a free port and never listens.

    On Linux a server can listen on the port although this socket is bound to it (both with SO_REUSEADDR), while nobody
    else is given the port as a free one: the instance inherits the socket. Elsewhere (``CAN_HOLD``) the port is only
    free at the moment, and a server that finds it taken ends; started again it gets another one.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, 0))
        yield held


def number(held: socket.socket) -> int:
    """Return the port of a reserved socket."""
    port: int = held.getsockname()[1]
    return port
