"""What is kept to be used again, and what of it nobody uses any more."""

import contextlib
import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.backend.docker import left as docker_left
from sandbox.backend.docker.left import Left
from sandbox.environment import materials, shelf
from sandbox.environment.shelf import Built
from sandbox.model.errors import SandboxError
from sandbox.ops.context import Context
from sandbox.store import owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import APIClient


@dataclass(frozen=True, slots=True)
class Space:
    """Built environments, with whether a deployment uses each, and the folder that all of it lies in."""

    home: str
    environments: tuple[tuple[Built, bool], ...]


def look(context: Context) -> Space:
    """List what is built, the most recently used first."""
    used = _used(context)
    return Space(context.home.root, tuple((each, each.key in used) for each in shelf.built(context.home)))


def prune(context: Context) -> tuple[list[Built], int]:
    """Remove environments and copies of code and models that no deployment uses; return them, and bytes of copies."""
    removed = shelf.prune(context.home, _used(context))
    freed = clean_copies(context)
    context.store.note("-", "prune", f"{len(removed)} environments removed")
    return removed, freed


def left_behind() -> list[Left]:
    """Return the containers of homes that are gone; none where there is no engine, or it is on another machine."""
    return _at_engine(docker_left.find)


def remove_left_behind() -> list[Left]:
    """Remove them, and their networks; return what was removed."""
    return _at_engine(docker_left.remove)


def _at_engine(do: "Callable[[APIClient, str], list[Left]]") -> list[Left]:
    from sandbox.image import address, engine

    try:
        where = address.find()
        with contextlib.closing(engine.connect_to(where)) as client:
            return do(client, where.url)
    except SandboxError:  # nobody answers: nothing can be said, and nothing has to be removed
        return []


def clean_copies(context: Context) -> int:
    """Remove copies of code and models that no deployment uses; return their bytes. Fresh ones stay a while."""
    return materials.clean(context.home, _folders(context))


def tidy(context: Context) -> None:
    """Remove such copies after a change; that they cannot be removed is no reason for the change to fail."""
    with contextlib.suppress(SandboxError, OSError):
        clean_copies(context)


def _used(context: Context) -> set[str]:
    """The environments of what serves, and those that somebody who is at work has taken into use since he began."""
    found = [each for state in context.store.all() for each in state.deployments.values()]
    begun = [_moment(each.operation.began) for each in found if each.operation and owner.works(each.operation.owner)]
    fresh = {each.key for each in shelf.built(context.home) if begun and each.last_used >= min(begun)}
    return fresh | {revision.environment_key for each in found for revision in each.kept}


def _moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _folders(context: Context) -> list[str]:
    """The folders of all revisions, those included that are being brought up."""
    found = []
    for state in context.store.all():
        for name in state.deployments:
            folder = os.path.join(context.home.instances, state.name, name)
            found += [os.path.join(folder, each) for each in os.listdir(folder)] if os.path.isdir(folder) else []
    return found
