"""One finding about a specification: what is wrong, where it stands, what would do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.model.errors import SandboxError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: in a file, or in an override (then ``origin`` is its text and there is no line).

    ``line`` and ``column`` count from 1; ``text`` is the source line, without its end.
    """

    file: str
    line: int | None = None
    column: int | None = None
    text: str = ""
    origin: str = ""

    def __str__(self) -> str:
        if self.origin:
            return self.origin
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule of the model finds; the rule knows the key, not the file."""

    code: str
    path: KeyPath
    what: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error (code E...) or a warning (code W...) about one place."""

    code: str
    what: str
    place: Place
    why: str = ""
    fix: str = ""
    path: KeyPath = ()
    related: Place | None = field(default=None)  # the other place that it takes to understand this one

    @property
    def is_error(self) -> bool:
        """Tell whether the file cannot be used."""
        return self.code.startswith("E")

    @property
    def key(self) -> str:
        """Give the key as ``--set`` names it: ``traffic.blue``, ``identity.user_assigned_identities[0]``."""
        return dotted(self.path)

    def as_json(self) -> dict[str, Any]:
        """Give the object that ``-o json`` prints."""
        place = self.place
        return {
            "code": self.code,
            "severity": "error" if self.is_error else "warning",
            "what": self.what,
            "why": self.why or None,
            "fix": self.fix or None,
            "key": self.key or None,
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "origin": place.origin or None,
        }


def dotted(path: Sequence[str | int]) -> str:
    """Write a key path as ``--set`` takes it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            quoted = f'"{part}"' if any(sign in part for sign in '.[]="') or not part else part
            text += f".{quoted}" if text else quoted
    return text


class SpecError(SandboxError):
    """A file cannot be used; ``problems`` holds every finding in the order of the file, warnings included."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = [problem for problem in problems if problem.is_error]
        first = errors[0]
        rest = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(first.code, f"{first.place}: {first.what}{rest}", first.why, first.fix)
        self.problems = tuple(problems)
