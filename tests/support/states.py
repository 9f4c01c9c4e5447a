"""Any state of endpoints and instances, for property tests: also those that only a crash can leave."""

from hypothesis import strategies as st

from sandbox.backend.protocol import Instance
from sandbox.model.deployment import ManagedDeployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.state import DeploymentState, EndpointState, Operation, Revision

NAMES = ("blue", "green", "red")
REVISIONS = ("1", "2", "3")
OPERATIONS = ("one", "two")


def revision(number: str) -> Revision:
    return Revision(number, f"digest-{number}", f"code-{number}", "/usr/bin/python3")


@st.composite
def deployments(draw: st.DrawFn, endpoint: str, name: str) -> DeploymentState:
    wanted = ManagedDeployment(name=name, endpoint_name=endpoint, instance_count=draw(st.integers(0, 3)))
    served = ManagedDeployment(name=name, endpoint_name=endpoint, instance_count=draw(st.integers(0, 3)))
    serving = draw(st.none() | st.sampled_from(REVISIONS).map(revision))
    operation = draw(st.none() | st.sampled_from(OPERATIONS))
    return DeploymentState(
        wanted,
        draw(st.sampled_from(("Creating", "Updating", "Succeeded", "Failed", "Deleting"))),
        serving=serving,
        served=served if serving else None,
        coming=draw(st.none() | st.sampled_from(REVISIONS)),
        operation=Operation(operation, "update", "1:x", "") if operation else None,
    )


@st.composite
def shares(draw: st.DrawFn) -> dict[str, int]:
    """Percentages that sum to 0 or 100, of deployments that may not exist."""
    if draw(st.booleans()):
        return {}
    first = draw(st.integers(0, 100))
    names = draw(st.permutations((*NAMES, "nobody")))
    return {names[0]: first, names[1]: 100 - first}


@st.composite
def endpoints(draw: st.DrawFn, name: str, port: int) -> EndpointState:
    traffic = draw(shares())
    free = [each for each in NAMES if not traffic.get(each)]
    mirror = {draw(st.sampled_from(free)): draw(st.integers(1, 50))} if free and draw(st.booleans()) else {}
    there = draw(st.sets(st.sampled_from(NAMES)))
    return EndpointState(
        Endpoint(name, traffic=traffic, mirror_traffic=mirror),
        port,
        draw(st.sampled_from(("Succeeded", "Succeeded", "Succeeded", "Deleting"))),
        {each: draw(deployments(name, each)) for each in sorted(there)},
    )


def instance(endpoint: str, deployment: str, number: str, index: int, state: str, port: int) -> Instance:
    identity = f"{endpoint}/{deployment}/{number}/{index}"
    return Instance(endpoint, deployment, number, index, identity, 1, port, state, None, 0.0, "")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[EndpointState], list[Instance]]:
    """Endpoints, and instances that may or may not be theirs."""
    states = [draw(endpoints(name, 8100 + number)) for number, name in enumerate(("shop", "other"))]
    keys = st.tuples(
        st.sampled_from(("shop", "other", "gone")),
        st.sampled_from(NAMES),
        st.sampled_from(REVISIONS),
        st.integers(0, 3),
    )
    found = draw(st.dictionaries(keys, st.sampled_from(("starting", "running", "exited")), max_size=12))
    return states, [instance(*key, state, 20_000 + number) for number, (key, state) in enumerate(found.items())]
