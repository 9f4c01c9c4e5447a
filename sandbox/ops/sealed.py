"""Deployments that run from a sealed image: all that is known of them stands on its label, nothing is mounted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.model import settings
from sandbox.model.container import Container
from sandbox.model.deployment import Deployment, ManagedDeployment
from sandbox.model.errors import SandboxError
from sandbox.model.state import DeploymentState

_INSIDE = frozenset({"model", "model_mount_path", "code_configuration", "environment", "environment_variables"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What instances are started from. ``name`` is what people call the image."""

    container: Container
    app_root: str
    name: str


def resolved(deployment: Deployment) -> Deployment:
    """Return the deployment with the id of its sealed image in the place of a name; others as they are.

    Raises:
        SandboxError: E110 to E112, no engine; E181.
    """
    said = settings.sealed(deployment)
    if not said or said.startswith("sha256:"):
        return deployment
    from sandbox.image import engine
    from sandbox.image.sealed import inspect

    image = inspect(engine.connect(), said)["Id"]
    return replace(deployment, properties={**deployment.properties, settings.SEALED: image})


def look(state: DeploymentState) -> Seen:
    """Return what the instances of a sealed deployment are started from.

    Raises:
        SandboxError: E110 to E112, no engine; E181; E182, it is to be in development.
    """
    from sandbox.image import engine
    from sandbox.image.sealed import inspect

    wanted = state.wanted
    if state.development:
        what = f"deployment {wanted.name!r} runs from a sealed image: there is no folder to reload"
        raise SandboxError("E182", what, "", "leave --reload and --debug out")
    client = engine.connect()
    found = inspect(client, settings.sealed(wanted))
    variables = dict(each.split("=", 1) for each in found["Config"].get("Env") or ())
    egress = not (isinstance(wanted, ManagedDeployment) and wanted.egress_public_network_access == "disabled")
    gpus = "nvidia" in (client.info().get("Runtimes") or {})
    app_root = variables.get("AML_APP_ROOT") or found["Config"].get("WorkingDir") or "/"
    container = Container(found["Id"], code=app_root, gpus=gpus, egress=egress)
    names = found.get("RepoTags") or [found["Id"]]
    return Seen(container, app_root, names[0])


def deployment(found: Mapping[str, Any], endpoint: str, name: str, references: Mapping[str, str]) -> Deployment:
    """Return the deployment that runs a sealed image.

    Args:
        found: what the engine shows of the image.
        endpoint: that it shall be of.
        name: that it shall have.
        references: variables whose values are secrets of this home, named as in a deployment's file.

    Raises:
        SandboxError: E181; SpecError, what the label says cannot be.
    """
    from sandbox.image.sealed import described
    from sandbox.spec.load import load_given

    said = {key: each for key, each in described(found).items() if key not in _INSIDE}
    said |= {"name": name, "endpoint_name": endpoint, "environment_variables": dict(references)}
    kept = {key: each for key, each in (said.get("properties") or {}).items() if key != settings.BACKEND}
    said["properties"] = {**kept, settings.SEALED: found["Id"]}
    made = load_given(said, f"sealed image {found['Id'][7:19]}", "deployment")
    assert isinstance(made, Deployment)
    return made
