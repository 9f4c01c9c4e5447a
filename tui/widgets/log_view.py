"""A log of any length: only what is seen is drawn, and following stops when somebody scrolls up."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.ring import Entry, Filter, Ring
from tui.themes import tone

_PLACE = re.compile(r"^(?P<file>\S[^:]*\.py):(?P<line>\d+): ")
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')


class LogView(ScrollView, can_focus=True):
    """Lines of a ring through a filter. It is given lines and knows nothing of where they come from."""

    BINDINGS: ClassVar = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
        Binding("ctrl+d", "page_down", show=False),
        Binding("ctrl+u", "page_up", show=False),
        Binding("home,g", "scroll_home", show=False),
        Binding("G", "end", show=False),
    ]

    class Told(Message):
        """How many lines there are, are shown and were not seen, has changed."""

    def __init__(self, ring: Ring | None = None, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.ring = Ring() if ring is None else ring
        self.filter = Filter()
        self.highlight_only = False
        self.following = True
        self.unseen = 0
        self.wrap = False
        self.sources = True
        self._shown: list[Entry] = []
        self._rows: list[tuple[int, int]] = []  # with wrapping: number in _shown, part of the line
        self._test: Callable[[Entry], bool] = self.filter.test()
        self._find = self.filter.matcher()
        self._at: int | None = None  # number of the entry that was jumped to
        self._moving = False

    # --- Content -----------------------------------------------------------------------------------------------------

    def extend(self, entries: list[Entry]) -> None:
        """Show entries that the ring has just taken."""
        if not entries:
            return
        first = self.ring.entries[0].number if len(self.ring) else 0
        if self._shown and self._shown[0].number < first:
            self._build()
        else:
            new = [entry for entry in entries if self._passes(entry)]
            self._shown += new
            if self.wrap:
                for number in range(len(self._shown) - len(new), len(self._shown)):
                    self._rows += self._parts(number)
            if not self.following:
                self.unseen += len(new)
        self._resized()

    def narrow(self, to: Filter, *, highlight_only: bool) -> None:
        """Show through another filter."""
        self.filter, self.highlight_only = to, highlight_only
        self._test, self._find = to.test(), to.matcher()
        self._build()
        self._resized()

    def again(self) -> None:
        """Draw everything anew: other lines, another width, other columns."""
        self._build()
        self._resized()

    def _passes(self, entry: Entry) -> bool:
        if self.filter.newest_s and self.ring.entries[-1].moment - entry.moment > self.filter.newest_s:
            return False
        return self.highlight_only or self._test(entry)

    def _build(self) -> None:
        self._shown = [entry for entry in self.ring.entries if self._passes(entry)]
        self._rows = []
        if self.wrap:
            for number in range(len(self._shown)):
                self._rows += self._parts(number)

    def _parts(self, number: int) -> list[tuple[int, int]]:
        width = max(20, self.scrollable_content_region.width - self._margin)
        count = max(1, -(-len(self._shown[number].text) // width))
        return [(number, part) for part in range(count)]

    def _resized(self) -> None:
        height = len(self._rows) if self.wrap else len(self._shown)
        self._moving = True
        self.virtual_size = Size(self.size.width, height)
        self._moving = False
        if self.following:
            self.call_after_refresh(self._to_end)  # where the end is, is known then
        self.refresh()
        self.post_message(self.Told())

    def _to_end(self) -> None:
        if self.following:
            self._moving = True
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)
            self._moving = False

    @property
    def shown(self) -> list[Entry]:
        """The entries that pass the filter."""
        return self._shown

    # --- Moving ------------------------------------------------------------------------------------------------------

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Scrolled up: stay there. Scrolled to the end: follow."""
        super().watch_scroll_y(old, new)
        if self._moving:
            return
        at_end = new >= self.max_scroll_y
        if at_end != self.following:
            self.following = at_end
            if at_end:
                self.unseen = 0
            self.post_message(self.Told())

    def follow(self) -> None:
        """Go to the end, and stay there."""
        self.following, self.unseen, self._at = True, 0, None
        self._resized()

    def action_end(self) -> None:
        """As ``follow``."""
        self.follow()

    def jump(self, step: int) -> Entry | None:
        """Go to the next entry that the filter finds (without one: the next error), or to the one before."""
        find = self._find
        wanted = [
            number
            for number, entry in enumerate(self._shown)
            if (find(entry.text) is not None if find else entry.level == "E" and entry.begins)
        ]
        if not wanted:
            return None
        here = self._position()
        after = [number for number in wanted if number > here]
        before = [number for number in wanted if number < here]
        chosen = (after or wanted)[0] if step > 0 else (before or wanted)[-1]
        self._go(chosen)
        return self._shown[chosen]

    def go_to(self, test: Callable[[Entry], bool]) -> bool:
        """Go to the first entry of which this is true."""
        for number, entry in enumerate(self._shown):
            if test(entry):
                self._go(number)
                return True
        return False

    def _position(self) -> int:
        if self._at is not None:
            for number, entry in enumerate(self._shown):
                if entry.number == self._at:
                    return number
        return len(self._shown) if self.following else int(self.scroll_y)

    def _go(self, number: int) -> None:
        self._at = self._shown[number].number
        self.following = False
        row = number if not self.wrap else next(at for at, (each, _) in enumerate(self._rows) if each == number)
        self.scroll_to(y=max(0, row - self.size.height // 3), animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Told())

    @property
    def here(self) -> Entry | None:
        """The entry that was jumped to, else the last one on the screen."""
        found = next((entry for entry in self._shown if entry.number == self._at), None)
        if found is None and self._shown:
            found = self._shown[min(len(self._shown), int(self.scroll_y) + self.size.height) - 1]
        return found

    def place(self) -> tuple[str, int] | None:
        """Return the file and line that the entry here, or one of its record, names."""
        here = self.here
        if here is None:
            return None
        start = next((number for number, entry in enumerate(self._shown) if entry is here), 0)
        for entry in self._shown[start : start + 40]:
            if entry is not here and entry.begins:
                break
            found = _PLACE.match(_message(entry.text)) or _FRAME.match(entry.text)
            if found:
                return found["file"], int(found["line"])
        return None

    # --- Drawing -----------------------------------------------------------------------------------------------------

    @property
    def _margin(self) -> int:
        return 13 + (14 if self.sources else 0) + 2

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.scrollable_content_region.width
        row = y + int(self.scroll_y)
        number, part = (
            (row, 0) if not self.wrap else self._rows[row] if row < len(self._rows) else (len(self._shown), 0)
        )
        if number >= len(self._shown):
            return Strip.blank(width, self.rich_style)
        entry = self._shown[number]
        if entry.mark:
            text = f"──── {entry.text} ".ljust(width, "─")
            return Strip([Segment(text[:width], self._style("$accent"))], width)
        room = max(20, width - self._margin)
        text = entry.text[part * room : (part + 1) * room] if self.wrap else entry.text
        segments = [*self._front(entry, first=part == 0), *self._text(entry, text)]
        strip = Strip(segments).adjust_cell_length(width, self.rich_style)
        return strip.apply_style(self._style("on $panel")) if entry.number == self._at else strip

    def _front(self, entry: Entry, *, first: bool) -> list[Segment]:
        level, colour = {
            "E": ("E ", "bold $error"),
            "W": ("W ", "bold $warning"),
            "D": ("D ", "$faint"),
        }.get(entry.level, ("  ", "$faint"))
        begins = entry.begins and first
        found = [Segment(f"{entry.time if begins else '':<13}", self._style("$faint"))]
        if self.sources:
            name = entry.deployment[:13]
            found.append(Segment(f"{name if begins else '':<14}", self._style(tone(entry.deployment))))
        return [*found, Segment(level if begins else "  ", self._style(colour))]

    def _text(self, entry: Entry, text: str) -> list[Segment]:
        colour = {"E": "$error", "W": "$warning", "D": "$faint"}.get(entry.level, "$foreground")
        if not entry.begins and entry.level in {"E", "W"}:
            colour = "$foreground" if _FRAME.match(text) else "$faint"
        style = self._style(colour)
        find = self._find
        if find is None or self.filter.text.startswith("!"):
            return [Segment(text, style)]
        found: list[Segment] = []
        at = 0
        while (match := find(text[at:])) is not None and match.end() > 0:
            found += [
                Segment(text[at : at + match.start()], style),
                Segment(text[at + match.start() : at + match.end()], self._style("reverse $primary")),
            ]
            at += match.end()
        return [*found, Segment(text[at:], style)]

    def _style(self, text: str) -> Style:
        return _styled(self, text)

    def on_resize(self) -> None:
        """Another width wraps otherwise."""
        if self.wrap:
            self._build()
        self._resized()

    def set_filter(self, **changes: object) -> None:
        """Change a part of the filter."""
        self.narrow(replace(self.filter, **changes), highlight_only=self.highlight_only)  # type: ignore[arg-type]


def _message(text: str) -> str:
    """Return a record's text without the name of its logger."""
    return text.partition(" - ")[2] if " - " in text[:40] else text


def _styled(view: LogView, text: str) -> Style:
    """Return a style as Rich wants it; the theme's colours by name."""
    theme = view.app.theme
    cache: dict[tuple[str, str], Style] = view.app.__dict__.setdefault("_log_styles", {})
    found = cache.get((theme, text))
    if found is None:
        from textual.content import Content

        segments = list(Content.styled("x", text).render_segments(view.visual_style))
        found = cache[theme, text] = segments[0].style or Style()
    return found
