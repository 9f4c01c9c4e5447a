"""What has to be started and ended so that the instances are those that are asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.backend.protocol import Instance
from sandbox.model.state import DeploymentState, EndpointState


@dataclass(frozen=True, slots=True)
class Missing:
    """An instance of the serving revision that does not run."""

    endpoint: str
    deployment: str
    revision: str
    index: int


@dataclass(frozen=True, slots=True)
class Plan:
    """``start`` first, then the gateway hears of it, then ``stop``: requests always have somewhere to go."""

    start: tuple[Missing, ...] = ()
    stop: tuple[Instance, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.start or self.stop)


def plan(states: Sequence[EndpointState], instances: Iterable[Instance], *, busy: frozenset[str] = frozenset()) -> Plan:
    """Compare what is asked for with what runs.

    Of a deployment that a living operation (``busy``) works on nothing is stopped: it brings up a new revision, or more
    instances of the serving one, and ends itself what it does not need.

    Args:
        states: every endpoint.
        instances: what was observed, of every endpoint.
        busy: ids of operations whose process is alive.
    """
    wanted = {missing: None for state in states for missing in _wanted(state)}
    theirs = {
        (state.name, name)
        for state in states
        for name, each in state.deployments.items()
        if each.operation is not None and each.operation.id in busy
    }
    stop = []
    for instance in instances:
        key = Missing(instance.endpoint, instance.deployment, instance.revision, instance.index)
        if instance.state != "exited" and key in wanted:
            del wanted[key]
        elif (instance.endpoint, instance.deployment) not in theirs:
            stop.append(instance)
    return Plan(tuple(wanted), tuple(stop))


def _wanted(state: EndpointState) -> Iterable[Missing]:
    if state.state == "Deleting":
        return
    for name, deployment in state.deployments.items():
        yield from of_deployment(state.name, name, deployment)


def of_deployment(endpoint: str, name: str, state: DeploymentState) -> Iterable[Missing]:
    """Give the instances that a deployment shall have."""
    if state.serving is None or state.state == "Deleting":
        return
    count = (state.served or state.wanted).instance_count
    for index in range(count):
        yield Missing(endpoint, name, state.serving.id, index)
