"""Registering models and environments."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from sandbox.model.asset import Model
from sandbox.model.connection import Connection
from sandbox.model.environment import Environment
from sandbox.model.errors import NotFound, SandboxError
from sandbox.ops import edits as editing
from sandbox.ops import shapes
from sandbox.ops.context import Context
from sandbox.spec import load as spec
from sandbox.store import registry as records
from sandbox.store import registry_register as registering

if TYPE_CHECKING:
    from sandbox.store.registered import Registered

Kind = Literal["model", "environment"]
_OTHER_CONTENT = "E101"


def register(
    context: Context, kind: Kind, value: Model | Environment, *, registry: str | None = None, link: bool = False
) -> "Registered[Any]":
    """Register a model or an environment; raises as ``store.registry_register.register`` does."""
    home, report = context.home, context.report
    return registering.register(home, kind, value, registry=registry, link=link, report=report)


def update(
    context: Context,
    kind: Kind,
    name: str,
    version: str | None,
    label: str | None,
    *,
    edits: Sequence[editing.Edit],
    registry: str | None = None,
) -> "Registered[Any]":
    """Change what may change in a version.

    Raises:
        NotFound: E099.
        SandboxError: E101, an edit would change the content.
    """
    before = records.show(context.home, kind, name, version, label, registry=registry).value
    mapping = shapes.model_mapping(before) if kind == "model" else shapes.environment_mapping(before)
    assert isinstance(mapping, dict)
    value = spec.load_given(editing.apply(mapping, edits), f"{kind} {name}", kind)
    assert isinstance(value, (Model, Environment))
    return registering.register(context.home, kind, value, registry=registry, whole=True, report=context.report)


def ensure(context: Context, value: object) -> tuple[str, str, str]:
    """Register what a file of a project describes, if it is not there yet: kind, name, and what was done.

    Raises:
        SandboxError: E067, nothing that can be registered.
    """
    if isinstance(value, Connection):
        return _connection(context, value)
    if not isinstance(value, (Model, Environment)) or value.name is None:
        raise SandboxError("E067", "what has no name cannot be registered", "", "add name: to the file")
    kind: Kind = "model" if isinstance(value, Model) else "environment"
    known = [each.value.version for each in _versions(context, kind, value.name)]
    if value.version is None and known:  # said again: under a new number if it changed
        try:
            found = register(context, kind, replace(value, version=known[0]))
        except SandboxError as error:
            if error.code != _OTHER_CONTENT:
                raise
            found = register(context, kind, value)
    else:
        found = register(context, kind, value)
    change = "unchanged" if found.value.version in known else "created"
    return kind, f"{found.name}:{found.value.version}", change


def _connection(context: Context, value: Connection) -> tuple[str, str, str]:
    from sandbox.store import connections

    try:
        before = connections.show(context.home, value.name, populate_secrets=True).connection
    except NotFound:
        before = None
    if value != before:
        connections.create(context.home, value)
    change = "unchanged" if value == before else "updated" if before else "created"
    return "connection", value.name, change


def _versions(context: Context, kind: Kind, name: str) -> "list[Registered[Any]]":
    """All versions, the newest first."""
    try:
        return records.list_all(context.home, kind, name, archived="all")
    except NotFound:
        return []
