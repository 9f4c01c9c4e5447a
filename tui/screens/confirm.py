"""A question: what will happen, the command, and Cancel with the focus where something would be lost."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class Confirm(ModalScreen[bool]):
    """Gives True where it is meant."""

    BINDINGS: ClassVar = [
        Binding("escape,n", "answer(False)", "cancel"),
        Binding("y", "answer(True)", "yes"),
        Binding("left,right,h,l", "app.focus_next", show=False),
    ]
    AUTO_FOCUS: ClassVar = "#cancel"

    def __init__(self, title: str, effects: Sequence[str], command: str, yes: str, *, danger: bool = True) -> None:
        super().__init__()
        self._danger = danger
        self._title, self._effects, self._command, self._yes = title, effects, command, yes

    def compose(self) -> ComposeResult:
        """Lay out."""
        with Vertical(classes="dialog") as dialog:
            dialog.set_class(self._danger, "-danger")
            dialog.border_title = self._title
            dialog.border_subtitle = f"y {self._yes.lower()} · esc cancel"
            for effect in self._effects:
                yield Static(Content.assemble(("• ", "$error" if self._danger else "$primary"), effect))
            yield Static(Content.styled(self._command, "$faint"), classes="command")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self._yes, id="yes", variant="error" if self._danger else "primary", compact=True)

    def on_mount(self) -> None:
        """What loses nothing is one key away."""
        if not self._danger:
            self.query_one("#yes").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - Textual calls it
        """Answer by key."""
        self.dismiss(yes)
