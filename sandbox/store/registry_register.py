"""Put a model or an environment into the registry: files first, then the record, so that a record is always whole."""

import contextlib
import dataclasses
import hashlib
import json
import os
from typing import Any

from sandbox.home import Home
from sandbox.model.asset import Model, is_remote
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError, UsageError
from sandbox.model.progress import Report, quiet
from sandbox.store.registered import Registered
from sandbox.store.registry_records import POSSIBLE, Asset, Kind, Record, Records, Stored, Version, digests, now, plain

_MUTABLE = ("description", "tags", "properties", "stage")  # what Azure lets change in a version
_PLACE = ("path", "build", "conda_file", "datastore")  # where content came from; what it is, its hash says


def register(
    home: Home,
    kind: Kind,
    value: Asset,
    *,
    registry: str | None = None,
    link: bool = False,
    whole: bool = False,
    report: Report = quiet,
) -> Registered[Asset]:
    """Register a model or an environment; return it as it is kept.

    Without a version it gets the next number. A version that exists is returned when the content is the same, with
    those of description, tags, properties and stage that are said now.

    Args:
        home: where it is kept.
        kind: "model" or "environment", which ``value`` is.
        value: with a name; a path of this machine is copied, an address is kept as it is.
        registry: the name of an Azure ML registry it stands for; None: the workspace.
        link: leave the files where they are.
        whole: what is not said of description, tags, properties and stage is taken away.
        report: is told of the progress of long copies.

    Raises:
        UsageError: E100, name or version is missing or not possible.
        SandboxError: E100 the files cannot be copied, E101 the version exists with another content.
    """
    name = _named(kind, value.name)
    if registry is not None and not POSSIBLE.fullmatch(registry):
        raise _impossible(f"{registry!r} cannot be the name of a registry")
    if value.version is not None and not POSSIBLE.fullmatch(value.version):
        raise _impossible(f"{value.version!r} cannot be the version of a {kind}")
    value = plain(kind, value)
    records: Records[Asset] = Records(home, kind, registry)
    stored = _kept(home, records, value, f"{kind} {name}", link=link, report=report)
    fingerprint = _fingerprint(value, stored)
    new: Version[Asset]
    record: Record[Asset]
    versions: tuple[Version[Asset], ...]
    with records.changing(name) as record:
        old = record.version(value.version) if value.version is not None else None
        if old and old.fingerprint != fingerprint:
            what = f"{kind} {name!r} has a version {value.version} with another content"
            why = f"registered {old.created}; a version never changes"
            raise SandboxError("E101", what, why, f"leave the version out, or say --version {record.next_version}")
        moment = now()
        if old:
            new = _updated(old, value, stored, moment, whole=whole)
            versions = tuple(new if each is old else each for each in record.versions)
        else:
            numbered = dataclasses.replace(value, name=name, version=value.version or record.next_version)
            new = Version(_placed(numbered, stored), fingerprint, moment, moment, stored=stored)
            versions = (*record.versions, new)
        if new != old:
            records.write(Record(name, record.archived, versions))
    if stored and not stored.linked:
        _sweep(home)
    return Registered(kind, new, registry, hidden=record.archived)


def _named(kind: Kind, name: str | None) -> str:
    if not name:
        raise _impossible(f"a {kind} is registered under a name")
    if not POSSIBLE.fullmatch(name):
        raise _impossible(f"{name!r} cannot be the name of a {kind}")
    return name.lower()


def _impossible(what: str) -> UsageError:
    return UsageError(
        "E100", what, "letters, digits, dots, dashes and underscores, 255 at most, a letter or digit first"
    )


def _kept(home: Home, records: Records[Asset], value: Asset, what: str, *, link: bool, report: Report) -> Stored | None:
    path = value.path if isinstance(value, Model) else value.build.path if value.build else None
    if path is None or is_remote(path):
        if isinstance(value, Model) and path is None:
            raise UsageError("E100", "a model has files", "its path is missing", "--path PATH, or path: in the file")
        return None
    for each in records.read(str(value.name).lower()).versions:
        if each.stored and each.stored.path == path:  # said again as ``show`` prints it
            if not each.stored.linked:
                return each.stored
            link = True
    from sandbox.store import registry_files

    return registry_files.keep(home, path, what, link=link, report=report)


def _fingerprint(value: Any, stored: Stored | None) -> str:
    """Return a hash of what never changes in a version: neither names nor where it came from, nor ``_MUTABLE``."""
    fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    left_out = {"name", "version", *_MUTABLE, *(_PLACE if stored else ("conda_file",))}
    said = {key: each for key, each in fields.items() if key not in left_out}
    said |= {"content": stored.digest if stored else None}
    said |= {"dockerfile": value.build.dockerfile_path if isinstance(value, Environment) and value.build else None}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=_simple).encode()).hexdigest()


def _simple(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else str(value)


def _placed(value: Asset, stored: Stored | None) -> Asset:
    """Return the value with the paths of the store in it."""
    if isinstance(value, Environment):
        build = value.build
        if build and stored:
            build = dataclasses.replace(build, path=stored.path)
        return dataclasses.replace(value, build=build, conda_file=None)
    return dataclasses.replace(value, path=stored.path) if stored else value


def _updated(old: Version[Asset], value: Asset, stored: Stored | None, moment: str, *, whole: bool) -> Version[Asset]:
    """Return a version that exists as it is said now. Files that are gone are taken back."""
    mutable = (key for key in _MUTABLE if hasattr(value, key))
    said = {key: getattr(value, key) for key in mutable if whole or getattr(value, key)}
    kept = old.stored
    if stored and (not kept or not os.path.exists(kept.path) or (kept.linked and not stored.linked)):
        kept = stored
    made = _placed(dataclasses.replace(old.value, **said), kept)
    new = dataclasses.replace(old, value=made, stored=kept)
    return new if new == old else dataclasses.replace(new, modified=moment)


def _sweep(home: Home) -> None:
    """Once a day, remove copies that no version names: what killed commands, or a change of mind, left behind."""
    from sandbox.store import registry_files

    with contextlib.suppress(SandboxError, OSError):  # a damaged record elsewhere is no reason to fail here
        if registry_files.sweep_is_due(home):
            registry_files.sweep(home, digests(home))
