"""Endpoints -> the route configuration: who is let in, which deployment answers, who gets a copy. Pure.

All endpoints share one route configuration (one file, one inotify instance, one acknowledgement); each listener marks
its requests with its endpoint's name before routing, and the virtual host is chosen by that mark, never by ``Host``.

Shares are cumulative fractions on routes, not weighted clusters: every deployment keeps its own time limit. The same
random number is compared on each route, so 90 and then 100 percent means exactly 90 to 10.
"""

import re

from sandbox.gateway.answers import BAD_HEADER, WRONG_KEY
from sandbox.gateway.description import DeploymentEntry, Description, EndpointEntry, KeyAuth, TokenAuth
from sandbox.gateway.words import (
    FILTER_BUFFER,
    FILTER_STATUS,
    HEADER_CLIENT_ID,
    HEADER_DEPLOYMENT,
    HEADER_ENDPOINT,
    HEADER_MODEL_TIME,
    HEADER_SHADOW,
    ROUTES,
    TOKENS,
    Json,
    cluster_of,
    seconds,
    set_header,
    typed,
)

LARGEST_COPIED = 2**30  # bytes of one request; it is read whole before it is sent on, so that a copy cannot stall it
LARGEST_REPEATED = 2**26  # bytes of one request that are kept in case another instance has to be asked
SERVICE_TIME = "x-envoy-upstream-service-time"


def routes(description: Description) -> Json:
    """Return the route configuration."""
    return typed(
        "envoy.config.route.v3.RouteConfiguration",
        name=ROUTES,
        vhost_header=HEADER_ENDPOINT,
        validate_clusters=True,
        virtual_hosts=[virtual_host(endpoint) for endpoint in description.endpoints],
    )


def virtual_host(endpoint: EndpointEntry) -> Json:
    """Return everything about one endpoint. The first route that fits decides, so the order is the rule."""
    pinned = [_pinned(endpoint, deployment) for deployment in endpoint.deployments]
    filters: Json = {}
    if endpoint.status_mapping == "raw":
        filters[FILTER_STATUS] = typed("envoy.extensions.filters.http.lua.v3.LuaPerRoute", disabled=True)
    if isinstance(endpoint.auth, TokenAuth):
        filters[TOKENS] = typed(
            "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig", requirement_name=endpoint.name
        )
    return {
        "name": endpoint.name,
        "domains": [endpoint.name.lower()],
        "routes": [*_denied(endpoint), *pinned, _unknown(endpoint), *_shares(endpoint), _no_traffic(endpoint)],
        "request_headers_to_remove": [
            "authorization",
            HEADER_ENDPOINT,
            "x-envoy-expected-rq-timeout-ms",
            "x-envoy-internal",
        ],
        "response_headers_to_remove": [SERVICE_TIME],
        "response_headers_to_add": [set_header(HEADER_CLIENT_ID, f"%REQ({HEADER_CLIENT_ID})%", "ADD_IF_ABSENT")],
        "request_body_buffer_limit": LARGEST_REPEATED,
        "typed_per_filter_config": filters,
    }


def _denied(endpoint: EndpointEntry) -> list[Json]:
    """Who comes without a key is sent away by routes: a new key is one new file, taken over in milliseconds."""
    if not isinstance(endpoint.auth, KeyAuth):
        return []
    # Sorted: swapping two equal keys is no change.
    keys = "|".join(re.escape(key) for key in sorted({endpoint.auth.primary, endpoint.auth.secondary}))
    return [
        _refusal(401, BAD_HEADER, _authorization_is_not("(?i:bearer) +[!-~]+")),
        _refusal(401, WRONG_KEY, _authorization_is_not(f"(?i:bearer) +({keys})")),
    ]


def _authorization_is_not(regex: str) -> Json:
    return {
        "name": "authorization",
        "string_match": {"safe_regex": {"regex": regex}},
        "invert_match": True,
        "treat_missing_header_as_empty": True,
    }


