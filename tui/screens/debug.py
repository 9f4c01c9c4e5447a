"""One deployment under the hand: where its code runs from, reloads with their results, the debugger."""

import os
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui import changes, keys, outside
from tui import format as write
from tui.follow import Follower
from tui.looks import About, Line, Look, Row, Trouble
from tui.reloads import PLACE, told
from tui.ring import Entry, read
from tui.screens.page import Page
from tui.themes import tone
from tui.trouble import yours
from tui.widgets import deployments
from tui.widgets.rows import Rows
from tui.widgets.still import put
from tui.widgets.trouble_view import TroubleView

LINES = 3000
KEPT = 60


class Debug(Page):
    """What the chosen deployment says about itself, asked once a second while this page is shown."""

    NAME = "debug"
    BINDINGS: ClassVar = keys.bindings("debug")
    AUTO_FOCUS: ClassVar = "#reloads"

    def __init__(self) -> None:
        super().__init__()
        self._about: About | None = None
        self._of: tuple[str, str] | None = None
        self._follower: Follower | None = None
        self._before: Entry | None = None
        self._events: list[tuple[str, Content]] = []
        self._broken: Trouble | None = None
        self._asking = False

    def body(self) -> ComposeResult:
        """Lay out."""
        with Horizontal(id="debug-top"):
            yield Static(id="debug-state", classes="panel")
            yield Static(id="debug-how", classes="panel")
        yield TroubleView(id="debug-trouble")
        yield Rows(id="reloads", classes="panel")

    def on_mount(self) -> None:
        """Name the panels."""
        super().on_mount()
        self.query_one("#debug-how").border_title = "Debugger"
        self.query_one("#debug-trouble").border_title = "What is wrong"
        self.query_one("#reloads").border_title = "Starts and reloads"
        self.set_interval(0.3, self._drain)

    def on_unmount(self) -> None:
        """Follow no more."""
        if self._follower is not None:
            self._follower.end()

    # --- Asking ------------------------------------------------------------------------------------------------------

    def seen(self, look: Look) -> None:  # noqa: ARG002 - only what is chosen counts
        """Ask again."""
        row = self.desk.row
        if row is None:
            self.query_one("#debug-state", Static).update(Content.styled("There is no deployment yet.", "$faint"))
            self.query_one("#debug-how", Static).update("")
            return
        if row.key != self._of:
            self._change(row)
        if not self._asking:
            self._asking = True
            ask = partial(self.desk.source.about, *row.key)
            self.desk.errand(ask, partial(self._told, row.key), self._not_told, "debug")
        self._draw(row)

    def _change(self, row: Row) -> None:
        self._of, self._about, self._broken, self._before = row.key, None, None, None
        self._events = []
        self._asking = False
        if self._follower is not None:
            self._follower.end()
        self._follower = Follower(partial(self.desk.source.follow, row.endpoint, row.name, LINES))
        self._follower.start()

    def _told(self, key: tuple[str, str], about: About) -> None:
        self._asking = False
        row = self.desk.row
        if key == self._of and row is not None:
            self._about = about
            self._draw(row)

    def _not_told(self, _: object) -> None:
        self._asking = False

    def _drain(self) -> None:
        if self._follower is None:
            return
        lines, _ = self._follower.take()
        for line in lines:
            self._take(line)
        if lines:
            self.query_one("#reloads", Rows).fill(list(reversed(self._events)))
            if row := self.desk.row:
                self._draw(row)

    def _take(self, line: Line) -> None:
        entry = read(line, 0, self._before, 0.0)
        self._before = entry
        text = entry.text.partition(" - ")[2] if " - " in entry.text[:40] else entry.text
        found = told(text, entry)
        if found is not None:
            kind, content = found
            if kind == "good":
                self._broken = None
            self._events.append((f"{len(self._events)} {entry.time} {id(entry)}", content))
            del self._events[:-KEPT]
        if entry.level == "E" and entry.begins and (place := PLACE.match(text)):
            self._broken = Trouble("E054", place["what"], "", "", (), place["file"], int(place["line"]))
        elif self._broken is not None and not entry.begins and entry.level == "E":
            broken = self._broken
            self._broken = Trouble(
                broken.code, broken.what, "", "", (*broken.log, entry.text)[-60:], broken.file, broken.line
            )

    # --- Drawing -----------------------------------------------------------------------------------------------------

    def _draw(self, row: Row) -> None:
        state = self.query_one("#debug-state", Static)
        state.border_title = Content.assemble(f"{row.endpoint}/", (row.name, tone(row.name)))
        put(state, self._state(row, self._about))
        put(self.query_one("#debug-how", Static), self._how(row, self._about))
        trouble = self._trouble(row)
        self.set_class(trouble is not None, "-troubled")
        if trouble is not None:
            self.query_one("#debug-trouble", TroubleView).tell(trouble)

    def _trouble(self, row: Row) -> Trouble | None:
        about = self._about
        if about is not None and about.trouble is not None:
            return about.trouble
        if row.trouble is not None:
            return row.trouble
        broken = self._broken
        said = [str(each.get("reload")) for each in about.instances] if about else []
        if broken is None or about is None or (said and "broken" not in said):
            return None
        told = Trouble(
            "E054",
            broken.what,
            "the version before serves on",
            "correct the line and save",
            broken.log,
            broken.file,
            broken.line,
        )
        return yours(told, about.runs_from, about.code)

    @staticmethod
    def _state(row: Row, about: About | None) -> Content:
        def fact(name: str, value: "Content | str") -> Content:
            return Content.assemble((f"{name:<12}", "$faint"), value)

        lines = [fact("state", deployments.word(row.word))]
        if about is None:
            return Content("\n").join(lines)
        where = os.path.join(about.code, about.script) if about.script else about.code
        lines.append(fact("script", write.short_path(where, 40)))
        lines.append(
            fact(
                "runs",
                Content.assemble(("your folder", "b $success"), "; reloads when you save")
                if row.development
                else Content.assemble("a copy", (" of revision ", "$faint"), row.revision or "-"),
            )
        )
        lines += [fact(f"instance {each['index']}", _instance(each)) for each in about.instances[:4]]
        if about.variables:
            shown = ", ".join(about.variables)
            lines.append(fact("variables", write.short_path(shown, 60)))
        return Content("\n").join(lines)

    @staticmethod
    def _how(row: Row, about: About | None) -> Content:
        port = about.debug_port if about else None
        key = "b $primary"
        waits = Content.assemble(
            ("w  ", key), "load at once again" if about and about.waits else "wait for a debugger before init()"
        )
        if port is None:
            return Content("\n").join(
                [
                    Content.assemble(("b  ", key), "let a debugger attach"),
                    waits,
                    Content.assemble(
                        ("l  ", key), "take a copy" if row.development else "reload the code when it is saved"
                    ),
                    Content.assemble(("o  ", key), "open the script in your editor"),
                ]
            )
        listens = ("● ", "$success"), f"listens on 127.0.0.1:{port}"
        begins = ("◐ ", "$primary"), f"begins to listen on 127.0.0.1:{port}"
        if about is not None and about.waits:
            begins = ("◆ ", "$warning"), f"waits for a debugger on 127.0.0.1:{port}"
        return Content("\n").join(
            [
                Content.assemble(*(begins if about is None or about.busy else listens)),
                Content.styled("VS Code has an entry; any DAP client may attach.", "$faint"),
                Content.styled("At a breakpoint, probes and limits wait.", "$faint"),
                Content.assemble(("b  ", key), "off: what served before serves again"),
                waits,
                Content.assemble(("y  ", key), "copy the entry for launch.json"),
            ]
        )

    # --- Keys --------------------------------------------------------------------------------------------------------

    def action_reload(self) -> None:
        """Reload the code, or no longer."""
        if row := self.desk.row:
            changes.reload(self.desk, row, on=not row.development)

    def action_debugger(self) -> None:
        """Let a debugger attach."""
        if row := self.desk.row:
            changes.debug(self.desk, row, self._about)

    def action_wait(self) -> None:
        """Let init() wait for a debugger, or no longer."""
        row, about = self.desk.row, self._about
        if row is not None and about is not None:
            changes.wait(self.desk, row, about)

    def action_page(self, name: str) -> None:
        """Show another page about it."""
        self.desk.action_page(name)

    def to_copy(self) -> str:
        """Copy the entry for launch.json, or the error."""
        about = self._about
        row = self.desk.row
        trouble = self._trouble(row) if row else None
        if trouble is not None:
            return "\n".join([f"{trouble.file}:{trouble.line}", trouble.what, *trouble.log])
        if row is not None and about is not None and about.debug_port is not None:
            if about.debugging:
                self.desk.errand(partial(self.desk.source.attach, *row.key), self._copy, name="attach")
                return ""
            return LAUNCH.format(port=about.debug_port)
        return os.path.join(about.code, about.script) if about else ""

    def _copy(self, text: str) -> None:
        self.desk.notify(outside.copy(self.desk, text), markup=False)

    def edited(self) -> None:
        """Offer to take the code again where it does not run from the folder itself."""
        row = self.desk.row
        if row is not None and row.trouble is not None:
            changes.mended(self.desk, row)

    def to_open(self) -> tuple[str, int] | None:
        """Open the failing line, else the script."""
        about, row = self._about, self.desk.row
        trouble = self._trouble(row) if row else None
        if trouble is not None and trouble.file:
            return trouble.file, trouble.line
        return (os.path.join(about.code, about.script), 1) if about and about.script else None


LAUNCH = """{{
    "name": "attach to the deployment",
    "type": "debugpy",
    "request": "attach",
    "connect": {{"host": "127.0.0.1", "port": {port}}},
    "justMyCode": true,
    "subProcess": true
}}"""


def _instance(said: "Any") -> Content:
    version = str(said.get("version") or "")
    reload = str(said.get("reload") or "")
    parts: list[tuple[str, str] | str] = [f"pid {said.get('pid')}, port {said.get('port')}"]
    if version:
        parts.append((f", version {version}", "$faint"))
    if reload == "broken":
        parts.append(("  ✖ the newest code is broken", "$error"))
    elif reload == "loading":
        parts.append(("  ◐ loading", "$primary"))
    elif not said.get("status"):
        parts.append((f"  {said.get('message') or said.get('state')}", "$warning"))
    return Content.assemble(*parts)
