"""What of a code folder is left out: what ``.amlignore``, else ``.gitignore``, in the folder itself says.

Azure reads the first of the two that exists, at the root of the folder only, when it uploads code (azure-ai-ml,
``get_ignore_file``). Two differences, both told in the notes: Azure stops at the first pattern that matches, where git
and this module go by the last; and Azure uploads a virtual environment that lies in the folder.
"""

import os
from collections.abc import Iterable
from typing import Protocol

IGNORE_FILES = (".amlignore", ".gitignore")  # the first that exists counts
NEVER = frozenset({"__pycache__", ".git", ".DS_Store", ".ipynb_checkpoints"})  # as in sandbox.spec.fingerprint


class Ignored(Protocol):
    """Tells what is left out of a folder."""

    def folder(self, relative: str, path: str) -> bool:
        """Tell whether a folder is left out with all that is in it."""

    def file(self, relative: str) -> bool:
        """Tell whether a file is left out. ``relative`` has / on every system."""


class NotContent:
    """Leaves out what is nobody's content: byte code, git's own files."""

    def folder(self, relative: str, path: str) -> bool:  # noqa: ARG002 - the signature of the protocol
        """Tell by the name alone."""
        return os.path.basename(relative) in NEVER

    def file(self, relative: str) -> bool:
        """Tell by the name alone."""
        return os.path.basename(relative) in NEVER


class IgnoreFile(NotContent):
    """Leaves out what the ignore file of a code folder says, besides."""

    def __init__(self, name: str, lines: Iterable[str]) -> None:
        import pathspec  # not needed for models, and not at all by `sandbox online-endpoint show`

        self.name = name
        self.notes: list[str] = []
        self._spec = pathspec.GitIgnoreSpec.from_lines(lines)
        self._brings_back = any(pattern.include is False for pattern in self._spec.patterns)

    def folder(self, relative: str, path: str) -> bool:
        """Leave out virtual environments, and ignored folders where no later pattern can bring back what is in them."""
        if super().folder(relative, path):
            return True
        if not self._brings_back and self._spec.match_file(f"{relative}/"):
            return True
        if os.path.isfile(os.path.join(path, "pyvenv.cfg")):
            self.notes.append(
                f"{relative}: a virtual environment, left out; Azure uploads it unless .amlignore says no"
            )
            return True
        return False

    def file(self, relative: str) -> bool:
        """Tell whether a file is left out; what Azure judges otherwise is noted."""
        if super().file(relative):
            return True
        ignored = self._spec.match_file(relative)
        if ignored != self._first(relative):
            azure = "uploads it" if ignored else "leaves it out"
            self.notes.append(
                f"{relative}: Azure {azure}, because it goes by the first pattern in {self.name} that fits"
            )
        return ignored

    def _first(self, relative: str) -> bool:
        for pattern in self._spec.patterns:
            if pattern.include is not None and pattern.match_file(relative) is not None:
                return bool(pattern.include)
        return False


def of_code(folder: str) -> IgnoreFile:
    """Return the rules of a code folder.

    Raises:
        OSError: its ignore file is there and cannot be read.
    """
    name = next((name for name in IGNORE_FILES if os.path.isfile(os.path.join(folder, name))), None)
    if name is None:
        return IgnoreFile("", ())
    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
        return IgnoreFile(name, file.read().splitlines())
