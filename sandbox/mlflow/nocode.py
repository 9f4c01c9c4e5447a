"""Complete a deployment of an MLflow model: what it leaves out is made from the model, as Azure does.

Without code a scoring script is generated, without an environment the model's own packages are taken (spec section 3,
"MLflow no-code"). What is given stays.
"""

import json
import os
import shutil
from dataclasses import dataclass, replace

from sandbox import files
from sandbox.mlflow import described, mlmodel, packages
from sandbox.model.asset import Model, is_remote
from sandbox.model.deployment import CodeConfiguration, Deployment
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError

FOLDER, SCRIPT, SAMPLE = "mlflow_resources", "mlflow_score_script.py", "sample-request.json"  # the first two: Azure's
MODEL_FOLDER = "MLFLOW_MODEL_FOLDER"  # Azure's variable
_SCRIPTS = (("score.py", SCRIPT), ("mlflow_payload.py", "mlflow_payload.py"))


@dataclass(frozen=True, slots=True)
class Completed:
    """A deployment with nothing missing, and what was done for it."""

    deployment: Deployment
    code: str | None = None  # the generated folder, None where the deployment has code
    notes: tuple[str, ...] = ()


def concerns(deployment: Deployment) -> bool:
    """Tell whether a deployment is of an MLflow model and runs on our server: a container may have one of its own."""
    environment = deployment.environment
    own = isinstance(environment, Environment) and environment.inference_config is not None
    return isinstance(deployment.model, Model) and deployment.model.type == "mlflow_model" and not own


def without_code(deployment: Deployment) -> bool:
    """Tell whether the scoring script is to be generated."""
    code = deployment.code_configuration
    return concerns(deployment) and (code is None or code.code is None)


def check(deployment: Deployment) -> None:
    """See, before anything is begun, that the model can be served.

    Raises:
        SandboxError: E060, E125, E126.
    """
    packages.variant(deployment)
    if (model := _model(deployment)) is not None and (without_code(deployment) or deployment.environment is None):
        packages.of(model)


def complete(deployment: Deployment, folder: str, *, container: bool) -> Completed:
    """Return the deployment with the code and the environment that it leaves out.

    Args:
        deployment: with its references resolved.
        folder: where generated code may be written; replaced when it is there.
        container: it runs in one, so that an image of its environment counts.

    Raises:
        SandboxError: E060, E125, E126.
    """
    model = _model(deployment)
    if model is None:
        return Completed(deployment)
    made, notes = environment(deployment, container=container)
    deployment = replace(deployment, environment=made)
    if not without_code(deployment):
        return Completed(deployment, None, tuple(notes))
    code = _write(model, os.path.join(folder, FOLDER), deployment.endpoint_name)
    sample = os.path.join(code, SAMPLE)
    more = f"; a request to try: {sample}" if os.path.exists(sample) else ""
    notes = [*notes, f"scoring script: generated, with Azure's payloads{more}"]
    variables = {MODEL_FOLDER: os.path.basename(os.path.normpath(model.folder)), **deployment.environment_variables}
    deployment = replace(
        deployment, code_configuration=CodeConfiguration(code, SCRIPT), environment_variables=variables
    )
    return Completed(deployment, code, tuple(notes))


def environment(deployment: Deployment, *, container: bool) -> tuple[Environment | None, list[str]]:
    """Return the environment that a deployment is given, and what was done for it; arguments as for ``complete``.

    Raises:
        SandboxError: E060, E125.
    """
    given = deployment.environment if isinstance(deployment.environment, Environment) else None
    model = _model(deployment)
    if model is None or (given is not None and (container or not _is_image(given))):
        return given, []
    found = packages.of(model, packages.variant(deployment))
    made = replace(given or Environment(), conda=found.environment.conda, conda_file=found.environment.conda_file)
    return made, [f"environment: {os.path.basename(made.conda_file or '')} of the model", *found.notes]


def _model(deployment: Deployment) -> mlmodel.MlflowModel | None:
    """Return the description of the deployment's model, None where it is not MLflow's or not here."""
    model = deployment.model
    if not concerns(deployment) or not isinstance(model, Model):
        return None
    if model.path is None:
        fix = "path: the folder that MLflow wrote"
        raise SandboxError("E125", f"the model of deployment {deployment.name!r} has no path", "", fix)
    return None if is_remote(model.path) else mlmodel.read(model.path)


def _is_image(environment: Environment) -> bool:
    return environment.conda is None and environment.build is None


def _write(model: mlmodel.MlflowModel, folder: str, title: str) -> str:
    """Write the code that serves a model."""
    import templates

    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for source, name in _SCRIPTS:
        shutil.copyfile(templates.path(f"mlflow/{source}"), os.path.join(folder, name))
    written = dict(described.documents(model, title))
    if (sample := described.sample(model)) is not None:
        written[SAMPLE] = sample
    for name, content in written.items():
        files.write(os.path.join(folder, name), (json.dumps(content, indent=1) + "\n").encode(), mode=0o644)
    return folder
