"""Copies of code and models, each stored once and named by the hash of what is in it.

``content/<digest>/`` holds the files and ``content/<digest>.json`` says which; a folder without its record is not
finished. The files are read-only: deployments with the same model share them. A file that was changed all the same
(the superuser may) is noticed by its time and size, and the content is copied again.
"""

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass

from sandbox import files
from sandbox.copies import copying, seen
from sandbox.copies.copying import Progress
from sandbox.copies.seen import Seen
from sandbox.copies.tree import File, Tree
from sandbox.home import Home

_DRAFT = ".draft-"
_DRAFT_DEAD_S = 24 * 3600.0  # no copy takes a day
_IN_USE_S = 600.0  # what was asked for so recently may be on its way into a deployment


class Changed(Exception):
    """A file was written while it was copied."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a content."""

    relative: str  # begins with the content's own name
    size: int  # bytes
    sha256: str
    executable: bool

    @property
    def mode(self) -> int:
        """Permissions of the stored copy."""
        return 0o555 if self.executable else 0o444


@dataclass(frozen=True, slots=True)
class Content:
    """What a tree holds. ``folder`` is its copy in the store, None where there is none."""

    digest: str
    parts: tuple[Part, ...]
    folder: str | None

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(part.size for part in self.parts)


def store(home: Home, path: str, tree: Tree, progress: Progress, *, clone_only: bool = False) -> Content | None:
    """Copy what is in ``tree`` into the store, unless it is there; what is registered is linked in, it never changes.

    Returns:
        The content; None: ``clone_only`` was asked for, and the file system cannot share blocks.

    Raises:
        Changed: a file changed meanwhile.
        OSError: a file cannot be read, or there is no space.
    """
    known = Seen(home, path)
    digests = [known.digest(file) for file in tree.files]
    if all(digests):
        parts = tuple(_part(file, digest or "") for file, digest in zip(tree.files, digests, strict=True))
        if found := _find(home, parts):
            return found
    draft = os.path.join(home.content, f"{_DRAFT}{secrets.token_hex(6)}")
    os.makedirs(draft, mode=0o700)
    try:
        copied = []
        for file in tree.files:
            mode = 0o555 if file.executable else 0o444
            target = os.path.join(draft, *file.relative.split("/"))
            digest: str | None
            if _is_registered(home, file, draft):
                copying.share(file.source, target, mode)
                digest = known.read(file, progress.add)
            else:
                digest = copying.copy(file.source, target, mode, progress.add, clone_only=clone_only)
            if digest is None:
                return None
            _compare(file, target)
            known.learn(file, digest)
            copied.append(_part(file, digest))
        known.save()
        return _publish(home, draft, tuple(copied))
    finally:
        copying.remove(draft)


def describe(home: Home, path: str, tree: Tree, progress: Progress) -> Content:
    """Return what ``tree`` holds without copying it.

    Raises:
        OSError: a file cannot be read.
    """
    known = Seen(home, path)
    parts = tuple(_part(file, known.read(file, progress.add)) for file in tree.files)
    known.save()
    return Content(_digest(parts), parts, None)


def place(content: Content, folder: str, *, writable: bool) -> None:
    """Lay the files of a stored content out below ``folder``.

    Args:
        content: what ``store`` returned.
        folder: where; folders in it are always its own, so that new files harm nobody.
        writable: give each file its own copy. Else the store's files are linked in, which takes no space.

    Raises:
        OSError: there is no space.
    """
    assert content.folder is not None
    for part in content.parts:
        names = part.relative.split("/")
        source, target = os.path.join(content.folder, *names), os.path.join(folder, *names)
        if writable:
            copying.copy(source, target, part.mode | 0o200, lambda _: None)
        else:
            copying.share(source, target, part.mode)


def clean(home: Home, keep: Collection[str]) -> int:
    """Remove contents whose digest is not in ``keep``, and what killed commands left; return the bytes removed.

    Deployments lose nothing: their folders hold files, or links to them that keep them alive.
    """
    freed, now = 0, time.time()
    with contextlib.suppress(FileNotFoundError), _locked(home):
        for name in sorted(os.listdir(home.content)):
            path = os.path.join(home.content, name)
            digest, _, suffix = name.partition(".")
            if name.startswith(_DRAFT):
                if now - os.path.getmtime(path) > _DRAFT_DEAD_S:
                    copying.remove(path)
            elif suffix == "json" and digest not in keep and now - os.path.getmtime(path) > _IN_USE_S:
                freed += files.read_json(path)["bytes"]
                copying.remove(path)  # first: without it the folder does not count
                copying.remove(os.path.join(home.content, digest))
    seen.forget_missing(home)
    return freed


def _is_registered(home: Home, file: File, draft: str) -> bool:
    """Tell whether a file is a read-only copy in the registry, from where it can be linked."""
    ours = file.source.startswith(os.path.join(home.registry, "content", ""))
    return ours and os.stat(file.source).st_dev == os.stat(draft).st_dev


def _part(file: File, digest: str) -> Part:
    return Part(file.relative, file.size, digest, file.executable)


def _digest(parts: tuple[Part, ...]) -> str:
    found = hashlib.sha256()
    for part in parts:
        name = part.relative.encode("utf-8", "surrogateescape")
        found.update(b"%s\0%d\0%s\n" % (name, part.executable, part.sha256.encode()))
    return found.hexdigest()


def _compare(file: File, target: str) -> None:
    after = os.stat(file.source)
    if (after.st_size, after.st_mtime_ns) != (file.size, file.mtime_ns) or os.path.getsize(target) != file.size:
        raise Changed(file.source)


def _record(home: Home, digest: str) -> str:
    return os.path.join(home.content, f"{digest}.json")


def _locked(home: Home) -> "contextlib.AbstractContextManager[None]":
    return files.alone(os.path.join(home.content, "lock"), "the store of code and models")


def _find(home: Home, parts: tuple[Part, ...]) -> Content | None:
    """Return the stored content, None where there is none or somebody changed it."""
    digest = _digest(parts)
    folder = os.path.join(home.content, digest)
    record = files.read_json(_record(home, digest))
    if record is None:
        return None
    try:
        for relative, size, mtime_ns in record["files"]:
            status = os.stat(os.path.join(folder, *relative.split("/")))
            if (status.st_size, status.st_mtime_ns) != (size, mtime_ns):
                return None
        os.utime(_record(home, digest))
    except FileNotFoundError:
        return None
    return Content(digest, parts, folder)


def _publish(home: Home, draft: str, parts: tuple[Part, ...]) -> Content:
    digest = _digest(parts)
    folder = os.path.join(home.content, digest)
    with _locked(home):
        if found := _find(home, parts):
            return found
        copying.remove(_record(home, digest))
        copying.remove(folder)
        os.rename(draft, folder)
        stamps = []
        for part in parts:
            status = os.stat(os.path.join(folder, *part.relative.split("/")))
            stamps.append([part.relative, part.size, status.st_mtime_ns])
        total = sum(part.size for part in parts)
        files.write_json(_record(home, digest), {"bytes": total, "files": stamps})
    return Content(digest, parts, folder)
