"""What instances are made of: told apart by content, so that nothing is restarted that need not be."""

import hashlib
import json
import os
from dataclasses import replace
from typing import Any, TypedDict

from sandbox import files
from sandbox.environment import materials, order
from sandbox.environment.interpreter import Interpreter, prepare
from sandbox.home import Home
from sandbox.mlflow import nocode, packages
from sandbox.model import settings
from sandbox.model.asset import Model, is_remote
from sandbox.model.deployment import Deployment, KubernetesDeployment
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event
from sandbox.model.state import DeploymentState, Revision
from sandbox.ops import containers, sealed
from sandbox.ops.context import Context
from sandbox.store import codec, connections_inject

INITIALIZER_LOG = "storage-initializer.log"
GENERATED = "generated"  # below the folder of a revision: code that the deployment leaves out


def same(home: Home, state: DeploymentState) -> bool:
    """Tell whether what is wanted is made of the same things as what serves: then nothing has to be restarted."""
    assert state.serving is not None
    unchanged = _digest(state, _code_digest(home, state)) == state.serving.digest
    return unchanged and (not state.fresh or _packages_are(state, state.serving.environment_key))


def _packages_are(state: DeploymentState, key: str) -> bool:
    """Tell whether a conda file still orders what was built: it may name requirements files and wheels."""
    environment = state.wanted.environment
    if state.backend != "process" or not isinstance(environment, Environment) or environment.conda is None:
        return True
    return order.make(environment, environment.conda).key == key


def make(context: Context, state: DeploymentState, number: str) -> Revision:
    """Prepare the environment, lay out model and code, and say what instances are started from.

    Raises:
        SandboxError: E061 and those of ``sandbox.environment`` and ``sandbox.mlflow``.
    """
    wanted = state.wanted
    connections_inject.resolve(context.home, wanted.environment_variables)  # a bad reference is told before long work
    endpoint, name = wanted.endpoint_name.lower(), wanted.name.lower()
    if settings.sealed(wanted):
        return _of_sealed(context, state, number)
    used = _used_again(state)
    source = as_served(wanted, used, code=not state.follows) if used else wanted
    folder = os.path.join(context.home.instances, endpoint, name, number)
    completed = nocode.complete(source, os.path.join(folder, GENERATED), container=state.backend == "docker")
    source = completed.deployment
    for note in completed.notes:
        context.report(Event("environment", "note", note, endpoint, name))
    environment = source.environment if isinstance(source.environment, Environment) else None
    interpreter = Interpreter("")
    if state.backend == "process":
        with context.step("environment", "environment", endpoint, name) as told:
            interpreter = prepare(context.home, environment, context.report)
            for warning in interpreter.warnings:
                told.note(warning)
    code_digest = _code_digest(context.home, state)
    with context.step("storage", "code and model", endpoint, name):
        found = materials.lay_out(context.home, source, folder, link_code=state.follows, report=context.report)
        files.write(os.path.join(folder, INITIALIZER_LOG), "".join(f"{line}\n" for line in found.log).encode())
    made = None
    if state.backend == "docker":
        content = materials.digest_of_code(context.home, completed.code) if completed.code else code_digest
        made = containers.make(context, replace(state, wanted=source), found, content, limits(source)["gpus"])
    seen = replace(found, model_dir=made.model_dir, app_root=made.app_root) if made else found
    return Revision(
        id=number,
        digest=_digest(state, code_digest),
        code_digest=code_digest,
        python=interpreter.python,
        python_path=interpreter.python_path,
        environment_key=interpreter.key,
        model_dir=found.model_dir,
        code_root=found.code_root,
        app_root=seen.app_root or folder,
        entry_script=found.entry_script,
        variables=_variables(source, seen),
        arguments=("--reload",) if state.follows else (),
        debug_port=state.debug_port,
        backend=state.backend,
        image=made.image if made else "",
        container=made.container if made else None,
    )


def _of_sealed(context: Context, state: DeploymentState, number: str) -> Revision:
    """What instances of a sealed image are started from: everything is in it, but for secrets."""
    wanted = state.wanted
    folder = os.path.join(context.home.instances, wanted.endpoint_name.lower(), wanted.name.lower(), number)
    seen = sealed.look(state)
    files.write(os.path.join(folder, INITIALIZER_LOG), f"sealed image {seen.container.image}\n".encode())
    return Revision(
        id=number,
        digest=_digest(state, ""),
        code_digest="",
        python="",
        app_root=seen.app_root,
        variables={name: value or "" for name, value in wanted.environment_variables.items()},
        backend="docker",
        image=seen.name,
        container=seen.container,
    )


