"""One error alone: the failing line, what to do, the log's end."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from tui.looks import Trouble
from tui.widgets.trouble_view import TroubleView

if TYPE_CHECKING:
    from tui.app import Desk


class TroubleBox(ModalScreen[None]):
    """Goes away with escape, enter or q."""

    BINDINGS: ClassVar = [
        Binding("escape,enter,q", "dismiss", "close"),
        Binding("y", "copy", "copy"),
        Binding("o", "open", "open in editor"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def __init__(self, trouble: Trouble, title: str = "Error") -> None:
        """``title``: what it is; only errors are framed in red."""
        super().__init__()
        self._trouble, self._title = trouble, title

    def compose(self) -> ComposeResult:
        """Lay out."""
        with VerticalScroll(classes="dialog -large") as dialog:
            dialog.set_class(self._title == "Error", "-danger")
            dialog.border_title = self._title
            dialog.border_subtitle = "o open in editor · y copy · esc close"
            yield TroubleView(self._trouble, full=True)

    def action_scroll(self, step: int) -> None:
        """Scroll a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_copy(self) -> None:
        """Copy all of it."""
        from tui import outside

        told = self._trouble
        text = "\n".join([f"[{told.code}] {told.what}", told.why, f"fix: {told.fix}", *told.log])
        self.app.notify(outside.copy(cast("Desk", self.app), text), markup=False)

    def action_open(self) -> None:
        """Open the failing line."""
        from tui import outside

        if self._trouble.file:
            outside.edit(cast("Desk", self.app), self._trouble.file, self._trouble.line)
