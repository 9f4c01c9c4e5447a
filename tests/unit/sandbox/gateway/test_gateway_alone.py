"""A gateway whose files go elsewhere: hosts by name, keys that are in no file, and what is said to be wrong."""

import json

import pytest

from sandbox.gateway import alone
from sandbox.gateway.clusters import clusters
from sandbox.gateway.description import (
    DeploymentEntry,
    Description,
    EndpointEntry,
    ExternalKeys,
    KeyAuth,
    NamedUpstream,
    TcpUpstream,
)
from sandbox.gateway.errors import DescriptionError
from sandbox.model.serving import Probe, RequestSettings

KEYS = ExternalKeys(files=("/run/secrets/primary",), variables=("SANDBOX_KEY_PRIMARY",))
BLUE = DeploymentEntry("blue", (NamedUpstream("blue", 5001, 3),), 100, readiness=Probe())
SHOP = EndpointEntry("shop", 8080, KEYS, (BLUE,))


def test_hosts_behind_a_name_are_looked_up_and_probed_and_counted():
    live, mirror = clusters(Description((SHOP,)))
    names = live["cluster_type"]["typed_config"]
    assert names["@type"].endswith("dns.v3.DnsCluster")
    assert names["dns_refresh_rate"] == "1s"
    assert "type" not in live
    assert live["ignore_health_on_host_removal"]
    assert live["health_checks"]
    assert "health_checks" not in mirror
    assert live["circuit_breakers"]["thresholds"][0]["max_requests"] == 6, "2 x concurrent x instances"
    host = live["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    assert host == {"address": "blue", "port_value": 5001}


def test_addresses_stay_as_they_were():
    plain = EndpointEntry("shop", 8080, KEYS, (DeploymentEntry("blue", (TcpUpstream("10.0.0.1", 5001),)),))
    for one in clusters(Description((plain,))):
        assert one["type"] == "STATIC"
        assert "upstream_bind_config" not in one


def test_the_files_hold_no_key_and_say_where_keys_are():
    said = json.dumps([alone.bootstrap(SHOP), alone.route_file(SHOP), alone.cluster_file(SHOP)])
    assert "/run/secrets/primary" in said
    assert "SANDBOX_KEY_PRIMARY" in said
    assert "safe_regex" not in said
    routes = alone.route_file(SHOP)["resources"][0]
    assert routes["validate_clusters"] is False
    assert "authorization" in routes["virtual_hosts"][0]["request_headers_to_remove"]


def test_who_upgrades_the_connection_passes_the_check_of_keys_too():
    (listener, _) = alone.bootstrap(SHOP)["static_resources"]["listeners"]
    connection = listener["filter_chains"][0]["filters"][0]["typed_config"]
    chains = [connection["http_filters"], connection["upgrade_configs"][0]["filters"]]
    assert [[one["name"] for one in chain].index("keys") for chain in chains] == [1, 1]


def test_of_the_admin_interface_only_readiness_and_counters_are_shown():
    (_, watch) = alone.bootstrap(SHOP)["static_resources"]["listeners"]
    (host,) = watch["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
    shown = [route["match"]["path"] for route in host["routes"] if "route" in route]
    assert shown == ["/ready", "/stats/prometheus"]
    assert host["routes"][-1]["direct_response"]["status"] == 404
    assert "pipe" in alone.bootstrap(SHOP)["admin"]["address"]


@pytest.mark.parametrize(
    ("keys", "name", "said"),
    [
        (ExternalKeys(), "blue", "need a file or a variable"),
        (ExternalKeys(files=("keys",)), "blue", "no absolute path of a key"),
        (ExternalKeys(files=('/a"..os.execute("x")',)), "blue", "no absolute path of a key"),
        (ExternalKeys(variables=('a"',)), "blue", "no name of a variable"),
        (KEYS, "blue green", "no name of a host"),
        (KeyAuth("short", "short"), "blue", "primary key is not"),
    ],
)
def test_what_cannot_be_is_said(keys, name, said):
    deployment = DeploymentEntry("blue", (NamedUpstream(name, 5001),), requests=RequestSettings())
    with pytest.raises(DescriptionError) as raised:
        Description((EndpointEntry("shop", 8080, keys, (deployment,)),))
    assert said in raised.value.why
