"""How errors and findings are shown to people, and colours only where somebody sees them."""

import os
import unicodedata
from collections.abc import Sequence
from typing import TextIO

from sandbox.model.errors import SandboxError
from sandbox.model.problem import Place, Problem

_STYLES = {"error": "1;31", "warning": "1;33", "place": "36", "fix": "32", "dim": "2", "good": "32"}


class Paper:
    """Text for one stream: painted when that is a terminal and NO_COLOR is not set."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._painted = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def paint(self, text: str, style: str) -> str:
        """Return the text in a style, or as it is."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._painted and text else text

    def coloured(self, text: str, colour: str) -> str:
        """Return the text in an ANSI colour, or as it is."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self._painted and text else text

    def print(self, text: str = "") -> None:
        """Write a line; signs that the stream cannot take are written as escapes."""
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")

    def error(self, error: SandboxError) -> None:
        """Print an error that is about no place in a file."""
        self.headline(error)
        self.advice(error.why, error.fix)

    def headline(self, error: SandboxError) -> None:
        """Print which error it is and what happened."""
        self.print(f"{self.paint(f'error[{error.code}]', 'error')} {error.what}")

    def problem(self, problem: Problem, *, headed: bool = True) -> None:
        """Print a finding: what (``headed``), where with the source line and a caret, why, fix."""
        severity = "error" if problem.is_error else "warning"
        if headed:
            self.print(f"{self.paint(f'{severity}[{problem.code}]', severity)} {problem.what}")
        self._place(problem.place, "-->")
        if problem.related:
            self.print(f"  {self.paint('see', 'dim')} {self.paint(shown(problem.related), 'place')}")
        self.advice(problem.why, problem.fix)

    def problems(self, problems: Sequence[Problem]) -> None:
        """Print findings with an empty line behind each."""
        for problem in problems:
            self.problem(problem)
            self.print()

    def _place(self, place: Place, arrow: str) -> None:
        self.print(f"  {self.paint(arrow, 'dim')} {self.paint(shown(place), 'place')}")
        if place.line is None or not place.text.strip():
            return
        number = str(place.line)
        margin = " " * len(number)
        self.print(f"  {self.paint(f'{number} |', 'dim')} {printable(place.text)}")
        if place.column is not None and place.column <= len(place.text) + 1:
            before = "".join(_blank(sign) for sign in place.text[: place.column - 1])
            self.print(f"  {self.paint(f'{margin} |', 'dim')} {before}{self.paint('^', 'error')}")

    def advice(self, why: str, fix: str) -> None:
        """Print why something is so and what to do about it."""
        for line in why.splitlines():
            self.print(line if line.startswith("  ") else f"  {line}".rstrip())
        if fix:
            self.print(f"  {self.paint('fix:', 'fix')} {fix}")


def _blank(sign: str) -> str:
    """Return as much space as a sign takes on a terminal."""
    if sign == "\t":
        return "\t"
    return "  " if unicodedata.east_asian_width(sign) in "WF" else "" if unicodedata.combining(sign) else " "


def printable(text: str) -> str:
    """Return text without signs that would steer a terminal."""
    return "".join(sign if sign.isprintable() or sign == "\t" else "\ufffd" for sign in text)


def shown(place: Place) -> str:
    """Write a place; files below the current folder by their shorter name."""
    if place.origin:
        return place.origin
    file = place.file
    if os.path.isabs(file):
        relative = os.path.relpath(file)
        file = file if relative.startswith("..") else relative
    return printable(":".join(str(part) for part in (file, place.line, place.column) if part is not None))
