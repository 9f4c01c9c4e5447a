"""A log of any length: only what is seen is drawn, and following stops when somebody scrolls up."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, ClassVar

from textual.binding import Binding
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.ring import MOMENT, Entry, Filter, Ring, Test
from tui.widgets import log_line

SLICE, SLICE_S, PAUSE_S = 500, 0.008, 0.001  # lines are chosen in slices: so many at a time, so long, with a pause
MOST_OF_A_RECORD = 400  # lines


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
        self._shown: list[int] = []  # numbers of entries
        self._ends: list[int] = []  # with wrapping: for each of them, the row below its last one
        self._test: Test = self.filter.test()
        self._find = self.filter.matcher()
        self._at: int | None = None  # number of the entry that was jumped to
        self._moving = False
        self._turn = 0  # what chooses lines ends when another one has begun
        self._choosing = False

    # --- Content -----------------------------------------------------------------------------------------------------

    def extend(self, numbers: range) -> None:
        """Show entries that the ring has just taken."""
        self._drop_old()
        if numbers and not self._choosing:
            new = self.ring.passing(self._passes, numbers.start, numbers.stop)
            self._shown += new
            self._measure(self._ends, new)
            if not self.following:
                self.unseen += len(new)
        self._resized()

    def _drop_old(self) -> None:
        """Let go of what the ring no longer has, and what is older than is wanted."""
        first = self.ring.first
        if self.filter.newest_s and self._shown:
            since = self.ring.moment - self.filter.newest_s
            first = max(
                first,
                next(
                    (each for each in self._shown if each >= first and self.ring.at(each).moment >= since),
                    self.ring.next,
                ),
            )
        count = bisect_left(self._shown, first)
        if count:
            del self._shown[:count]
            if self.wrap:
                gone = self._ends[count - 1]
                self._ends = [end - gone for end in self._ends[count:]]

    def narrow(self, to: Filter, *, highlight_only: bool) -> None:
        """Show through another filter."""
        self.filter, self.highlight_only = to, highlight_only
        self._test, self._find = to.test(), to.matcher()
        self.again()

    def again(self) -> None:
        """Choose the lines anew: another filter, another width, other columns. What is shown stays until it is done."""
        self._turn += 1
        self._choosing = True
        self._choose(self._turn, [], [], self.ring.first)

    def _choose(self, turn: int, shown: list[int], ends: list[int], at: int) -> None:
        """Go on for a moment; a hundred thousand lines through an expression would hold up keys and clocks else."""
        if turn != self._turn:
            return
        until = time.perf_counter() + SLICE_S
        while at < self.ring.next and time.perf_counter() < until:
            new = self.ring.passing(self._passes, at, at + SLICE)
            shown += new
            self._measure(ends, new)
            at += SLICE
        if at < self.ring.next:
            self.set_timer(PAUSE_S, partial(self._choose, turn, shown, ends, at))
            return
        self._shown, self._ends, self._choosing = shown, ends, False
        self._drop_old()
        self._resized()

    def _passes(self, entry: Sequence[Any]) -> bool:
        if self.filter.newest_s and self.ring.moment - entry[MOMENT] > self.filter.newest_s:
            return False
        return self.highlight_only or self._test(entry)

    def _measure(self, ends: list[int], new: list[int]) -> None:
        """Add the rows that lines take, if they are wrapped."""
        if not self.wrap:
            return
        width = max(20, self.scrollable_content_region.width - log_line.margin(sources=self.sources))
        end = ends[-1] if ends else 0
        for number in new:
            end += max(1, -(-len(self.ring.at(number).text) // width))
            ends.append(end)

    def _resized(self) -> None:
        height = self._ends[-1] if self.wrap and self._ends else len(self._shown)
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
    def count(self) -> int:
        """How many entries pass the filter."""
        return len(self._shown)

    @property
    def shown(self) -> Iterator[Entry]:
        """The entries that pass the filter."""
        return (self.ring.at(number) for number in self._shown)

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

        def wanted(entry: Entry) -> bool:
            return find(entry.text) is not None if find else entry.level == "E" and entry.begins

        here, count = self._position(), len(self._shown)
        onward = range(here + 1, count) if step > 0 else range(min(here, count) - 1, -1, -1)
        around = range(min(here + 1, count)) if step > 0 else range(count - 1, here - 1, -1)
        for place in chain(onward, around):
            entry = self.ring.at(self._shown[place])
            if wanted(entry):
                self._go(place)
                return entry
        return None

    def go_to(self, test: Callable[[Entry], bool]) -> bool:
        """Go to the first entry of which this is true."""
        for place, number in enumerate(self._shown):
            if test(self.ring.at(number)):
                self._go(place)
                return True
        return False

    def _position(self) -> int:
        """Return the place, among those that are shown, from where the next one is looked for."""
        if self._at is not None:
            return min(bisect_left(self._shown, self._at), len(self._shown) - 1)
        return len(self._shown) if self.following else self._place_of(int(self.scroll_y))

    def _place_of(self, row: int) -> int:
        return bisect_right(self._ends, row) if self.wrap else row

    def _go(self, place: int) -> None:
        self._at = self._shown[place]
        self.following = False
        row = place if not self.wrap else self._ends[place - 1] if place else 0
        self.scroll_to(y=max(0, row - self.size.height // 3), animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Told())

    def on_click(self, event: Click) -> None:
        """Choose the line that is clicked."""
        place = self._place_of(int(self.scroll_y) + event.y - self.gutter.top)
        if 0 <= place < len(self._shown):
            self._at = self._shown[place]
            self.refresh()

    @property
    def here(self) -> Entry | None:
        """The entry that was jumped to, else the last one on the screen."""
        if not self._shown:
            return None
        place = bisect_left(self._shown, self._at) if self._at is not None else len(self._shown)
        if place < len(self._shown) and self._shown[place] == self._at:
            return self.ring.at(self._shown[place])
        last = self._place_of(int(self.scroll_y) + self.size.height - 1)
        return self.ring.at(self._shown[min(len(self._shown) - 1, last)])

    def record(self) -> list[Entry]:
        """Return the lines of the record that the entry here belongs to, those as well that the filter hides."""
        here = self.here
        if here is None:
            return []
        first, last = here.number, here.number + 1

        def same(number: int) -> bool:
            entry = self.ring.at(number)
            return not entry.begins and (entry.endpoint, entry.deployment) == (here.endpoint, here.deployment)

        while first > self.ring.first and here.number - first < MOST_OF_A_RECORD and same(first):
            first -= 1
        while last < self.ring.next and last - first < MOST_OF_A_RECORD and same(last):
            last += 1
        return [self.ring.at(number) for number in range(first, last)]

    def place(self) -> tuple[str, int] | None:
        """Return the file and line that the record here names."""
        return log_line.place([entry.text for entry in self.record()])

    # --- Drawing -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.scrollable_content_region.width
        row = y + int(self.scroll_y)
        place = self._place_of(row)
        if place >= len(self._shown) or self._shown[place] < self.ring.first:
            return Strip.blank(width, self.rich_style)
        part = row - (self._ends[place - 1] if place else 0) if self.wrap else 0
        entry = self.ring.at(self._shown[place])
        room = max(20, width - log_line.margin(sources=self.sources))
        text = entry.text[part * room : (part + 1) * room] if self.wrap else entry.text
        find = None if self.filter.text.startswith("!") else self._find
        segments = log_line.drawn(
            self,
            entry,
            text,
            first=part == 0,
            sources=self.sources,
            find=find,
            width=width,
            here=entry.number == self._at,
        )
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def on_resize(self) -> None:
        """Another width wraps otherwise."""
        if self.wrap:
            self.again()
        else:
            self._resized()

    def set_filter(self, **changes: object) -> None:
        """Change a part of the filter."""
        self.narrow(replace(self.filter, **changes), highlight_only=self.highlight_only)  # type: ignore[arg-type]
