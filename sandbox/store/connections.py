"""Connections to things outside, with their secret parts kept apart (spec section 3, 5)."""

import difflib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.home import Home
from sandbox.model.connection import NAME, Connection, Credentials, check
from sandbox.model.errors import NotFound, SandboxError, UsageError
from sandbox.store import codec, connections_secrets
from sandbox.store.registry_records import now
from sandbox.store.secret_files import SecretFiles

_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """A connection as it is kept. ``populated``: its credentials are in it, else only their type is."""

    connection: Connection
    created: str
    modified: str
    populated: bool = False


def create(home: Home, connection: Connection) -> Kept:
    """Keep a connection, in the place of the one of that name, if any; return it without its secrets.

    Raises:
        UsageError: E104, it cannot be a connection.
        SandboxError: E106, the keyring refuses its secrets; what was there before stays.
    """
    for violation in check(connection):
        raise UsageError("E104", violation.what, violation.why, violation.fix)
    name, files = connection.name, _files(home)
    values = dict(connection.credentials.values)
    with files.changing():
        old = _record(files.read(name))
        _forget(home, old)
        moment = now()
        identity, where = secrets.token_hex(_ID_BYTES), connections_secrets.choose()
        open_part = replace(connection, credentials=Credentials(connection.credentials.type))
        said = json.loads(json.dumps(codec.encode(open_part), default=str))  # YAML knows dates
        new: dict[str, Any] = {"connection": said, "secret": None, "left": []}
        new |= {"created": old["created"] if old else moment, "modified": moment}
        if values:
            files.write(name, {**(old or {**new, "connection": None}), "left": [[where, identity]]})
            connections_secrets.put(home, where, identity, values)
            new["secret"] = [where, identity]
        new["left"] = [old["secret"]] if old and old["secret"] else []
        files.write(name, new)
        if new["left"]:
            _forget(home, new)
            files.write(name, {**new, "left": []})
    return _kept(home, new, populate_secrets=False)


def show(home: Home, name: str, *, populate_secrets: bool = False) -> Kept:
    """Return a connection, its credentials only when asked for.

    Raises:
        NotFound: E103, with the nearest name.
        SandboxError: E106, its secrets cannot be had.
    """
    files = _files(home)
    record = _record(files.read(name)) if NAME.fullmatch(name) else None
    if not record or not record["connection"]:
        names = [each.connection.name for each in list_all(home)]
        lowered = {each.lower(): each for each in names}
        near = difflib.get_close_matches(name.lower(), list(lowered), n=1)
        known = f"there are {', '.join(names)}" if names else "there is none"
        why = f"did you mean {lowered[near[0]]}?" if near else known
        raise NotFound("E103", f"there is no connection {name!r}", why, "sandbox connection create --file FILE")
    return _kept(home, record, populate_secrets=populate_secrets)


def list_all(home: Home, kind: str | None = None, *, populate_secrets: bool = False) -> list[Kept]:
    """Return all connections, or those of one type, by name.

    Raises:
        SandboxError: E106, secrets cannot be had.
    """
    files = _files(home)
    records = (_record(files.read(name)) for name in files.names())
    found = (
        _kept(home, record, populate_secrets=populate_secrets) for record in records if record and record["connection"]
    )
    return [each for each in found if kind is None or each.connection.type == kind.lower()]


def delete(home: Home, name: str) -> None:
    """Forget a connection and its secrets.

    Raises:
        NotFound: E103.
        SandboxError: E106, the keyring refuses.
    """
    show(home, name)
    files = _files(home)
    with files.changing():
        record = _record(files.read(name))
        if record:
            gone = [*record["left"], *([record["secret"]] if record["secret"] else [])]
            record |= {"connection": None, "secret": None, "left": gone}
            files.write(name, record)  # from here on there is no such connection, whatever happens
            _forget(home, record)
        files.remove(name)


def _files(home: Home) -> SecretFiles:
    return SecretFiles(home, "connections")


def _record(content: Any) -> dict[str, Any] | None:
    """Return what a file holds when it is what we write, else None: it is then written anew."""
    keys = {"connection", "secret", "left", "created", "modified"}
    return content if isinstance(content, dict) and keys <= content.keys() else None


def _forget(home: Home, record: Mapping[str, Any] | None) -> None:
    """Remove sets of secrets that a change, or a command that was killed, left behind."""
    for where, identity in record["left"] if record else []:
        connections_secrets.drop(home, where, identity)


def _kept(home: Home, record: Mapping[str, Any], *, populate_secrets: bool) -> Kept:
    connection = codec.decode(Connection, record["connection"])
    if populate_secrets and record["secret"]:
        where, identity = record["secret"]
        try:
            values = connections_secrets.get(home, where, identity)
        except SandboxError:
            again = _record(_files(home).read(connection.name))
            if not again or not again["connection"] or again["secret"] == record["secret"]:
                raise
            return _kept(home, again, populate_secrets=True)  # it was changed between the two readings
        connection = replace(connection, credentials=replace(connection.credentials, values=values))
    return Kept(connection, record["created"], record["modified"], populated=populate_secrets)
