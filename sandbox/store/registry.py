"""Models and environments that are registered on this machine: named, versioned, never changed (spec section 2, 5).

Whoever refers to one (``azureml:NAME:VERSION``, a label, an ARM id, ``azureml://registries/...``) gets it from here;
nothing is fetched from Azure.
"""

import dataclasses
import difflib
import os
from collections.abc import Iterator
from typing import Any, Literal, overload

from sandbox.home import Home
from sandbox.model.asset import Model
from sandbox.model.environment import Environment
from sandbox.model.errors import NotFound, SandboxError
from sandbox.model.reference import AssetReference
from sandbox.store.registered import Registered
from sandbox.store.registry_records import Kind, Record, Records, Version, now
from sandbox.store.registry_register import register

__all__ = ["LATEST", "Archived", "archive", "download", "list_all", "register", "resolve", "restore", "show"]

Archived = Literal["active", "archived", "all"]
LATEST = "latest"


@overload
def resolve(home: Home, reference: AssetReference, kind: Literal["model"]) -> Model: ...
@overload
def resolve(home: Home, reference: AssetReference, kind: Literal["environment"]) -> Environment: ...
def resolve(home: Home, reference: AssetReference, kind: Kind) -> Model | Environment:
    """Return what a reference names, with its path in our store. Archived versions count, as in Azure.

    A reference to a registry is looked for under that registry's name, then in the workspace.

    Raises:
        NotFound: E099, with the nearest that there is and the command that would register it.
        SandboxError: E102, its files are gone.
    """
    scopes = [reference.registry, None] if reference.registry else [None]
    for registry in scopes:
        found = _find(Records(home, kind, registry), reference.name.lower(), reference.version, reference.label)
        if found:
            _must_exist(kind, found)
            value: Model | Environment = found.value
            return value
    raise _unknown(home, kind, reference)


def show(
    home: Home,
    kind: Kind,
    name: str,
    version: str | None = None,
    label: str | None = None,
    *,
    registry: str | None = None,
) -> Registered[Any]:
    """Return one version; without version and label the latest.

    Raises:
        NotFound: E099.
    """
    records: Records[Any] = Records(home, kind, registry)
    found = _find(records, name.lower(), version, label)
    if not found:
        text = f"{name}:{version}" if version else f"{name}@{label or LATEST}"
        raise _unknown(home, kind, AssetReference(text, name, version, label, registry))
    return Registered(kind, found, registry, hidden=records.read(name.lower()).archived)


def list_all(
    home: Home, kind: Kind, name: str | None = None, *, archived: Archived = "active", registry: str | None = None
) -> list[Registered[Any]]:
    """Return all versions of a name, or the newest of each name, newest first.

    Raises:
        NotFound: E099, nothing of that name was ever registered.
    """
    records: Records[Any] = Records(home, kind, registry)
    if name is not None:
        record = records.read(name.lower())
        if not record.versions:
            raise _unknown(home, kind, AssetReference(name, name, registry=registry))
        return [Registered(kind, each, registry, hidden=record.archived) for each in _shown(record, archived)]
    newest = []
    for record in records.all():
        for each in _shown(record, archived):
            latest = each.value.version
            newest.append(Registered(kind, each, registry, latest_version=latest, hidden=record.archived))
            break
    return sorted(newest, key=lambda each: each.created, reverse=True)


def archive(
    home: Home,
    kind: Kind,
    name: str,
    version: str | None = None,
    label: str | None = None,
    *,
    registry: str | None = None,
    archived: bool = True,
) -> None:
    """Hide a version, or a name with all its versions, from lists and from the label ``latest``; or show it again.

    Raises:
        NotFound: E099.
    """
    records: Records[Any] = Records(home, kind, registry)
    before = records.read(name.lower())
    if not (_find_in(before, version, label) if version or label else before.versions):
        text = f"{name}:{version}" if version else f"{name}@{label}" if label else name
        raise _unknown(home, kind, AssetReference(text, name, version, label, registry))
    with records.changing(name.lower()) as record:
        found = _find_in(record, version, label)
        if version or label:
            versions = tuple(
                dataclasses.replace(each, archived=archived, modified=now()) if each is found else each
                for each in record.versions
            )
            records.write(Record(record.name, record.archived, versions))
        else:
            records.write(Record(record.name, archived, record.versions))


