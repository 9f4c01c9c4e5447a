import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.gateway.answers import local_replies
from sandbox.gateway.bootstrap import bootstrap
from sandbox.gateway.clusters import clusters
from sandbox.gateway.description import (
    DeploymentEntry,
    Description,
    EndpointEntry,
    KeyAuth,
    SocketUpstream,
    TcpUpstream,
    TokenAuth,
)
from sandbox.gateway.listeners import listeners, tokens
from sandbox.gateway.routes import LARGEST_COPIED, routes
from sandbox.model.serving import Probe, RequestSettings

KEYS = KeyAuth("primary-key-0123456789", "secondary.key+0123456789")
BLUE = DeploymentEntry("blue", (TcpUpstream("127.0.0.1", 5001, 5000),), 90, requests=RequestSettings(2500, 3))
GREEN = DeploymentEntry("green", (SocketUpstream("/run/green.sock"),), 10, stream_idle_ms=3000, repeat_in_flight=True)


def one(*deployments, auth=KEYS, **more):
    return Description((EndpointEntry("shop", 8000, auth, deployments, **more),))


def host_of(description):
    return routes(description)["virtual_hosts"][0]


def by_name(found):
    return {cluster["name"]: cluster for cluster in found}


# --- Clusters --------------------------------------------------------------------------------------------------------


def test_a_deployment_has_one_cluster_for_live_requests_and_one_for_copies():
    assert list(by_name(clusters(one(GREEN, BLUE)))) == [
        "shop~blue",
        "shop~blue~mirror",
        "shop~green",
        "shop~green~mirror",
    ]


def test_hosts_stand_inside_the_cluster():
    found = by_name(clusters(one(BLUE, GREEN)))
    blue, green = (
        found[f"shop~{name}"]["load_assignment"]["endpoints"][0]["lb_endpoints"] for name in ("blue", "green")
    )
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 5001}}
    assert blue == [{"endpoint": {"address": address, "health_check_config": {"port_value": 5000}}}]
    assert green == [{"endpoint": {"address": {"pipe": {"path": "/run/green.sock"}}}}]
    assert {cluster["type"] for cluster in found.values()} == {"STATIC"}


def test_limits_are_azures_for_live_requests_and_small_for_copies():
    found = by_name(clusters(one(BLUE, GREEN)))
    live, copies = (found[name]["circuit_breakers"]["thresholds"][0] for name in ("shop~blue", "shop~blue~mirror"))
    assert (live["max_requests"], live["max_retries"]) == (6, 1024)
    assert (copies["max_requests"], copies["max_connections"]) == (16, 16)


def test_a_verdict_of_a_probe_counts_at_once():
    for cluster in clusters(one(BLUE, GREEN)):
        assert cluster["common_lb_config"]["update_merge_window"] == "0s"


def test_readiness_is_asked_with_azures_fields_and_only_once():
    probe = Probe(period=7, timeout=3, success_threshold=2, failure_threshold=5)
    ready = DeploymentEntry("blue", BLUE.upstreams, 100, readiness=probe, readiness_path="/ready")
    found = by_name(clusters(one(ready)))
    check = found["shop~blue"]["health_checks"][0]
    assert (check["interval"], check["no_traffic_healthy_interval"], check["timeout"]) == ("7s", "7s", "3s")
    assert check["unhealthy_interval"] == check["no_traffic_interval"] == "0.5s", "a start is noticed when it happens"
    assert (check["healthy_threshold"], check["unhealthy_threshold"]) == (2, 5)
    assert check["http_health_check"] == {"path": "/ready"}
    assert "health_checks" not in found["shop~blue~mirror"]


# --- Routes ----------------------------------------------------------------------------------------------------------


def test_the_endpoint_is_told_by_its_listener_and_not_by_the_host_header():
    assert routes(one(BLUE, GREEN))["vhost_header"] == "x-sandbox-endpoint"
    assert host_of(one(BLUE, GREEN))["domains"] == ["shop"]


def test_each_deployment_keeps_its_own_time_limit():
    actions = {route["name"]: route["route"] for route in host_of(one(BLUE, GREEN))["routes"] if "route" in route}
    assert actions["blue"]["timeout"] == "2.500s"
    assert (actions["green"]["timeout"], actions["green"]["idle_timeout"]) == ("0s", "3.000s")


