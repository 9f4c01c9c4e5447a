"""Answers of the groups that mean something in the cloud only."""

from typing import Any

from sandbox.cli.catalog import BY_NAME
from sandbox.cli.session import Session

_ZEROS = "00000000-0000-0000-0000-000000000000"
_NAMED = {"workspace": "workspace_name", "group": "resource_group"}


def answer(session: Session) -> Any:
    """Say what the group is, and return what a script can go on with."""
    given = session.arguments
    entry = BY_NAME[given.group]
    session.warn(f"sandbox {entry.name} does nothing: {entry.summary}")
    if given.group == "account":
        return _account() if given.verb == "show" else [_account()] if given.verb == "list" else None
    if given.group in {"configure", "extension", "login", "logout"}:
        return [] if given.verb == "list" else None
    if given.verb == "list":
        return []
    if given.verb not in {"create", "update", "show"}:
        return None
    name = given.name or getattr(given, _NAMED.get(given.group, ""), None) or "sandbox"
    return {"name": name, "location": "local", "provisioning_state": "Succeeded", **_more(given.group)}


def _account() -> dict[str, Any]:
    return {
        "id": _ZEROS,
        "name": "sandbox",
        "tenantId": _ZEROS,
        "isDefault": True,
        "state": "Enabled",
        "user": {"name": "sandbox", "type": "user"},
    }


def _more(group: str) -> dict[str, Any]:
    if group == "compute":
        return {"type": "amlcompute", "min_instances": 0, "max_instances": 1}
    if group == "workspace":
        return {"resource_group": "sandbox", "container_registry": "", "storage_account": ""}
    return {"properties": {"provisioningState": "Succeeded"}} if group == "group" else {}
