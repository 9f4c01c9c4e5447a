"""Endpoints -> listeners, each on the port that is its own, and what every request passes through. Pure.

A listener holds nothing that changes in the life of an endpoint: changing one closes its connections.
"""

from dataclasses import dataclass

from sandbox.gateway.answers import STATUS_SCRIPT, local_replies
from sandbox.gateway.description import Description, EndpointEntry, TokenAuth
from sandbox.gateway.words import (
    FILTER_BUFFER,
    FILTER_STATUS,
    HEADER_ENDPOINT,
    HTTP_STATS,
    KEEPER,
    ROUTES,
    TOKENS,
    Json,
    listener_of,
    set_header,
    typed,
)

IDLE_STREAM = "3600s"  # a WebSocket may be silent for so long; scoring requests have their own limit
NO_ENDPOINT = "~"  # no endpoint can have this name


@dataclass(frozen=True, slots=True)
class Around:
    """Where the routes come from, the filters that let callers in, and where requests are told of."""

    routes: Json
    doors: tuple[Json, ...]
    log: Json


def listeners(description: Description, folder: str) -> list[Json]:
    """Return all listeners; ``folder`` is where the files of the gateway lie.

    One of them is on a socket in that folder and leads nowhere: it keeps the route configuration loaded, and so
    acknowledged, while there is no endpoint.
    """
    found = around(folder)
    keeper = listener(KEEPER, {"pipe": {"path": f"{folder}/keeper.sock", "mode": 0o600}}, NO_ENDPOINT, found)
    return [keeper, *(of(endpoint, description.host, found) for endpoint in description.endpoints)]


def around(folder: str) -> Around:
    """Return what the listeners of the gateway find whose files lie in ``folder``."""
    return Around(from_file(f"{folder}/rds.json"), (_tokens(folder),), _to_file(f"{folder}/access.log"))


def tokens(description: Description) -> Json:
    """Return the configuration of the filter that checks signed tokens: discovered apart, so that keys can change."""
    providers: Json = {}
    needs: Json = {}
    for endpoint in description.endpoints:
        if isinstance(endpoint.auth, TokenAuth):
            providers[endpoint.name] = {
                "issuer": endpoint.auth.issuer,
                "audiences": [endpoint.auth.audience],
                "local_jwks": {"inline_string": endpoint.auth.jwks},
                "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
                "require_expiration": True,
            }
            needs[endpoint.name] = {"provider_name": endpoint.name}
    config = typed(
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", providers=providers, requirement_map=needs
    )
    return typed("envoy.config.core.v3.TypedExtensionConfig", name=TOKENS, typed_config=config)


def of(endpoint: EndpointEntry, host: str, around: Around) -> Json:
    """Return the listener of an endpoint, on its own port."""
    address = {"socket_address": {"address": host, "port_value": endpoint.port}}
    return listener(listener_of(endpoint), address, endpoint.name.lower(), around)


def listener(name: str, address: Json, endpoint: str, around: Around) -> Json:
    """Return a listener whose requests are marked with the name of an endpoint."""
    return typed(
        "envoy.config.listener.v3.Listener",
        name=name,
        stat_prefix=name,
        address=address,
        enable_reuse_port=False,  # else a second gateway shares the port, and half of the requests, without a word
        filter_chains=[{"filters": [{"name": "http", "typed_config": _connection(endpoint, around)}]}],
    )


def _connection(endpoint: str, around: Around) -> Json:
    return typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=HTTP_STATS,
        rds={"route_config_name": ROUTES, "config_source": around.routes},
        http_filters=[_status(), *around.doors, _buffer(), _router()],
        # An upgraded connection must not pass the buffer: it would wait for an end that never comes.
        upgrade_configs=[{"upgrade_type": "websocket", "filters": [_status(), *around.doors, _router()]}],
        early_header_mutation_extensions=[_mark(endpoint)],
        local_reply_config=local_replies(),
        access_log=[around.log],
        http_protocol_options={
            "accept_http_10": True,
            "default_host_for_http_10": "localhost",
            "enable_trailers": True,
        },
        server_header_transformation="PASS_THROUGH",
        stream_idle_timeout=IDLE_STREAM,
        generate_request_id=True,
        preserve_external_request_id=True,
        always_set_request_id_in_response=True,
        skip_xff_append=True,
    )


def from_file(path: str) -> Json:
    """Return a source of configuration that is a file."""
    return {"resource_api_version": "V3", "path_config_source": {"path": path}}


def _mark(endpoint: str) -> Json:
    """Write on each request whose it is, before it is routed; and take from it what would steer the gateway."""
    mutations = [
        {"remove_on_match": {"key_matcher": {"prefix": "x-envoy-", "ignore_case": True}}},
        {"append": set_header(HEADER_ENDPOINT, endpoint)},
    ]
    name = "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": typed(name, mutations=mutations),
    }


def _status() -> Json:
    script = {"inline_string": STATUS_SCRIPT}
    return {
        "name": FILTER_STATUS,
        "typed_config": typed("envoy.extensions.filters.http.lua.v3.Lua", default_source_code=script),
    }


def _tokens(folder: str) -> Json:
    return {
        "name": TOKENS,
        "config_discovery": {
            "config_source": from_file(f"{folder}/ecds.json"),
            "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"],
        },
    }


def _buffer() -> Json:
    """Off, but on routes with a mirror."""
    return {
        "name": FILTER_BUFFER,
        "disabled": True,
        "typed_config": typed("envoy.extensions.filters.http.buffer.v3.Buffer", max_request_bytes=1),
    }


def _router() -> Json:
    return {"name": "router", "typed_config": typed("envoy.extensions.filters.http.router.v3.Router")}


LOG_FIELDS = {  # one line of JSON a request. No header of the client but the ids, no query: neither may hold a key
    "time": "%START_TIME%",
    "port": "%DOWNSTREAM_LOCAL_PORT%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "ms": "%DURATION%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}


def _to_file(path: str) -> Json:
    return {
        "name": "file",
        "typed_config": typed(
            "envoy.extensions.access_loggers.file.v3.FileAccessLog", path=path, log_format={"json_format": LOG_FIELDS}
        ),
    }
