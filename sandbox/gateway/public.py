"""What a host offers to everybody: one listener with TLS for all endpoints, and one that sends plain HTTP there. Pure.

An endpoint is reached by path, ``/ENDPOINT/score``, and where it has a name of a host of its own, by that as well. Its
routes are those of its own listener. Nothing in the two listeners changes in the life of an endpoint or a certificate:
routes and certificate are files of their own, for changing a listener closes its connections.
"""

import copy
import re
from collections.abc import Collection

from sandbox.gateway.description import Description, EndpointEntry
from sandbox.gateway.listeners import NO_ENDPOINT, Around, from_file, listener
from sandbox.gateway.offered import Public
from sandbox.gateway.routes import virtual_host
from sandbox.gateway.words import CERTIFICATE, PUBLIC_ROUTES, Json, set_header, typed

LISTENER, REDIRECT = "public", "redirect"
CHALLENGE, CHALLENGE_PATH = "acme", "/.well-known/acme-challenge/"
CIPHERS = [  # of TLS 1.2: forward secrecy and authenticated encryption only; TLS 1.3 knows no others
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
]
IDLE = "60s"  # of a connection without a request
HEADERS_S, HANDSHAKE_S = "15s", "10s"  # whoever takes longer holds a connection for nothing
STREAMS = 128  # at once on one connection of HTTP/2
WINDOW, ALL_WINDOWS = 2**18, 2**20  # bytes of a stream, and of a connection, that may be on their way
_HEADERS = ("request_headers_to_remove", "response_headers_to_remove", "response_headers_to_add")


def listeners(public: Public, around: Around, folder: str) -> list[Json]:
    """Return the two public listeners; ``around`` is what those of the endpoints have."""
    return [_with_tls(public, around, folder), _redirect(public, around)]


def routes(description: Description, public: Public) -> Json:
    """Return the route configuration of the public listener: endpoints with names of their own, then all by path."""
    offered = [(endpoint, virtual_host(endpoint)) for endpoint in description.endpoints if endpoint.public]
    by_name = [{**host, "domains": [endpoint.hostname]} for endpoint, host in offered if endpoint.hostname]
    by_path = {
        "name": NO_ENDPOINT,
        "domains": ["*"],
        "routes": [route for endpoint, host in offered for route in _by_path(endpoint, host)] + [_nothing()],
    }
    for _, host in offered[:1]:  # headers are treated alike for all
        by_path |= {key: host[key] for key in _HEADERS if key in host}
    config = typed(
        "envoy.config.route.v3.RouteConfiguration",
        name=PUBLIC_ROUTES,
        validate_clusters=True,
        virtual_hosts=[*by_name, by_path],
    )
    if public.hsts_s:
        config["response_headers_to_add"] = [set_header("strict-transport-security", f"max-age={public.hsts_s}")]
    return config


def kept(config: Json, written: list[Json], keep: Collection[str]) -> Json:
    """Return the routes with those of the endpoints ``keep`` (lower case), as they were written last."""
    before = [host for one in written for host in one.get("virtual_hosts", [])]
    named = [host for host in before if str(host["name"]).lower() in keep]
    paths = [route for host in before for route in host["routes"] if host["name"] == NO_ENDPOINT]
    mine = [route for route in paths if str(route.get("name", "")).partition("~")[0].lower() in keep]
    *hosts, by_path = config["virtual_hosts"]
    *routed, nothing = by_path["routes"]
    return {**config, "virtual_hosts": [*hosts, *named, {**by_path, "routes": [*routed, *mine, nothing]}]}


def certificate(public: Public) -> Json:
    """Return certificate and key as the gateway discovers them; both in one file, so that they change together."""
    pair = {
        "certificate_chain": {"inline_string": public.certificate},
        "private_key": {"inline_string": public.key},
    }
    return typed("envoy.extensions.transport_sockets.tls.v3.Secret", name=CERTIFICATE, tls_certificate=pair)


