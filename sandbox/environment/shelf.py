"""The environments that were built: a folder each, and a record that is written last.

An environment cannot be moved, so it is built where it stays, in a folder with a name of its own; the record of its key
names that folder. A build that was killed leaves a folder without a record, which nobody takes for an environment.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields

from sandbox import files
from sandbox.copies import copying
from sandbox.home import Home
from sandbox.model.errors import SandboxError

_DEAD_S = 24 * 3600.0  # no build takes a day
_SERVER_IDLE_S = 3600.0  # a build that took one into use has its record by then
_SERVER, _LOCKS = "server-", "locks"


@dataclass(frozen=True, slots=True)
class Record:
    """What is written down of a finished environment."""

    folder: str
    python: str  # its interpreter
    python_version: str
    tag: str
    site_packages: str
    size: int  # bytes
    created: float  # seconds since 1970
    packages: tuple[str, ...]  # as asked for, credentials masked
    servers: tuple[str, ...] = ()  # folders of servers that instances may have been started from


@dataclass(frozen=True, slots=True)
class Built:
    """A built environment, as it is listed. Times are seconds since 1970, ``size`` is in bytes."""

    key: str
    python_version: str
    size: int
    created: float
    last_used: float
    packages: tuple[str, ...]


def find(home: Home, key: str) -> Record | None:
    """Return the environment of a key; None where it is not built, or the Python it stands on is gone."""
    raw = files.read_json(_path(home, key))
    if raw is None or set(raw) != {one.name for one in fields(Record)}:  # none, or written by another version of us
        return None
    record = Record(**{**raw, "packages": tuple(raw["packages"]), "servers": tuple(raw["servers"])})
    return record if os.path.exists(record.python) else None


def save(home: Home, key: str, record: Record) -> None:
    """Write the record: from here on the environment counts. Its time tells when it was last used."""
    files.write_json(_path(home, key), asdict(record))


def draft(home: Home, key: str) -> str:
    """Make a folder to build in; what an earlier build of the same key left is removed. The key must be locked."""
    record = files.read_json(_path(home, key))
    keep = record["folder"] if record and os.path.exists(record["python"]) else None
    os.makedirs(home.environments, mode=0o700, exist_ok=True)
    for name in os.listdir(home.environments):
        path = os.path.join(home.environments, name)
        if name.startswith(f"{key}-") and path != keep:
            copying.remove(path)
    folder = os.path.join(home.environments, f"{key}-{secrets.token_hex(3)}")
    os.mkdir(folder, 0o700)
    return folder


def lock(home: Home, key: str) -> "contextlib.AbstractContextManager[None]":
    """Return the lock of a key; it raises E005 where another command builds for a while."""
    return files.alone(os.path.join(home.environments, _LOCKS, key), "the environment")


def log_path(home: Home, key: str) -> str:
    """Return the file with the output of the last build of a key."""
    return os.path.join(home.environments, f"{key}.log")


def size(folder: str) -> int:
    """Return the bytes below a folder; links count as nothing."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(base, name)).st_size
    return total


def built(home: Home) -> list[Built]:
    """List what is built, the most recently used first."""
    found = []
    for key in _keys(home):
        record = find(home, key)
        if record is not None:
            with contextlib.suppress(FileNotFoundError):  # removed at this moment
                used = os.path.getmtime(_path(home, key))
                found.append(Built(key, record.python_version, record.size, record.created, used, record.packages))
    return sorted(found, key=lambda one: -one.last_used)


def prune(home: Home, keep: Collection[str]) -> list[Built]:
    """Remove the environments whose key is not in ``keep``, dead builds and servers that nobody sees.

    One that is being built or taken into use at this moment stays.
    """
    removed = []
    for one in built(home):
        if one.key not in keep:
            with contextlib.suppress(SandboxError), lock(home, one.key):
                removed += _removed(home, one)
    _remove_dead(home)
    return removed


def _removed(home: Home, one: Built) -> list[Built]:
    record = find(home, one.key)
    if record is None:
        return []
    copying.remove(_path(home, one.key))  # first: without it the folder does not count
    copying.remove(record.folder)
    copying.remove(log_path(home, one.key))
    return [one]


def _remove_dead(home: Home) -> None:
    records = {key: find(home, key) for key in _keys(home)}
    alive = [record for record in records.values() if record is not None]
    used = {record.folder for record in alive} | {server for record in alive for server in record.servers}
    used |= {_path(home, key) for key, record in records.items() if record is not None}
    used |= {log_path(home, key) for key, record in records.items() if record is not None}
    used.add(os.path.join(home.environments, _LOCKS))
    now = time.time()
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(home.environments):
            path = os.path.join(home.environments, name)
            idle = _SERVER_IDLE_S if name.startswith(_SERVER) else _DEAD_S
            if path not in used and now - os.path.getmtime(path) > idle:
                copying.remove(path)


def _keys(home: Home) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return [name.removesuffix(".json") for name in os.listdir(home.environments) if name.endswith(".json")]
    return []


def _path(home: Home, key: str) -> str:
    return os.path.join(home.environments, f"{key}.json")
