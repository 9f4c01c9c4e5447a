"""Any command line of sandbox, typed here and carried out as a job."""

import shlex
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from tui.looks import Trouble
from tui.source import Order

if TYPE_CHECKING:
    from tui.app import Desk


class CommandLine(ModalScreen[None]):
    """One line of input."""

    BINDINGS: ClassVar = [Binding("escape", "dismiss", "cancel")]

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Lay out."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Command"
            yield Static(Content.styled("It runs as a job; its output is on page 7.", "$faint"), classes="hint")
            with Horizontal(classes="field"):
                yield Label("sandbox", classes="prompt")
                yield Input(self._text, compact=True, select_on_focus=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        desk = cast("Desk", self.app)
        self.dismiss()
        try:
            words = shlex.split(event.value)
        except ValueError as error:
            desk.show_trouble(Trouble("E010", f"this is no command line: {error}", "", "close the quotes"))
            return
        words = words[1:] if words[:1] == ["sandbox"] else words
        if words:
            line = f"sandbox {shlex.join(words)}"
            desk.order(Order("command", line, line, {"words": words}))
            desk.switch_mode("jobs")
