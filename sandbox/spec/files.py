"""Readers of paths: what is named must exist, relative to the folder of the YAML file (spec section 0)."""

import os
from dataclasses import dataclass, replace
from typing import Any, Literal

from sandbox.model.asset import FILE_PREFIX, is_remote
from sandbox.model.problem import KeyPath, Problem, SpecError
from sandbox.spec.compose import compose
from sandbox.spec.nodes import Listing, Mapping, Node, Scalar, describe, plain
from sandbox.spec.reading import INVALID, Reading, nearest
from sandbox.spec.source import read as read_source
from sandbox.spec.values import Text


def local(path: str) -> str:
    """Return a path without ``file:`` or ``file://`` before it."""
    if path.startswith("file://"):
        return path[len("file://") :]
    return path.removeprefix(FILE_PREFIX)


@dataclass(frozen=True)
class PathTo:
    """A file or folder that exists; becomes absolute. ``remote`` allows addresses, which stay as they are.

    ``schemes`` are those that addresses may have; none named: any.
    """

    kind: Literal["file", "folder", "either"] = "either"
    remote: bool = True
    schemes: tuple[str, ...] = ()

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a str: an absolute path, or an address."""
        text = Text().read(node, reading, path)
        if text is INVALID:
            return INVALID
        if self.remote and is_remote(text):
            if self.schemes and text.partition(":")[0].lower() not in self.schemes:
                allowed = f"a folder on this machine, or an address with {', '.join(self.schemes)}"
                return reading.refuse("E033", f"{path[-1]} cannot be {text!r}", node, path, f"it is {allowed}")
            return text
        if self.remote and text.startswith(FILE_PREFIX):
            why = "Azure looks for a folder of that name"
            reading.note("W060", f"{text!r} begins with {FILE_PREFIX}", node.place, path, why, f"write {local(text)}")
        if not text:
            return reading.refuse("E035", f"{path[-1]} is empty", node, path, "", "write . for the file's own folder")
        found = reading.absolute(local(text))
        problem = self._problem(found)
        if problem:
            why = f"relative paths start from {reading.folder}" if not os.path.isabs(text) else ""
            return reading.refuse("E035", f"{path[-1]}: {problem}", node, path, why, _suggest(found, text))
        return found

    def _problem(self, found: str) -> str:
        if "\0" in found or not os.path.exists(found):
            return f"{found} does not exist"
        if self.kind == "file" and not os.path.isfile(found):
            return f"{found} is no file"
        if self.kind == "folder" and not os.path.isdir(found):
            return f"{found} is no folder"
        return ""

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": "string", "minLength": 1}

    def label(self) -> str:
        """Name the type."""
        return {"file": "path of a file", "folder": "path of a folder", "either": "path"}[self.kind]


def _suggest(found: str, written: str) -> str:
    """Name the nearest entry of the deepest folder that exists, or the same path from where the user is."""
    here = os.path.abspath(local(written))
    if "\0" not in found and here != found and os.path.exists(here):
        return f"{here} exists: write the path as it looks from the YAML file"
    folder, name = os.path.split(found)
    while folder != os.path.dirname(folder) and not os.path.isdir(folder):
        folder, name = os.path.split(folder)
    try:
        near = nearest(name, sorted(os.listdir(folder))[:500], cutoff=0.75)
    except (OSError, ValueError):
        return ""
    return f"did you mean {os.path.join(folder, near)}?" if near else ""


@dataclass(frozen=True)
class Conda:
    """A conda environment: a mapping, or the path of a YAML file that holds one."""

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return (content, absolute path or None)."""
        if isinstance(node, Mapping):
            return plain(node), None
        if not isinstance(node, Scalar):
            what = f"conda_file is {describe(node)} where a path or a mapping is wanted"
            return reading.refuse("E032", what, node, path)
        found = PathTo("file", remote=False).read(node, reading, path)
        if found is INVALID:
            return INVALID
        content = mapping_of(found, reading, path)
        if content is INVALID:
            return INVALID
        if not isinstance(content.get("dependencies"), Listing):
            what = "the conda file names no dependencies"
            fix = "a conda file has the keys name, channels and dependencies; requirements.txt goes below pip: in it"
            reading.note("W063", what, content.place, path, "nothing would be installed", fix)
        return plain(content), found

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema."""
        return {"type": ["string", "object"]}

    def label(self) -> str:
        """Name the type."""
        return "path of a file, or a mapping"


def mapping_of(file: str, reading: Reading, path: KeyPath) -> Any:
    """Return the mapping that a YAML file holds; its problems are noted with its own name and lines."""
    try:
        node, problems = compose(read_source(file))
    except SpecError as error:
        reading.problems += [_at(problem, path) for problem in error.problems]
        return INVALID
    reading.problems += [_at(problem, path) for problem in problems]
    if not isinstance(node, Mapping):
        what = f"{file} {'is empty' if node is None else f'holds {describe(node)}'} where a mapping is wanted"
        reading.note("E025", what, reading.place_of(path), path)
        return INVALID
    return node


def _at(problem: Problem, path: KeyPath) -> Problem:
    return replace(problem, path=path)
