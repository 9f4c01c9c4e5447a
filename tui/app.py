"""The terminal UI: which page is shown, what was looked at last, and the few keys that count everywhere."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from textual import on
from textual.app import App, SystemCommand
from textual.screen import Screen

from tui import keys, outside, prefs, themes
from tui.feed import Errands, Feed, Looked, Returned
from tui.looks import Group, Look, Row, Trouble
from tui.palette import Everything
from tui.screens import pages
from tui.screens.command import CommandLine
from tui.screens.help import Help
from tui.screens.page import Page
from tui.screens.trouble import TroubleBox
from tui.source import Order, Source

Found = TypeVar("Found")
STYLES = os.path.join(os.path.dirname(__file__), "styles")


class Desk(App[None]):
    """One home, looked at."""

    TITLE = "sandbox"
    CSS_PATH: ClassVar = [os.path.join(STYLES, f"{name}.tcss") for name in ("base", "pages", "dialogs")]
    BINDINGS: ClassVar = keys.bindings(keys.EVERYWHERE)
    COMMANDS: ClassVar = {Everything}
    MODES: ClassVar = pages.PAGES
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares them
        (0, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - likewise
        (0, "-short"),
        (30, "-tall"),
        (50, "-high"),
    ]

    def __init__(
        self,
        source: Source,
        *,
        read_only: bool = False,
        every: float | None = None,
        drawn: Callable[[], None] | None = None,
    ) -> None:
        """``drawn`` is called once, when the first look is on the screen."""
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.source = source
        self._drawn = drawn
        self.read_only = read_only
        self.prefs = prefs.read(source.place)
        self.look: Look | None = None
        self.chosen: tuple[str, str] = (self.prefs.endpoint, self.prefs.deployment)
        self.feed = Feed(source.look, self.post_message, **({} if every is None else {"every": every}))
        self.errands = Errands(self.post_message)
        for theme in (themes.DARK, themes.LIGHT, themes.PLAIN):
            self.register_theme(theme)
        self.set_keymap(keys.own(prefs.own_keys(source.place)))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours that other people's themes do not have."""
        return dict(themes.DEFAULTS)

    def on_mount(self) -> None:
        """Begin to look."""
        known = self.prefs.theme in self.available_themes
        self.theme = themes.PLAIN.name if self.no_color else self.prefs.theme if known else themes.DARK.name
        page = self.prefs.page if self.prefs.page in keys.PAGES else keys.PAGES[0]
        self.switch_mode(page)
        self.feed.start()

    # --- What was looked at ------------------------------------------------------------------------------------------

    @on(Looked)
    def _looked(self, message: Looked) -> None:
        if not self.is_running:  # leaving: its widgets go one by one
            return
        self.look = message.look
        self._choose_something()
        self.show_look()
        if self._drawn is not None:
            self.call_after_refresh(self._drawn)
            self._drawn = None

    @on(Returned)
    def _returned(self, message: Returned) -> None:
        if self.is_running:
            message.call()

    def show_look(self) -> None:
        """Let the page draw what was looked at last."""
        page = self.page
        if page is not None and self.look is not None:
            page.show(self.look)

    @property
    def page(self) -> Page | None:
        """The page that is shown, also behind a dialog."""
        stack = self.screen_stack
        return stack[0] if stack and isinstance(stack[0], Page) else None

    @property
    def row(self) -> Row | None:
        """The deployment that everything is about."""
        return self.look.row(*self.chosen) if self.look else None

    @property
    def group(self) -> Group | None:
        """The endpoint that everything is about."""
        return self.look.group(self.chosen[0]) if self.look else None

    def choose(self, endpoint: str, deployment: str = "") -> None:
        """Let everything be about this one."""
        if (endpoint, deployment) != self.chosen:
            self.chosen = (endpoint, deployment)
            self._choose_something()
            self.show_look()

    def _choose_something(self) -> None:
        """What was chosen may be gone; then the nearest is chosen."""
        if self.look is None or self.row is not None:
            return
        group = self.group or (self.look.groups[0] if self.look.groups else None)
        if group is not None:
            self.chosen = (group.name, group.rows[0].name if group.rows else "")

    # --- Work --------------------------------------------------------------------------------------------------------

    def errand(
        self,
        work: Callable[[], Found],
        then: Callable[[Found], Any],
        failed: Callable[[Trouble], Any] | None = None,
        name: str = "",
    ) -> None:
        """Ask or change something that takes its time; what goes wrong is shown unless ``failed`` takes it."""
        self.errands.run(work, then, failed or self.show_trouble, name)

    def order(self, order: Order) -> None:
        """Begin a job, say which command does the same, and go on."""
        if self.refused(order.command):
            return

        def begun(_: str) -> None:
            self.notify(order.command, title=order.title, timeout=6, markup=False)
            self.feed.now()

        self.errand(lambda: self.source.begin(order), begun)

    def refused(self, command: str) -> bool:
        """Tell whether nothing may be changed from here, and say what to do instead."""
        if self.read_only:
            what = "this terminal UI only looks"
            self.show_trouble(Trouble("E142", what, "it was started read-only", f"--allow-write; or: {command}"))
        return self.read_only

    def show_trouble(self, trouble: Trouble) -> None:
        """Show an error as the hero of the screen."""
        self.push_screen(TroubleBox(trouble))

    # --- Keys that count everywhere ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Keys of pages do nothing while a dialog is open."""
        about_pages = action in {"page", "tour", "next_deployment", "explain", "command", "zoom", "jump", "pause"}
        return not (about_pages and len(self.screen_stack) > 1)

    def action_page(self, name: str) -> None:
        """Show a page."""
        self.switch_mode(name)

    def action_tour(self, step: int) -> None:
        """Show the page beside."""
        at = keys.PAGES.index(self.current_mode)
        self.switch_mode(keys.PAGES[(at + step) % len(keys.PAGES)])

    def action_next_deployment(self, step: int) -> None:
        """Choose the deployment beside."""
        rows = self.look.rows if self.look else ()
        if rows:
            at = next((number for number, row in enumerate(rows) if row.key == self.chosen), 0)
            self.choose(*rows[(at + step) % len(rows)].key)

    def action_explain(self) -> None:
        """Show all keys."""
        self.push_screen(Help(self.current_mode))

    def action_command(self) -> None:
        """Type a command line."""
        self.push_screen(CommandLine())

    def action_refresh_now(self) -> None:
        """Look at everything now."""
        self.feed.now()

    def action_pause(self) -> None:
        """Stand still, or go on."""
        self.feed.paused = not self.feed.paused
        if not self.feed.paused:
            self.feed.now()
        self.show_look()

    def action_jump(self) -> None:
        """Put a letter on each panel."""
        if self.page is not None:
            self.page.jump()

    def action_zoom(self) -> None:
        """Give the whole screen to the panel with the focus, or take it back."""
        page = self.page
        if page is not None:
            page.zoom()

    def action_copy(self) -> None:
        """Copy what the page offers."""
        text = self.screen.get_selected_text() or (self.page.to_copy() if self.page else "")
        if text:
            self.notify(outside.copy(self, text), timeout=3, markup=False)

    def action_open(self) -> None:
        """Open in the editor what the page offers."""
        place = self.page.to_open() if self.page else None
        if place is not None and outside.edit(self, *place) and self.page is not None:
            self.page.edited()

    def action_picture(self) -> None:
        """Save the screen as a picture."""
        path = outside.save(self.source.place, "screen.svg", self.export_screenshot())
        self.notify(path, title="Saved", markup=False)

    def action_leave(self) -> None:
        """Leave at once; nothing that works is stopped by it."""
        self.feed.end()
        endpoint, deployment = self.chosen
        self.prefs = replace(self.prefs, page=self.current_mode, endpoint=endpoint, deployment=deployment)
        if not self.no_color:
            self.prefs = replace(self.prefs, theme=self.theme)
        prefs.write(self.source.place, self.prefs)
        self.exit()

    async def action_quit(self) -> None:
        """As ``leave``."""
        self.action_leave()

    def get_system_commands(self, screen: Screen[Any]) -> Any:  # noqa: ARG002 - Textual's
        """Give Textual's own commands that make sense here."""
        yield SystemCommand("Theme", "Dark, light, the terminal's own colours, and more", self.search_themes)


def run(home: str | None = None, *, read_only: bool = False) -> int:
    """Show the terminal UI of a home until somebody leaves; return the exit code."""
    from tui import pace
    from tui.box import Box

    desk = Desk(Box(home), read_only=read_only, drawn=pace.settle)
    desk.run()
    return desk.return_code or 0