def _refusal(status: int, text: str, *headers: Json) -> Json:
    route: Json = {
        "match": {"prefix": "/", **({"headers": list(headers)} if headers else {})},
        "direct_response": {"status": status, "body": {"inline_string": text}},
    }
    if status == 401:
        route["response_headers_to_add"] = [set_header("www-authenticate", "Bearer")]
    return route


def _pinned(endpoint: EndpointEntry, deployment: DeploymentEntry) -> Json:
    """The client names the deployment: regardless of traffic, and never copied."""
    named = {"name": HEADER_DEPLOYMENT, "string_match": {"exact": deployment.name, "ignore_case": True}}
    return _to(endpoint, deployment, {"prefix": "/", "headers": [named]})


def _unknown(endpoint: EndpointEntry) -> Json:
    have = ", ".join(deployment.name for deployment in endpoint.deployments) or "none"
    text = f"endpoint {endpoint.name} has no deployment of the name in {HEADER_DEPLOYMENT}; it has: {have}"
    return _refusal(404, text, {"name": HEADER_DEPLOYMENT, "present_match": True})


def _no_traffic(endpoint: EndpointEntry) -> Json:
    text = (
        f"endpoint {endpoint.name} has no deployment with traffic; assign traffic, "
        f"or name a deployment in the header {HEADER_DEPLOYMENT}"
    )
    return _refusal(404, text)


def _shares(endpoint: EndpointEntry) -> list[Json]:
    found = []
    total = 0
    for deployment in endpoint.deployments:
        if not deployment.live_percent:
            continue
        total += deployment.live_percent
        match: Json = {"prefix": "/"}
        if total < 100:
            match["runtime_fraction"] = {"default_value": {"numerator": total, "denominator": "HUNDRED"}}
        route = _to(endpoint, deployment, match)
        if endpoint.mirror:
            route["route"]["request_mirror_policies"] = [_copy(endpoint, endpoint.mirror)]
            route["typed_per_filter_config"] = {
                FILTER_BUFFER: typed(
                    "envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
                    buffer={"max_request_bytes": LARGEST_COPIED},
                )
            }
        found.append(route)
    return found


def _copy(endpoint: EndpointEntry, target: DeploymentEntry) -> Json:
    return {
        "cluster": cluster_of(endpoint, target, mirror=True),
        "disable_shadow_host_suffix_append": True,
        "runtime_fraction": {"default_value": {"numerator": target.mirror_percent, "denominator": "HUNDRED"}},
        "request_headers_mutations": [{"append": set_header(HEADER_SHADOW, "1")}],
    }


def _to(endpoint: EndpointEntry, deployment: DeploymentEntry, match: Json) -> Json:
    return {
        "match": match,
        "name": deployment.name,
        "route": {
            "cluster": cluster_of(endpoint, deployment),
            **_times(deployment),
            "retry_policy": _retry(deployment),
        },
        "response_headers_to_add": [
            set_header(HEADER_DEPLOYMENT, deployment.name),
            set_header(HEADER_MODEL_TIME, f"%RESP({SERVICE_TIME})%"),
        ],
    }


def _times(deployment: DeploymentEntry) -> Json:
    if deployment.stream_idle_ms is not None:
        return {"timeout": "0s", "idle_timeout": seconds(deployment.stream_idle_ms)}
    return {"timeout": seconds(deployment.requests.request_timeout_ms)}


def _retry(deployment: DeploymentEntry) -> Json:
    last = "reset" if deployment.repeat_in_flight else "reset-before-request"
    other_host = typed("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")
    return {
        "retry_on": f"connect-failure,refused-stream,{last}",
        "num_retries": 2,
        "retry_host_predicate": [{"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": other_host}],
        "host_selection_retry_max_attempts": 3,
        "retry_back_off": {"base_interval": "0.010s", "max_interval": "0.050s"},
    }
