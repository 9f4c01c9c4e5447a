"""What instances are made of where they are containers: the image, and what it sees of this machine."""

import os
from dataclasses import dataclass, replace

from sandbox.environment.materials import Materials
from sandbox.image import gpu
from sandbox.image.build import Builder, Image
from sandbox.model.asset import Model
from sandbox.model.container import Container, Mount
from sandbox.model.deployment import Deployment, ManagedDeployment
from sandbox.model.environment import Environment, InferenceConfig
from sandbox.model.progress import Event
from sandbox.model.state import DeploymentState, Revision
from sandbox.ops.context import Context

APP = "/var/azureml-app"  # as Azure has it (spec section 3)
MODELS = f"{APP}/azureml-models"


@dataclass(frozen=True, slots=True)
class Made:
    """The container, the name of its image, and where inside things are: None for what the deployment has not."""

    container: Container
    image: str
    model_dir: str | None
    app_root: str | None


def make(context: Context, state: DeploymentState, found: Materials, code_digest: str, gpus: int) -> Made:
    """Build the image of a deployment, unless it is there, and say what its containers see.

    Args:
        context: where.
        state: the deployment's.
        found: where its code and model are laid out.
        code_digest: hash of the code.
        gpus: how many an instance asks for.

    Raises:
        SandboxError: E110 to E112, the engine; E071 to E079, packages; E114 to E116, the image.
    """
    from sandbox.image import engine

    wanted = state.wanted
    environment = wanted.environment if isinstance(wanted.environment, Environment) else None
    config = environment.inference_config if environment is not None else None
    client = engine.connect()
    whose = f"{wanted.endpoint_name.lower()}/{wanted.name.lower()}"
    builder = Builder(client, context.home, context.report, made_for=whose)
    code = _code(found)
    app_root = _app_root(found, code)
    mounts = [*_models(wanted, found)]
    image = builder.base(environment) if config is not None else builder.environment(environment)
    if code is not None and found.code_root is not None:
        if config is not None or state.follows:
            mounts.append(Mount(os.path.realpath(found.code_root), code))
        else:
            image = _with_code(builder, image, found, code_digest, app_root)
    info = client.info()
    client.close()
    seen = gpu.here(str(client.base_url).replace("http+docker://localhost", "unix://"), info)
    lack = gpu.lack(info, seen)
    egress = not (isinstance(wanted, ManagedDeployment) and wanted.egress_public_network_access == "disabled")
    container = replace(
        _container(image, tuple(mounts), config, code),
        gpus=lack is None,
        cdi=gpu.way(info, seen) == "cdi",
        egress=egress,
        door=builder.environment(None).id if config is not None and not egress else "",
    )
    if text := _without_gpus(gpus, lack):
        context.report(Event("image", "note", text, wanted.endpoint_name, wanted.name))
    return Made(container, image.name, _model_dir(wanted), app_root)


def _container(image: Image, mounts: tuple[Mount, ...], config: InferenceConfig | None, code: str | None) -> Container:
    if config is None:
        return Container(image.id, mounts, code=code or "")
    scoring, ready = config.scoring_route, config.readiness_route
    probe = ready.port if ready.port != scoring.port else None
    return Container(image.id, mounts, scoring.port, probe, ready.path, own=True, code=code or "")


def _with_code(builder: Builder, base: Image, found: Materials, digest: str, app_root: str | None) -> Image:
    assert found.code_root is not None
    variables = {"AML_APP_ROOT": app_root, "AZUREML_ENTRY_SCRIPT": found.entry_script}
    return builder.deployment(
        base, found.code_root, digest, {name: value for name, value in variables.items() if value is not None}
    )


def code_inside(folder: str) -> str:
    """Return where a folder of code lies in a container."""
    return f"{APP}/{os.path.basename(os.path.abspath(folder))}"


def _code(found: Materials) -> str | None:
    return code_inside(found.code_root) if found.code_root else None


def _app_root(found: Materials, code: str | None) -> str | None:
    """The folder of the script: the code's, or one below it."""
    if code is None or found.code_root is None or found.app_root is None:
        return code
    below = os.path.relpath(found.app_root, found.code_root)
    return code if below == "." else f"{code}/{below}"


def _model_dir(wanted: Deployment) -> str | None:
    """AZUREML_MODEL_DIR; name and version in it are exact, because containers of users' own rely on it."""
    model = wanted.model
    if not isinstance(model, Model):
        return None
    return f"{wanted.model_mount_path or MODELS}/{model.name or 'model'}/{model.version or '1'}"


def _models(wanted: Deployment, found: Materials) -> list[Mount]:
    """Each file or folder of the model by itself: one of them may be a link to where a large model lies."""
    target = _model_dir(wanted)
    if target is None or found.model_dir is None:
        return []
    names = sorted(os.listdir(found.model_dir))
    return [Mount(os.path.realpath(os.path.join(found.model_dir, name)), f"{target}/{name}") for name in names]


@dataclass(frozen=True, slots=True)
class Inside:
    """Code and model of a revision as an image holds them: (absolute path inside, path here), and the variables."""

    folders: tuple[tuple[str, str], ...]
    variables: dict[str, str]


def inside(made_of: Deployment, serving: Revision) -> Inside:
    """Return what of a revision goes into an image of its own, wherever its instances run now."""
    found = Materials(serving.model_dir, serving.code_root, serving.app_root, serving.entry_script)
    code = _code(found)
    folders = [(mount.target, mount.source) for mount in _models(made_of, found)]
    if code is not None and found.code_root is not None:
        folders.append((code, os.path.realpath(found.code_root)))
    ours = {"AZUREML_MODEL_DIR": _model_dir(made_of), "AZUREML_ENTRY_SCRIPT": found.entry_script}
    app_root = serving.app_root if serving.container is not None else _app_root(found, code)
    said = {name: value for name, value in {**ours, "AML_APP_ROOT": app_root}.items() if value is not None}
    written = {name: value or "" for name, value in made_of.environment_variables.items()}
    return Inside(tuple(folders), {**said, **written})


def _without_gpus(wanted: int, lack: gpu.Lack | None) -> str:
    """Return what to say where GPUs are asked for and cannot be had, "" where all is well."""
    if not wanted or lack is None:
        return ""
    many = f"{wanted} GPU{'s' if wanted > 1 else ''}"
    return f"{many} asked for, and the instance gets none: {lack.what}. Fix: {lack.fix}"
