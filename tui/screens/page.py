"""What all pages have in common: the line above, the keys below, and the last look in between."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from tui.looks import Look
from tui.screens.jump import Jump
from tui.widgets.banner import Banner
from tui.widgets.masthead import Masthead

if TYPE_CHECKING:
    from tui.app import Desk


class Page(Screen[None]):
    """A page. It draws when it is shown, and while it is, after each look."""

    NAME: ClassVar[str] = ""
    AUTO_FOCUS: ClassVar[str | None] = "*"
    _complete = False

    def compose(self) -> ComposeResult:
        """Lay out."""
        yield Masthead(self.NAME)
        yield Banner(id="banner")
        yield from self.body()
        yield Footer(show_command_palette=False, compact=True)

    def body(self) -> ComposeResult:
        """Give the widgets between the lines."""
        yield from ()

    @property
    def desk(self) -> "Desk":
        """The application."""
        return cast("Desk", self.app)

    def on_mount(self) -> None:
        """The age of what is shown grows by itself."""
        self._complete = False
        self.set_interval(1.0, self._tick)
        self.call_after_refresh(self._completed)

    def _completed(self) -> None:
        """All widgets are there, also those in others."""
        self._complete = True
        self._again()

    def on_screen_resume(self) -> None:
        """Shown again: draw what was looked at meanwhile."""
        self.call_after_refresh(self._again)

    def _again(self) -> None:
        if self.desk.look is not None:
            self.show(self.desk.look)

    def _tick(self) -> None:
        if self._complete and self.is_current:
            self.query_one(Masthead).tell(self.desk.look, paused=self.desk.feed.paused)

    def show(self, look: Look) -> None:
        """Draw."""
        if not self._complete:
            return
        self.query_one(Masthead).tell(look, paused=self.desk.feed.paused)
        self.query_one(Banner).tell(look)
        self.seen(look)

    def seen(self, look: Look) -> None:
        """Draw what the page is about."""

    def key_escape(self) -> None:
        """Leave what takes text, so that the keys of the page count again; and the zoom."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.set_focus(None)

    def zoom(self) -> None:
        """Give the whole screen to the panel with the focus, or take it back."""
        if self.maximized is not None:
            self.minimize()
            return
        widget: Widget | None = self.focused
        while widget is not None and not widget.has_class("panel"):
            widget = widget.parent if isinstance(widget.parent, Widget) else None
        if widget is not None:
            self.maximize(widget, container=False)

    def jump(self) -> None:
        """Put a letter on each panel, and go to the one that is typed."""
        panels = [each for each in self.focus_chain if each.region and isinstance(each, Widget)]

        def go(chosen: Widget | None) -> None:
            if chosen is not None:
                self.set_focus(chosen)

        self.desk.push_screen(Jump(panels), go)

    def edited(self) -> None:
        """The file that was opened was changed."""

    def to_copy(self) -> str:
        """Return what the key for copying copies here."""
        return ""

    def to_open(self) -> tuple[str, int] | None:
        """Return the file and line that the key for the editor opens here."""
        return None
