"""A connection: where something outside is, and what opens it (azure-ai-ml's ``WorkspaceConnection`` and its kinds)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.model.problem import Violation

# Credentials by type, with the fields of each; all are needed but those in _OPTIONAL.
CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "aad": (),
    "api_key": ("key",),
    "account_key": ("account_key",),
    "sas": ("sas_token",),
    "pat": ("pat",),
    "username_password": ("username", "password"),
    "access_key": ("access_key_id", "secret_access_key"),
    "service_principal": ("client_id", "client_secret", "tenant_id"),
    "managed_identity": ("client_id", "resource_id"),
    "custom_keys": ("keys",),  # of the service; Azure's loader has no word for it
}
_OPTIONAL = {"managed_identity"}

PLAIN_TYPES = (
    "git",
    "container_registry",
    "python_feed",
    "s3",
    "snowflake",
    "azure_sql_db",
    "azure_synapse_analytics",
    "azure_my_sql_db",
    "azure_postgres_db",
    "azure_data_lake_gen2",
    "custom",
)
KEY_TYPES = (
    "azure_open_ai",
    "azure_ai_services",
    "azure_ai_search",
    "azure_content_safety",
    "azure_speech_services",
    "api_key",
    "open_ai",
    "serp",
    "serverless",
)
TYPES = (*PLAIN_TYPES, *KEY_TYPES, "azure_blob", "azure_one_lake")
WITHOUT_TARGET = ("open_ai", "serp")
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}")  # the service's rule

_ALLOWED = {
    "azure_data_lake_gen2": ("service_principal", "managed_identity", "aad"),
    "azure_blob": ("account_key", "sas", "aad"),
    "azure_one_lake": ("service_principal", "aad"),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens it: one of CREDENTIALS, and its fields. A printed object does not show their values."""

    type: str = "none"
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection. ``metadata`` is open to read; what is secret stands in ``credentials``."""

    name: str
    type: str
    target: str | None = None
    description: str | None = None
    credentials: Credentials = field(default_factory=Credentials)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_shared: bool = True


def check(connection: Connection) -> list[Violation]:
    """Find what cannot be, each value by itself being fine."""
    found = []
    if not NAME.fullmatch(connection.name):
        what = f"{connection.name!r} cannot be the name of a connection"
        rule = "a name has 3 to 33 letters, digits, dashes and underscores, and begins with a letter or digit"
        found.append(Violation("E038", ("name",), what, rule))
    if not connection.target and connection.type in TYPES and connection.type not in WITHOUT_TARGET:
        what = f"a connection of type {connection.type} has no target"
        found.append(Violation("E031", ("target",), what, "it is the address of what it leads to", "add target: ..."))
    allowed = _ALLOWED.get(connection.type)
    if allowed and connection.credentials.type not in allowed:
        what = f"{connection.credentials.type} does not open {connection.type}"
        found.append(Violation("E041", ("credentials",), what, f"its credentials are one of {', '.join(allowed)}"))
    return found + _of_credentials(connection.credentials)


def _of_credentials(credentials: Credentials) -> list[Violation]:
    if credentials.type == "custom_keys" or credentials.type not in CREDENTIALS:
        return []
    fields = set(CREDENTIALS[credentials.type])
    given = set(credentials.values)
    missing = sorted(fields - given) if credentials.type not in _OPTIONAL else []
    found = [
        Violation("E031", ("credentials", key), f"{key} is missing in credentials of type {credentials.type}")
        for key in missing
    ]
    for key in sorted(given - fields):
        why = f"its keys are: {', '.join(('type', *sorted(fields)))}"
        what = f"{key!r} is no key in credentials of type {credentials.type}"
        found.append(Violation("E030", ("credentials", key), what, why))
    return found


def refers_to_secret(value: str | None) -> bool:
    """Tell whether a variable's value may stand for a secret: it goes into no image and no file that others read.

    Wider than what is replaced (``sandbox.store.connections_inject``): where a reference is misspelled, nothing leaks.
    """
    return value is not None and "${{" in value