def clusters(public: Public) -> list[Json]:
    """Return the cluster of whoever answers the challenges of a certificate authority."""
    if public.challenge is None:
        return []
    address, port = public.challenge
    host = {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
    return [
        typed(
            "envoy.config.cluster.v3.Cluster",
            name=CHALLENGE,
            type="STATIC",
            connect_timeout="1s",
            load_assignment={"cluster_name": CHALLENGE, "endpoints": [{"lb_endpoints": [host]}]},
        )
    ]


# --- Listeners -------------------------------------------------------------------------------------------------------


def _with_tls(public: Public, around: Around, folder: str) -> Json:
    address = {"socket_address": {"address": public.bind, "port_value": public.https_port}}
    routed = Around(from_file(f"{folder}/{PUBLIC_ROUTES}.json"), around.doors, around.log)
    made = listener(LISTENER, address, NO_ENDPOINT, routed)
    chain = made["filter_chains"][0]
    chain["transport_socket"] = {"name": "tls", "typed_config": _tls(folder)}
    chain["transport_socket_connect_timeout"] = HANDSHAKE_S
    connection = chain["filters"][0]["typed_config"]
    connection["rds"]["route_config_name"] = PUBLIC_ROUTES
    connection |= _guarded()
    return made


def _tls(folder: str) -> Json:
    source = {"name": CERTIFICATE, "sds_config": from_file(f"{folder}/sds.json")}
    return typed(
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context={
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "cipher_suites": CIPHERS},
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificate_sds_secret_configs": [source],
        },
    )


def _guarded() -> Json:
    """What a listener needs that everybody can reach: nobody is believed, nobody may hold much for long."""
    return {
        "use_remote_address": True,
        "skip_xff_append": False,
        "strip_any_host_port": True,
        "normalize_path": True,
        "request_headers_timeout": HEADERS_S,
        "common_http_protocol_options": {"idle_timeout": IDLE},
        "http2_protocol_options": {
            "max_concurrent_streams": STREAMS,
            "initial_stream_window_size": WINDOW,
            "initial_connection_window_size": ALL_WINDOWS,
        },
    }


def _redirect(public: Public, around: Around) -> Json:
    address = {"socket_address": {"address": public.bind, "port_value": public.http_port}}
    made = listener(REDIRECT, address, NO_ENDPOINT, around)
    connection = made["filter_chains"][0]["filters"][0]["typed_config"]
    del connection["rds"], connection["upgrade_configs"]
    # The same method again, also for POST: 301 would make a GET of it.
    away: Json = {"https_redirect": True, "response_code": "PERMANENT_REDIRECT"}
    if (public.http_port, public.https_port) != (80, 443):
        away["port_redirect"] = public.https_port
    routed: list[Json] = [{"match": {"prefix": "/"}, "redirect": away}]
    if public.challenge is not None:
        forward = {"match": {"prefix": CHALLENGE_PATH}, "route": {"cluster": CHALLENGE, "timeout": "10s"}}
        routed.insert(0, forward)
    host = {"name": REDIRECT, "domains": ["*"], "routes": routed, "request_headers_to_remove": ["authorization"]}
    connection |= {
        **_guarded(),
        "strip_any_host_port": False,
        "http_filters": connection["http_filters"][-1:],
        "route_config": {"name": REDIRECT, "virtual_hosts": [host]},
    }
    return made


# --- Routes ----------------------------------------------------------------------------------------------------------


def _by_path(endpoint: EndpointEntry, host: Json) -> list[Json]:
    """Return the routes of an endpoint below ``/ENDPOINT``; its model sees the rest of the path."""
    return [_below(endpoint.name, host, copy.deepcopy(route)) for route in host["routes"]]


def _below(name: str, host: Json, route: Json) -> Json:
    del route["match"]["prefix"]
    route["match"] |= {"path_separated_prefix": f"/{name}", "case_sensitive": False}
    if "route" in route:
        pattern = {"regex": f"(?i)^/{re.escape(name)}/?"}
        route["route"]["regex_rewrite"] = {"pattern": pattern, "substitution": "/"}
    route["typed_per_filter_config"] = {**host["typed_per_filter_config"], **route.get("typed_per_filter_config", {})}
    if "request_body_buffer_limit" in host:
        route["request_body_buffer_limit"] = host["request_body_buffer_limit"]
    route["name"] = f"{name}~{route.get('name', '')}"
    return route


def _nothing() -> Json:
    body = {"inline_string": "there is no such endpoint; the address of one is /ENDPOINT/score"}
    return {"match": {"prefix": "/"}, "direct_response": {"status": 404, "body": body}}
