"""One file, copied, cloned or linked; a tree of ours, removed."""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable

from sandbox.model.progress import Event, Report

FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file until one of the two is written
_CHUNK = 1024 * 1024  # bytes
_TELL_EVERY_S = 2.0


class Progress:
    """Tells every two seconds how far a long copy is. Short ones are over before it says anything."""

    def __init__(self, report: Report, text: str, total: int, *, endpoint: str = "", deployment: str = "") -> None:
        self._report, self._text, self._total = report, text, total
        self._endpoint, self._deployment = endpoint, deployment
        self._done = 0
        self._told = time.monotonic()

    def add(self, count: int) -> None:
        """Count ``count`` bytes more."""
        self._done += count
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY_S:
            self._told = now
            text = f"{self._text}: {in_words(self._done)} of {in_words(self._total)}"
            self._report(Event("storage", "note", text, self._endpoint, self._deployment))


def in_words(count: int) -> str:
    """Return a number of bytes as people read it."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def digest(path: str, add: Callable[[int], None]) -> str:
    """Return the SHA-256 of a file's content as 64 hex digits.

    Raises:
        OSError: it cannot be read.
    """
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
            add(len(chunk))
    return found.hexdigest()


def copy(source: str, target: str, mode: int, add: Callable[[int], None], *, clone_only: bool = False) -> str | None:
    """Make ``target`` a file of its own with the content of ``source``; return its SHA-256.

    Where the file system can (btrfs, XFS), both share their blocks until one is written. None: ``clone_only``, and it
    cannot; there is no ``target`` then.

    Raises:
        OSError: ``source`` cannot be read, or there is no space for ``target``.
    """
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(source, "rb") as reading:
        with open(target, "xb") as writing:
            cloned = _clone(reading.fileno(), writing.fileno())
            found = hashlib.sha256()
            if not cloned and not clone_only:
                while chunk := reading.read(_CHUNK):
                    writing.write(chunk)
                    found.update(chunk)
                    add(len(chunk))
        if not cloned and clone_only:
            os.unlink(target)
            return None
    os.chmod(target, mode)
    return digest(target, add) if cloned else found.hexdigest()


def share(source: str, target: str, mode: int) -> None:
    """Give ``target`` the content of ``source`` without a second copy, where the file system can.

    Raises:
        OSError: there is no space for a copy where one is needed.
    """
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.ENOENT}:
            raise
        copy(source, target, mode, lambda _: None)  # another device, too many links, or no links at all


def link(source: str, target: str) -> None:
    """Make ``target`` lead to the file or folder ``source``.

    Raises:
        OSError: the platform has no way to do so.
    """
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.symlink(source, target, target_is_directory=os.path.isdir(source))
    except OSError:
        if not _link_otherwise(source, target):
            raise


def remove(path: str) -> None:
    """Remove a file or a tree, read-only parts included; what is not there is no error."""
    if os.path.islink(path) or os.path.isfile(path):
        with contextlib.suppress(OSError):
            os.unlink(path)
        return
    if sys.platform == "win32":  # there the file itself has to be writable, elsewhere its folder
        for base, _, names in os.walk(path):
            for name in names:
                with contextlib.suppress(OSError):
                    os.chmod(os.path.join(base, name), stat.S_IWRITE)
    shutil.rmtree(path, ignore_errors=True)


if sys.platform == "linux":
    import fcntl

    def _clone(reading: int, writing: int) -> bool:
        try:
            fcntl.ioctl(writing, FICLONE, reading)
        except OSError:
            return False  # another file system, or one that cannot
        return True

else:

    def _clone(reading: int, writing: int) -> bool:  # noqa: ARG001 - the signature of the one above
        return False


if sys.platform == "win32":

    def _link_otherwise(source: str, target: str) -> bool:
        """Windows leaves symbolic links to administrators; these two it allows to everybody, on one drive."""
        import _winapi

        if os.path.isdir(source):
            _winapi.CreateJunction(source, target)
        else:
            os.link(source, target)
        return True

else:

    def _link_otherwise(source: str, target: str) -> bool:  # noqa: ARG001 - the signature of the one above
        return False
