"""How results are printed: the seven formats of az, with their quirks (spec section 5, "Output")."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sandbox.model.errors import SandboxError

_ARM_GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)/", re.IGNORECASE)
_NOT_IN_TABLES = frozenset({"id", "type", "etag"})


class Ordered(dict[str, Any]):
    """What a query put together: its keys stay in the order of the query."""


def formatted(value: Any, form: str, *, queried: bool = False, coloured: bool = False) -> str:
    """Return the text of a result, its last newline included; "" for None.

    Args:
        value: what a verb returned, or what a query made of it.
        form: one of ``words.FORMATS``.
        queried: a query was given, so that the keys of tables keep their order.
        coloured: jsonc and yamlc may use colours.

    Raises:
        SandboxError: E017, the value cannot be a table.
    """
    if value is None or form == "none":
        return ""
    if form == "tsv":
        return "".join(f"{_row(each)}\n" for each in _as_list(value))
    if form == "table":
        return _table(_as_list(value), queried=queried)
    if form in {"yaml", "yamlc"}:
        text = _yaml(value)
        return _painted_yaml(text) if coloured and form == "yamlc" else text
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, separators=(",", ": ")) + "\n"
    return _painted_json(text) if coloured and form == "jsonc" else text


def print_json(value: Any) -> None:
    """Write a result as JSON to standard output."""
    sys.stdout.write(formatted(value, "json"))


def with_groups(value: Any) -> Any:
    """Add ``resourceGroup`` to every object whose id is an ARM id, as az does to all results."""
    if isinstance(value, Mapping):
        made = {key: with_groups(each) for key, each in value.items()}
        found = _ARM_GROUP.match(made["id"]) if isinstance(made.get("id"), str) else None
        return {**made, "resourceGroup": found["group"]} if found and "resourceGroup" not in made else made
    if isinstance(value, (list, tuple)):
        return [with_groups(each) for each in value]
    return value


def search(expression: str, value: Any) -> Any:
    """Apply a JMESPath query.

    Raises:
        SandboxError: E011, it is none.
    """
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, value, jmespath.Options(dict_cls=Ordered))
    except JMESPathError as error:
        why = " ".join(str(error).split())
        fix = 'for instance --query scoring_uri, or --query "[].{Name:name, State:provisioning_state}"'
        raise SandboxError("E011", f"--query {expression} cannot be used", why, fix) from None


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# --- tsv -------------------------------------------------------------------------------------------------------------


def _row(value: Any) -> str:
    if isinstance(value, Mapping):
        values: Iterable[Any] = value.values() if isinstance(value, Ordered) else (value[key] for key in sorted(value))
    elif isinstance(value, list):
        values = value
    else:
        return str(value).lower() if isinstance(value, bool) else str(value)
    return "\t".join(_cell(each) for each in values)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return str(len(value))
    return "" if isinstance(value, Mapping) else str(value)


# --- table -----------------------------------------------------------------------------------------------------------


def _table(rows: list[Any], *, queried: bool) -> str:
    entries = [_entry(row, queried=queried) for row in rows]
    columns = list(dict.fromkeys(key for entry in entries for key in entry))
    if entries and not columns:
        fix = 'choose what to show, for instance --query "{Name:name}"'
        raise SandboxError("E017", "there is nothing in the result that a table can show", "", fix)
    return (aligned(columns, [[entry.get(key, "") for key in columns] for entry in entries]) if entries else "") + "\n"


def _entry(row: Any, *, queried: bool) -> dict[str, str]:
    if isinstance(row, Mapping):
        keys = list(row) if queried else sorted(row)
        return {
            f"{key[:1].upper()}{key[1:]}": _line(row[key])
            for key in keys
            if key not in _NOT_IN_TABLES and row[key] is not None and not isinstance(row[key], (list, Mapping))
        }
    if isinstance(row, list):
        return {f"Column{number}": _line(value) for number, value in enumerate(row, 1)}
    return {"Result": _line(row)}


def _line(value: Any) -> str:
    return "" if value is None else str(value).replace("\n", "\\n")


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as az does: a rule under the heads, two spaces between columns; no last newline."""
    import unicodedata

    def width(text: str) -> int:
        return sum(
            2 if unicodedata.east_asian_width(sign) in "WF" else not unicodedata.combining(sign) for sign in text
        )

    widths = [
        max(width(head) + 2, *(width(row[at]) for row in rows), 0) if rows else width(head) + 2
        for at, head in enumerate(columns)
    ]
    lines = [columns, ["-" * each for each in widths], *rows]
    return "\n".join(
        "  ".join(cell + " " * (size - width(cell)) for cell, size in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


# --- yaml ------------------------------------------------------------------------------------------------------------


def _yaml(value: Any) -> str:
    import yaml

    plain = json.loads(json.dumps(value))
    text: str = yaml.safe_dump(plain, default_flow_style=False, allow_unicode=True)
    return text


# --- Colours ---------------------------------------------------------------------------------------------------------

_JSON_PART = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=: )'
    r'|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<word>\b(?:true|false|null)\b)"
    r"|(?P<number>-?\d[\d.eE+-]*)"
)
_YAML_KEY = re.compile(r"^(?P<before>[\s-]*)(?P<key>[^\s:#][^:\n]*)(?=:(?:\s|$))", re.MULTILINE)
_COLOURS = {"key": "34", "text": "32", "word": "36", "number": "33"}


def _painted_json(text: str) -> str:
    return _JSON_PART.sub(_painter(lambda found: str(found.lastgroup)), text)


def _painted_yaml(text: str) -> str:
    return _YAML_KEY.sub(lambda found: f"{found['before']}\x1b[{_COLOURS['key']}m{found['key']}\x1b[39m", text)


def _painter(kind: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
    return lambda found: f"\x1b[{_COLOURS[kind(found)]}m{found.group()}\x1b[39m"


def counted(number: int, word: str) -> str:
    """Write a number of things: 1 sample, 2 samples."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def megabytes(size: int) -> str:
    """Write a number of bytes for people."""
    return f"{size / 2**20:.0f} MiB"
