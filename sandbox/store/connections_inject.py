"""References to secrets in environment variables, replaced when an instance starts (spec section 3).

``${{azureml://connections/C}}`` becomes the whole connection as JSON, ``.../target``, ``.../credentials/K`` and
``.../metadata/K`` one value of it. ``${{keyvault:https://V.vault.azure.net/secrets/S/VERSION}}`` becomes the secret S
of a connection whose target is that vault: there is no vault here. A value that only contains such a text stays as it
is, as in Azure.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.home import Home
from sandbox.model.connection import Connection
from sandbox.model.errors import NotFound, SandboxError
from sandbox.store import connections
from sandbox.store.connections_shown import as_rest, secret_names

_REFERENCE = re.compile(r"\s*\$\{\{\s*(?P<kind>azureml://connections/|keyvault:)(?P<rest>.*?)\s*\}\}\s*", re.DOTALL)
_PART = re.compile(r"(?P<name>[^/]+)(?:/(?P<part>target|credentials|metadata)(?:/(?P<key>[^/]+))?)?")
_VAULT = re.compile(r"https://(?P<host>[^/]+)/secrets/(?P<secret>[^/]+)(?:/(?P<version>[^/]*))?")
_FORMS = "${{azureml://connections/NAME}}, .../target, .../credentials/KEY and .../metadata/KEY"


def resolve(home: Home, variables: Mapping[str, str | None]) -> dict[str, str]:
    """Return the variables with the secrets in the place of references; those without a value are left out.

    Raises:
        SandboxError: E105, with variable, connection and key, and what to run; E106, the keyring does not answer.
    """
    known: dict[str, Connection] = {}

    def connection(name: str) -> Connection:
        if name not in known:
            known[name] = connections.show(home, name, populate_secrets=True).connection
        return known[name]

    found: dict[str, str] = {}
    for variable, value in variables.items():
        reference = _REFERENCE.fullmatch(value) if value is not None else None
        if reference:
            fill = _of_vault if reference["kind"] == "keyvault:" else _of_connection
            found[variable] = fill(home, variable, reference["rest"], connection)
        elif value is not None:
            found[variable] = value
    return found


def _of_connection(home: Home, variable: str, rest: str, find: Callable[[str], Connection]) -> str:
    del home
    parsed = _PART.fullmatch(rest)
    if not parsed or (parsed["part"] in {"credentials", "metadata"}) != bool(parsed["key"]):
        raise _failed(variable, f"{rest!r} names no part of a connection", f"references are {_FORMS}", "")
    name, part, key = parsed["name"], parsed["part"], parsed["key"]
    try:
        connection = find(name)
    except NotFound as error:
        raise _failed(variable, f"there is no connection {name!r}", error.why, error.fix) from None
    if part is None:
        return json.dumps(as_rest(connection), ensure_ascii=False)
    if part == "target":
        if not connection.target:
            raise _failed(variable, f"connection {name!r} has no target", "", "add target: ... and create it again")
        return connection.target
    values: Mapping[str, Any] = (
        {**connection.credentials.values, **secret_names(connection.credentials)}
        if part == "credentials"
        else connection.metadata
    )
    return _value(variable, f"{part}/{key} of connection {name!r}", values, key)


def _of_vault(home: Home, variable: str, rest: str, find: Callable[[str], Connection]) -> str:
    parsed = _VAULT.fullmatch(rest)
    if not parsed:
        why = "the form is ${{keyvault:https://VAULT.vault.azure.net/secrets/SECRET/VERSION}}"
        raise _failed(variable, f"{rest!r} names no secret of a key vault", why, "")
    host, secret = parsed["host"].lower(), parsed["secret"]
    for kept in connections.list_all(home):
        if _host(kept.connection.target) == host:
            name = kept.connection.name
            return _value(variable, f"{secret!r} of connection {name!r}", find(name).credentials.values, secret)
    fix = (
        f"keep it in a connection with type: custom, target: https://{host}, and credentials with type: custom_keys "
        f"and keys: {{{secret}: ...}}; then sandbox connection create --file FILE"
    )
    raise _failed(variable, f"no connection stands for the key vault {host}", "key vaults are not asked here", fix)


def _host(target: str | None) -> str:
    return (target or "").lower().partition("://")[2].partition("/")[0]


def _value(variable: str, what: str, values: Mapping[str, Any], key: str) -> str:
    if key in values:
        value = values[key]
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    raise _failed(
        variable, f"there is no {what}", _near(key, values), "correct the reference, or create the connection"
    )


def _near(key: str, known: Iterable[str]) -> str:
    names = sorted(map(str, known))
    near = difflib.get_close_matches(key, names, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}" if names else "there are none"


def _failed(variable: str, what: str, why: str, fix: str) -> SandboxError:
    return SandboxError("E105", f"environment variable {variable}: {what}", why, fix)
