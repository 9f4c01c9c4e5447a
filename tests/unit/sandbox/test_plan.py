"""From any state and any instances the plan leads to what is asked for, and touches nothing that is at work."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.reconcile.plan import plan
from tests.support.states import OPERATIONS, instance, worlds

BUSY = st.frozensets(st.sampled_from(OPERATIONS))


def key(each):
    return each.endpoint, each.deployment, each.revision, each.index


def wanted(states):
    return {
        (state.name, name, each.serving.id, index)
        for state in states
        if state.state != "Deleting"
        for name, each in state.deployments.items()
        if each.serving and each.state != "Deleting"
        for index in range(each.served.instance_count)
    }


@given(worlds(), BUSY)
def test_carried_out_it_leaves_what_is_asked_for_and_nothing_to_do(world, busy):
    states, instances = world
    found = plan(states, instances, busy=busy)
    stopped = {key(each) for each in found.stop}
    after = [each for each in instances if key(each) not in stopped]
    started = [instance(*key(each), "running", 30_000 + number) for number, each in enumerate(found.start)]
    after = [each for each in after if key(each) not in {key(one) for one in started}] + started
    assert not plan(states, after, busy=busy)
    assert {key(each) for each in after if each.state != "exited"} >= wanted(states)


@given(worlds(), BUSY)
def test_it_starts_what_is_missing_once_and_stops_nothing_that_serves(world, busy):
    states, instances = world
    found = plan(states, instances, busy=busy)
    alive = {key(each) for each in instances if each.state != "exited"}
    assert sorted(map(key, found.start)) == sorted(wanted(states) - alive)
    assert not {key(each) for each in found.stop if each.state != "exited"} & wanted(states)


@given(worlds())
def test_what_a_living_operation_brings_up_is_its_own(world):
    states, instances = world
    coming = {
        (state.name, name, each.coming)
        for state in states
        for name, each in state.deployments.items()
        if each.operation and each.operation.id == "one"
    }
    for each in plan(states, instances, busy=frozenset({"one"})).stop:
        assert (each.endpoint, each.deployment, each.revision) not in coming


@given(worlds())
def test_without_endpoints_everything_is_stopped(world):
    _, instances = world
    assert plan([], instances).stop == tuple(instances)


@given(worlds(), BUSY)
def test_nothing_is_stopped_of_a_deployment_that_a_living_command_works_on(world, busy):
    """Scaling brings up more instances of the serving revision, which no word in the state tells from leftovers."""
    states, instances = world
    theirs = {
        (state.name, name)
        for state in states
        for name, each in state.deployments.items()
        if each.operation and each.operation.id in busy
    }
    assert theirs.isdisjoint((each.endpoint, each.deployment) for each in plan(states, instances, busy=busy).stop)