def restore(
    home: Home,
    kind: Kind,
    name: str,
    version: str | None = None,
    label: str | None = None,
    *,
    registry: str | None = None,
) -> None:
    """Undo ``archive``.

    Raises:
        NotFound: E099.
    """
    archive(home, kind, name, version, label, registry=registry, archived=False)


def download(home: Home, kind: Kind, name: str, version: str, folder: str = ".", *, registry: str | None = None) -> str:
    """Copy the files of a version into ``folder/NAME``, as Azure does; return that path. What is there is overwritten.

    Raises:
        NotFound: E099.
        SandboxError: E102, its files are gone; E107, they cannot be written there, or it has none.
    """
    from sandbox.store import registry_files

    found = show(home, kind, name, version, registry=registry).version_kept
    _must_exist(kind, found)
    target = os.path.join(os.path.abspath(folder), name.lower())
    if not found.stored:
        why = "it is an image, or an address, and has no files here"
        raise SandboxError("E107", f"{kind} {name!r} cannot be downloaded", why)
    try:
        registry_files.lay_out(found.stored, target)
    except OSError as error:
        why = f"{error.filename or target}: {error.strerror or error}"
        raise SandboxError(
            "E107", f"{kind} {name!r} cannot be written to {target}", why, "name another folder"
        ) from None
    return target


# --- Looking ---------------------------------------------------------------------------------------------------------


def _find(records: Records[Any], name: str, version: str | None, label: str | None) -> Version[Any] | None:
    return _find_in(records.read(name), version, label)


def _find_in(record: Record[Any], version: str | None, label: str | None) -> Version[Any] | None:
    if version is not None:
        return record.version(version)
    return record.latest if label in {None, LATEST} else None


def _shown(record: Record[Any], archived: Archived) -> Iterator[Version[Any]]:
    for each in reversed(record.versions):
        if archived == "all" or (archived == "archived") == (record.archived or each.archived):
            yield each


def _must_exist(kind: Kind, found: Version[Any]) -> None:
    if found.stored and not os.path.exists(found.stored.path):
        value = found.value
        what = f"the files of {kind} {value.name!r}, version {value.version}, are gone"
        fix = f"sandbox {kind} create --name {value.name} --version {value.version} --path ... brings the same back"
        raise SandboxError("E102", what, f"{found.stored.path} does not exist", fix)


def _unknown(home: Home, kind: Kind, reference: AssetReference) -> NotFound:
    """Say what is missing, what there is instead, and how it is registered."""
    name, version, registry = reference.name.lower(), reference.version, reference.registry
    wanted = f"version {version}" if version else f"label {reference.label}" if reference.label else "any version"
    what = f"{kind} {name!r} is not registered on this machine: {wanted}"
    if registry:
        what += f", registry {registry}"
    why = "nothing is fetched from Azure"
    records: list[Records[Any]] = [Records(home, kind, scope) for scope in dict.fromkeys((registry, None))]
    known = [each for each in records if each.read(name).versions]
    if known:
        record = known[0].read(name)
        why = f"there are the versions {', '.join(str(each.value.version) for each in record.versions[-10:])}"
        if not version:
            why += f"; the only label is {LATEST}" if reference.label not in {None, LATEST} else ", all archived"
    else:
        names = sorted({other for each in records for other in each.names()})
        if near := difflib.get_close_matches(name, names, n=3):
            why = f"did you mean {', '.join(near)}?"
    more = "--path PATH" if kind == "model" else "--image IMAGE --conda-file FILE"
    fix = f"sandbox {kind} create --name {name} --version {version or 1} {more}"
    return NotFound("E099", what, why, f"{fix} --registry-name {registry}" if registry else fix)
