"""What ``sandbox connection VERB`` does."""

from typing import Any

from sandbox.cli.changes import edits, overrides
from sandbox.cli.described import described
from sandbox.cli.session import Session


def create(session: Session) -> dict[str, Any]:
    """Create a connection; its secrets are shown only when that is asked for."""
    given = session.arguments
    made = session.sandbox.connections.create(described(session, "connection", given.file, overrides(given)))
    return made.as_azure(secrets=given.populate_secrets)


def update(session: Session) -> dict[str, Any]:
    """Change a connection."""
    given = session.arguments
    changed = session.sandbox.connections.update(given.name, given.file, edits=edits(given))
    return changed.as_azure(secrets=given.populate_secrets)


def show(session: Session) -> dict[str, Any]:
    """Return a connection."""
    given = session.arguments
    return session.sandbox.connections.show(given.name).as_azure(secrets=given.populate_secrets)


def list_all(session: Session) -> list[dict[str, Any]]:
    """Return all connections, or those of one type."""
    given = session.arguments
    found = [each.as_azure(secrets=given.populate_secrets) for each in session.sandbox.connections.list()]
    wanted = [each for each in found if given.type is None or str(each.get("type", "")).lower() == given.type.lower()]
    return wanted[: given.max_results]


def delete(session: Session) -> None:
    """Delete a connection with its secrets."""
    given = session.arguments
    session.confirm(f"Delete the connection {given.name}?", yes=given.yes)
    session.sandbox.connections.delete(given.name)
