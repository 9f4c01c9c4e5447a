"""``--set a.b[0].c=v``, ``-n`` and ``-e``: written into the file's mapping before anybody looks at it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from sandbox.model.errors import UsageError
from sandbox.model.problem import KeyPath, Place, Problem, SpecError, dotted
from sandbox.spec.nodes import Entry, Listing, Mapping, Node, Scalar, describe, from_python

_PART = re.compile(r"""\.?(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<plain>[^.\[\]"']+))|\[(?P<index>\d+)\]""")
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Override:
    """One value for one key. ``origin`` is what the user typed, for messages; ``text`` the value as it was typed.

    ``where_known``: only for files that have the key, so that -e can be given with endpoints and deployments together.
    """

    path: KeyPath
    value: Any
    text: str
    origin: str
    where_known: bool = False


def parse(assignment: str, *, force_string: bool = False) -> Override:
    """Understand ``a.b[0].c=v``: the value is read as JSON where it is JSON, else it is text.

    Raises:
        UsageError: E042, there is no ``=`` or the path makes no sense.
    """
    origin = f"--set {assignment}"
    key, equals, text = assignment.partition("=")
    if '"' in key or "'" in key:  # a quoted part may itself hold an equals sign
        key, equals, text = _split_quoted(assignment)
    if not equals:
        fix = f"write --set {assignment}=VALUE"
        raise UsageError(
            "E042", f"{origin} has no value", "an override is KEY=VALUE, for instance traffic.blue=90", fix
        )
    path = _path(key.strip(), origin)
    if force_string:
        return Override(path, text, text, origin)
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        value = text
    return Override(path, value, text, origin)


def named(key: str, value: str, flag: str) -> Override:
    """Make the override that a flag of its own stands for: ``-n blue`` is name=blue."""
    return Override((key,), value, value, f"{flag} {value}", where_known=True)


def _split_quoted(assignment: str) -> tuple[str, str, str]:
    quote = ""
    for index, sign in enumerate(assignment):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "=":
            return assignment[:index], "=", assignment[index + 1 :]
    return assignment, "", ""


def _path(key: str, origin: str) -> KeyPath:
    path: list[str | int] = []
    at = 0
    while at < len(key):
        part = _PART.match(key, at)
        if not part or (part.start() > 0 and not part.group().startswith((".", "["))):
            break
        index = part["index"]
        name = next((part[group] for group in ("double", "single", "plain") if part[group] is not None), "")
        path.append(int(index) if index is not None and len(index) < 6 else name)
        at = part.end()
    if not path or at < len(key) or isinstance(path[0], int) or len(path) > _DEEPEST or key.startswith("."):
        why = "keys are joined by dots, items of a list stand in brackets: a.b[0].c"
        fix = 'quote a key that holds a dot: resources.limits."nvidia.com/gpu"=1'
        raise UsageError("E042", f"{key or 'nothing'!r} in {origin} is no path of keys", why, fix)
    return tuple(path)


def apply(root: Mapping, override: Override, file: str) -> None:
    """Write one override into the mapping; missing parents are made.

    Raises:
        SpecError: E042, what stands at the path cannot hold it.
    """
    place = Place(file, origin=override.origin)
    value = from_python(override.value, place, None if isinstance(override.value, (dict, list)) else override.text)
    target: Node = root
    for depth, part in enumerate(override.path):
        last = depth == len(override.path) - 1
        following = None if last else override.path[depth + 1]
        fresh: Node = value if last else (Listing([], place) if isinstance(following, int) else Mapping({}, place))
        target = _step(target, part, fresh, override, depth, replace=last)


def _step(target: Node, part: str | int, fresh: Node, override: Override, depth: int, *, replace: bool) -> Node:
    """Go to ``part`` of ``target``, putting ``fresh`` there when nothing is, or when it is to be replaced."""
    if isinstance(part, str):
        if not isinstance(target, Mapping):
            raise _impossible(target, override, depth)
        entry = target.entries.get(part)
        if entry is None or replace or _is_empty(entry.node):
            place = fresh.place
            target.entries[part] = Entry(Scalar(part, part, place), fresh)
            return fresh
        return entry.node
    if not isinstance(target, Listing):
        raise _impossible(target, override, depth)
    if part > len(target.items):
        what = f"{dotted(override.path[:depth])} has {len(target.items)} items, so there is no [{part}]"
        fix = f"[{len(target.items)}] appends one"
        raise SpecError([Problem("E042", what, fresh.place, "", fix, override.path)])
    if part == len(target.items):
        target.items.append(fresh)
    elif replace or _is_empty(target.items[part]):
        target.items[part] = fresh
    return target.items[part]


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _impossible(target: Node, override: Override, depth: int) -> SpecError:
    above = dotted(override.path[:depth])
    place = Place(target.place.file, origin=override.origin)
    if isinstance(target, Scalar) and isinstance(target.value, str):
        what = f"{above} is {target.value!r}: there is nothing to set inside a text"
        why = "a reference stands for something registered elsewhere, which this file cannot change"
        fix = f"--set {above}=REFERENCE replaces it, or write a mapping in the file"
    else:
        what = f"{above} is {describe(target)} and has no {override.path[depth]!r}"
        why, fix = "", f"--set {above}=VALUE replaces it as a whole"
    return SpecError([Problem("E042", what, place, why, fix, override.path)])
