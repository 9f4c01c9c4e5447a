"""The values of a YAML file before anybody has judged them, each with its place."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from sandbox.model.problem import Place


@dataclass(slots=True)
class Scalar:
    """A text, number, truth value, date or null. ``text`` is what was written, without quotes."""

    value: Any
    text: str
    place: Place


@dataclass(slots=True)
class Listing:
    """A list."""

    items: list["Node"]
    place: Place


@dataclass(slots=True)
class Entry:
    """One ``key: value``. ``merged`` tells that it came through a merge key (``<<``)."""

    key: Scalar
    node: "Node"
    merged: bool = False


@dataclass(slots=True)
class Mapping:
    """A mapping; its keys as text (``1:`` and ``"1":`` are the same key here, as they are in JSON)."""

    entries: dict[str, Entry]
    place: Place

    def get(self, key: str) -> "Node | None":
        """Return the value of a key, None if it is not there."""
        entry = self.entries.get(key)
        return entry.node if entry else None


Node: TypeAlias = Scalar | Listing | Mapping


def describe(node: Node) -> str:
    """Name the type of a value as people say it, with its article."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Listing):
        return "a list"
    names = {bool: "true/false", int: "a number", float: "a number", str: "text", type(None): "null"}
    return names.get(type(node.value), "a date")


def plain(node: Node) -> Any:
    """Return the value as Python's own dict, list and scalars."""
    if isinstance(node, Mapping):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return node.value


def from_python(value: Any, place: Place, text: str | None = None) -> Node:
    """Make nodes of Python's own values (an override's JSON), all at one place."""
    if isinstance(value, dict):
        entries = {
            str(key): Entry(Scalar(str(key), str(key), place), from_python(each, place)) for key, each in value.items()
        }
        return Mapping(entries, place)
    if isinstance(value, list):
        return Listing([from_python(each, place) for each in value], place)
    return Scalar(value, text if text is not None else _as_written(value), place)


def _as_written(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
