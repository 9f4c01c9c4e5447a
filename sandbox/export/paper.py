"""YAML for people: values in the order they were given, comments between them. Pure.

A ``Said`` among the keys of a mapping, or among the items of a list, is a comment before what follows it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+~-]*( [A-Za-z0-9_./@+~-]+)*")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_UNPRINTABLE = re.compile("[\x7f-\x9f\ufeff\u2028\u2029]")


class Said(str):
    """A comment; each line of it becomes one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class File:
    """One file of an export: its path below the folder, what it holds, and whether it is to be run."""

    path: str
    text: str
    runs: bool = False


def document(head: Sequence[str], value: Mapping[Any, Any]) -> str:
    """Return a YAML document behind comments."""
    return "\n".join([*comments(head), *_mapping(value, "")]) + "\n"


def comments(lines: Sequence[str]) -> list[str]:
    """Return lines as comments; one that has several lines, a path for instance, does not escape from its comment."""
    return [_comment(line) for text in lines for line in text.splitlines() or [""]]


def documents(head: Sequence[str], values: Sequence[Mapping[Any, Any]]) -> str:
    """Return several documents of one file."""
    first = "".join(f"{line}\n" for line in comments(head))
    return first + "---\n".join(document((), value) for value in values)


def _comment(line: str) -> str:
    return f"# {line}".rstrip()


def _mapping(value: Mapping[Any, Any], indent: str) -> Iterator[str]:
    for key, each in value.items():
        if isinstance(key, Said):
            yield from (f"{indent}{line}" for line in comments([key]))
            continue
        name = _scalar(str(key))
        yield from _entry(f"{indent}{name}:", each, f"{indent}  ")


def _sequence(value: Sequence[Any], indent: str) -> Iterator[str]:
    for each in value:
        if isinstance(each, Said):
            yield from (f"{indent}{line}" for line in comments([each]))
        elif isinstance(each, Mapping) and each and not _short(each, indent):
            lines = list(_mapping(each, f"{indent}  "))
            first = next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#"))
            yield from (line[2:] for line in lines[:first])  # a comment stands before the dash
            yield f"{indent}- {lines[first].lstrip()}"
            yield from lines[first + 1 :]
        else:
            yield from _entry(f"{indent}-", each, f"{indent}  ")


def _entry(start: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, str) and _is_block(value):
        yield f"{start} |" + ("" if value.endswith("\n") else "-")
        yield from (f"{indent}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    elif not isinstance(value, (Mapping, list, tuple)):
        yield f"{start} {_scalar(value)}"
    elif not value or _short(value, start):
        yield f"{start} {_flow(value)}"
    else:
        yield start
        yield from _mapping(value, indent) if isinstance(value, Mapping) else _sequence(value, indent)


def _is_block(text: str) -> bool:
    """Tell whether lines can stand as they are: nothing at their ends that would be lost or misread."""
    lines = text.removesuffix("\n").split("\n")
    first = next((line for line in lines if line), "")
    if len(lines) < 2 or text.endswith("\n\n") or not first or first.startswith(" "):
        return False
    return all(line == line.rstrip() and line.isprintable() and "\t" not in line for line in lines)


def _short(value: Any, before: str) -> bool:
    """Tell whether a list, or a mapping of few, fits on the line: values that hold no other values, no comment."""
    items = list(value.values()) if isinstance(value, Mapping) else list(value)
    keys = list(value) if isinstance(value, Mapping) else []
    if len(keys) > 2 or any(isinstance(each, (Mapping, list, tuple, Said)) for each in [*items, *keys]):
        return False
    if any(isinstance(each, str) and _is_block(each) for each in items):
        return False
    return len(before) + len(_flow(value)) < WIDTH


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(key))}: {_scalar(each)}" for key, each in value.items()) + "}"
    return "[" + ", ".join(_scalar(each) for each in value) + "]"


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)
