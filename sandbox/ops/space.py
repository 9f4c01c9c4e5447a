"""What is kept to be used again, and what of it nobody uses any more."""

import os
from dataclasses import dataclass

from sandbox.environment import materials, shelf
from sandbox.environment.shelf import Built
from sandbox.ops.context import Context


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


def clean_copies(context: Context) -> int:
    """Remove copies of code and models that no deployment uses; return their bytes. Fresh ones stay a while."""
    return materials.clean(context.home, _folders(context))


def _used(context: Context) -> set[str]:
    return {
        each.serving.environment_key
        for state in context.store.all()
        for each in state.deployments.values()
        if each.serving is not None
    }


def _folders(context: Context) -> list[str]:
    """The folders of all revisions, those included that are being brought up."""
    found = []
    for state in context.store.all():
        for name in state.deployments:
            folder = os.path.join(context.home.instances, state.name, name)
            found += [os.path.join(folder, each) for each in os.listdir(folder)] if os.path.isdir(folder) else []
    return found
