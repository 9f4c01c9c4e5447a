"""A letter on each panel that can have the focus; typing it goes there."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Key
from textual.geometry import Offset
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

LETTERS = "asdfghjklqwertyuiopzxcvbnm"


class Jump(ModalScreen["Widget | None"]):
    """Gives the panel whose letter was typed, or None."""

    BINDINGS: ClassVar = [Binding("escape", "dismiss", "back")]

    def __init__(self, panels: list[Widget]) -> None:
        super().__init__()
        self._panels = dict(zip(LETTERS, panels, strict=False))

    def compose(self) -> ComposeResult:
        """Lay out."""
        for letter, panel in self._panels.items():
            label = Static(f" {letter} ", classes="jump")
            framed = next((each for each in panel.ancestors_with_self if each.has_class("panel")), panel)
            region = framed.region if isinstance(framed, Widget) else panel.region
            label.absolute_offset = Offset(region.x + 1, region.y)
            yield label

    def on_key(self, event: Key) -> None:
        """Go where the letter stands."""
        if event.key != "escape":
            event.stop()
            self.dismiss(self._panels.get(event.key))
