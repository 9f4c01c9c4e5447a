"""The listening sockets: made once, by the supervisor, and inherited by every process that serves."""

import contextlib
import ctypes
import errno
import logging
import os
import socket
import struct
import sys
import time

from inference_http.config.settings import Settings

BACKLOG = 2048
TRIES, PAUSE_S = 5, 1.0  # for a port that is still in use (S14)

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_DROP_ALL = struct.pack("@HBBI", 0x06, 0, 0, 0)  # one struct sock_filter: BPF_RET | BPF_K, keep 0 bytes

logger = logging.getLogger("azmlinfsrv")


class CannotListen(Exception):
    """The address cannot be used; the text says why and what to do."""


def bind(settings: Settings) -> list[socket.socket]:
    """The server's socket, and the second one for probes where it is asked for (S38). Raises CannotListen."""
    sockets = [_listen(settings.host, settings.port, "--port")]
    if settings.health_port is not None:
        try:
            sockets.append(_listen(settings.host, settings.health_port, "--health_port"))
        except CannotListen:
            sockets[0].close()
            raise
    return sockets


def address(sock: socket.socket) -> str:
    """host:port as a client would write it."""
    if sock.family == getattr(socket, "AF_UNIX", None):
        return f"unix:{sock.getsockname()}"
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def turn_away(sock: socket.socket) -> None:
    """Let the kernel ignore new clients of a socket that every process is about to close.

    Closing resets the connections that nobody has accepted yet, and some could come between a worker's last accept()
    and its close(). The first packet of a client that is ignored is sent again after a second, and refused then.
    Linux only; elsewhere the gap stays.
    """
    if sys.platform != "linux" or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    program = ctypes.create_string_buffer(_DROP_ALL)
    with contextlib.suppress(OSError):  # a system that refuses filters keeps the gap
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", 1, ctypes.addressof(program)))


def _listen(host: str, port: int, flag: str) -> socket.socket:
    try:
        family, _, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise CannotListen(f"--host {host!r} is not an address of this machine: {error.strerror or error}") from None
    for attempt in range(1, TRIES + 1):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":  # elsewhere the option lets two servers share a port
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(target)
            sock.listen(BACKLOG)
            sock.setblocking(False)
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE:
                hint = " (ports below 1024 need privileges)" if error.errno == errno.EACCES else ""
                raise CannotListen(f"cannot listen on {host}:{port}{hint}: {error.strerror}") from None
            if attempt == TRIES:
                raise CannotListen(
                    f"port {port} is in use by another program; stop that one or choose another port with {flag}"
                ) from None
            logger.warning("port %d is in use; trying again in %g s (%d of %d)", port, PAUSE_S, attempt, TRIES)
            time.sleep(PAUSE_S)
        else:
            return sock
    raise AssertionError("unreachable")
