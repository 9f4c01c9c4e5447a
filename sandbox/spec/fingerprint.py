"""Names of anonymous assets: the hash of what is in them, so that the same content is one asset (spec section 2)."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, replace

from sandbox.model.asset import Model, is_remote
from sandbox.model.deployment import Deployment
from sandbox.model.environment import Environment

ANONYMOUS_ENVIRONMENT = "CliV2AnonymousEnvironment"
_CHUNK = 1024 * 1024  # bytes
_NOT_CONTENT = {"__pycache__", ".git", ".DS_Store", ".ipynb_checkpoints"}


def of_path(path: str) -> str:
    """Return the SHA-256 (64 hex digits) of a file, or of a folder with all names and contents in it.

    Neither times nor permissions nor where the folder lies count. A link counts as what it points to, one to a folder
    as its text: there is no way round in a circle.
    """
    digest = hashlib.sha256()
    if os.path.isfile(path):
        digest.update(b"file\0" + os.path.basename(path).encode("utf-8", "surrogateescape") + b"\0")
        _content(path, digest)
        return digest.hexdigest()
    for relative, file in _files(path):
        digest.update(relative.encode("utf-8", "surrogateescape") + b"\0")
        if os.path.isdir(file):
            digest.update(b"link\0" + os.readlink(file).encode("utf-8", "surrogateescape") + b"\0")
        else:
            digest.update(str(os.path.getsize(file)).encode() + b"\0")
            _content(file, digest)
    return digest.hexdigest()


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Give (path below the folder with /, path) of every file and of every link to a folder, sorted."""
    found = []
    for base, folders, files in os.walk(folder):
        linked = [name for name in folders if os.path.islink(os.path.join(base, name))]
        folders[:] = [name for name in folders if name not in _NOT_CONTENT]
        for name in (*files, *linked):
            file = os.path.join(base, name)
            if name not in _NOT_CONTENT and os.path.exists(file):
                found.append((os.path.relpath(file, folder).replace(os.sep, "/"), file))
    yield from sorted(found)


def _content(file: str, digest: "hashlib._Hash") -> None:
    with open(file, "rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)


def name_model(model: Model) -> Model:
    """Return the model with a name and a version: those it has, else its content's hash and "1".

    Raises:
        OSError: a file of it cannot be read.
    """
    if model.name is not None:
        return model
    if model.path is None or is_remote(model.path):
        digest = hashlib.sha256((model.path or "").encode()).hexdigest()
    else:
        digest = of_path(model.path)
    return replace(model, name=digest, version="1")


def name_environment(environment: Environment) -> Environment:
    """Return the environment with a name and a version: those it has, else Azure's anonymous name and the hash.

    What counts is what decides how it is built: image, conda content, build folder, routes, operating system.
    """
    if environment.name is not None:
        return environment
    build = environment.build
    local = build is not None and build.path is not None and not is_remote(build.path)
    described = {
        "image": environment.image,
        "conda": environment.conda,
        "build": build.dockerfile_path if build else None,
        "context": of_path(build.path) if build and build.path and local else (build.path if build else None),
        "routes": asdict(environment.inference_config) if environment.inference_config else None,
        "os_type": environment.os_type,
    }
    text = json.dumps(described, sort_keys=True, default=str)
    return replace(environment, name=ANONYMOUS_ENVIRONMENT, version=hashlib.sha256(text.encode()).hexdigest())


def name_assets(deployment: Deployment) -> Deployment:
    """Return the deployment with its anonymous model and environment named by their content."""
    model, environment = deployment.model, deployment.environment
    return replace(
        deployment,
        model=name_model(model) if isinstance(model, Model) else model,
        environment=name_environment(environment) if isinstance(environment, Environment) else environment,
    )