def test_a_request_is_repeated_only_where_no_instance_has_seen_it_unless_asked():
    actions = {route["name"]: route["route"] for route in host_of(one(BLUE, GREEN))["routes"] if "route" in route}
    assert actions["blue"]["retry_policy"]["retry_on"] == "connect-failure,refused-stream,reset-before-request"
    assert actions["green"]["retry_policy"]["retry_on"] == "connect-failure,refused-stream,reset"


def test_only_shares_are_copied_and_only_they_are_read_whole():
    full = DeploymentEntry("blue", BLUE.upstreams, 100)
    shadow = DeploymentEntry("green", GREEN.upstreams, 0, 20)
    found = [route for route in host_of(one(full, shadow))["routes"] if "route" in route]
    copied = [route for route in found if "request_mirror_policies" in route["route"]]
    assert [route["match"] for route in copied] == [{"prefix": "/"}]
    policy = copied[0]["route"]["request_mirror_policies"][0]
    assert policy["cluster"] == "shop~green~mirror"
    assert policy["runtime_fraction"]["default_value"] == {"numerator": 20, "denominator": "HUNDRED"}
    assert copied[0]["typed_per_filter_config"]["buffer"]["buffer"]["max_request_bytes"] == LARGEST_COPIED
    assert not any("typed_per_filter_config" in route for route in found if route not in copied)


def test_statuses_are_mapped_unless_they_are_wanted_raw():
    assert host_of(one(BLUE, GREEN))["typed_per_filter_config"] == {}
    raw = host_of(one(BLUE, GREEN, status_mapping="raw"))["typed_per_filter_config"]
    assert raw["status"]["disabled"] is True


def test_tokens_are_required_where_the_endpoint_says_so():
    auth = TokenAuth("me", "shop", '{"keys": []}')
    described = one(BLUE, GREEN, auth=auth)
    assert host_of(described)["typed_per_filter_config"]["tokens"]["requirement_name"] == "shop"
    assert not [
        route for route in host_of(described)["routes"] if (route.get("direct_response") or {}).get("status") == 401
    ]
    config = tokens(described)["typed_config"]
    assert config["requirement_map"] == {"shop": {"provider_name": "shop"}}
    assert config["providers"]["shop"]["local_jwks"] == {"inline_string": '{"keys": []}'}
    assert tokens(one(BLUE, GREEN))["typed_config"]["providers"] == {}


@pytest.mark.parametrize(
    ("header", "denied"),
    [
        ("", True),
        ("Basic dXNlcjpwYXNz", True),
        (f"Bearer {KEYS.primary}", False),
        (f"bearer  {KEYS.secondary}", False),
        (f"Bearer {KEYS.primary[:-1]}", True),
        (f"Bearer {KEYS.primary},Bearer {KEYS.primary}", True),
        (f"Bearer {KEYS.secondary.replace('.', 'x')}", True),
        (f"{{Bearer {KEYS.primary}}}", True),
    ],
)
def test_either_key_opens_the_endpoint_and_nothing_else_does(header, denied):
    matchers = [
        route["match"]["headers"][0]["string_match"]["safe_regex"]["regex"]
        for route in host_of(one(BLUE, GREEN))["routes"]
        if "direct_response" in route and route["direct_response"]["status"] == 401
    ]
    assert any(not re.fullmatch(regex, header) for regex in matchers) is denied


def test_swapping_the_keys_is_no_change():
    swapped = KeyAuth(KEYS.secondary, KEYS.primary)
    assert routes(one(BLUE, GREEN, auth=swapped)) == routes(one(BLUE, GREEN))


# --- Listeners and the rest ------------------------------------------------------------------------------------------


def test_an_endpoint_listens_on_its_own_port_and_shares_it_with_nobody():
    keeper, shop = listeners(one(BLUE, GREEN), "/run/gateway")
    assert shop["address"] == {"socket_address": {"address": "127.0.0.1", "port_value": 8000}}
    assert shop["enable_reuse_port"] is False
    assert keeper["address"]["pipe"] == {"path": "/run/gateway/keeper.sock", "mode": 0o600}


def test_an_upgraded_connection_is_checked_too_and_never_buffered():
    http = listeners(one(BLUE, GREEN), "/run/gateway")[1]["filter_chains"][0]["filters"][0]["typed_config"]
    usual = [one["name"] for one in http["http_filters"]]
    upgraded = [one["name"] for one in http["upgrade_configs"][0]["filters"]]
    assert (usual, upgraded) == (["status", "tokens", "buffer", "router"], ["status", "tokens", "router"])


