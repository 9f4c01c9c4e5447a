"""A number over time: its name, its value, and a curve of blocks below."""

from collections.abc import Sequence
from itertools import groupby

from textual.content import Content
from textual.widget import Widget

_PARTS = " ▁▂▃▄▅▆▇█"


class Curve(Widget):
    """One reading a column, the newest on the right; the highest one shown touches the top."""

    def __init__(self, title: str, colour: str, *, least: float = 0.0, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._title, self._colour, self._least = title, colour, least
        self._values: Sequence[float | None] = ()
        self._text = ""

    def tell(self, values: Sequence[float | None], text: str) -> None:
        """Show readings, and the newest one in words."""
        before = self._drawn()
        self._values, self._text = values, text
        if self._drawn() != before:
            self.refresh()

    def _drawn(self) -> tuple[str, ...]:
        width, height = self.size
        return (self._text, *drawn(self._values, width, max(0, height - 1), self._least))

    def render(self) -> Content:
        """Draw."""
        width, height = self.size
        head = Content.assemble(
            (self._title, "$faint"), " " * max(1, width - len(self._title) - len(self._text)), (self._text, "b")
        )
        if height < 2:
            return head
        rows = drawn(self._values, width, height - 1, self._least)
        above = [" " * width, *rows]
        return Content("\n").join([head, *(self._row(row, up) for row, up in zip(rows, above, strict=False))])

    def _row(self, row: str, above: str) -> Content:
        """What has something above it is the calm body, the rest the line that is read."""
        found: list[tuple[str, str]] = []
        for body, cells in groupby(zip(row, above, strict=True), lambda pair: pair[1] != " "):
            text = "".join(cell for cell, _ in cells)
            found.append((text, f"{self._colour} 35%" if body else self._colour))
        return Content.assemble(*found)


def drawn(values: Sequence[float | None], width: int, height: int, least: float = 0.0) -> list[str]:
    """Draw a curve as lines of text from top to bottom. ``least``: what the highest row stands for at least. Pure."""
    shown: list[float | None] = list(values)[-width:]
    shown = [*([None] * (width - len(shown))), *shown]
    most = max((value for value in shown if value is not None), default=0.0)
    most = max(most, least)
    levels = [
        None if value is None else 0 if most <= 0 else round(max(0.0, value) / most * height * 8) for value in shown
    ]
    rows = []
    for row in range(height - 1, -1, -1):
        line = ""
        for level in levels:
            inside = 0 if level is None else min(8, max(0, level - 8 * row))
            # A zero is a thin line on the ground, no news is nothing.
            line += "▁" if row == 0 and level is not None and inside == 0 else _PARTS[inside]
        rows.append(line)
    return rows
