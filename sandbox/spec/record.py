"""A mapping with keys that are known: one table says how it is read, what its JSON Schema is and what the docs say."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.model.problem import KeyPath, Place
from sandbox.spec.nodes import Mapping as Entries
from sandbox.spec.nodes import Node, describe
from sandbox.spec.reading import INVALID, Reader, Reading, is_null, nearest, refuse_null
from sandbox.spec.values import Text


@dataclass(frozen=True)
class Key:
    """One key. ``doc`` says what it is, ``azure`` what Azure does with it, ``ours`` what is done here."""

    name: str
    reader: Reader
    doc: str
    azure: str = ""
    ours: str = ""
    required: bool = False
    kept: bool = True  # False: accepted and forgotten, as Azure's loader does with what the service fills in
    field: str = ""  # of the dataclass; the key's own name by default
    also: str = ""  # another spelling
    wide: str = ""  # why Azure refuses the key, which is then taken with a warning
    shown_default: str = ""  # where the dataclass does not tell


@dataclass(frozen=True)
class Record:
    """A mapping that becomes an object. ``hints`` are fixes for keys that people put here by mistake."""

    make: Callable[..., Any]
    keys: tuple[Key, ...]
    title: str
    hints: Mapping[str, str] = field(default_factory=dict)
    ignores_schema: bool = True  # the read-only key $schema, which Azure drops where a schema knows its path

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return the object; where values are missing or wrong, with a blank or the default in their place."""
        if not isinstance(node, Entries):
            what = f"{path[-1] if path else 'the file'} is {describe(node)} where a mapping is wanted"
            fix = f"write its keys below it: {', '.join(key.name for key in self.keys[:3])} ..."
            return reading.refuse("E032", what, node, path, "", fix)
        known = {name: key for key in self.keys for name in (key.name, key.also) if name}
        values: dict[str, Any] = {}
        meant: set[str] = set()  # keys that misspelt ones stand for: not missing as well
        for name, entry in node.entries.items():
            below = (*path, name)
            reading.places[below] = entry.key.place
            if name == "$schema" and self.ignores_schema:
                continue
            key = known.get(name)
            if key is None:
                meant.add(self._unknown(name, entry.key.place, reading, below))
                continue
            if is_null(entry.node):
                refuse_null(entry.node, reading, below)
                continue
            if key.wide:
                reading.note("W060", f"Azure refuses {name}", entry.key.place, below, key.wide, "remove it for Azure")
            value = key.reader.read(entry.node, reading, below)
            if not key.kept or value is INVALID:
                continue
            target = key.field or key.name
            if target in values:
                what = f"{key.name} and {key.also} mean the same"
                reading.note("E041", what, entry.key.place, below, "", "remove one of them")
            values[target] = value
        self._required(node, values, meant, reading, path)
        return self.make(**values)

    def _unknown(self, name: str, place: Place, reading: Reading, below: KeyPath) -> str:
        """Note it and return the key that was probably meant, "" if none."""
        names = [key.name for key in self.keys]
        where = f"in {self.title}"
        if name in self.hints:
            reading.note("E030", f"{name!r} is no key {where}", place, below, "", self.hints[name])
            return ""
        near = nearest(name, names)
        why = "" if near else f"the keys are: {', '.join(sorted(names))}"
        reading.note("E030", f"{name!r} is no key {where}", place, below, why, f"did you mean {near}?" if near else "")
        return near

    def _required(
        self, node: Entries, values: dict[str, Any], meant: set[str], reading: Reading, path: KeyPath
    ) -> None:
        for key in self.keys:
            target = key.field or key.name
            if not key.required or target in values:
                continue
            if key.name not in node.entries and key.name not in meant:
                fix = f"add {key.name}: ..."
                if not path and key.name in ("name", "endpoint_name"):
                    fix += f", or give it with {'-n' if key.name == 'name' else '-e'}"
                reading.note("E031", f"{key.name} is missing in {self.title}", node.place, (*path, key.name), "", fix)
            reading.blanks.add((*path, key.name))
            values[target] = "" if isinstance(key.reader, Text) else None  # never leaves: the file is refused

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        properties: dict[str, Any] = {"$schema": {"type": "string"}} if self.ignores_schema else {}
        for key in self.keys:
            described = {**key.reader.schema(), "description": key.doc}
            default = self.default(key)
            if default is not None and isinstance(default, (str, int, float, bool)):
                described["default"] = default
            if key.wide:
                described["deprecated"] = True
            properties[key.name] = described
            if key.also:
                properties[key.also] = described
        made: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        needed = [key.name for key in self.keys if key.required]
        return {**made, "required": needed} if needed else made

    def label(self) -> str:
        """Name the type."""
        return "mapping"

    def default(self, key: Key) -> Any:
        """Return what the dataclass has where the key is absent, None where that is nothing to show."""
        made = getattr(self.make, "makes", self.make)
        if not key.kept or key.required or not dataclasses.is_dataclass(made):
            return None
        for item in dataclasses.fields(made):
            if item.name == (key.field or key.name) and item.default is not dataclasses.MISSING:
                return item.default
        return None
