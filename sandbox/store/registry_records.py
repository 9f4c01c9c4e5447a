"""What is registered, on disk: one file for each name, with all its versions, replaced at once."""

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from sandbox import files
from sandbox.home import Home
from sandbox.model.asset import Model
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError
from sandbox.store import codec

Kind = Literal["model", "environment"]
Asset = TypeVar("Asset", bound="Model | Environment")
CLASSES: dict[str, type[Model] | type[Environment]] = {"model": Model, "environment": Environment}
POSSIBLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}")  # of names and versions: both become names of folders
_SUFFIX = ".json"
_LONGEST = 180  # characters of a file's name; systems take 255, and a draft's is longer


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the files of a version are: copied to ``path``, or left where they were (``linked``)."""

    digest: str
    path: str
    files: int
    bytes: int
    linked: bool = False


@dataclass(frozen=True, slots=True)
class Version(Generic[Asset]):
    """One version. ``fingerprint`` tells the same content from another; times are ISO 8601, UTC."""

    value: Asset
    fingerprint: str
    created: str
    modified: str
    archived: bool = False
    stored: Stored | None = None


@dataclass(frozen=True, slots=True)
class Record(Generic[Asset]):
    """All versions of one name, oldest first. ``archived`` hides the name with all of them."""

    name: str
    archived: bool = False
    versions: tuple[Version[Asset], ...] = field(default=())

    def version(self, wanted: str) -> Version[Asset] | None:
        """Return one version, whether archived or not."""
        return next((each for each in self.versions if each.value.version == wanted), None)

    @property
    def latest(self) -> Version[Asset] | None:
        """Return the newest version that is not archived: what the label ``latest`` means."""
        if self.archived:
            return None
        return next((each for each in reversed(self.versions) if not each.archived), None)

    @property
    def next_version(self) -> str:
        """Return the number after the largest one, as Azure counts."""
        texts = (str(each.value.version) for each in self.versions)
        return str(max((int(text) for text in texts if text.isdecimal()), default=0) + 1)


class Records(Generic[Asset]):
    """The records of one kind, of the workspace or of a registry by its name.

    Names that could not be registered have no record; ``changing`` is for those that could only.
    """

    def __init__(self, home: Home, kind: Kind, registry: str | None = None) -> None:
        self._home = home
        self._kind = kind
        self._possible = registry is None or bool(POSSIBLE.fullmatch(registry))
        scope = f"registry-{registry.lower()}" if registry else "workspace"
        self._folder = os.path.join(home.registry, f"{kind}s", scope)

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(record.name for record in self.all())

    def all(self) -> list[Record[Asset]]:
        """Return all records.

        Raises:
            SandboxError: E004, a file is damaged.
        """
        if not self._possible:
            return []
        found = (self._read(os.path.join(self._folder, file)) for file in _entries(self._folder))
        return [record for record in found if record]

    def read(self, name: str) -> Record[Asset]:
        """Return the record of a name, an empty one where there is none.

        Raises:
            SandboxError: E004, the file is damaged.
        """
        if not (self._possible and POSSIBLE.fullmatch(name)):
            return Record(name)
        return self._read(self._path(name)) or Record(name)

    @contextlib.contextmanager
    def changing(self, name: str) -> Iterator[Record[Asset]]:
        """Give the record while nobody else may change it; what a killed command left of it is removed."""
        assert self._possible
        assert POSSIBLE.fullmatch(name)
        self._home.make()
        path = self._path(name)
        with files.alone(f"{path}.lock", f"{self._kind} {name}"):
            for entry in _all_entries(self._folder):
                if entry.startswith(f"{os.path.basename(path)}.") and entry.endswith(".draft"):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(os.path.join(self._folder, entry))
            yield self.read(name)

    def write(self, record: Record[Asset]) -> None:
        """Replace a record; only within ``changing``."""
        said = {"name": record.name, "archived": record.archived, "versions": [_said(each) for each in record.versions]}
        files.write_json(self._path(record.name), said)

    def _path(self, name: str) -> str:
        short = name if len(name) <= _LONGEST else f"{name[:100]}-{hashlib.sha256(name.encode()).hexdigest()[:40]}"
        return os.path.join(self._folder, f"{short}{_SUFFIX}")

    def _read(self, path: str) -> Record[Asset] | None:
        said = files.read_json(path)
        if said is None:
            return None
        try:
            versions = tuple(_understood(self._kind, each) for each in said["versions"])
            return Record(str(said["name"]), bool(said["archived"]), versions)
        except (KeyError, TypeError, ValueError) as error:
            what = f"{path} is damaged"
            raise SandboxError("E004", what, f"{error!r}", "restore it, or remove it and say it again") from None


def plain(kind: Kind, value: Asset) -> Asset:
    """Return the value as it is after it was written and read: the dates that YAML knows are text then."""
    said = json.loads(json.dumps(codec.encode(value), default=str))
    made: Any = codec.decode(CLASSES[kind], said)
    return made  # type: ignore[no-any-return]


def digests(home: Home) -> set[str]:
    """Return the digests of all contents that a version is made of, of every kind and registry.

    Raises:
        SandboxError: E004, a record is damaged.
    """
    found = set()
    kinds: tuple[Kind, ...] = ("model", "environment")
    for kind in kinds:
        for scope in _all_entries(os.path.join(home.registry, f"{kind}s")):
            registry = scope.removeprefix("registry-") if scope != "workspace" else None
            records: Records[Any] = Records(home, kind, registry)
            found |= {each.stored.digest for record in records.all() for each in record.versions if each.stored}
    return found


def now() -> str:
    """Return the time as Azure prints it."""
    moment = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(moment))}.{int(moment % 1 * 1e6):06d}+00:00"


def _said(version: Version[Any]) -> dict[str, Any]:
    return {
        "value": codec.encode(version.value),
        "fingerprint": version.fingerprint,
        "created": version.created,
        "modified": version.modified,
        "archived": version.archived,
        "stored": codec.encode(version.stored),
    }


def _understood(kind: Kind, said: dict[str, Any]) -> Version[Any]:
    value: Any = codec.decode(CLASSES[kind], said["value"])
    stored = codec.decode(Stored, said["stored"]) if said["stored"] else None
    return Version(value, said["fingerprint"], said["created"], said["modified"], bool(said["archived"]), stored)


def _entries(folder: str) -> list[str]:
    return sorted(name for name in _all_entries(folder) if name.endswith(_SUFFIX))


def _all_entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
