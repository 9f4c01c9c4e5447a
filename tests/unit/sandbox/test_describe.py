"""Whatever state a crash has left, what is described can be published: every share leads somewhere."""

import dataclasses

from hypothesis import given

from sandbox.gateway.clusters import clusters
from sandbox.gateway.description import KeyAuth
from sandbox.gateway.routes import routes
from sandbox.model.deployment import ManagedDeployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.state import DeploymentState, EndpointState
from sandbox.reconcile.describe import description, served
from tests.support.states import instance, revision, worlds

KEYS = KeyAuth("primary-key-0123456789", "secondary-key-0123456789")


def of(states, instances):
    return description(states, instances, lambda state: KEYS)


def named_clusters(value):
    """Every cluster that a route or a mirror leads to."""
    if isinstance(value, dict):
        yield from [value["cluster"]] if isinstance(value.get("cluster"), str) else []
        for each in value.values():
            yield from named_clusters(each)
    elif isinstance(value, list):
        for each in value:
            yield from named_clusters(each)


@given(worlds())
def test_shares_sum_to_nothing_or_to_everything_and_lead_to_known_clusters(world):
    found = of(*world)
    for endpoint in found.endpoints:
        assert sum(each.live_percent for each in endpoint.deployments) in (0, 100)
        assert sum(each.mirror_percent > 0 for each in endpoint.deployments) <= 1
        assert not any(each.live_percent and each.mirror_percent for each in endpoint.deployments)
    assert set(named_clusters(routes(found))) <= {each["name"] for each in clusters(found)}


@given(worlds())
def test_traffic_goes_to_those_that_were_asked_for_or_to_nobody(world):
    states, instances = world
    by_name = {state.name: state for state in states}
    found = of(states, instances)
    assert {each.name for each in found.endpoints} == {each.name for each in states if each.state != "Deleting"}
    for endpoint in found.endpoints:
        asked = {name: share for name, share in by_name[endpoint.name].endpoint.traffic.items() if share}
        given_ = {each.name: each.live_percent for each in endpoint.deployments if each.live_percent}
        assert given_ in ({}, asked)
        assert (given_ == asked) == (asked.keys() <= served(by_name[endpoint.name]).keys())


@given(worlds())
def test_only_running_instances_of_the_serving_revision_are_asked(world):
    states, instances = world
    ports = {each.port: each for each in instances}
    for endpoint in of(states, instances).endpoints:
        for entry in endpoint.deployments:
            state = next(each for each in states if each.name == endpoint.name).deployments[entry.name]
            for upstream in entry.upstreams:
                found = ports[upstream.port]
                assert found.state != "exited"
                assert (found.endpoint, found.deployment, found.revision) == (
                    endpoint.name,
                    entry.name,
                    state.serving.id,
                )


def test_the_rules_are_those_of_what_serves_and_not_of_what_comes():
    old = ManagedDeployment(name="blue", endpoint_name="shop")
    new = dataclasses.replace(old, request_settings=dataclasses.replace(old.request_settings, request_timeout_ms=9000))
    blue = DeploymentState(new, "Updating", serving=revision("1"), served=old)
    state = EndpointState(Endpoint("shop", traffic={"Blue": 100}), 8100, deployments={"blue": blue})
    entry = of([state], [instance("shop", "blue", "1", 0, "running", 5001)]).endpoints[0].deployments[0]
    assert (entry.requests.request_timeout_ms, entry.live_percent, len(entry.upstreams)) == (5000, 100, 1)


def test_an_instance_that_is_one_too_many_is_asked_no_more_before_it_ends():
    blue = ManagedDeployment(name="blue", endpoint_name="shop", instance_count=1)
    deployment = DeploymentState(blue, "Updating", serving=revision("1"), served=blue)
    state = EndpointState(Endpoint("shop", traffic={"blue": 100}), 8100, deployments={"blue": deployment})
    there = [instance("shop", "blue", "1", index, "running", 5000 + index) for index in range(3)]
    entry = of([state], there).endpoints[0].deployments[0]
    assert [each.port for each in entry.upstreams] == [5000]
