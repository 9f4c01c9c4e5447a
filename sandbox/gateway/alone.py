"""A gateway that nobody steers: its files are written once and given to an Envoy elsewhere, in a container. Pure.

Three files in one folder: ``envoy.yaml`` starts it; ``clusters.yaml`` and ``routes.yaml`` are read again whenever a
file of the folder is replaced, so that a change of traffic needs no restart.
"""

from typing import Any, Final

from sandbox.gateway.bootstrap import REGEX, STATS
from sandbox.gateway.clusters import clusters
from sandbox.gateway.description import Description, EndpointEntry, ExternalKeys
from sandbox.gateway.external import door
from sandbox.gateway.listeners import LOG_FIELDS, Around, of
from sandbox.gateway.routes import routes
from sandbox.gateway.words import Json, typed

FOLDER: Final = "/etc/envoy"  # in the container
BOOTSTRAP: Final = "envoy.yaml"
CLUSTERS: Final = "clusters.yaml"
ROUTES: Final = "routes.yaml"
ADMIN: Final = "/tmp/envoy-admin.sock"  # noqa: S108 - in a container of its own
WATCH_PORT: Final = 9901  # tells who asks whether it is ready, and counters; nothing else of the admin interface
READY: Final = "/ready"
COUNTERS: Final = "/stats/prometheus"
_ADMIN_CLUSTER: Final = "admin"


def words() -> list[str]:
    """Return the command line, after the name of the program."""
    return [
        *("--config-path", f"{FOLDER}/{BOOTSTRAP}"),
        *("--concurrency", "2"),
        "--disable-hot-restart",
        *("--log-level", "warn"),
    ]


def bootstrap(endpoint: EndpointEntry) -> Json:
    """Return what Envoy is started with; ``endpoint.auth`` has to be keys from outside."""
    assert isinstance(endpoint.auth, ExternalKeys)
    log = typed("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", log_format={"json_format": LOG_FIELDS})
    around = Around(_watched(ROUTES), (door(endpoint.auth),), {"name": "stdout", "typed_config": log})
    return {
        "node": {"id": endpoint.name, "cluster": "sandbox"},
        "admin": {"address": {"pipe": {"path": ADMIN, "mode": 0o600}}},
        "dynamic_resources": {"cds_config": _watched(CLUSTERS)},
        "static_resources": {
            "listeners": [_plain(of(endpoint, "0.0.0.0", around)), _watch()],  # noqa: S104 - in a container
            "clusters": [_admin()],
        },
        "layered_runtime": {"layers": [{"name": "limits", "static_layer": {"re2.max_program_size": REGEX}}]},
        "stats_config": STATS,
    }


def cluster_file(endpoint: EndpointEntry) -> Json:
    """Return the content of ``clusters.yaml``."""
    return {"version_info": "1", "resources": clusters(Description((endpoint,)))}


def route_file(endpoint: EndpointEntry) -> Json:
    """Return the content of ``routes.yaml``. A cluster that comes a moment after its route is no reason to refuse."""
    return {"version_info": "1", "resources": [{**routes(Description((endpoint,))), "validate_clusters": False}]}


def _watched(name: str) -> Json:
    source = {"path": f"{FOLDER}/{name}", "watched_directory": {"path": FOLDER}}
    return {"resource_api_version": "V3", "path_config_source": source}


def _plain(listener: Json) -> Json:
    """Static resources have one type, which is not said."""
    return {key: value for key, value in listener.items() if key != "@type"}


def _watch() -> Json:
    get = {"name": ":method", "string_match": {"exact": "GET"}}
    shown: list[Any] = [
        {"match": {"path": path, "headers": [get]}, "route": {"cluster": _ADMIN_CLUSTER}} for path in (READY, COUNTERS)
    ]
    nothing = {"match": {"prefix": "/"}, "direct_response": {"status": 404}}
    connection = typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="watch",
        http_protocol_options={"accept_http_10": True, "default_host_for_http_10": "localhost"},
        route_config={"virtual_hosts": [{"name": "watch", "domains": ["*"], "routes": [*shown, nothing]}]},
        http_filters=[{"name": "router", "typed_config": typed("envoy.extensions.filters.http.router.v3.Router")}],
    )
    return {
        "name": "watch",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": WATCH_PORT}},  # noqa: S104 - in a container
        "filter_chains": [{"filters": [{"name": "http", "typed_config": connection}]}],
    }


def _admin() -> Json:
    host = {"endpoint": {"address": {"pipe": {"path": ADMIN}}}}
    load = {"cluster_name": _ADMIN_CLUSTER, "endpoints": [{"lb_endpoints": [host]}]}
    return {"name": _ADMIN_CLUSTER, "type": "STATIC", "connect_timeout": "1s", "load_assignment": load}
