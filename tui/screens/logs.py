"""Logs of one deployment, of an endpoint or of everything, merged; live, filtered, followed."""

import time
from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input

from tui import format as write
from tui import keys, outside
from tui.follow import BATCH_S, Follower
from tui.looks import About, Line, Look, Trouble
from tui.screens.page import Page
from tui.screens.trouble import TroubleBox
from tui.themes import tone
from tui.trouble import yours
from tui.widgets import log_line
from tui.widgets.log_view import LogView

LINES = 5000  # of each deployment, at the beginning
SINCE = (0.0, 60.0, 300.0, 900.0, 3600.0)
SCOPES: tuple[Literal["deployment", "endpoint", "everything"], ...] = ("deployment", "endpoint", "everything")


class Logs(Page):
    """One follower at a time; it goes on while other pages are shown, so that nothing is missed."""

    NAME = "logs"
    BINDINGS: ClassVar = keys.bindings("logs")
    AUTO_FOCUS: ClassVar = "#log"

    def __init__(self) -> None:
        super().__init__()
        self._scope = 0
        self._followed: tuple[str, str] | None = None
        self._follower: Follower | None = None
        self._recalled = ""  # the filter before the one that was cleared
        self._wanted = ""  # an id of a request to go to when its line is there

    def body(self) -> ComposeResult:
        """Lay out."""
        yield LogView(id="log", classes="panel")
        yield Input(id="log-filter", compact=True, placeholder="words, /regex/, or !not; enter keeps, esc clears")

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.query_one(LogView)

    def on_mount(self) -> None:
        """Take new lines ten times a second."""
        super().on_mount()
        self.view.wrap = self.desk.prefs.wrap
        self._scope = self.desk.prefs.log_scope % len(SCOPES)
        if kept := self.desk.prefs.log_filter:
            field = self.query_one("#log-filter", Input)
            field.value = kept
            field.add_class("-open")
        self.set_interval(BATCH_S, self._drain)

    def on_unmount(self) -> None:
        """Follow no more."""
        if self._follower is not None:
            self._follower.end()

    # --- Lines -------------------------------------------------------------------------------------------------------

    def seen(self, look: Look) -> None:  # noqa: ARG002 - only what is chosen counts
        """Follow what is chosen now."""
        endpoint, name = self.desk.chosen
        scope = SCOPES[self._scope]
        wanted = ("", "") if scope == "everything" else (endpoint, name if scope == "deployment" else "")
        if wanted != self._followed:
            self._follow(wanted)
        self._title()

    def _follow(self, wanted: tuple[str, str]) -> None:
        if self._follower is not None:
            self._follower.end()
        self._followed = wanted
        endpoint, name = wanted
        follow = self.desk.source.follow
        self.view.ring.clear()
        self.view.again()
        self.view.sources = not name
        self._follower = Follower(partial(follow, endpoint or None, name or None, LINES))
        self._follower.start()
        row = self.desk.row
        if name and row is not None and row.trouble is not None and not row.running:
            self.view.extend(self.view.ring.mark(f"{row.trouble.what}: the last lines"))
            self.view.extend(self.view.ring.add([Line(endpoint, name, text) for text in row.trouble.log]))

    def _drain(self) -> None:
        if self._follower is None or self.desk.feed.paused:
            return
        lines, dropped = self._follower.take()
        if dropped:
            why = "they came faster than they could be drawn"
            self.view.extend(self.view.ring.mark(f"{write.plural(dropped, 'line')} dropped: {why}"))
        if lines:
            self.view.extend(self.view.ring.add(lines))
            if self._wanted:
                self._go_to_request()

    @on(LogView.Told)
    def _title(self) -> None:
        view = self.view
        view.border_title = self._what()
        view.border_subtitle = self._how()

    def _what(self) -> Content:
        endpoint, name = self._followed or ("", "")
        of: list[tuple[str, str] | str] = [(f"{endpoint}/" if endpoint else "everything", "")]
        of += [(name, tone(name))] if name else [("all", "")] if endpoint else []
        view, given = self.view, self.view.filter
        if given.grave:
            of.append(("  warnings and errors", "$warning"))
        if given.newest_s:
            of.append((f"  last {write.age(given.newest_s)}", "$warning"))
        if given.text:
            found = f"{view.count:,} of {len(view.ring):,}" if not view.highlight_only else "highlighted"
            of += [("  filter ", ""), (given.text, "b $primary"), f" ({found})"]
        return Content.assemble("Logs  ", *of)

    def _how(self) -> Content:
        follower, view = self._follower, self.view
        if follower is not None and follower.trouble is not None:
            return Content.styled(follower.trouble.what, "$error")
        if not len(view.ring):
            return Content.styled("no line yet", "$faint")
        if view.following:
            return Content.styled("following", "$success")
        return Content.assemble(
            ("paused", "$warning"), (f"  {view.unseen:,} new, f follows" if view.unseen else "  f follows", "$faint")
        )

    # --- Keys --------------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter; the one before is there to go on from."""
        field = self.query_one("#log-filter", Input)
        field.add_class("-open")
        field.value = field.value or self._recalled
        field.focus()

    @on(Input.Changed, "#log-filter")
    def _filtered(self, event: Input.Changed) -> None:
        self.view.set_filter(text=event.value)
        self._keep()

    def _keep(self) -> None:
        text, wrap = self.query_one("#log-filter", Input).value, self.view.wrap
        self.desk.prefs = replace(self.desk.prefs, log_filter=text, log_scope=self._scope, wrap=wrap)

    @on(Input.Submitted, "#log-filter")
    def _kept(self) -> None:
        self.view.focus()

    def key_escape(self) -> None:
        """Clear the filter, else as everywhere."""
        field = self.query_one("#log-filter", Input)
        if field.has_class("-open"):
            self._recalled = field.value or self._recalled
            field.value = ""
            field.remove_class("-open")
            self.view.focus()
        else:
            super().key_escape()

    def action_follow(self) -> None:
        """Go to the end, and stay there."""
        self.view.follow()

    def action_errors(self) -> None:
        """Warnings and errors only, and back."""
        self.view.set_filter(grave=not self.view.filter.grave)

    def action_highlight(self) -> None:
        """Show all lines with matches highlighted, and back."""
        self.view.narrow(self.view.filter, highlight_only=not self.view.highlight_only)

    def action_match(self, step: int) -> None:
        """Go to a match."""
        if self.view.jump(step) is None:
            self.desk.notify("no match" if self.view.filter.text else "no error here", timeout=2)

    def action_since(self) -> None:
        """Only the newest."""
        at = SINCE.index(self.view.filter.newest_s)
        self.view.set_filter(newest_s=SINCE[(at + 1) % len(SINCE)])

    def action_wrap(self) -> None:
        """Wrap, or cut."""
        self.view.wrap = not self.view.wrap
        self.view.again()
        self._keep()

    def action_source(self) -> None:
        """Show whose line it is, or not."""
        self.view.sources = not self.view.sources
        self.view.again()

    def action_scope(self) -> None:
        """Another scope."""
        self._scope = (self._scope + 1) % len(SCOPES)
        self._keep()
        self._again()

    def action_read(self) -> None:
        """Read the record alone."""
        record = self.view.record()
        if not record:
            return
        first, *rest = [self.view.ring.full(entry.number) for entry in record]
        text = log_line.message(first)
        place = self.view.place()
        about = Trouble("", text[:200], text if len(text) > 200 else "", "", tuple(rest), *(place or ("", 0)))
        row = self.desk.row

        def show(trouble: Trouble) -> None:
            self.desk.push_screen(TroubleBox(trouble, "Record"))

        if place is None or row is None:
            show(about)
        else:
            ask = partial(self.desk.source.about, *row.key)
            self.desk.errand(ask, lambda found: show(yours(about, found.runs_from, found.code)), name="record")

    def action_mark(self) -> None:
        """Draw a line."""
        at = time.strftime("%H:%M:%S")
        self.view.extend(self.view.ring.mark(f"mark {at}"))

    def action_save(self) -> None:
        """Save what is shown."""
        text = "".join(f"{entry.time} {entry.deployment} {entry.level} {entry.text}\n" for entry in self.view.shown)
        path = outside.save(self.desk.source.place, "logs.txt", text)
        self.desk.notify(path, title=f"{write.plural(self.view.count, 'line')} saved", markup=False)

    def about_request(self, id: str, endpoint: str, deployment: str) -> None:  # noqa: A002 - the request's
        """Go to the lines of a request, of whatever deployment."""
        self._scope = 0 if deployment else 1
        self._wanted = id
        self.desk.choose(endpoint, deployment)
        self._again()
        self._go_to_request()

    def _go_to_request(self) -> None:
        wanted = self._wanted
        if wanted and self.view.go_to(lambda entry: wanted in entry.text):
            self._wanted = ""

    def to_copy(self) -> str:
        """Copy the line that is chosen, with the lines that belong to it."""
        return "\n".join(entry.text for entry in self.view.record())

    def to_open(self) -> tuple[str, int] | None:
        """Open the file that the chosen line names."""
        place, row = self.view.place(), self.desk.row
        if place is None or row is None:
            return place
        self.desk.errand(lambda: self.desk.source.about(*row.key), partial(self._open, place), name="open")
        return None

    def _open(self, place: tuple[str, int], about: About) -> None:
        found = yours(Trouble("E054", "", file=place[0], line=place[1]), about.runs_from, about.code)
        outside.edit(self.desk, found.file, found.line)
