"""``--set``, ``--add`` and ``--remove`` of an update, made before the result is judged (spec section 5)."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.model.errors import UsageError
from sandbox.model.problem import KeyPath, dotted


@dataclass(frozen=True, slots=True)
class Edit:
    """One change. ``value`` is read as JSON already; ``origin`` is what the user typed, for messages."""

    kind: Literal["set", "add", "remove"]
    path: KeyPath
    value: Any = None
    origin: str = ""


def apply(mapping: dict[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """Return the mapping with the edits made; parents that are missing are created.

    Raises:
        UsageError: E042, an edit leads nowhere.
    """
    changed = deepcopy(mapping)
    for edit in edits:
        _apply(changed, edit)
    return changed


def _apply(mapping: dict[str, Any], edit: Edit) -> None:
    if not edit.path:
        raise UsageError("E042", f"{edit.origin} names no key", "", "write KEY=VALUE")
    target: Any = mapping
    for part, following in zip(edit.path[:-1], edit.path[1:], strict=True):
        if edit.kind == "remove" and not _has(target, part):
            raise _nowhere(edit)
        target = _child(target, part, following, edit)
    last = edit.path[-1]
    if edit.kind == "remove":
        if not _has(target, last):
            raise _nowhere(edit)
        del target[last]
    elif edit.kind == "add":
        _add(target, last, edit)
    else:
        _set(target, last, edit.value, edit)


def _add(target: Any, last: str | int, edit: Edit) -> None:
    if not _has(target, last):
        _set(target, last, [], edit)
    found = target[last]
    if isinstance(found, list):
        found.append(edit.value)
    elif isinstance(found, dict) and isinstance(edit.value, dict):
        found.update(edit.value)
    else:
        raise UsageError(
            "E042", f"{edit.origin}: {dotted(edit.path)} is no list", "", f"--set {dotted(edit.path)}=VALUE"
        )


def _has(target: Any, part: str | int) -> bool:
    if isinstance(part, int):
        return isinstance(target, list) and part < len(target)
    return isinstance(target, dict) and part in target


def _child(target: Any, part: str | int, following: str | int, edit: Edit) -> Any:
    if not _has(target, part) or target[part] is None:
        _set(target, part, [] if isinstance(following, int) else {}, edit)
    return target[part]


def _set(target: Any, part: str | int, value: Any, edit: Edit) -> None:
    if isinstance(part, int) and isinstance(target, list) and part <= len(target):
        target[part : part + 1] = [value]
    elif isinstance(part, str) and isinstance(target, dict):
        target[part] = value
    else:
        raise _nowhere(edit)


def _nowhere(edit: Edit) -> UsageError:
    what = f"{edit.origin or dotted(edit.path)} leads nowhere"
    return UsageError(
        "E042", what, f"there is no {dotted(edit.path)} to change", "look with show, then name a key of it"
    )
