"""What is different where the home is that of a host: public listeners, a certificate, a container for the gateway."""

import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.gateway.description import Description
from sandbox.gateway.offered import Public
from sandbox.home import Home
from sandbox.hosts import certificate, production
from sandbox.hosts.certificate import NEW, Pair
from sandbox.model import settings
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event, Report
from sandbox.model.state import EndpointState

if TYPE_CHECKING:
    from docker import APIClient

    from sandbox.gateway.gateway import Gateway
    from sandbox.hosts.production import Production


def gateway(home: Home) -> "Gateway":
    """Return the gateway of a home: a container where it is that of a host, else a process.

    Raises:
        SandboxError: E004, E170.
    """
    from sandbox.gateway.gateway import Gateway  # here: http.client takes its time, and to show needs none

    found = production.read(home) if os.path.exists(home.at(production.FILE)) else None
    if found is None or not found.image:
        return Gateway(home.gateway)
    from sandbox.hosts.gateway_container import InContainer

    return Gateway(home.gateway, InContainer(home, found, _engine))


def _engine() -> "APIClient":
    from sandbox.image import engine

    return engine.connect()


def offered(home: Home, description: Description, report: Report) -> Description:
    """Return the description with what a host offers to everybody, where the home is that of a host.

    Raises:
        SandboxError: E004, E170; E172, there is no certificate that can be used, and the gateway has none either.
    """
    found = production.read(home)
    if found is None:
        return description
    names = [endpoint.hostname for endpoint in description.endpoints if endpoint.hostname and endpoint.public]
    pair = _pair(home, found, names, report)
    public = Public(
        pair.chain.decode(),
        pair.key.decode(),
        found.bind,
        found.https_port,
        found.http_port,
        found.challenge,
        found.hsts_s,
    )
    return replace(description, public=public)


def _pair(home: Home, found: "Production", names: Sequence[str], report: Report) -> Pair:
    """Return what the gateway is to show. Files that cannot be used change nothing for one that has others."""
    path = certificate.folder(home, found)
    if certificate.read(path) is None:
        text = f"no certificate: one is made that signs itself, which clients do not trust; {NEW}"
        report(Event("gateway", "note", text.replace("NAME", found.host)))
    try:
        return certificate.ensure(home, found, [*names, socket.gethostname(), "localhost", "127.0.0.1"])
    except SandboxError as error:
        served = certificate.served(home.gateway)
        if served is None:
            raise
        report(Event("gateway", "note", f"the certificate stays as it is: {error.what}; {error.why}"))
        return served


def named_once(states: Sequence[EndpointState], troubles: dict[str, SandboxError]) -> list[EndpointState]:
    """Return the endpoints whose names of hosts are theirs alone; of two with one name the older one has it."""
    owners: dict[str, EndpointState] = {}
    for state in sorted(states, key=lambda each: each.created):
        name = settings.hostname(state.endpoint)
        other = owners.setdefault(name, state) if name else state
        if other is not state:
            what = f"endpoint {state.name} has the host name {name}, and so has endpoint {other.name}"
            fix = f'sandbox online-endpoint update -n {state.name} --set properties."{settings.HOST_NAME}"=""'
            troubles[state.name.lower()] = SandboxError("E060", what, "the older one keeps it", fix)
    return [state for state in states if state.name.lower() not in troubles]
