"""Private files of one group below the folder of secrets: written whole, changed under one lock."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from sandbox import files
from sandbox.home import Home

_SUFFIX = ".json"


class SecretFiles:
    """The JSON files of one group (``keys``, ``tokens``, ``connections``), readable for their owner only.

    Names are those of endpoints and connections: letters, digits, dashes and underscores, whatever their case.
    """

    def __init__(self, home: Home, group: str) -> None:
        self._home = home
        self._group = group
        self._folder = os.path.join(home.secrets, group)

    def read(self, name: str) -> Any:
        """Return what a file holds, None where there is none.

        Raises:
            SandboxError: E004, it is damaged.
        """
        return files.read_json(self._path(name))

    def names(self) -> list[str]:
        """Return the names of all files, sorted."""
        try:
            found = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        return sorted(name[: -len(_SUFFIX)] for name in found if name.endswith(_SUFFIX))

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Keep everybody else from changing the group; drafts that a killed command left behind are removed.

        Raises:
            SandboxError: E003 (home cannot be used), E005 (locked for too long).
        """
        self._home.make()
        with files.alone(os.path.join(self._home.secrets, f"{self._group}.lock"), f"{self._home.secrets}"):
            files.sweep(self._folder)  # nobody else writes here now: it is left over, and holds secrets
            yield

    def write(self, name: str, value: Any) -> None:
        """Replace a file; only within ``changing``."""
        files.write_json(self._path(name), value)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there; only within ``changing``."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(name))

    def _path(self, name: str) -> str:
        assert not set(name) & {"/", "\\", "\0", "."}, "names are checked before they come here"
        return os.path.join(self._folder, f"{name.lower()}{_SUFFIX}")
