"""Deployments -> clusters. Pure.

Two for each deployment: one for live requests, one for copies. They lead to the same instances and differ in what
they count and how much they may take. Hosts stand inside the cluster (STATIC): discovery by file costs one inotify
instance a file, and at the kernel's limit of 128 the gateway would abort.
"""

from sandbox.gateway.description import (
    DeploymentEntry,
    Description,
    EndpointEntry,
    NamedUpstream,
    SocketUpstream,
    Upstream,
)
from sandbox.gateway.words import Json, cluster_of, typed

PLENTY = 1024
MOST_COPIES = 16  # under way at once; what a stalled mirror can hold
IDLE = "1.5s"  # shorter than the keep-alive of any server (gunicorn: 2 s): no request meets a socket that is closing
TCP, TCP_USER_TIMEOUT = 6, 18  # Linux's numbers: those of the gateway's system, not of this one
SILENCE_MS = 3000  # after which a machine that acknowledges nothing counts as lost
QUICK_PROBE_S = 0.5  # period while an instance is not ready, so that a start is noticed when it happens


def clusters(description: Description) -> list[Json]:
    """Return every cluster, sorted by name."""
    found = [
        cluster(endpoint, deployment, mirror=mirror)
        for endpoint in description.endpoints
        for deployment in endpoint.deployments
        for mirror in (False, True)
    ]
    return sorted(found, key=lambda one: str(one["name"]))


def cluster(endpoint: EndpointEntry, deployment: DeploymentEntry, *, mirror: bool) -> Json:
    """Return the cluster for live requests, or for copies.

    Copies are sent to whoever is there: probing the same instances twice would only double the probes.
    """
    name = cluster_of(endpoint, deployment, mirror=mirror)
    hosts = [{"endpoint": _host(upstream)} for upstream in deployment.upstreams]
    one = typed(
        "envoy.config.cluster.v3.Cluster",
        name=name,
        type="STATIC",
        connect_timeout="1s",
        lb_policy="LEAST_REQUEST",
        load_assignment={"cluster_name": name, "endpoints": [{"lb_endpoints": hosts}]},
        common_lb_config={
            "healthy_panic_threshold": {"value": 0},  # else a half-dead deployment is asked evenly
            "update_merge_window": "0s",  # else the second verdict within a second waits until the second is over
        },
        outlier_detection=_ejection(),
        circuit_breakers={"thresholds": [_limits_of_copies() if mirror else _limits(deployment)]},
        typed_extension_protocol_options={
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http_protocol_options": {}},
                common_http_protocol_options={"idle_timeout": IDLE},
            )
        },
    )
    if deployment.readiness and not mirror:
        one["health_checks"] = [_probe(deployment)]
    if any(isinstance(upstream, NamedUpstream) for upstream in deployment.upstreams):
        del one["type"]
        one |= _on_a_network()
    return one


def _on_a_network() -> Json:
    """Instances come and go behind a name, and their machines may fall silent without a word.

    What nobody acknowledges for three seconds is taken for lost, which the kernel would wait minutes for; so is what
    the probe finds dead. Who is no longer behind the name is not asked any more, though the probe still reach it.
    """
    names = typed(
        "envoy.extensions.clusters.dns.v3.DnsCluster",
        dns_lookup_family="V4_PREFERRED",
        dns_refresh_rate="1s",
        dns_failure_refresh_rate={"base_interval": "0.5s", "max_interval": "1s"},
    )
    return {
        "cluster_type": {"name": "envoy.cluster.dns", "typed_config": names},
        "ignore_health_on_host_removal": True,
        "close_connections_on_host_health_failure": True,
        "upstream_connection_options": {
            "tcp_keepalive": {"keepalive_time": 1, "keepalive_interval": 1, "keepalive_probes": 2}
        },
        "upstream_bind_config": {
            "socket_options": [
                {"level": TCP, "name": TCP_USER_TIMEOUT, "int_value": SILENCE_MS, "state": "STATE_PREBIND"}
            ]
        },
    }


def _host(upstream: Upstream) -> Json:
    if isinstance(upstream, SocketUpstream):
        return {"address": {"pipe": {"path": upstream.path}}}
    if isinstance(upstream, NamedUpstream):
        return {"address": {"socket_address": {"address": upstream.name, "port_value": upstream.port}}}
    host: Json = {"address": {"socket_address": {"address": upstream.host, "port_value": upstream.port}}}
    if upstream.probe_port is not None:
        host["health_check_config"] = {"port_value": upstream.probe_port}
    return host


def _limits(deployment: DeploymentEntry) -> Json:
    """``max_requests`` is Azure's limit. Retries default to 3 at once, and the fourth would be told 429."""
    return {
        "max_requests": deployment.most_requests,
        "max_connections": PLENTY,
        "max_pending_requests": PLENTY,
        "max_retries": PLENTY,
    }


def _limits_of_copies() -> Json:
    return {
        "max_requests": MOST_COPIES,
        "max_connections": MOST_COPIES,
        "max_pending_requests": MOST_COPIES,
        "max_retries": 0,
    }


def _probe(deployment: DeploymentEntry) -> Json:
    """Azure's fields. A 503 ejects at once; the rest needs ``failure_threshold`` failures in a row."""
    probe = deployment.readiness
    assert probe is not None
    return {
        "timeout": f"{probe.timeout}s",
        "interval": f"{probe.period}s",
        "no_traffic_interval": f"{QUICK_PROBE_S}s",  # of those that are not ready, before the first request of all
        "unhealthy_interval": f"{QUICK_PROBE_S}s",
        "no_traffic_healthy_interval": f"{probe.period}s",
        "unhealthy_threshold": probe.failure_threshold,
        "healthy_threshold": probe.success_threshold,
        "http_health_check": {"path": deployment.readiness_path},
    }


def _ejection() -> Json:
    """An instance that cannot be reached twice is left alone for a while; a model that answers 500 is not ejected."""
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 2,
        "enforcing_consecutive_local_origin_failure": 100,
        "consecutive_5xx": 0,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": "2s",
        "max_ejection_time": "10s",
        "max_ejection_percent": 100,
    }
