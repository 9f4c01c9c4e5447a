"""Where an endpoint is asked: a container of the user's own may answer elsewhere than at ``/score``."""

from sandbox.model import traffic
from sandbox.model.environment import Environment
from sandbox.model.state import DeploymentState, EndpointState

USUAL = "/score"


def path(state: EndpointState, deployment: str | None = None) -> str:
    """Return the path of scoring: of one deployment, or of the one that most of the traffic goes to.

    As in Azure, it follows ``scoring_route`` of the environment (spec section 3).
    """
    if deployment is None:
        live = traffic.live(state.endpoint.traffic)
        deployment = max(live, key=lambda name: live[name], default=next(iter(state.deployments), None))
    found = state.deployments.get(deployment.lower()) if deployment else None
    return USUAL if found is None else _of(found)


def _of(state: DeploymentState) -> str:
    environment = (state.served or state.wanted).environment
    config = environment.inference_config if isinstance(environment, Environment) else None
    return config.scoring_route.path if config is not None else USUAL
