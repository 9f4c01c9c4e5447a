"""The table of endpoints and deployments: as many columns as there is room for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from textual.content import Content

from tui import format as write
from tui.looks import SIGNS, Group, Row
from tui.themes import tone
from tui.widgets.rows import HEADING, Item

COLOURS = {"good": "$success", "busy": "$primary", "warn": "$warning", "dim": "$faint", "bad": "$error"}
BAR_MOST = 48
_FIXED = 2 + 14  # the margin and the column of states
_LEAST_NAME, _MOST_NAME = 10, 24
_NAME_SHARE = 12  # with a bar: the percentage beside it


def _always(_: Row) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Column:
    """One column of numbers. ``rank``: the lower, the longer it stays when there is little room."""

    title: str
    width: int
    rank: int
    text: Callable[[Row], str]
    bad: Callable[[Row], bool] = lambda _: False
    needed: Callable[[Row], bool] = _always  # it is there only if one deployment has something to say in it


COLUMNS: tuple[Column, ...] = (
    Column("mirror", 7, 4, lambda row: f"{row.mirror}%" if row.mirror else write.NOTHING),
    Column("req/s", 8, 1, lambda row: write.rate(row.numbers.rps)),
    Column("p50", 9, 6, lambda row: write.milliseconds(row.numbers.p50)),
    Column("p95", 9, 2, lambda row: write.milliseconds(row.numbers.p95)),
    Column("errors", 8, 3, lambda row: write.percent(row.numbers.errors), lambda row: (row.numbers.errors or 0) > 0),
    Column("cpu", 6, 8, lambda row: write.percent(row.numbers.cpu)),
    Column("gpu", 6, 7, lambda row: write.percent(row.numbers.gpu), needed=lambda row: row.numbers.gpu is not None),
    Column(
        "gpu mem",
        9,
        9,
        lambda row: write.memory(row.numbers.gpu_memory),
        needed=lambda row: bool(row.numbers.gpu_memory),
    ),
    Column("memory", 9, 5, lambda row: write.memory(row.numbers.memory)),
    Column("inst", 6, 10, lambda row: f"{row.running}/{row.wanted}", lambda row: row.running < row.wanted),
    Column("rev", 5, 11, lambda row: row.revision or write.NOTHING),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What fits into a width."""

    name: int
    bar: int
    columns: Sequence[Column]


def shape(width: int, rows: Sequence[Row]) -> Shape:
    """Choose the columns for a width in cells. Pure."""
    longest_name = max((len(row.name) for row in rows), default=0)
    name = min(_MOST_NAME, max(_LEAST_NAME, longest_name + 2))
    wanted = [column for column in COLUMNS if any(map(column.needed, rows)) or column.needed is _always]
    room = width - _FIXED - name - 5 - 8  # the percentage, and a bar that is worth it
    chosen = []
    for column in sorted(wanted, key=lambda each: each.rank):
        if column.width <= room:
            chosen.append(column)
            room -= column.width
        else:
            break
    bar = min(BAR_MOST, 8 + max(0, room))
    return Shape(name, bar, [column for column in COLUMNS if column in chosen])


def head(found: Shape) -> Content:
    """Write the line above."""
    text = f"  {'':<{found.name}}{'state':<14}{'traffic':<{found.bar + 5}}"
    return Content.styled(text + "".join(f"{column.title:>{column.width}}" for column in found.columns), "$faint")


ORDERS: dict[str, Callable[[Row], tuple[float | str, ...]]] = {
    "name": lambda row: (row.name,),
    "traffic": lambda row: (-row.live, -row.mirror, row.name),
    "requests": lambda row: (-(row.numbers.rps or 0.0), row.name),
    "p95": lambda row: (-(row.numbers.p95 or 0.0), row.name),
    "errors": lambda row: (-(row.numbers.errors or 0.0), row.name),
    "memory": lambda row: (-(row.numbers.memory or 0), row.name),
}


def ordered(groups: Sequence[Group], order: str) -> list[Group]:
    """Return the endpoints with their deployments in another order; "" as they come. Pure."""
    key = ORDERS.get(order)
    return [replace(group, rows=tuple(sorted(group.rows, key=key))) for group in groups] if key else list(groups)


def items(groups: Sequence[Group], found: Shape, width: int) -> list[Item]:
    """Write all endpoints with their deployments."""
    lines: list[Item] = []
    for number, group in enumerate(groups):
        if number:
            lines.append((f"{HEADING}{group.name} above", Content("")))
        lines.append((f"{HEADING}{group.name}", endpoint(group, width)))
        if group.trouble is not None:
            told = Content.assemble(("    ✖ ", "$error"), group.trouble.what, (f"  {group.trouble.why}", "$faint"))
            lines.append((f"{HEADING}{group.name} trouble", told))
        elif not group.rows:
            lines.append((f"{HEADING}{group.name} empty", Content.styled("    no deployment yet", "$faint")))
        lines += [(f"{row.endpoint}/{row.name}", deployment(row, found)) for row in group.rows]
    return lines


def endpoint(group: Group, width: int) -> Content:
    """Write an endpoint."""
    about = f"{group.url}  {group.auth}".strip()
    name = Content.assemble((f" {group.name}", "b $foreground"))
    state = Content("") if group.word == "ready" else Content.assemble("  ", word(group.word))
    room = width - name.cell_length - state.cell_length - 4
    return Content.assemble(name, state, "  ", (about if len(about) <= room else f":{group.port}", "$faint"))


def word(of: str) -> Content:
    """Write a state: a sign and the word, so that no colour is needed."""
    sign, colour = SIGNS[of]  # type: ignore[index]
    return Content.styled(f"{sign} {of}", COLOURS[colour])


def deployment(row: Row, found: Shape) -> Content:
    """Write a deployment."""
    name = row.name if len(row.name) < found.name else f"{row.name[: found.name - 2]}…"
    full, empty = write.bar(row.live, found.bar)
    state = word(row.word)
    colour = tone(row.name)
    numbers = [
        (f"{column.text(row):>{column.width}}", "$error" if column.bad(row) else _plain(column.text(row)))
        for column in found.columns
    ]
    return Content.assemble(
        "  ",
        (f"{name:<{found.name}}", colour),
        state,
        " " * max(0, 14 - state.cell_length),
        (full, colour),
        (empty, "$line"),
        (f"{row.live:>3}% ", "b" if row.live else "$faint"),
        *numbers,
    )


def _plain(text: str) -> str:
    return "$faint" if text == write.NOTHING else "$foreground"
