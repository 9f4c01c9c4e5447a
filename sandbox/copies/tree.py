"""What belongs to a piece of code or a model: its files, with links replaced by what they point to."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.copies.ignoring import Ignored


@dataclass(frozen=True, slots=True)
class File:
    """One file. ``relative`` begins with the name of the folder (or is the file's own), with / on every system."""

    relative: str
    source: str
    size: int  # bytes
    mtime_ns: int
    inode: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder or a single file: its own name, which survives in the container (spec section 3), and what is in it."""

    name: str
    files: tuple[File, ...]
    notes: tuple[str, ...]  # what was left out or is worth a line

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


def read(path: str, ignored: Ignored) -> Tree:
    """List what belongs to ``path``. Folders without files do not count, as in the cloud's storage.

    A link counts as what it points to, inside the folder or outside: the copy must not change when something elsewhere
    does. A link that leads round in a circle or nowhere is left out, and noted.

    Raises:
        OSError: it is missing, or something in it cannot be read; ``filename`` tells what.
    """
    path = os.path.abspath(path)
    name = os.path.basename(path) or "root"
    notes: list[str] = []
    found = os.stat(path)
    if not stat.S_ISDIR(found.st_mode):
        return Tree(name, (_file(name, path, found),), ())
    files = [
        _file(f"{name}/{relative}", source, status)
        for relative, source, status in _walk(path, "", (os.path.realpath(path),), ignored, notes)
    ]
    return Tree(name, tuple(sorted(files, key=lambda file: file.relative)), tuple(notes))


def _file(relative: str, source: str, found: os.stat_result) -> File:
    executable = bool(found.st_mode & stat.S_IXUSR)
    return File(relative, source, found.st_size, found.st_mtime_ns, found.st_ino, executable)


def _walk(
    folder: str, below: str, around: tuple[str, ...], ignored: Ignored, notes: list[str]
) -> Iterator[tuple[str, str, os.stat_result]]:
    """Give (relative, path, status) of each file. ``around`` holds the real paths of the folders that lead here."""
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        relative = f"{below}{entry.name}"
        try:
            found = entry.stat()  # of what a link points to
        except OSError as error:
            if not entry.is_symlink():
                raise
            notes.append(f"{relative}: left out, the link leads nowhere ({error.strerror})")
            continue
        if stat.S_ISDIR(found.st_mode):
            if ignored.folder(relative, entry.path):
                continue
            real = os.path.realpath(entry.path)
            if real in around:
                notes.append(f"{relative}: left out, the link leads round in a circle")
                continue
            if entry.is_symlink():
                notes.append(f"{relative}: a link, what it points to is taken")
            yield from _walk(entry.path, f"{relative}/", (*around, real), ignored, notes)
        elif ignored.file(relative):
            continue
        elif stat.S_ISREG(found.st_mode):
            yield relative, entry.path, found
        else:
            notes.append(f"{relative}: left out, neither a file nor a folder")
