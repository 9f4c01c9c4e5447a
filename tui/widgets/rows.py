"""A list of lines with a key each. A new content changes only the lines that differ; cursor and scroll stay."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

Item = tuple[str, Content]
HEADING = "#"  # keys that begin so are headings: not to be chosen


class Rows(OptionList):
    """Arrow and vim keys, mouse, keyed updates."""

    BINDINGS: ClassVar = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("enter", "select", show=False),
        Binding("down", "cursor_down", show=False),
        Binding("up", "cursor_up", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes, markup=False, compact=True)
        self._items: list[Item] = []

    def fill(self, items: Sequence[Item], chosen: str | None = None) -> None:
        """Show these lines, with the cursor on ``chosen`` where it is among them."""
        before, self._items = self._items, list(items)
        if [key for key, _ in before] == [key for key, _ in items]:
            for number, ((_, old), (_, new)) in enumerate(zip(before, items, strict=True)):
                if old.plain != new.plain or old.spans != new.spans:
                    self.replace_option_prompt_at_index(number, new)
        else:
            kept = chosen if chosen is not None else self.key
            with self.prevent(OptionList.OptionHighlighted):
                self.clear_options()
                self.add_options(
                    [Option(line, id=key, disabled=key.startswith(HEADING)) for key, line in items],
                )
            chosen = kept
        self.put(chosen)

    def put(self, key: str | None) -> None:
        """Put the cursor on a line, without telling anybody."""
        keys = [each for each, _ in self._items]
        if key in keys and self.highlighted != keys.index(key):
            with self.prevent(OptionList.OptionHighlighted):
                self.highlighted = keys.index(key)
            self.call_after_refresh(self.scroll_to_highlight)

    @property
    def key(self) -> str | None:
        """The key of the line with the cursor."""
        if self.highlighted is None or self.highlighted >= len(self._items):
            return None
        return self._items[self.highlighted][0]

    @property
    def at_end(self) -> bool:
        """Tell whether the cursor is on the last line."""
        return self.highlighted is None or self.highlighted >= len(self._items) - 1
