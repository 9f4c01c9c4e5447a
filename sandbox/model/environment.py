"""What a deployment's Python or container is made of (spec section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.model.problem import Violation

DEFAULT_DOCKERFILE = "Dockerfile"


@dataclass(frozen=True, slots=True)
class Route:
    """Where in the container something is asked for."""

    port: int
    path: str


@dataclass(frozen=True, slots=True)
class InferenceConfig:
    """The routes of a container of the user's own; that they are given is what "bring your own container" means."""

    liveness_route: Route
    readiness_route: Route
    scoring_route: Route


@dataclass(frozen=True, slots=True)
class Build:
    """A Docker build: a folder (absolute) or an address, and the Dockerfile in it."""

    path: str | None = None
    dockerfile_path: str = DEFAULT_DOCKERFILE


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment. Without a name it is anonymous; ``sandbox.spec.fingerprint`` then names it by its content.

    ``conda`` is the content of the conda file, ``conda_file`` where it stands (absolute), None for one written inline.
    """

    name: str | None = None
    version: str | None = None
    description: str | None = None
    image: str | None = None
    build: Build | None = None
    conda: Mapping[str, Any] | None = None
    conda_file: str | None = None
    inference_config: InferenceConfig | None = None
    os_type: Literal["linux", "windows"] = "linux"
    tags: Mapping[str, Any] = field(default_factory=dict)
    datastore: str | None = None


def check(environment: Environment, path: tuple[str, ...] = ()) -> list[Violation]:
    """Find combinations that pass Azure's loader and make no sense; all of them are warnings."""
    found = []
    if environment.image and environment.build:
        what = "image and build exclude each other"
        found.append(Violation("W062", (*path, "image"), what, "the build is used, the image is not", "remove one"))
    if environment.conda is not None and not environment.image and not environment.build:
        what = "conda_file without image"
        why = "here a virtual environment does without one, Azure needs an image to install into"
        fix = "image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
        found.append(Violation("W063", (*path, "conda_file"), what, why, fix))
    if environment.conda is not None and environment.build:
        what = "conda_file beside build"
        why = "the Dockerfile decides what is installed"
        found.append(Violation("W062", (*path, "conda_file"), what, why, "install it in the Dockerfile"))
    return found
