"""Digests of files that were read before, so that a gigabyte is not read again because one deployment more uses it."""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from typing import Any

from sandbox import files
from sandbox.copies import copying
from sandbox.copies.tree import File
from sandbox.home import Home

_SETTLED_NS = 2_000_000_000  # a file written less than this before it was read may change again and look the same
FOLDER = "seen"


class Seen:
    """What is remembered about the files below one path: size, time of change, inode and SHA-256 of each."""

    def __init__(self, home: Home, path: str) -> None:
        self._path = os.path.abspath(path)
        name = hashlib.sha256(os.fsencode(self._path)).hexdigest()[:32]
        self._record = os.path.join(home.content, FOLDER, f"{name}.json")
        self._files: dict[str, list[Any]] = (files.read_json(self._record) or {}).get("files", {})
        self._now: dict[str, list[Any]] = {}

    def digest(self, file: File) -> str | None:
        """Return the SHA-256 of a file that looks as it did when it was read, else None."""
        known = self._files.get(file.relative)
        if known is None or known[:3] != [file.size, file.mtime_ns, file.inode]:
            return None
        self._now[file.relative] = known
        return str(known[3])

    def learn(self, file: File, digest: str) -> None:
        """Remember what a file that was just read holds, unless it is so new that it may be written still."""
        if time.time_ns() - file.mtime_ns > _SETTLED_NS:
            self._now[file.relative] = [file.size, file.mtime_ns, file.inode, digest]

    def read(self, file: File, add: Callable[[int], None]) -> str:
        """Return the SHA-256 of a file, from memory where it looks unchanged.

        Raises:
            OSError: it cannot be read.
        """
        known = self.digest(file)
        if known is None:
            known = copying.digest(file.source, add)
            self.learn(file, known)
        return known

    def save(self) -> None:
        """Write down what was learned; what the path no longer holds is forgotten."""
        if self._now != self._files:
            files.write_json(self._record, {"path": self._path, "files": self._now})


def forget_missing(home: Home) -> None:
    """Forget paths that are gone."""
    folder = os.path.join(home.content, FOLDER)
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):
            record = os.path.join(folder, name)
            known = files.read_json(record) if name.endswith(".json") else None
            if known is not None and not os.path.exists(known["path"]):
                copying.remove(record)
