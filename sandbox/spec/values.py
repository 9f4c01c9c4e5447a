"""Readers of single values, as strict and as lenient as Azure's loader (spec section 0).

Where a reader is wider than Azure on purpose it notes W060; where it changes what was written, W061.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.model.problem import KeyPath
from sandbox.spec.nodes import Listing, Mapping, Node, Scalar, describe, plain
from sandbox.spec.reading import INVALID, Reading, is_null, nearest, quote_fix, refuse_null

_TRUE = {"t", "true", "on", "y", "yes", "1"}
_FALSE = {"f", "false", "off", "n", "no", "0"}
_WHOLE = r"^\s*[-+]?[0-9]+\s*$"


def _wrong(node: Node, wanted: str, reading: Reading, path: KeyPath, fix: str = "") -> Any:
    what = f"{path[-1] if path else 'this'} is {describe(node)} where {wanted} is wanted"
    return reading.refuse("E032", what, node, path, "", fix)


@dataclass(frozen=True)
class Text:
    """A text. Numbers and the like are refused, as Azure does: ``1.10`` and ``1.1`` would be the same number.

    ``numbers``: "refuse"; "wide" takes them with a warning that Azure does not; "take" takes them as Azure does.
    """

    numbers: str = "refuse"
    pattern: str = ""

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a str."""
        if not isinstance(node, Scalar):
            return _wrong(node, "text", reading, path)
        if isinstance(node.value, str) or node.place.origin:
            return node.text if node.place.origin else node.value
        number = isinstance(node.value, (int, float))
        if self.numbers == "take" and number:
            return node.text
        if self.numbers == "wide" and number:
            why = "Azure wants text here and refuses a number"
            what = f"{path[-1]} is {describe(node)}: taken as {node.text!r}"
            reading.note("W060", what, node.place, path, why, quote_fix(node, path))
            return node.text
        why = "YAML reads it as something else: only quotes make it text"
        what = f"{path[-1] if path else 'this'} is {describe(node)} where text is wanted"
        return reading.refuse("E032", what, node, path, why, quote_fix(node, path))

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": "string"} if self.numbers == "refuse" else {"type": ["string", "number"]}

    def label(self) -> str:
        """Name the type."""
        return {"refuse": "text", "take": "text or number", "wide": "text"}[self.numbers]


@dataclass(frozen=True)
class Whole:
    """A whole number: digits in quotes count, and what stands behind a point is cut off, with a warning."""

    least: int | None = None

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return an int."""
        if not isinstance(node, Scalar) or isinstance(node.value, bool):
            return _wrong(node, "a whole number", reading, path)
        value = node.value
        if isinstance(value, int):
            return value
        if isinstance(value, float) and math.isfinite(value):
            if value != int(value):
                why = "the part behind the point is cut off, as Azure does"
                reading.note("W061", f"{node.text} becomes {int(value)}", node.place, path, why, f"write {int(value)}")
            return int(value)
        if isinstance(value, str) and re.match(_WHOLE, value) and len(value) < 100:
            return int(value)
        shown = f"{value!r} is no whole number" if isinstance(value, (str, float)) else ""
        if shown:
            return reading.refuse("E032", f"{path[-1]}: {shown[:80]}", node, path)
        return _wrong(node, "a whole number", reading, path)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": ["integer", "string"], "pattern": _WHOLE}

    def label(self) -> str:
        """Name the type."""
        return "whole number"


@dataclass(frozen=True)
class Number:
    """A number in a range."""

    least: float
    most: float

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a float."""
        if (
            not isinstance(node, Scalar)
            or isinstance(node.value, bool)
            or not isinstance(node.value, (int, float, str))
        ):
            return _wrong(node, "a number", reading, path)
        try:
            value = float(node.value)
        except (ValueError, OverflowError):
            return reading.refuse("E032", f"{path[-1]}: {node.text[:60]!r} is no number", node, path)
        if not self.least <= value <= self.most:
            allowed = f"{self.least:g} to {self.most:g}"
            return reading.refuse("E033", f"{path[-1]} is {node.text[:60]}", node, path, f"it is a share: {allowed}")
        return value

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": ["number", "string"], "minimum": self.least, "maximum": self.most}

    def label(self) -> str:
        """Name the type."""
        return f"number, {self.least:g} to {self.most:g}"


@dataclass(frozen=True)
class Truth:
    """True or false; yes, no, on, off, 1, 0 and their quoted forms count."""

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a bool."""
        if isinstance(node, Scalar) and isinstance(node.value, (bool, int, float, str)):
            word = str(node.value).lower().removesuffix(".0")
            if word in _TRUE or word in _FALSE:
                return word in _TRUE
            return reading.refuse("E032", f"{path[-1]}: {node.text[:60]!r} is neither true nor false", node, path)
        return _wrong(node, "true or false", reading, path)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": ["boolean", "string", "integer"]}

    def label(self) -> str:
        """Name the type."""
        return "true or false"


def snake(text: str) -> str:
    """Write camelCase as Azure's loader does: ``AMLToken`` becomes ``aml_token``, ``amltoken`` stays."""
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", text)).lower()