class Limits(TypedDict):
    """What an instance may use; None: everything."""

    cpus: float | None
    memory_bytes: int | None
    gpus: int


def limits(deployment: Deployment) -> Limits:
    """Return the limits that the machine's size or the cluster's resources set (spec section 2)."""
    from sandbox.backend import sizes

    cpus: float | None = None
    memory: int | None = None
    gpus = 0
    size = sizes.instance_type(deployment.instance_type) if deployment.instance_type else None
    if size is not None:
        cpus, memory, gpus = size.cpus, size.memory_bytes, size.gpus
    if isinstance(deployment, KubernetesDeployment):
        most = deployment.resources.limits
        cpus = sizes.cpus(most.cpu) if most.cpu else cpus
        memory = sizes.memory(most.memory) if most.memory else memory
        gpus = int(most.gpu) if most.gpu else gpus
    return {"cpus": cpus, "memory_bytes": memory, "gpus": gpus}


def _variables(deployment: Deployment, found: "materials.Materials") -> dict[str, str]:
    """The container contract (spec section 3): ours first, what the user wrote wins."""
    ours: dict[str, str | None] = {
        "AZUREML_MODEL_DIR": found.model_dir,
        "AML_APP_ROOT": found.app_root,
        "AZUREML_ENTRY_SCRIPT": found.entry_script,
    }
    theirs = {name: value or "" for name, value in deployment.environment_variables.items()}
    return {name: value for name, value in ours.items() if value is not None} | theirs


def _used_again(state: DeploymentState) -> Revision | None:
    """The revision whose files are used again: after debugging the one from before it; None: all is read anew."""
    if state.fresh:
        return None
    return state.serving if state.debugging else state.before or state.serving


def as_served(wanted: Deployment, serving: Revision, *, code: bool = True) -> Deployment:
    """The deployment with the paths of what was laid out before: the developer's own files may have changed since.

    ``code`` False: but for the code, which is the developer's own folder.
    """
    written, model = wanted.code_configuration, wanted.model
    if code and written is not None and serving.code_root:
        wanted = replace(wanted, code_configuration=replace(written, code=serving.code_root))
    if isinstance(model, Model) and model.path and serving.model_dir and not is_remote(model.path):
        laid_out = os.path.join(serving.model_dir, os.path.basename(os.path.normpath(model.path)))
        if os.path.exists(laid_out):
            wanted = replace(wanted, model=replace(model, path=laid_out))
    return wanted


def _code_digest(home: Home, state: DeploymentState) -> str:
    code = state.wanted.code_configuration
    if code is not None and code.code is not None and state.follows:
        return f"link:{code.code}"
    if (used := _used_again(state)) is not None:
        return used.code_digest
    if code is None or code.code is None:
        return ""
    try:
        return materials.digest_of_code(home, code.code)
    except OSError as error:
        what = f"the code cannot be read: {error.filename}: {error.strerror}"
        raise SandboxError("E061", what, "", "correct the path or the permissions") from None


def _digest(state: DeploymentState, code_digest: str) -> str:
    """Everything that instances depend on; not what only the gateway or people look at."""
    deployment = state.wanted
    said: dict[str, Any] = {
        "code": code_digest,
        "script": deployment.code_configuration and deployment.code_configuration.scoring_script,
        "model": codec.encode(deployment.model),
        "environment": codec.encode(deployment.environment),
        "variables": dict(deployment.environment_variables),
        "limits": limits(deployment),
        "insights": deployment.app_insights_enabled,
        "collector": codec.encode(deployment.data_collector),
        "development": state.follows,
        "debug": state.debug_port is not None,
        "backend": state.backend,
        "mount": deployment.model_mount_path,
        "egress": getattr(deployment, "egress_public_network_access", "enabled"),
    }
    if image := settings.sealed(deployment):
        said["sealed"] = image
    if nocode.concerns(deployment) and (which := packages.variant(deployment)) != "skinny":
        said["mlflow"] = which
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()
