import dataclasses

import pytest

from sandbox.gateway.description import (
    DeploymentEntry,
    Description,
    EndpointEntry,
    KeyAuth,
    SocketUpstream,
    TcpUpstream,
    TokenAuth,
)
from sandbox.gateway.errors import DescriptionError
from sandbox.model.serving import Probe, RequestSettings

KEYS = KeyAuth("primary-key-0123456789", "secondary-key-0123456789")
BLUE = DeploymentEntry("blue", (TcpUpstream("127.0.0.1", 5001),), 100)
GREEN = DeploymentEntry("green", (SocketUpstream("/run/green.sock"),))


def endpoint(*deployments, name="shop", port=8000, auth=KEYS, **more):
    return EndpointEntry(name, port, auth, deployments, **more)


def test_a_sound_description_can_be_made():
    made = Description((endpoint(BLUE, GREEN), endpoint(name="other", port=8001)))
    assert [one.name for one in made.endpoints] == ["shop", "other"]


def change(deployment, **fields):
    return dataclasses.replace(deployment, **fields)


@pytest.mark.parametrize(
    ("endpoints", "said"),
    [
        ((endpoint(name="a~b"),), "'a~b' cannot be a name"),
        ((endpoint(name="a.b"),), "'a.b' cannot be a name"),
        ((endpoint(name="x"),), "has 1 characters"),
        ((endpoint(), endpoint(name="Shop", port=8001)), "endpoint shop appears 2 times"),
        ((endpoint(), endpoint(name="other")), "port 8000 appears 2 times"),
        ((endpoint(port=0),), "0 is no port"),
        ((endpoint(port=65536),), "65536 is no port"),
        ((endpoint(BLUE, change(GREEN, name="Blue")),), "deployment blue appears 2 times"),
        ((endpoint(change(BLUE, live_percent=50)),), "traffic sums to 50"),
        ((endpoint(change(BLUE, live_percent=-1)),), "-1 percent"),
        ((endpoint(change(BLUE, mirror_percent=10)),), "live and mirrored traffic"),
        ((endpoint(BLUE, change(GREEN, mirror_percent=51)),), "at most 50 percent"),
        ((endpoint(change(BLUE, name="a b")),), "'a b' cannot be a name"),
        ((endpoint(auth=KeyAuth("short", KEYS.secondary)),), "the primary key is not"),
        ((endpoint(auth=KeyAuth(KEYS.primary, "with space 0123456789")),), "the secondary key is not"),
        ((endpoint(auth=TokenAuth("", "shop", "{}")),), "tokens need an issuer"),
        ((endpoint(change(BLUE, upstreams=(TcpUpstream("localhost", 1),))),), "'localhost' is no IP address"),
        ((endpoint(change(BLUE, upstreams=(TcpUpstream("fe80::1%eth0", 1),))),), "is no IP address"),
        ((endpoint(change(BLUE, upstreams=(TcpUpstream("::1", 70000),))),), "70000 is no port"),
        ((endpoint(change(BLUE, upstreams=(TcpUpstream("::1", 7000, 0),))),), "0 is no port"),
        ((endpoint(change(BLUE, upstreams=(SocketUpstream("x.sock"),))),), "no absolute path"),
        ((endpoint(change(BLUE, upstreams=(SocketUpstream("/" + "x" * 107),))),), "at most 107 bytes"),
        ((endpoint(change(BLUE, requests=RequestSettings(0))),), "request_timeout_ms is less"),
        ((endpoint(change(BLUE, requests=RequestSettings(1, 0))),), "max_concurrent_requests_per_instance is less"),
        ((endpoint(change(BLUE, stream_idle_ms=0)),), "stream_idle_ms is less"),
        ((endpoint(change(BLUE, readiness=Probe(period=0))),), "a probe are at least 1"),
        ((endpoint(change(BLUE, readiness_path="ready")),), "'ready' is no path to probe"),
        ((endpoint(change(BLUE, readiness_path="/a b")),), "is no path to probe"),
    ],
)
def test_what_could_not_be_published_cannot_be_described(endpoints, said):
    with pytest.raises(DescriptionError, match=r"the gateway cannot do this") as caught:
        Description(endpoints)
    assert said in str(caught.value)


def test_every_reason_is_told_at_once():
    with pytest.raises(DescriptionError) as caught:
        Description((endpoint(change(BLUE, live_percent=50), port=0),), host="all")
    assert caught.value.why.count("\n") == 2


def test_keys_are_in_no_message_and_no_representation():
    with pytest.raises(DescriptionError) as caught:
        Description((endpoint(auth=KeyAuth("tiny-secret", KEYS.secondary)),))
    assert "tiny-secret" not in repr(caught.value)
    assert KEYS.secondary not in repr(endpoint())


@pytest.mark.parametrize(("instances", "concurrent", "most"), [(1, 1, 2), (3, 4, 24), (0, 1, 2)])
def test_twice_what_the_instances_work_on_may_be_under_way(instances, concurrent, most):
    upstreams = tuple(TcpUpstream("127.0.0.1", 5000 + number) for number in range(instances))
    assert change(BLUE, upstreams=upstreams, requests=RequestSettings(5000, concurrent)).most_requests == most
