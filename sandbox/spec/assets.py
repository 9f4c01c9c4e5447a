"""Readers of what may be a reference to something registered, a mapping that describes it, or a file that does."""

import os
from dataclasses import dataclass
from typing import Any

from sandbox.model import reference
from sandbox.model.asset import FILE_PREFIX
from sandbox.model.errors import SandboxError
from sandbox.model.problem import KeyPath
from sandbox.spec.files import PathTo, mapping_of
from sandbox.spec.nodes import Mapping, Node, Scalar, describe
from sandbox.spec.reading import INVALID, Reading
from sandbox.spec.record import Record
from sandbox.spec.values import Text

_DEEPEST = 5  # files that refer to files


@dataclass(frozen=True)
class Asset:
    """A model or an environment. ``file`` allows ``file:PATH``, which Azure takes for environments only."""

    kind: str
    record: Record
    file: bool = False

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return an AssetReference, or what the record makes."""
        if isinstance(node, Mapping):
            return self.record.read(node, reading, path)
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            what = f"{path[-1]} is {describe(node)} where a reference or a mapping is wanted"
            return reading.refuse("E032", what, node, path, f"references are {reference.FORMS}")
        if self.file and node.value.startswith(FILE_PREFIX):
            return self._from_file(node, reading, path)
        try:
            return reference.parse(node.value, self.kind)
        except SandboxError as error:
            return reading.refuse(error.code, error.what, node, path, error.why, error.fix)

    def _from_file(self, node: Scalar, reading: Reading, path: KeyPath) -> Any:
        found = PathTo("file", remote=False).read(node, reading, path)
        if found is INVALID:
            return INVALID
        if reading.depth_of_files >= _DEEPEST:
            return reading.refuse("E022", "files refer to files without an end", node, path)
        content = mapping_of(found, reading, path)
        if content is INVALID:
            return INVALID
        outer = reading.folder
        reading.folder, reading.depth_of_files = os.path.dirname(found), reading.depth_of_files + 1
        try:
            return self.record.read(content, reading, path)
        finally:
            reading.folder, reading.depth_of_files = outer, reading.depth_of_files - 1

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        pattern = f"^({reference.PREFIX}|{FILE_PREFIX})." if self.file else f"^{reference.PREFIX}."
        return {"anyOf": [{"type": "string", "pattern": pattern}, self.record.schema()]}

    def label(self) -> str:
        """Name the type."""
        return f"reference, or a mapping as in [{self.kind}](#{self.kind})"


@dataclass(frozen=True)
class Prefixed:
    """``azureml:NAME`` or an ARM id behind the same prefix, which is taken off."""

    what: str

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a str without the prefix."""
        text = Text().read(node, reading, path)
        if text is INVALID:
            return INVALID
        if not text.startswith(reference.PREFIX) or text == reference.PREFIX:
            fix = f"write {path[-1]}: {reference.PREFIX}{text}"
            return reading.refuse("E036", f"{text!r} names no {self.what}", node, path, "", fix)
        return text[len(reference.PREFIX) :]

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": "string", "pattern": f"^{reference.PREFIX}."}

    def label(self) -> str:
        """Name the type."""
        return f"`{reference.PREFIX}NAME`"


@dataclass(frozen=True)
class EnvironmentValue:
    """The value of an environment variable: any scalar, which becomes the text that was written; null: no value."""

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a str, or None."""
        if not isinstance(node, Scalar):
            what = f"{path[-1]} is {describe(node)}"
            return reading.refuse(
                "E032", what, node, path, "an environment variable holds text", "write it as one text"
            )
        if node.value is None:
            return None
        if isinstance(node.value, str):
            if "\0" in node.value:
                return reading.refuse("E033", f"{path[-1]} holds a null byte", node, path)
            return node.value
        if str(node.value) != node.text and not node.place.origin:
            why = f"the container gets {node.text!r} here, and in Azure {str(node.value)!r}: Python's form of the value"
            what = f"{path[-1]} is {describe(node)}"
            reading.note("W061", what, node.place, path, why, f'write "{node.text}"')
        return node.text

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": ["string", "number", "boolean", "null"]}

    def label(self) -> str:
        """Name the type."""
        return "text"
