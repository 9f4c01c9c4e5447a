"""Connections: addresses and credentials that deployments are given, kept apart from their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.api.given import Given, read
from sandbox.api.part import Part
from sandbox.model.connection import Connection
from sandbox.ops.edits import Edit

if TYPE_CHECKING:
    from sandbox.home import Home
    from sandbox.spec.override import Override


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """One connection; its secrets are looked up when they are asked for, never before."""

    name: str
    home: "Home"

    def as_azure(self, *, secrets: bool = False) -> dict[str, Any]:
        """Return the object that ``az ml connection show`` prints, with its secrets only when that is asked for."""
        from sandbox.store import connections, connections_shown

        return connections_shown.as_azure(connections.show(self.home, self.name, populate_secrets=secrets))


class Connections(Part):
    """What ``${{azureml://connections/NAME/...}}`` in environment variables refers to."""

    def create(self, file: Given = None, changes: "Sequence[Override]" = ()) -> ConnectionInfo:
        """Keep a connection, in the place of the one of that name, if any."""
        from sandbox.store import connections

        home = self._context().home
        value = read(Connection, "connection", file, changes)
        return ConnectionInfo(connections.create(home, value).connection.name, home)

    def update(self, name: str, file: str | None = None, *, edits: Sequence[Edit] = ()) -> ConnectionInfo:
        """Change a connection: by a file, by edits of what it is, or both."""
        from sandbox.ops import edits as editing
        from sandbox.ops import shapes
        from sandbox.spec.load import load_given
        from sandbox.store import connections

        home = self._context().home
        before = connections.show(home, name, populate_secrets=True).connection
        value = read(Connection, "connection", file) if file is not None else before
        changed = load_given(editing.apply(shapes.connection_mapping(value), edits), f"connection {name}", "connection")
        assert isinstance(changed, Connection)
        return ConnectionInfo(connections.create(home, changed).connection.name, home)

    def show(self, name: str) -> ConnectionInfo:
        """Return one connection."""
        from sandbox.store import connections

        home = self._context().home
        return ConnectionInfo(connections.show(home, name).connection.name, home)

    def list(self, kind: str | None = None) -> list[ConnectionInfo]:
        """Return all connections, or those of one type, by name."""
        from sandbox.store import connections

        home = self._context().home
        return [ConnectionInfo(each.connection.name, home) for each in connections.list_all(home, kind)]

    def delete(self, name: str) -> None:
        """Forget a connection with its secrets."""
        from sandbox.store import connections

        connections.delete(self._context().home, name)