def test_a_listener_does_not_change_with_traffic_keys_or_deployments():
    before = listeners(one(BLUE, GREEN), "/run/gateway")
    other = KeyAuth("x" * 20, "y" * 20)
    assert listeners(one(DeploymentEntry("red"), auth=other, status_mapping="raw"), "/run/gateway") == before


def test_the_admin_interface_is_for_its_owner():
    assert bootstrap("/run/g")["admin"] == {"address": {"pipe": {"path": "/run/g/admin.sock", "mode": 0o600}}}


def test_what_the_gateway_answers_itself_has_azures_statuses():
    statuses = [mapper["status_code"] for mapper in local_replies()["mappers"]]
    assert statuses == [429, 408, 503, 502, 401, 401]


# --- For every description -------------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z][a-z0-9-]{1,10}[a-z0-9]", fullmatch=True)
KEY = st.from_regex(r"[A-Za-z0-9._~+/=-]{24,40}", fullmatch=True)


@st.composite
def percentages(draw, count):
    if not count or draw(st.booleans()):
        return [0] * count
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=count - 1, max_size=count - 1)))
    return [right - left for left, right in itertools.pairwise([0, *cuts, 100])]


@st.composite
def endpoints(draw, name, port):
    names = draw(st.lists(NAMES, max_size=4, unique=True))
    live = draw(percentages(len(names)))
    idle = [name for name, share in zip(names, live, strict=True) if not share]
    mirror = draw(st.sampled_from([None, *idle]))
    deployments = tuple(
        DeploymentEntry(
            each,
            tuple(TcpUpstream("127.0.0.1", 5000 + n) for n in range(draw(st.integers(0, 3)))),
            share,
            draw(st.integers(1, 50)) if each == mirror else 0,
            readiness=draw(st.sampled_from([None, Probe()])),
        )
        for each, share in zip(names, live, strict=True)
    )
    auth = KeyAuth(draw(KEY), draw(KEY)) if draw(st.booleans()) else TokenAuth("me", name, '{"keys": []}')
    return EndpointEntry(name, port, auth, deployments, draw(st.sampled_from(["azure", "raw"])))


@st.composite
def descriptions(draw):
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    return Description(tuple(draw(endpoints(name, 8000 + n)) for n, name in enumerate(names)))


@given(descriptions())
def test_no_route_leads_to_a_cluster_that_is_not_there(description):
    known = {cluster["name"] for cluster in clusters(description)}
    for host in routes(description)["virtual_hosts"]:
        for route in host["routes"]:
            action = route.get("route", {})
            used = [action["cluster"]] if action else []
            used += [policy["cluster"] for policy in action.get("request_mirror_policies", [])]
            assert set(used) <= known


@given(descriptions())
def test_of_a_hundred_random_numbers_each_deployment_gets_its_percentage(description):
    for endpoint, host in zip(description.endpoints, routes(description)["virtual_hosts"], strict=True):
        unconditional = [route for route in host["routes"] if "headers" not in route["match"]]
        got = dict.fromkeys((each.name for each in endpoint.deployments), 0)
        refused = 0
        for number in range(100):
            for route in unconditional:
                fraction = route["match"].get("runtime_fraction")
                if fraction is None or number < fraction["default_value"]["numerator"]:
                    break
            if "route" in route:
                got[route["name"]] += 1
            else:
                refused += 1
        assert got == {each.name: each.live_percent for each in endpoint.deployments}
        assert refused == (0 if sum(got.values()) else 100)


@given(descriptions())
def test_keys_stand_where_they_are_compared_and_nowhere_else(description):
    elsewhere = json.dumps([clusters(description), listeners(description, "/run/g"), bootstrap("/run/g")])
    named = json.dumps(
        [[host["name"], *[r.get("name") for r in host["routes"]]] for host in routes(description)["virtual_hosts"]]
    )
    for endpoint in description.endpoints:
        if isinstance(endpoint.auth, KeyAuth):
            for key in (endpoint.auth.primary, endpoint.auth.secondary):
                assert key not in elsewhere
                assert key not in named
                assert json.dumps(re.escape(key))[1:-1] in json.dumps(routes(description))
