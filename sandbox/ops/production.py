"""What is different where the home is that of a host: public listeners, a certificate, a container for the gateway."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.home import Home
from sandbox.model import settings
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event, Report
from sandbox.model.state import EndpointState

if TYPE_CHECKING:
    from docker import APIClient

    from sandbox.gateway.description import Description
    from sandbox.gateway.gateway import Gateway
    from sandbox.hosts.certificate import Finding, Pair
    from sandbox.hosts.production import Production

FILE = "production.json"  # without it nothing of this is loaded


def _settings(home: Home) -> "Production | None":
    if not os.path.exists(home.at(FILE)):
        return None
    from sandbox.hosts import production

    return production.read(home)


def gateway(home: Home) -> "Gateway":
    """Return the gateway of a home: a container where it is that of a host, else a process.

    Raises:
        SandboxError: E004, E170.
    """
    from sandbox.gateway.gateway import Gateway  # here: http.client takes its time, and to show needs none

    found = _settings(home)
    if found is None or not found.image:
        return Gateway(home.gateway)
    if os.path.dirname(home.gateway) != home.root:  # it would be in a folder that no container shares with another
        why = f"{home.root} has {len(os.fsencode(home.root))} bytes, and the sockets in it need addresses"
        fix = f"choose a folder with a shorter path: sandbox host add {found.host} ADDRESS --folder /var/lib/NAME"
        raise SandboxError("E170", "the path of the state folder is too long for a host", why, fix)
    from sandbox.hosts.gateway_container import InContainer

    return Gateway(home.gateway, InContainer(home, found, _engine))


def _engine() -> "APIClient":
    from sandbox.image import engine

    return engine.connect()


def offered(home: Home, description: "Description", report: Report) -> "Description":
    """Return the description with what a host offers to everybody, where the home is that of a host.

    Raises:
        SandboxError: E004, E170; E172, there is no certificate that can be used, and the gateway has none either.
    """
    found = _settings(home)
    if found is None:
        return description
    from sandbox.gateway.offered import Public

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


def _pair(home: Home, found: "Production", names: Sequence[str], report: Report) -> "Pair":
    """Return what the gateway is to show. Files that cannot be used change nothing for one that has others."""
    import socket

    from sandbox.hosts import certificate
    from sandbox.hosts.certificate import NEW

    path = certificate.folder(home, found)
    if certificate.none_yet(path):
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


def base(home: Home, state: EndpointState) -> str:
    """Return where an endpoint is reached, without the path: on a host as everybody reaches it.

    The host's own name is the first that its certificate is for; which names lead there, nobody here knows.
    """
    here = f"http://127.0.0.1:{state.port}"
    found = _settings(home)
    if found is None or state.endpoint.public_network_access == "disabled":
        return here
    import socket

    from sandbox.hosts import certificate

    port = "" if found.https_port == 443 else f":{found.https_port}"
    own = settings.hostname(state.endpoint)
    if own:
        return f"https://{own}{port}"
    names = [name for name in certificate.names(home, found) if not name.startswith("*")]
    return f"https://{names[0] if names else socket.gethostname()}{port}/{state.name}"


def findings(home: Home) -> "tuple[Finding, ...]":
    """Return what there is to say of the certificate, where the home is that of a host."""
    found = _settings(home)
    if found is None:
        return ()
    from sandbox.hosts import certificate

    said = certificate.findings(home, found)
    return tuple(replace(each, fix=each.fix.replace("NAME", found.host)) for each in said)


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
