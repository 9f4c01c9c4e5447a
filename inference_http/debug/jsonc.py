"""JSON with comments and trailing commas, as VS Code reads its settings: where each value stands in the text.

For changing a file that a person wrote: the reader keeps positions, so that a change replaces or inserts text and
leaves every other character alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

_COMMENT: Final = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_BLANK: Final = re.compile(r"[\s\ufeff]+")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_PLAIN: Final = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DEPTH_LIMIT: Final = 200


class NotJson(Exception):
    """The text cannot be read; ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line, self.column = line, column


@dataclass
class Node:
    """A value and its place: ``text[start:end]`` is how it was written.

    ``members`` are an object's (first of equal names last), ``items`` an array's; ``comma`` is the position of a comma
    after the last of them, which JSON forbids and people like. ``value`` is the plain Python value, whole.
    """

    start: int
    end: int
    value: Any
    members: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    comma: int | None = None

    @property
    def last(self) -> int | None:
        """Where the last member or item ends; None in an empty object or array."""
        nodes = self.items or list(self.members.values())
        return max(node.end for node in nodes) if nodes else None


def read(text: str) -> Node | None:
    """The value in a text; None when there is none, only blanks and comments. Raises NotJson."""
    return _Reader(text).document()


def skip(text: str, position: int, *, lines: bool = True) -> int:
    """The position after blanks and comments; without ``lines``, not beyond the end of the line."""
    while True:
        found = _COMMENT.match(text, position) or _BLANK.match(text, position)
        if not found:
            return position
        newline = re.search(r"[\r\n]", found[0])
        if newline and not lines:
            return position if found[0].startswith("/*") else position + newline.start()
        position = found.end()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def document(self) -> Node | None:
        self._blanks()
        if self._at == len(self._text):
            return None
        node = self._value()
        self._blanks()
        if self._at < len(self._text):
            self._fail("nothing more was expected here")
        return node

    def _value(self) -> Node:
        start = self._at
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            self._fail("the nesting is too deep")
        character = self._text[start : start + 1]
        if character == "{":
            node = self._object()
        elif character == "[":
            node = self._array()
        elif character == '"':
            node = self._string()
        else:
            found = _PLAIN.match(self._text, start)
            if not found:
                self._fail("a value was expected" if character else "the text ends where a value was expected")
            self._at = found.end()
            node = Node(start, self._at, json.loads(found[0]))
        self._depth -= 1
        return node

    def _object(self) -> Node:
        node = Node(self._at, self._at, {})
        self._at += 1
        while not self._closed(node, "}"):
            if self._text[self._at : self._at + 1] != '"':
                self._fail('a name in double quotes or "}" was expected')
            name = self._string().value
            self._blanks()
            if self._text[self._at : self._at + 1] != ":":
                self._fail('":" was expected')
            self._at += 1
            self._blanks()
            node.members[name] = member = self._value()
            node.value[name] = member.value
            self._separator(node, "}")
        return node

    def _array(self) -> Node:
        node = Node(self._at, self._at, [])
        self._at += 1
        while not self._closed(node, "]"):
            node.items.append(self._value())
            node.value.append(node.items[-1].value)
            self._separator(node, "]")
        return node

    def _closed(self, node: Node, bracket: str) -> bool:
        self._blanks()
        if self._text[self._at : self._at + 1] != bracket:
            if self._at == len(self._text):
                self._fail(f'the text ends where "{bracket}" was expected')
            return False
        self._at += 1
        node.end = self._at
        return True

    def _separator(self, node: Node, bracket: str) -> None:
        self._blanks()
        if self._text[self._at : self._at + 1] == ",":
            node.comma = self._at
            self._at += 1
        elif self._text[self._at : self._at + 1] != bracket:
            self._fail(f'"," or "{bracket}" was expected')
        else:
            node.comma = None

    def _string(self) -> Node:
        found = _STRING.match(self._text, self._at)
        if not found:
            self._fail("this string has no end, or holds a character that must be written with a backslash")
        start, self._at = self._at, found.end()
        return Node(start, self._at, json.loads(found[0]))

    def _blanks(self) -> None:
        self._at = skip(self._text, self._at)
        if self._text.startswith("/*", self._at):
            self._fail("this comment has no end")

    def _fail(self, message: str) -> NoReturn:
        before = self._text[: self._at].removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        line = before.count("\n") + 1
        raise NotJson(message, line, len(before) - (before.rfind("\n") + 1) + 1)
