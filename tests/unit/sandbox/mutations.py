"""Good files with one value gone or another."""

import json
from collections.abc import Iterator
from typing import Any

GONE = object()  # in the place of a value: its key is left out


def spots(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of everything in a mapping."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from spots(each, (*path, key))


def changed(value: Any, path: tuple[str | int, ...], instead: object) -> Any:
    """A copy of a mapping with something else at a path."""
    copied = json.loads(json.dumps(value))
    holder = copied
    for part in path[:-1]:
        holder = holder[part]
    if instead is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = instead
    return copied
