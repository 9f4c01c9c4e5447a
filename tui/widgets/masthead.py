"""The first line: the pages, how things stand, how old the news are."""

import time

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui import format as write
from tui.keys import PAGES, TITLES
from tui.looks import Look
from tui.widgets.still import put

OLD_S = 5.0


class Masthead(Horizontal):
    """Pages on the left, health on the right."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._page = page

    def compose(self) -> ComposeResult:
        """Lay out."""
        tabs = [
            f"[b $background on $primary] {number} {TITLES[name]} [/]"
            if name == self._page
            else f"[@click=app.page('{name}')] {number} {TITLES[name]} [/]"
            for number, name in enumerate(PAGES, 1)
        ]
        yield Static(Content.from_markup("".join(tabs)), id="tabs")
        yield Static(id="health")

    def tell(self, look: Look | None, *, paused: bool) -> None:
        """Show how things stand."""
        parts = self._parts(look, paused=paused)
        put(self.query_one("#health", Static), Content.assemble(*parts))

    def _parts(self, look: Look | None, *, paused: bool) -> "list[tuple[str, str] | str]":
        if look is None:
            return [("looking …", "$faint")]
        width = self.app.size.width
        age = time.monotonic() - look.at
        parts: list[tuple[str, str] | str] = []
        if look.gateway is not None:
            parts.append(("● ", "$success"))
        else:
            parts.append(("○ ", "$error" if look.groups else "$faint"))
        if width >= 110:
            parts.append(("gateway " + ("up" if look.gateway else "down"), "$faint"))
            agent = "on" if look.agent else "off"
            parts.append((f"  agent {agent}" if width >= 130 else "", "$faint"))
            parts.append("  ")
        colour = "$error" if look.trouble else "$warning" if age > OLD_S else "$faint"
        what = "paused " if paused else "no news " if look.trouble and width >= 100 else ""
        parts.append((f"{what}{write.age(age)}", "$accent" if paused else colour))
        return parts
