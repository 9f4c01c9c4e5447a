"""Whether somebody listens on a port of this machine."""

import socket


def free(port: int) -> bool:
    """Tell whether a port of loopback can be had now; connections that have just ended do not count."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