@dataclass(frozen=True)
class Choice:
    """One of a few words; ``fold`` is what Azure does to a word before it compares.

    ``wider`` are words that Microsoft's pages show and Azure refuses; ``truth`` takes YAML's own true and false, which
    Azure refuses where it wants the texts 'true' and 'false'.
    """

    words: tuple[str, ...]
    fold: Callable[[str], str] = snake
    wider: tuple[str, ...] = ()
    truth: bool = False

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return one of the words, or a bool where ``truth`` is set."""
        if not isinstance(node, Scalar):
            return _wrong(node, " or ".join(self.words), reading, path)
        if self.truth and isinstance(node.value, bool):
            if not node.place.origin:
                what = f"{path[-1]} is a YAML {str(node.value).lower()}"
                why = "Azure wants the text and refuses the truth value"
                reading.note("W060", what, node.place, path, why, quote_fix(node, path))
            return node.value
        word = self.fold(node.text) if isinstance(node.value, str) or node.place.origin else ""
        if word in self.words:
            return word == "true" if self.truth else word
        if word in self.wider:
            why = f"Azure takes {', '.join(self.words)}, although a page of Microsoft's shows {word}"
            reading.note(
                "W060", f"{path[-1]} is {word!r}", node.place, path, why, f"write one of {', '.join(self.words)}"
            )
            return word
        near = nearest(node.text, self.words)
        fix = f"did you mean {near}?" if near else ""
        allowed = f"it is one of {', '.join((*self.words, *self.wider))}"
        return reading.refuse("E033", f"{path[-1]} cannot be {node.text[:60]!r}", node, path, allowed, fix)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema: the words as they are written, in any of the spellings that are folded."""
        words = [*self.words, *self.wider]
        spellings = {"type": "string", "pattern": f"^({'|'.join(_spellings(word, self.fold) for word in words)})$"}
        known: dict[str, Any] = {"anyOf": [{"enum": words}, spellings]}  # the enum is what editors offer
        return {"anyOf": [*known["anyOf"], {"type": "boolean"}]} if self.truth else known

    def label(self) -> str:
        """Name the type."""
        return " \\| ".join(f"`{word}`" for word in (*self.words, *self.wider))


def _spellings(word: str, fold: Callable[[str], str]) -> str:
    """Give a pattern for the word in capitals or not, and in camelCase where ``fold`` undoes that."""
    either = [f"[{sign}{sign.upper()}]" if sign.isalpha() else sign for sign in word]
    if fold is snake:
        return re.sub(r"_(\[.(.)\])", r"(?:_\1|\2)", "".join(either))
    return "".join(either)


@dataclass(frozen=True)
class Table:
    """A mapping of the user's own keys to values of one type.

    ``any_key`` takes keys that are numbers, as Azure does for tags.
    """

    of: Any
    any_key: bool = False

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a dict without the entries that could not be read."""
        if is_null(node):
            return refuse_null(node, reading, path)
        if not isinstance(node, Mapping):
            return _wrong(node, "a mapping", reading, path)
        made = {}
        for name, entry in node.entries.items():
            below = (*path, name)
            reading.places[below] = entry.key.place
            if not self.any_key and not isinstance(entry.key.value, str):
                why = f"YAML reads {entry.key.text} as {describe(entry.key)}"
                what = f"the key {entry.key.text} is not text"
                reading.note("E032", what, entry.key.place, below, why, f'write "{entry.key.text}":')
                continue
            value = self.of.read(entry.node, reading, below)
            if value is not INVALID:
                made[name] = value
        return made

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": "object", "additionalProperties": self.of.schema()}

    def label(self) -> str:
        """Name the type."""
        return f"mapping to {self.of.label()}"


@dataclass(frozen=True)
class Many:
    """A list of values of one type."""

    of: Any

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a tuple without the items that could not be read."""
        if not isinstance(node, Listing):
            return _wrong(node, "a list", reading, path)
        made = []
        for index, item in enumerate(node.items):
            below = (*path, index)
            reading.places[below] = item.place
            value = refuse_null(item, reading, below) if is_null(item) else self.of.read(item, reading, below)
            if value is not INVALID:
                made.append(value)
        return tuple(made)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": "array", "items": self.of.schema()}

    def label(self) -> str:
        """Name the type."""
        return f"list of {self.of.label()}"


@dataclass(frozen=True)
class Anything:
    """Whatever was written, null included."""

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:  # noqa: ARG002 - every reader is called alike
        """Return dicts, lists and scalars."""
        return plain(node)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {}

    def label(self) -> str:
        """Name the type."""
        return "anything"
