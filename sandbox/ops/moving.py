"""Deployments of sealed images, and the traffic between them, as promotion and rollback need them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sandbox.model import settings, traffic
from sandbox.model.deployment import Deployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import SandboxError
from sandbox.model.sample import Sample
from sandbox.model.state import DeploymentState
from sandbox.ops import answers, asking, deployments, endpoints
from sandbox.ops.context import Context

MOST_ASKED = 8  # instances: each sample is sent so often at most


class Elsewhere(SandboxError):
    """Somebody else moved the traffic: what he said counts."""


def bring_up(context: Context, deployment: Deployment) -> DeploymentState:
    """Make a deployment of a sealed image run, and return when it is ready; one that runs stays as it is scaled.

    Raises:
        SandboxError: what keeps it from being ready; E053, another command works on it.
    """
    endpoint, name = deployment.endpoint_name, deployment.name
    found = context.endpoint(endpoint).deployments.get(name)
    if found is not None and found.state == "Deleting":  # who deleted it was killed
        deployments.delete(context, endpoint, name)
        found = None
    interrupted = found is not None and found.operation is not None and found.operation.verb == "create"
    if found is None or found.serving is None or interrupted:
        return deployments.create(context, deployment, backend="docker")
    same = found.wanted.environment_variables == deployment.environment_variables
    same = same and settings.sealed(found.wanted) == settings.sealed(deployment)
    return deployments.update(context, found.wanted if same else deployment, fresh=False)


def smoke(context: Context, endpoint: str, name: str, samples: Sequence[Sample], where: str) -> None:
    """Send every sample to a deployment through the gateway, as clients do, and compare the answers.

    Raises:
        SandboxError: E065, the gateway does not answer; E183.
    """
    _, state = context.deployment(endpoint, name)
    times = max(1, min(state.wanted.instance_count, MOST_ASKED))

    def send(sample: Sample) -> tuple[int, bytes]:
        reply = asking.invoke(context, endpoint, sample.body, deployment=name, content_type=sample.content_type)
        return reply.status, reply.body

    for _ in range(times):
        answers.check(samples, send, f"{name} on {where}")


def move(context: Context, endpoint: str, weights: Mapping[str, int], expected: Sequence[Mapping[str, int]]) -> None:
    """Set the traffic, if it is still as ``expected`` (one of these), or already as asked.

    Raises:
        SandboxError: E193, it is not; and those of the gateway.
    """

    def changed(before: Endpoint) -> Endpoint:
        live = traffic.live(before.traffic)
        if live not in (*map(dict, expected), dict(weights)):
            said = " ".join(f"{name}={share}" for name, share in live.items()) or "none"
            what = f"the traffic of {endpoint} was changed by somebody else, to {said}"
            raise Elsewhere("E193", what, "what was said last counts", "look at sandbox status, and decide anew")
        return replace(before, mirror_traffic=traffic.still_mirrored(before.mirror_traffic, weights))

    endpoints.update(context, endpoint, change=changed, live=dict(weights), noted=False)
