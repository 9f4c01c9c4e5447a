"""From flags to what the facade takes: overrides of a file, edits of what exists, shares of traffic."""

import json
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.model.errors import UsageError

if TYPE_CHECKING:
    from sandbox.ops.edits import Edit
    from sandbox.spec.override import Override

# Flags whose value is a path, seen from where the user is; in a file paths are seen from the file.
_PATHS = frozenset({("path",), ("conda_file",), ("build", "path")})


def overrides(given: Namespace, keys: Mapping[str, tuple[str, ...]] | None = None) -> "list[Override]":
    """Return what ``--set``, ``-n``, ``-e`` and flags of their own change in a file.

    Args:
        given: the parsed command line.
        keys: field of the command line -> path of the key, for flags besides ``--name`` and ``--endpoint-name``.

    Raises:
        UsageError: E042, a --set makes no sense; E010, a --tags does not.
    """
    from sandbox.cli.parser import flat
    from sandbox.spec.override import Override, named, parse

    made = []
    for field, key, flag in (("name", "name", "-n"), ("endpoint_name", "endpoint_name", "-e")):
        value = getattr(given, field, None)
        if value is not None:
            made.append(named(key, value, flag))
    for field, path in (keys or {}).items():
        value = getattr(given, field, None)
        if value is not None:
            flag = f"--{field.replace('_', '-')} {value}"
            made.append(Override(path, _located(value) if path in _PATHS else value, value, flag))
    for text in flat(getattr(given, "tags", None) or ()):
        for pair in text.split():
            key, value = _pair(pair, "--tags")
            made.append(Override(("tags", key), value, value, f"--tags {pair}"))
    return [*made, *(parse(text) for text in flat(getattr(given, "set", None) or ()))]


def _located(value: str) -> str:
    """Make a path absolute; addresses and references stay."""
    return value if ":" in value.partition("/")[0][2:] else os.path.abspath(value)


def edits(given: Namespace, *, sets: bool = True) -> "list[Edit]":
    """Return what ``--set``, ``--add`` and ``--remove`` change in something that exists, in that order, as az does.

    Args:
        given: the parsed command line.
        sets: False where ``--set`` is for a file that is given as well (``overrides``).

    Raises:
        UsageError: E042, one of them makes no sense.
    """
    from sandbox.cli.parser import flat
    from sandbox.ops.edits import Edit
    from sandbox.spec.override import parse

    as_text = bool(given.force_string)
    made = []
    for text in flat(given.set) if sets else ():
        change = parse(text, force_string=as_text)
        made.append(Edit("set", change.path, change.value, change.origin))
    for words in given.add:
        origin = f"--add {' '.join(words)}"
        if len(words) < 2:
            raise UsageError("E042", f"{origin} has nothing to add", "", f"write {origin} VALUE")
        path = path_of(words[0], "--add")
        made += [Edit("add", path, value, origin) for value in _added(words[1:], as_text=as_text)]
    for words in given.remove:
        origin = f"--remove {' '.join(words)}"
        path = path_of(words[0], "--remove")
        made += [Edit("remove", (*path, _index(word)), None, origin) for word in words[1:]]
        made += [] if words[1:] else [Edit("remove", path, None, origin)]
    return made


def path_of(text: str, flag: str) -> tuple[str | int, ...]:
    """Understand a path of keys as --set does.

    Raises:
        UsageError: E042.
    """
    from sandbox.spec.override import parse

    try:
        return parse(f"{text}=").path
    except UsageError as error:
        raise UsageError("E042", f"{flag} {text}: this is no path of keys", error.why, error.fix) from None


def _added(words: Sequence[str], *, as_text: bool) -> list[Any]:
    """Values stand for themselves; KEY=VALUE words together are one mapping."""
    pairs: dict[str, Any] = {}
    values: list[Any] = []
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key and not word.startswith(("{", "[", '"')):
            pairs[key] = _value(value, as_text=as_text)
        else:
            values.append(_value(word, as_text=as_text))
    return [*values, *([pairs] if pairs else [])]


def _value(text: str, *, as_text: bool) -> Any:
    if as_text:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _index(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        why = "what follows the list is the number of the item, counted from 0"
        raise UsageError("E042", f"--remove: {word!r} is no index", why, "write --remove LIST 0") from None


def shares(words: Sequence[Sequence[str]], flag: str) -> dict[str, int] | None:
    """Understand ``"blue=90 green=10"``, quoted or not; None where the flag was not given.

    Raises:
        UsageError: E010, a part is not NAME=PERCENT.
    """
    from sandbox.cli.parser import flat

    parts = [part for text in flat(words) for part in text.replace(",", " ").split()]
    if not words:
        return None
    found: dict[str, int] = {}
    for part in parts:
        name, value = _pair(part, flag)
        try:
            found[name] = int(value.removesuffix("%"))
        except ValueError:
            fix = f'{flag} "blue=90 green=10"'
            raise UsageError("E010", f"{flag}: {value!r} in {part!r} is no whole number", "", fix) from None
    return found


def _pair(text: str, flag: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError("E010", f"{flag}: {text!r} is not KEY=VALUE", "", f'write {flag} "{key or "KEY"}=VALUE"')
    return key, value
