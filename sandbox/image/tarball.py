"""Tar archives that are the same for the same content: sorted, of nobody, of no time."""

import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from typing import IO

EPOCH = 315532800  # 1980: zip archives inside cannot be older


def write(
    target: IO[bytes], files: Iterable[tuple[str, bytes]], folders: Iterable[tuple[str, str]] = (), *, owner: int = 0
) -> None:
    """Write an archive.

    Args:
        target: where.
        files: (path in the archive, content).
        folders: (path in the archive, path of a file or folder here).
        owner: number of the user and the group of everything.

    Raises:
        OSError: a file cannot be read.
    """
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        found: dict[str, bytes | str] = dict(files)
        for inside, path in folders:
            found.update((f"{inside}{below}", source) for below, source in _below(path))
        for folder in sorted({parent for path in found for parent in _parents(path)}):
            archive.addfile(_entry(f"{folder}/", tarfile.DIRTYPE, 0o755, owner))
        for path, content in sorted(found.items()):
            _add(archive, path, content, owner)


def _below(path: str) -> Iterator[tuple[str, str]]:
    if not os.path.isdir(path):
        yield "", path
        return
    for base, folders, names in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            yield f"/{os.path.relpath(os.path.join(base, name), path).replace(os.sep, '/')}", os.path.join(base, name)


def _parents(path: str) -> Iterator[str]:
    while path := os.path.dirname(path):
        yield path


def _add(archive: tarfile.TarFile, path: str, content: "bytes | str", owner: int) -> None:
    if isinstance(content, bytes):
        entry = _entry(path, tarfile.REGTYPE, 0o644, owner)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
        return
    with open(content, "rb") as file:
        status = os.fstat(file.fileno())
        entry = _entry(path, tarfile.REGTYPE, 0o755 if status.st_mode & 0o100 else 0o644, owner)
        entry.size = status.st_size
        archive.addfile(entry, file)


def _entry(path: str, kind: bytes, mode: int, owner: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.mtime = kind, mode, EPOCH
    entry.uid = entry.gid = owner
    return entry
