"""Who gets which share: sliders that always sum to one hundred, copies, what will happen, undo, apply."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui import commands, keys, share
from tui import format as write
from tui.looks import Group, Look
from tui.screens.form import Field, Form
from tui.screens.page import Page
from tui.themes import tone
from tui.widgets import deployments
from tui.widgets.slider import Shares, Sliders
from tui.widgets.still import put

Both = tuple[dict[str, int], dict[str, int]]


class Traffic(Page):
    """The sliders of one endpoint. While they are moved, news do not move them."""

    NAME = "traffic"
    BINDINGS: ClassVar = keys.bindings("traffic")
    AUTO_FOCUS: ClassVar = "#sliders"

    def __init__(self) -> None:
        super().__init__()
        self._endpoint = ""
        self._began: Both = ({}, {})  # what was live when the edit began
        self._before: dict[str, list[Both]] = {}  # by endpoint, what was live before each apply
        self._applying = False

    def body(self) -> ComposeResult:
        """Lay out."""
        yield Sliders(id="sliders", classes="panel")
        with Vertical(id="traffic-about", classes="panel") as about:
            about.border_title = "What will happen"
            yield Static(id="traffic-preview")
        with Vertical(id="traffic-now", classes="panel") as now:
            now.border_title = "Now"
            yield Static(id="traffic-table")

    @property
    def sliders(self) -> Sliders:
        """The sliders."""
        return self.query_one(Sliders)

    @property
    def changed(self) -> bool:
        """Tell whether something is not applied yet."""
        return (dict(self.sliders.shares.live), dict(self.sliders.shares.mirror)) != self._began

    # --- Drawing -----------------------------------------------------------------------------------------------------

    def seen(self, look: Look) -> None:
        """Show what is live, unless somebody moves it just now."""
        group = self.desk.group
        sliders = self.sliders
        if group is None:
            sliders.put(Shares({}, {}, {}), {})
            sliders.border_title = "Traffic"
            self._preview(look)
            return
        live_now: Both = (group.live, group.mirror)
        names = set(group.live) != set(sliders.shares.live)
        if group.name != self._endpoint or names or (not self.changed and live_now != self._began):
            self._endpoint, self._began = group.name, live_now
            sliders.put(self._shares(group), group.live)
            self._put_cursor()
        else:
            sliders.shares = replace(sliders.shares, fixed=_fixed(group))
        sliders.border_title = Content.assemble(f"Traffic of {group.name}")
        width = max(40, self.size.width - 6)
        found = deployments.shape(width, group.rows)
        lines = [deployments.head(found), *(deployments.deployment(row, found) for row in group.rows)]
        put(self.query_one("#traffic-table", Static), Content("\n").join(lines))
        moved = live_now != self._began
        sliders.border_subtitle = "changed elsewhere meanwhile: u takes that over" if moved else ""
        self._preview(look)

    def _shares(self, group: Group) -> Shares:
        return Shares(group.live, group.mirror, _fixed(group), self.sliders.shares.locked & frozenset(group.live))

    def _put_cursor(self) -> None:
        names = list(self.sliders.shares.live)
        if self.desk.chosen[1] in names:
            self.sliders.cursor = names.index(self.desk.chosen[1])

    @on(Sliders.Changed)
    def _moved(self) -> None:
        if self.desk.look is not None:
            self._preview(self.desk.look)

    def _preview(self, look: Look) -> None:
        view = self.query_one("#traffic-preview", Static)
        shares, group = self.sliders.shares, look.group(self._endpoint)
        if group is None:
            view.update(Content.styled("There is no endpoint yet.", "$faint"))
            return
        if not shares.live:
            view.update(Content.styled("There is no deployment that could get traffic.", "$faint"))
            return
        total = sum(shares.live.values())
        rate = sum(row.numbers.rps or 0.0 for row in group.rows if row.live)
        lines = [self._sum(total)]
        lines += _rates(shares, rate)
        live, mirror = _asked(shares)
        line = commands.traffic(group.name, live, mirror if mirror or self._began[1] else None)
        lines.append(Content(""))
        if self._applying:
            lines.append(Content.styled("the gateway takes it …", "$primary"))
        elif self.changed:
            lines.append(Content.assemble(("a  ", "b $primary"), "apply   ", ("u  ", "b $primary"), "undo"))
        else:
            lines.append(Content.styled("This is live.", "$success"))
        lines.append(Content.styled(line, "$faint"))
        put(view, Content("\n").join(lines))

    def _sum(self, total: int) -> Content:
        if total == share.WHOLE:
            return Content.assemble(("● ", "$success"), "The shares sum to 100.")
        return Content.assemble(("○ ", "$warning"), "No deployment gets live traffic: every request is refused.")

    # --- Keys --------------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the slider."""
        self.sliders.step(by)

    def action_lock(self) -> None:
        """Lock it, or let it move."""
        self.sliders.hold()

    def action_even(self) -> None:
        """The same for all."""
        self.sliders.even()

    def action_everything(self) -> None:
        """All to this one."""
        self.sliders.move(share.WHOLE)

    def action_drain(self) -> None:
        """Nothing to this one."""
        self.sliders.move(0)

    def action_mirror(self) -> None:
        """More copies."""
        self.sliders.mirror()

    def action_value(self) -> None:
        """Type a percentage."""
        name = self.sliders.name_here
        if name is None:
            return

        def go(given: dict[str, str] | None) -> None:
            if given is not None and given["percent"].isdigit():
                self.sliders.move(int(given["percent"]))

        field = Field("percent", f"Percent of {name}", str(self.sliders.shares.live[name]))
        self.desk.push_screen(Form("Share", [field]), go)

    def action_undo(self) -> None:
        """Back to what is live; with nothing moved, to what was live before."""
        group = self.desk.group
        if group is None:
            return
        if self.changed or (group.live, group.mirror) != self._began:
            self._began = (group.live, group.mirror)
            self.sliders.put(self._shares(group), group.live)
        elif before := self._before.get(group.name):
            live, mirror = before.pop()
            known = {name: live.get(name, 0) for name in group.live}
            self.sliders.put(replace(self._shares(group), live=known, mirror=mirror), group.live)
        self._moved()

    def action_apply(self) -> None:
        """Make it so."""
        if not self.changed or self._applying:
            return
        endpoint, began, shares = self._endpoint, self._began, self.sliders.shares
        live, mirror = _asked(shares)
        line = commands.traffic(endpoint, live, mirror if mirror or began[1] else None)
        if self.desk.refused(line):
            return
        self._applying = True
        self._moved()

        def done(_: None) -> None:
            self._applying = False
            self._before.setdefault(endpoint, []).append(began)
            self._began = (dict(shares.live), dict(shares.mirror))
            self.sliders.put(replace(self.sliders.shares, live=shares.live, mirror=shares.mirror), shares.live)
            self.desk.notify(line, title="Live now", markup=False)
            self.desk.feed.now()

        def failed(trouble: object) -> None:
            self._applying = False
            self.desk.feed.now()
            self.desk.show_trouble(trouble)  # type: ignore[arg-type]
            self._moved()

        self.desk.errand(lambda: self.desk.source.set_traffic(endpoint, live, mirror, began), done, failed)

    def to_copy(self) -> str:
        """Copy the command."""
        live, mirror = _asked(self.sliders.shares)
        return commands.traffic(self._endpoint, live, mirror or None)


def _asked(shares: Shares) -> Both:
    live = {name: percent for name, percent in shares.live.items() if percent}
    return live, {name: percent for name, percent in shares.mirror.items() if percent}


def _fixed(group: Group) -> Mapping[str, str]:
    return {row.name: "cannot answer" for row in group.rows if not row.serves}


def _rates(shares: Shares, rate: float) -> list[Content]:
    if rate <= 0:
        return [Content.styled("No requests in the last seconds to make an example of.", "$faint")]
    parts: list[tuple[str, str] | str] = [(f"Of {write.rate(rate)} requests a second  ", "$faint")]
    for name, percent in shares.live.items():
        if percent:
            parts += [(name, tone(name)), f" {write.rate(rate * percent / 100)}   "]
    for name, percent in shares.mirror.items():
        if percent:
            parts += [(f"copies to {name}", "$primary"), f" {write.rate(rate * percent / 100)}"]
    return [Content.assemble(*parts)]
