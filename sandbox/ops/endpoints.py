"""Endpoints: create, change, credentials."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.model import settings, traffic
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import SandboxError
from sandbox.model.state import EndpointState
from sandbox.ops import generations, ports, strays
from sandbox.ops.context import Context, refuse_if_deleted
from sandbox.ops.publish import publish
from sandbox.reconcile.describe import served
from sandbox.store import keys

if TYPE_CHECKING:
    from sandbox.store.tokens_issuer import Issuer

FIRST_PORT, LAST_PORT = 8100, 8999  # of endpoints that do not ask for one
Shares = tuple[Mapping[str, int], Mapping[str, int]]  # percent by deployment: live, mirror
ATTEMPTS = 5  # with other ports, when another program takes the one that was free a moment ago


def create(context: Context, endpoint: Endpoint) -> EndpointState:
    """Create an endpoint, or overwrite what an existing one is like (spec section 5); its port and keys stay.

    Traffic that is not given stays as well: Azure would take it away, and every request would fail from then on.

    Raises:
        SandboxError: E056 (traffic), E058 to E060 (port, gateway).
    """
    settings.status_mapping(endpoint)
    settings.hostname(endpoint)
    return _create(context, endpoint, ATTEMPTS)


def _create(context: Context, endpoint: Endpoint, attempts: int) -> EndpointState:
    issuer = _issuer(endpoint)
    if not context.store.names():
        strays.end(context)  # what it waits for, it waits for while no lock is held
    found = None
    try:
        with context.step("gateway", f"endpoint {endpoint.name}", endpoint.name):
            with context.store.all_alone(), context.store.alone(endpoint.name):
                found = context.store.find(endpoint.name)
                if found is not None:
                    refuse_if_deleted(found)
                    endpoint = keeping_traffic(endpoint, found.endpoint)
                endpoint = _checked(found, endpoint)
                port = _port(context, endpoint, found)
                state = replace(found, endpoint=endpoint, port=port) if found else EndpointState(endpoint, port)
                _make_secrets(context, endpoint, issuer)
                state = context.store.write(state)
            _publish_or_undo(context, state, found)
    except SandboxError as error:
        if error.code == "E058" and attempts > 1 and found is None and settings.port(endpoint) is None:
            return _create(context, endpoint, attempts - 1)
        raise
    context.store.note(state.name, "create", "created" if found is None else "overwritten")
    return state


def update(
    context: Context,
    name: str,
    *,
    change: Callable[[Endpoint], Endpoint] | None = None,
    live: Mapping[str, int] | None = None,
    mirror: Mapping[str, int] | None = None,
    seen: Shares | None = None,
    noted: bool = True,
) -> EndpointState:
    """Change what an endpoint is like, its traffic or its mirror; what is None stays.

    ``change`` returns the endpoint as it shall be. It is given the endpoint as it is when nobody else can change it, so
    that of two commands at once none takes back what the other one did; and once before, to ask who signs its tokens.
    ``seen`` are the live and mirror shares from which the new ones were thought up; others are not overwritten.
    ``noted``: a change of traffic is a generation that can be gone back to.

    Raises:
        NotFound: E050.
        SandboxError: E056, E058 to E060; E140, the shares are not those that were seen.
    """
    issuer = None if change is None else _issuer(change(context.endpoint(name).endpoint))
    with context.step("gateway", _told(live, mirror), name):
        with context.store.all_alone(), context.store.alone(name):
            before = context.endpoint(name)
            refuse_if_deleted(before)
            _refuse_if_moved(before.endpoint, seen)
            wanted = before.endpoint if change is None else change(before.endpoint)
            settings.status_mapping(wanted)
            settings.hostname(wanted)
            wanted = wanted if live is None else replace(wanted, traffic=dict(live))
            wanted = wanted if mirror is None else replace(wanted, mirror_traffic=dict(mirror))
            wanted = _checked(before, wanted)
            if change is not None:
                _make_secrets(context, wanted, issuer)
            state = context.store.write(replace(before, endpoint=wanted, port=_port(context, wanted, before)))
        _publish_or_undo(context, state, before)
    context.store.note(state.name, "update", _told(live, mirror))
    if noted and live is not None:
        generations.note(context, state)
    return state


def _refuse_if_moved(endpoint: Endpoint, seen: Shares | None) -> None:
    there = (traffic.live(endpoint.traffic), traffic.live(endpoint.mirror_traffic))
    if seen is not None and there != (traffic.live(seen[0]), traffic.live(seen[1])):
        why = f"{_told(*there)}: not what the new shares were thought up from"
        raise SandboxError(
            "E140", f"the traffic of {endpoint.name} was changed meanwhile", why, "look, and decide anew"
        )


def all_traffic(context: Context, name: str, deployment: str) -> EndpointState:
    """Send every request to one deployment; it is mirrored no longer."""

    def not_mirrored(endpoint: Endpoint) -> Endpoint:
        mirror = {each: share for each, share in endpoint.mirror_traffic.items() if each != deployment}
        return replace(endpoint, traffic={deployment: 100}, mirror_traffic=mirror)

    return update(context, name, change=not_mirrored, live={deployment: 100})


def keeping_traffic(endpoint: Endpoint, before: Endpoint) -> Endpoint:
    """Return an endpoint as its file describes it, with the traffic that it had where the file says nothing of it."""
    live = endpoint.traffic or before.traffic
    mirror = endpoint.mirror_traffic or traffic.still_mirrored(before.mirror_traffic, live)
    return replace(endpoint, traffic=live, mirror_traffic=mirror)


def _publish_or_undo(context: Context, state: EndpointState, before: EndpointState | None) -> None:
    """Publish; what the gateway refuses is not kept, so that no later command stumbles over it."""
    try:
        publish(context, state.name)
    except SandboxError:
        undone = False
        with context.store.alone(state.name):
            found = context.store.find(state.name)
            if found is not None and found.generation == state.generation:
                if before is None:
                    context.store.remove(state.name)
                    forget_secrets(context, state.name)
                else:
                    context.store.write(replace(before, generation=found.generation))
                undone = True
        if undone:
            with contextlib.suppress(SandboxError):
                publish(context)
        raise


def _issuer(endpoint: Endpoint) -> "Issuer | None":
    """Return whose tokens open the endpoint, None where this machine signs them. May ask a tenant: hold no lock."""
    if endpoint.auth_mode == "key":
        return None
    from sandbox.store import tokens_issuer

    return tokens_issuer.of_properties(endpoint.properties)


def _make_secrets(context: Context, endpoint: Endpoint, issuer: "Issuer | None") -> None:
    """Make the keys, or keep whose tokens open the endpoint; what is there stays.

    The caller holds the endpoint's lock, so that nobody takes keys for left over whose endpoint is yet to be written.
    """
    if endpoint.auth_mode == "key":
        keys.make(context.home, endpoint.name)
        return
    from sandbox.store import tokens

    tokens.trust(context.home, endpoint.name, issuer)


def forget_secrets(context: Context, name: str) -> None:
    """Remove what opens an endpoint; fine if there is nothing."""
    keys.remove(context.home, name)
    from sandbox.store import tokens

    tokens.remove(context.home, name)


def _checked(state: EndpointState | None, endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with its traffic as it is stored (``traffic.live``).

    Shares of what cannot answer are refused: Azure's service does so, its loader does not.
    """
    for violation in traffic.check(endpoint.traffic, endpoint.mirror_traffic, kubernetes=endpoint.is_kubernetes):
        if violation.code.startswith("E"):
            raise SandboxError("E056", violation.what, violation.why, violation.fix)
    ready = served(state) if state else {}
    known = state.deployments if state else {}
    for weights, what in ((endpoint.traffic, "traffic"), (endpoint.mirror_traffic, "mirror traffic")):
        for name in traffic.live(weights):
            if name in ready:
                continue
            if name in known:
                why = f"its state is {known[name].state}, and it never became ready"
                fix = f"sandbox online-deployment get-logs -e {endpoint.name} -n {name}"
                raise SandboxError("E056", f"deployment {name!r} cannot be given {what}", why, fix)
            names = ", ".join(known)
            why = f"the endpoint's deployments are {names}" if names else "the endpoint has no deployment yet"
            fix = "create the deployment first, then set the traffic; `sandbox up` does both in order"
            raise SandboxError("E056", f"{what} names {name!r}, which does not exist", why, fix)
    live, mirror = traffic.live(endpoint.traffic), traffic.live(endpoint.mirror_traffic)
    return replace(endpoint, traffic=live, mirror_traffic=mirror)


def _port(context: Context, endpoint: Endpoint, found: EndpointState | None) -> int:
    """Return the port that the endpoint asks for, else the one that it has, else the first free one."""
    asked = settings.port(endpoint)
    taken = {each.port: each.name for each in context.store.look()[0] if each.name != endpoint.name}
    if asked is not None and not (found and found.port == asked):  # of two that have one, the gateway chooses
        if asked in taken:
            raise SandboxError("E058", f"port {asked} belongs to endpoint {taken[asked]}", "", "choose another one")
        return asked
    if found is not None:
        return found.port
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if port not in taken and ports.free(port):
            return port
    raise SandboxError(
        "E058", f"no port from {FIRST_PORT} to {LAST_PORT} is free", "", f'set properties."{settings.PORT}"'
    )


def _told(live: Mapping[str, int] | None, mirror: Mapping[str, int] | None) -> str:
    parts = []
    if live is not None:
        parts.append("traffic " + (" ".join(f"{name}={share}" for name, share in live.items()) or "none"))
    if mirror is not None:
        parts.append("mirror " + (" ".join(f"{name}={share}" for name, share in mirror.items()) or "none"))
    return ", ".join(parts) or "endpoint"
