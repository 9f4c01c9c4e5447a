"""A client of a host's engine, however the host is reached."""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sandbox.hosts import refusals
from sandbox.hosts.known import Host
from sandbox.hosts.tunnel import Tunnel
from sandbox.image import address, lost
from sandbox.image import engine as engines
from sandbox.image.address import Address
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

_tunnels: dict[Host, Tunnel] = {}
_lock = threading.Lock()


def engine(host: Host) -> "APIClient":
    """Return a new client of a host's engine; it has answered.

    Clients of one host share one connection by ssh, which ends with this process or with ``leave``.

    Raises:
        SandboxError: E111 the Docker context is missing; E152 to E154 ssh does not get there; E155 no engine answers.
    """
    where = locate(host)
    if where.url.startswith("ssh://"):
        where = Address(f"unix://{_tunnel(host, where.url).path}", f"host {host.name}")
    try:
        return engines.connect_to(where)
    except SandboxError as error:
        raise refusals.of_engine(host, error) from None


def locate(host: Host, environ: Mapping[str, str] = os.environ) -> Address:
    """Return the address of a host's engine; raises SandboxError, E111, where its Docker context is missing."""
    if "://" in host.url:
        return Address(host.url, f"host {host.name}")
    try:
        return address.of_context(host.url, f"host {host.name}", environ)
    except SandboxError as error:
        fix = f"for a machine: sandbox host add {host.name} ssh://{host.url}; for a context: {error.fix}"
        raise SandboxError(error.code, error.what, error.why, fix) from None


def leave(host: Host) -> None:
    """End the connection by ssh, where there is one."""
    with _lock:
        tunnel = _tunnels.pop(host, None)
    if tunnel is not None:
        tunnel.close()


@contextlib.contextmanager
def telling(host: Host) -> Iterator[None]:
    """Let a connection that breaks inside of the block be an error to read.

    Raises:
        SandboxError: E156, with the last words of ssh.
    """
    try:
        yield
    except SandboxError:
        raise
    except Exception as error:
        found = lost.explained(host.name, error)
        if found is None:
            raise
        tunnel = _tunnels.get(host)
        said = tunnel.said if tunnel is not None else ""
        raise SandboxError(found.code, found.what, "\n".join(filter(None, (found.why, said))), found.fix) from None


def _tunnel(host: Host, url: str) -> Tunnel:
    import dataclasses

    with _lock:
        found = _tunnels.get(host)
        if found is not None and found.alive:
            return found
        if found is not None:
            found.close()
        made = Tunnel(dataclasses.replace(host, url=url))
        _tunnels[host] = made
        return made
