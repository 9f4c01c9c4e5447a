"""Docker for tests: the engine or why there is none, containers of scripts, a look whether anything is left."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.backend.docker.backend import DockerBackend
from sandbox.backend.protocol import Instance, InstanceSpec
from sandbox.home import Home
from sandbox.image import address, engine, labels
from sandbox.image.build import Builder, Image
from sandbox.model.container import Container, Mount
from sandbox.model.errors import SandboxError
from sandbox.model.progress import quiet
from tests.support.backends import until

REQUIRED = "SANDBOX_DOCKER_TESTS"  # "required": no engine is a failure (CI); else a reason to skip
MADE_HERE = "endpoint-sandbox-test/python:3.11"  # by .ci/docker
KEPT = "environment"  # images of packages are the cache of the next run


def client_or_skip() -> Any:
    """Return a client of the engine; where there is none, tests are skipped and say why."""
    try:
        client = engine.connect()
    except SandboxError as error:
        if os.environ.get(REQUIRED) == "required":
            raise
        pytest.skip(f"{error.what}: {error.why}. `.ci/docker` installs and starts one")
    if "SANDBOX_BASE_IMAGE" not in os.environ:
        if client.images(MADE_HERE):
            os.environ["SANDBOX_BASE_IMAGE"] = MADE_HERE
        elif os.environ.get(REQUIRED) != "required" and not client.images("python:3.11-slim"):
            pytest.skip("no base image: `.ci/docker` makes one, `docker pull python:3.11-slim` fetches one")
    return client


HOMES: set[str] = set()  # owners of the homes of this run


def ours(client: Any) -> set[str]:
    """Ids of the images that the homes of this run have built, those apart that are kept for the next run."""
    found = client.images(filters={"label": labels.KIND})
    return {one["Id"] for one in found if one["Labels"].get(labels.HOME) in HOMES and not _is_kept(one["Labels"])}


def _is_kept(said: dict[str, str]) -> bool:
    """Packages on an image from elsewhere: those on one that was built here go with it."""
    return said[labels.KIND] == KEPT and not said.get(labels.BASE, "").startswith(f"{labels.REPOSITORY}/")


def owner(home: Path) -> str:
    """What stands on the labels of everything of a home; from now on it is one of this run."""
    HOMES.add(Home(str(home)).owner)
    return Home(str(home)).owner


def left(client: Any, home: Path) -> list[str]:
    """Names of what the engine has of a home."""
    wanted = {"label": f"endpoint-sandbox.home={owner(home)}"}
    return [
        *(one["Names"][0] for one in client.containers(all=True, filters=wanted)),
        *(one["Name"] for one in client.networks(filters=wanted)),
    ]


@dataclass
class Harbour:
    """A home, its backend of containers, and folders with scripts."""

    folder: Path
    client: Any
    image: Image
    backend: DockerBackend

    def script(self, text: str, name: str = "app") -> Path:
        app = self.folder / name
        app.mkdir(exist_ok=True)
        (app / "score.py").write_text(text)
        return app

    def spec(self, app: Path, index: int = 0, **fields: Any) -> InstanceSpec:
        code = f"/var/azureml-app/{app.name}"
        variables = {"AML_APP_ROOT": code, "AZUREML_ENTRY_SCRIPT": "score.py", **fields.pop("variables", {})}
        mounts = (Mount(str(app), code), *fields.pop("mounts", ()))
        container = fields.pop("container", None) or Container(self.image.id, mounts, code=code)
        return InstanceSpec("shop", "blue", "1", index, "", code, variables=variables, container=container, **fields)

    def start(self, app: Path, *, wait: bool = True, **fields: Any) -> Instance:
        instance = self.backend.start(self.spec(app, **fields))
        if wait:
            until(lambda: self.backend.ready(instance).ready)
        return instance

    def now(self, instance: Instance) -> Instance:
        return next(one for one in self.backend.instances() if one.id == instance.id)

    def inspect(self, instance: Instance) -> dict[str, Any]:
        return dict(self.client.inspect_container(instance.id))


@contextlib.contextmanager
def harbour(folder: Path, client: Any) -> Iterator[Harbour]:
    """Make one; ends what it has started, and looks whether that was all."""
    home = Home(str(folder / "home")).make()
    where = address.find()
    owner(folder / "home")
    image = Builder(client, home, quiet, made_for="tests/tests").environment(None)
    made = Harbour(folder, client, image, DockerBackend(home, lambda: (engine.connect_to(where), where.url)))
    try:
        yield made
    finally:
        for instance in made.backend.instances():
            made.backend.remove(instance.endpoint, instance.deployment, instance.revision)
        made.backend.end_strays()
        assert left(client, folder / "home") == []
