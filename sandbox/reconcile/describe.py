"""What the gateway is to do, from the desired state and the instances that run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from sandbox.backend.protocol import Instance
from sandbox.gateway.description import (
    DeploymentEntry,
    Description,
    EndpointEntry,
    KeyAuth,
    SocketUpstream,
    TcpUpstream,
    TokenAuth,
)
from sandbox.model import settings, traffic
from sandbox.model.deployment import Deployment
from sandbox.model.state import DeploymentState, EndpointState

LONGEST_DEBUGGED_MS = 24 * 3600 * 1000
WAITING_AT_A_BREAKPOINT = 100
PROBED_S, FAILED_PROBES = 60, 1_000_000  # of one that is debugged: "pause" may stop all of it
Auth = KeyAuth | TokenAuth


def description(
    states: Iterable[EndpointState], instances: Iterable[Instance], auth: Callable[[EndpointState], Auth]
) -> Description:
    """Describe every endpoint that is not being deleted; ``auth`` tells who may call one."""
    running: dict[tuple[str, str, str], list[Instance]] = {}
    for instance in instances:
        if instance.state != "exited":
            running.setdefault((instance.endpoint, instance.deployment, instance.revision), []).append(instance)
    return Description(tuple(_endpoint(state, running, auth) for state in states if state.state != "Deleting"))


def served(state: EndpointState) -> dict[str, DeploymentState]:
    """Return the deployments of an endpoint that the gateway shall know: those that have something to answer with."""
    return {
        name: deployment
        for name, deployment in state.deployments.items()
        if deployment.serving is not None and deployment.state != "Deleting"
    }


def _endpoint(
    state: EndpointState,
    running: Mapping[tuple[str, str, str], list[Instance]],
    auth: Callable[[EndpointState], Auth],
) -> EndpointEntry:
    known = served(state)
    live = traffic.live(state.endpoint.traffic)
    if not live.keys() <= known.keys():  # never a sum between 0 and 100: who has no instance yet gets no share
        live = {}
    mirror = {name: share for name, share in traffic.live(state.endpoint.mirror_traffic).items() if name in known}
    return EndpointEntry(
        state.name,
        state.port,
        auth(state),
        tuple(_deployment(name, each, running, live.get(name, 0), mirror.get(name, 0)) for name, each in known.items()),
        settings.status_mapping(state.endpoint),
        settings.hostname(state.endpoint),
        public=state.endpoint.public_network_access != "disabled",
    )


def _patient(made_of: Deployment) -> Deployment:
    """At a breakpoint nobody counts milliseconds or probes, and the requests that come meanwhile wait."""
    requests = replace(
        made_of.request_settings,
        request_timeout_ms=LONGEST_DEBUGGED_MS,
        max_concurrent_requests_per_instance=WAITING_AT_A_BREAKPOINT,
    )
    probe = replace(made_of.readiness_probe, timeout=PROBED_S, failure_threshold=FAILED_PROBES)
    return replace(made_of, request_settings=requests, readiness_probe=probe)


def _deployment(
    name: str,
    state: DeploymentState,
    running: Mapping[tuple[str, str, str], list[Instance]],
    live: int,
    mirror: int,
) -> DeploymentEntry:
    serving = state.serving
    assert serving is not None
    made_of = state.served or state.wanted
    shown = made_of if serving.debug_port is None else _patient(made_of)
    instances = [  # the others come, or are about to end
        each
        for each in running.get((made_of.endpoint_name.lower(), name, serving.id), [])
        if each.index < made_of.instance_count
    ]
    upstreams = tuple(
        SocketUpstream(each.socket) if each.socket else TcpUpstream("127.0.0.1", each.port, each.probe_port)
        for each in sorted(instances, key=lambda each: each.index)
    )
    return DeploymentEntry(
        name,
        upstreams,
        live_percent=live,
        mirror_percent=mirror,
        requests=shown.request_settings,
        readiness=shown.readiness_probe,
        readiness_path=serving.container.probe_path if serving.container else "/",
        stream_idle_ms=settings.stream_idle_ms(made_of),
    )
