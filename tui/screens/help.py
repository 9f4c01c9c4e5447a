"""All keys, those of the page first."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui import keys

ABOUT = """\
[$faint]Arrows or j k choose, tab goes to the next panel, the mouse works everywhere; with shift it selects text as
your terminal does. Every change shows the command line that does the same. Your own keys: docs/tui.md.[/]"""


class Help(ModalScreen[None]):
    """Goes away with escape, enter, q or another question mark."""

    BINDINGS: ClassVar = [
        Binding("escape,enter,q,question_mark,f1", "dismiss", "close"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope

    def compose(self) -> ComposeResult:
        """Lay out."""
        with VerticalScroll(classes="dialog -large") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "esc close"
            yield Static(self._section(self._scope, keys.TITLES[self._scope]))
            yield Static(self._section(keys.EVERYWHERE, "Everywhere"))
            for page in keys.PAGES:
                if page != self._scope:
                    yield Static(self._section(page, keys.TITLES[page]))
            yield Static(Content.from_markup(ABOUT))

    @staticmethod
    def _section(scope: str, title: str) -> Content:
        lines = [Content.styled(title, "b $primary")]
        lines += [Content.assemble((f"  {key.shown:<12} ", "b"), key.text) for key in keys.of(scope)]
        return Content("\n").join([*lines, Content("")])

    def action_scroll(self, step: int) -> None:
        """Scroll a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)
