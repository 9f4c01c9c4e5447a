"""Everything at a glance: endpoints and deployments, how the chosen one does, what happened."""

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList, Static

from tui import changes, commands, keys
from tui import format as write
from tui.looks import About, Look, Note, Row
from tui.screens.page import Page
from tui.themes import tone
from tui.widgets import deployments
from tui.widgets.curve import Curve
from tui.widgets.rows import Rows
from tui.widgets.still import put
from tui.widgets.trouble_view import TroubleView

NOTES = 60
EMPTY = """\
Nothing runs here yet.

  [b $primary]n[/]   begin with a sample, or bring up a folder with YAML files
  [b $primary]:[/]   type any command of sandbox, as in a shell
  [b $primary]?[/]   all keys

[$faint]The same from a shell:[/]  sandbox init shop && sandbox up shop"""


class Overview(Page):
    """The first page."""

    NAME = "overview"
    BINDINGS: ClassVar = keys.bindings("overview")
    AUTO_FOCUS: ClassVar = "#deployments"

    def __init__(self) -> None:
        super().__init__()
        self._about: About | None = None
        self._asked: object = None

    def body(self) -> ComposeResult:
        """Lay out."""
        with Horizontal(id="everything", classes="panel") as panel:
            panel.border_title = "Endpoints"
            yield Static(id="head")
            yield Rows(id="deployments")
            yield Static(Content.from_markup(EMPTY), id="empty")
        with Horizontal(id="curves", classes="panel"):
            yield Curve("requests/s", "$primary", least=1.0, id="curve-rps")
            yield Curve("p95", "$tone-0", least=1.0, id="curve-p95")
            yield Curve("errors", "$error", least=5.0, id="curve-errors")
            yield Curve("memory", "$tone-2", id="curve-memory")
        with Horizontal(id="below"):
            yield TroubleView(id="trouble")
            yield Rows(id="notes", classes="panel")

    def on_mount(self) -> None:
        """Name the panels."""
        super().on_mount()
        self.query_one("#notes").border_title = "Events"

    # --- Drawing -----------------------------------------------------------------------------------------------------

    def seen(self, look: Look) -> None:
        """Draw everything."""
        table = self.query_one("#deployments", Rows)
        width = max(40, self.size.width - 6)
        found = deployments.shape(width, look.rows)
        order = self.desk.prefs.order
        self.query_one("#everything").border_subtitle = f"by {order}" if order else ""
        self.set_class(not look.groups and look.trouble is None, "-empty")
        put(self.query_one("#head", Static), deployments.head(found))
        groups = deployments.ordered(look.groups, order)
        table.fill(deployments.items(groups, found, width), "/".join(self.desk.chosen))
        row = self.desk.row
        self.query_one("#curves").display = row is not None and (row.serves or row.trouble is None)
        if row is not None:
            self._curves(look, row)
        self._trouble(row)
        self._notes(look.notes)

    def on_resize(self, event: Resize) -> None:
        """Other columns fit."""
        if self.desk.look is not None and event.size.width:
            self.call_after_refresh(self._again)

    def _curves(self, look: Look, row: Row) -> None:
        series = look.series.get(row.key, ())
        numbers = row.numbers
        panel = self.query_one("#curves")
        panel.border_title = Content.assemble(f"{row.endpoint}/", (row.name, tone(row.name)))
        panel.border_subtitle = self._subtitle(row)
        for name, values, text in (
            ("rps", [each.rps for each in series], write.rate(numbers.rps)),
            ("p95", [each.p95 for each in series], write.milliseconds(numbers.p95)),
            ("errors", [each.errors for each in series], write.percent(numbers.errors)),
            ("memory", [each.memory for each in series], write.memory(numbers.memory)),
        ):
            self.query_one(f"#curve-{name}", Curve).tell(values, text)

    @staticmethod
    def _subtitle(row: Row) -> str:
        parts = [f"{row.running} of {write.plural(row.wanted, 'instance')}"]
        if row.revision:
            parts.append(f"revision {row.revision}")
        if row.development:
            parts.append("reloads when saved")
        if row.numbers.cpu is not None:
            parts.append(f"cpu {write.percent(row.numbers.cpu)}")
        if row.numbers.gpu is not None:
            parts.append(f"gpu {write.percent(row.numbers.gpu)}")
        return " · ".join(parts)

    def _trouble(self, row: Row | None) -> None:
        trouble = row.trouble if row else None
        self.set_class(trouble is not None, "-troubled")
        if row is None or trouble is None:
            self._about, self._asked = None, None
            return
        view = self.query_one("#trouble", TroubleView)
        view.border_title = "What is wrong"
        if self._asked != (row.key, trouble):
            self._asked, self._about = (row.key, trouble), None
            view.tell(trouble)
            self.desk.errand(lambda: self.desk.source.about(*row.key), self._told, lambda _: None, "overview")
        elif self._about is not None and self._about.trouble is not None:
            view.tell(self._about.trouble)

    def _told(self, about: About) -> None:
        self._about = about
        if about.trouble is not None:
            self.query_one("#trouble", TroubleView).tell(about.trouble)

    def _notes(self, notes: tuple[Note, ...]) -> None:
        shown = list(reversed(notes))[:NOTES]
        width = max(20, self.query_one("#notes").size.width - 2)
        items = [(f"{note.at} {number}", _note(note, width)) for number, note in enumerate(shown)]
        self.query_one("#notes", Rows).fill(items)

    # --- Keys --------------------------------------------------------------------------------------------------------

    @on(OptionList.OptionHighlighted, "#deployments")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        endpoint, slash, name = (event.option_id or "").partition("/")
        if slash:
            self.desk.choose(endpoint, name)

    @on(OptionList.OptionSelected, "#deployments")
    def _selected(self) -> None:
        row = self.desk.row
        if row is not None and row.trouble is not None:
            self.desk.show_trouble(self._about.trouble if self._about and self._about.trouble else row.trouble)
        else:
            self.desk.action_page("logs")

    def action_page(self, name: str) -> None:
        """Show another page about the chosen deployment."""
        self.desk.action_page(name)

    def action_new(self) -> None:
        """Bring something up."""
        changes.new(self.desk)

    def action_scale(self) -> None:
        """Choose the number of instances."""
        if row := self.desk.row:
            changes.scale(self.desk, row)

    def action_edit(self) -> None:
        """Change a setting."""
        if row := self.desk.row:
            changes.edit(self.desk, row)

    def action_reread(self) -> None:
        """Read the files again."""
        if row := self.desk.row:
            changes.reread(self.desk, row)

    def action_order(self) -> None:
        """Another order."""
        orders = ["", *deployments.ORDERS]
        here = orders.index(self.desk.prefs.order) if self.desk.prefs.order in orders else 0
        self.desk.prefs = replace(self.desk.prefs, order=orders[(here + 1) % len(orders)])
        self._again()

    def action_seal(self) -> None:
        """Put it into one image."""
        if row := self.desk.row:
            changes.seal(self.desk, row)

    def action_promote(self) -> None:
        """Bring it to a host."""
        if row := self.desk.row:
            changes.promote(self.desk, row)

    def action_rollback(self) -> None:
        """Send the requests where they went before."""
        if group := self.desk.group:
            changes.rollback(self.desk, group)

    def action_heal(self) -> None:
        """Start what is missing."""
        changes.heal(self.desk)

    def action_delete(self) -> None:
        """Delete the deployment."""
        if row := self.desk.row:
            changes.delete(self.desk, row)

    def action_delete_endpoint(self) -> None:
        """Delete the endpoint."""
        if group := self.desk.group:
            changes.delete_endpoint(self.desk, group)

    def action_copy_key(self) -> None:
        """Copy how to call the endpoint."""
        if group := self.desk.group:
            self._copy(commands.curl(group.url, '{"data": []}', None))

    def _copy(self, text: str) -> None:
        from tui import outside

        self.desk.notify(outside.copy(self.desk, text), markup=False)

    def to_copy(self) -> str:
        """Copy the error, else the command of the chosen event, else the address."""
        row, look, group = self.desk.row, self.desk.look, self.desk.group
        notes = self.query_one("#notes", Rows)
        if look is not None and notes.has_focus and notes.highlighted is not None:
            note = list(reversed(look.notes))[notes.highlighted]
            return note.command or note.text
        if row is not None and row.trouble is not None:
            return "\n".join([row.trouble.what, row.trouble.why, row.trouble.fix, *row.trouble.log])
        return group.url if group is not None else ""

    def edited(self) -> None:
        """Offer to take the code again where it does not run from the folder itself."""
        row = self.desk.row
        if row is not None and row.trouble is not None:
            changes.mended(self.desk, row)

    def to_open(self) -> tuple[str, int] | None:
        """Open the failing line, else nothing; the script is opened from the page for debugging."""
        about = self._about
        if about is not None and about.trouble is not None and about.trouble.file:
            return (about.trouble.file, about.trouble.line)
        if row := self.desk.row:
            self.desk.errand(lambda: self.desk.source.about(*row.key), self._open, name="open")
        return None

    def _open(self, about: About) -> None:
        import os

        from tui import outside

        if about.code:
            outside.edit(self.desk, os.path.join(about.code, about.script), 1)


def _note(note: Note, width: int) -> Content:
    start = Content.assemble(
        (f"{write.clock(note.at)}  ", "$faint"),
        (f"{note.endpoint}  " if note.endpoint else "", "b"),
        (note.text, "$error" if note.bad else "$foreground"),
    )
    if note.command and start.cell_length + len(note.command) + 3 <= width:
        gap = width - start.cell_length - len(note.command)
        return Content.assemble(start, " " * gap, (note.command, "$faint"))
    return start
