"""Sliders that share one hundred percent. They know names and numbers; what these mean is the page's business."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.events import Click, MouseDown, MouseMove, MouseUp
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from tui import share
from tui.themes import tone

NAME, TAIL = 16, 38  # cells before and after the bar
LINES = 2  # of one slider


@dataclass(frozen=True, slots=True)
class Shares:
    """Live percent and copies by name. ``fixed``: cannot be given any traffic, for a reason."""

    live: Mapping[str, int]
    mirror: Mapping[str, int]
    fixed: Mapping[str, str]
    locked: frozenset[str] = frozenset()


class Sliders(Widget, can_focus=True):
    """One slider a line; the one with the cursor moves."""

    BINDINGS: ClassVar = [
        Binding("up,k_up", "choose(-1)", show=False),
        Binding("down,j", "choose(1)", show=False),
    ]

    class Changed(Message):
        """The shares are others now."""

        def __init__(self, shares: Shares) -> None:
            super().__init__()
            self.shares = shares

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes)
        self.shares = Shares({}, {}, {})
        self._was: Mapping[str, int] = {}
        self._start: Mapping[str, int] = {}  # when the edit of this slider began
        self.cursor = 0
        self._held = False

    # --- What is shown -----------------------------------------------------------------------------------------------

    def put(self, shares: Shares, was: Mapping[str, int]) -> None:
        """Show shares, and what they were."""
        self.shares, self._was = shares, dict(was)
        self._start = dict(shares.live)
        self.cursor = min(self.cursor, max(0, len(shares.live) - 1))
        self.refresh(layout=True)

    @property
    def name_here(self) -> str | None:
        """The name under the cursor."""
        names = list(self.shares.live)
        return names[self.cursor] if names else None

    @property
    def still(self) -> frozenset[str]:
        """The names that do not move by themselves: locked, not able to answer, or receiving copies."""
        copied = {name for name, percent in self.shares.mirror.items() if percent}
        return self.shares.locked | frozenset(self.shares.fixed) | copied

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        """A line for each, and one between."""
        return max(1, len(self.shares.live) * LINES - 1)

    @property
    def _bar(self) -> int:
        return max(10, min(100, self.size.width - NAME - TAIL))

    def render(self) -> Content:
        """Draw."""
        lines = []
        for number, name in enumerate(self.shares.live):
            lines += [self._line(name, here=number == self.cursor), Content("")]
        return Content("\n").join(lines[:-1])

    def _line(self, name: str, *, here: bool) -> Content:
        value, was = self.shares.live[name], self._was.get(name, 0)
        full = round(value / 100 * self._bar)
        colour = tone(name)
        at = min(self._bar - 1, full)
        head = "●" if here else "━" if value == share.WHOLE else "╸" if full else "─"
        bar = [("━" * at, colour), (head, colour if full or here else "$line"), ("─" * (self._bar - at - 1), "$line")]
        word, style = self._word(name)
        return Content.assemble(
            ("▸ " if here and self.has_focus else "  ", "$primary"),
            (f"{name[: NAME - 3]:<{NAME - 2}}", f"b {colour}" if here else colour),
            *bar,
            (f" {value:>3} %", "b"),
            (f"  was {was:>3}" if value != was else " " * 9, "$faint"),
            (f"  {word}", style),
        )

    def _word(self, name: str) -> tuple[str, str]:
        if name in self.shares.fixed:
            return self.shares.fixed[name], "$error"
        if percent := self.shares.mirror.get(name, 0):
            return f"copies {percent} %", "$primary"
        return ("locked", "$warning") if name in self.shares.locked else ("", "$faint")

    # --- What moves --------------------------------------------------------------------------------------------------

    def move(self, to: int) -> None:
        """Give the slider under the cursor this value, as far as the others leave room."""
        name = self.name_here
        if name is not None and name not in self.shares.fixed and not self.shares.mirror.get(name):
            others = self.still - {name}
            self._tell(replace(self.shares, live=share.moved(self._start, name, to, others)))

    def step(self, by: int) -> None:
        """Move by some percent."""
        name = self.name_here
        if name is not None:
            self.move(self.shares.live[name] + by)

    def even(self) -> None:
        """Give all that are not locked the same."""
        self._tell(replace(self.shares, live=share.even(self.shares.live, self.still)))
        self._start = dict(self.shares.live)

    def hold(self) -> None:
        """Lock the slider under the cursor, or let it move again."""
        name = self.name_here
        if name is not None:
            self._tell(replace(self.shares, locked=self.shares.locked ^ {name}))
            self._start = dict(self.shares.live)

    def mirror(self) -> None:
        """Give the one under the cursor ten percent of copies more; after fifty none. It has no live traffic then."""
        name = self.name_here
        if name is None or name in self.shares.fixed:
            return
        percent = (self.shares.mirror.get(name, 0) + 10) % 60
        live = self.shares.live
        if percent and live[name] and len(live) > 1:
            live = share.moved(live, name, 0, self.still - {name})
        if not percent or not live[name]:
            self._tell(replace(self.shares, live=live, mirror={name: percent} if percent else {}))
            self._start = dict(self.shares.live)

    def _tell(self, shares: Shares) -> None:
        if shares != self.shares:
            self.shares = shares
            self.refresh()
            self.post_message(self.Changed(shares))

    def action_choose(self, step: int) -> None:
        """Go to another slider; its edit begins from what is shown."""
        self._go(self.cursor + step)

    def _go(self, number: int) -> None:
        if self.shares.live:
            self.cursor = number % len(self.shares.live)
            self._start = dict(self.shares.live)
            self.refresh()

    # --- The mouse ---------------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: MouseDown) -> None:
        """Take hold of a slider."""
        place = event.get_content_offset(self)
        if place is not None and place.y % LINES == 0 and place.y // LINES < len(self.shares.live):
            self.focus()
            self._go(place.y // LINES)
            self._held = place.x >= NAME
            if self._held:
                self.capture_mouse()
                self._drag(place.x)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Drag it."""
        if self._held:
            self._drag(event.x - self.gutter.left)

    def on_mouse_up(self, _: MouseUp) -> None:
        """Let it go."""
        self._held = False
        self.release_mouse()

    def on_click(self, event: Click) -> None:
        """A click was a short drag."""
        event.stop()

    def _drag(self, x: int) -> None:
        self.move(min(100, max(0, round((x - NAME) / self._bar * 100))))
