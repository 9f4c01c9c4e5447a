"""A question before something is lost: what will happen, the command, and Cancel with the focus."""

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

    def __init__(self, title: str, effects: Sequence[str], command: str, yes: str) -> None:
        super().__init__()
        self._title, self._effects, self._command, self._yes = title, effects, command, yes

    def compose(self) -> ComposeResult:
        """Lay out."""
        with Vertical(classes="dialog -danger") as dialog:
            dialog.border_title = self._title
            for effect in self._effects:
                yield Static(Content.assemble(("• ", "$error"), effect))
            yield Static(Content.styled(self._command, "$faint"), classes="command")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self._yes, id="yes", variant="error", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - Textual calls it
        """Answer by key."""
        self.dismiss(yes)
