"""What the readers of values share: where they are, what they found wrong, and the kind of thing a reader is."""

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.model.problem import KeyPath, Place, Problem
from sandbox.spec.nodes import Node, Scalar


class _Invalid:
    """The value of what could not be read; a problem has been noted then."""

    def __repr__(self) -> str:
        return "INVALID"


INVALID: Any = _Invalid()


@dataclass(slots=True)
class Reading:
    """One file being read: notes of problems, and the places of keys for rules that look at several."""

    folder: str  # relative paths start here
    problems: list[Problem] = field(default_factory=list)
    places: dict[KeyPath, Place] = field(default_factory=dict)
    blanks: set[KeyPath] = field(default_factory=set)  # required keys that are missing: nothing to judge there
    depth_of_files: int = 0  # file: references followed so far

    def note(self, code: str, what: str, place: Place, path: KeyPath, why: str = "", fix: str = "") -> None:  # noqa: PLR0917 - in the order of the printed message
        """Note an error or a warning, by its code."""
        self.problems.append(Problem(code, what, place, why, fix, path))

    def refuse(self, code: str, what: str, node: Node, path: KeyPath, why: str = "", fix: str = "") -> Any:  # noqa: PLR0917 - likewise
        """Note an error about a value and return what stands for it."""
        self.note(code, what, node.place, path, why, fix)
        return INVALID

    def absolute(self, path: str) -> str:
        """Return a path of the file, seen from the file's folder: short, and what the system would open."""
        joined = os.path.join(self.folder, path)
        short = os.path.normpath(joined)
        if ".." not in path or "\0" in path or os.path.realpath(short) == os.path.realpath(joined):
            return short
        return os.path.realpath(joined)  # .. behind a link to a folder leads somewhere else

    def place_of(self, path: KeyPath) -> Place:
        """Return where a key stands, or the nearest one above it that does."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path]

    def has_error_at(self, path: KeyPath) -> bool:
        """Tell whether an error was noted at a key, above it or below it, or the key is missing."""
        if path in self.blanks:
            return True
        for problem in self.problems:
            shared = min(len(problem.path), len(path))
            if problem.is_error and shared and problem.path[:shared] == path[:shared]:
                return True
        return False


class Reader(Protocol):
    """Something that takes a value of a file: a type with its rules. Each also describes itself."""

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return the value, or INVALID after noting why."""

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema of what is accepted without an error."""

    def label(self) -> str:
        """Name the type in the documentation."""


def is_null(node: Node) -> bool:
    """Tell whether a value is null: written so, or not written at all."""
    return isinstance(node, Scalar) and node.value is None


def refuse_null(node: Node, reading: Reading, path: KeyPath) -> Any:
    """Note that a key has no value."""
    key = path[-1] if path else "the file"
    why = "nothing after the colon means null, which Azure refuses for every key"
    return reading.refuse("E034", f"{key} has no value", node, path, why, "give a value, or remove the key")


def nearest(word: str, known: Iterable[str], cutoff: float = 0.65) -> str:
    """Return the known word that somebody who wrote ``word`` most probably meant, "" if none is near."""
    candidates = list(known)
    lowered = {candidate.lower().replace("_", "").replace("-", ""): candidate for candidate in candidates}
    same = lowered.get(word.lower().replace("_", "").replace("-", ""))
    if same:
        return same
    begun = [candidate for candidate in candidates if len(word) > 3 and candidate.startswith(word.lower())]
    if len(begun) == 1:
        return begun[0]
    found = difflib.get_close_matches(word.lower(), candidates, n=1, cutoff=cutoff)
    return found[0] if found else ""


def quote_fix(node: Scalar, path: KeyPath) -> str:
    """Say how a number or truth value is written as text."""
    key = f"{path[-1]}: " if path and isinstance(path[-1], str) else ""
    return f'write {key}"{node.text}"'
