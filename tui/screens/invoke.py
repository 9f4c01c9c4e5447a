"""A request is written, sent once or many times, and its answer read."""

import contextlib
import json
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.widgets import OptionList, Static, TextArea

from tui import commands, keys, outside
from tui import format as write
from tui.load import Load, Tally
from tui.looks import About, Answer, Look, Trouble
from tui.screens.form import Field, Form
from tui.screens.page import Page
from tui.themes import tone
from tui.trouble import of_answer, yours
from tui.widgets.rows import Rows
from tui.widgets.trouble_view import content

if TYPE_CHECKING:
    from textual.timer import Timer

BODY_LIMIT = 64 * 1024  # characters that are shown
HISTORY = 50
DRAW_S = 0.2


class Invoke(Page):
    """One editor, one answer, and what was sent before."""

    NAME = "invoke"
    BINDINGS: ClassVar = keys.bindings("invoke")
    AUTO_FOCUS: ClassVar = "#request-text"

    def __init__(self) -> None:
        super().__init__()
        self._direct = False  # to the chosen deployment, whatever the traffic
        self._about: tuple[tuple[str, str], About] | None = None
        self._asked: tuple[str, str] | None = None
        self._sample = -1
        self._history: list[tuple[str, str, str]] = []  # what to, body, outcome
        self._load: Load | None = None
        self._timer: Timer | None = None
        self._many = ("100", "4")
        self._trouble: Trouble | None = None

    def body(self) -> ComposeResult:
        """Lay out."""
        with Horizontal(id="invoke-top"):
            with Vertical(id="ask", classes="panel"):
                yield TextArea(id="request-text", show_line_numbers=False, tab_behavior="focus")
            with VerticalScroll(id="reply", classes="panel"):
                yield Static(Content.styled("^r sends the request.", "$faint"), id="reply-text")
        yield Rows(id="history", classes="panel")

    def on_mount(self) -> None:
        """Name the panels."""
        super().on_mount()
        self.query_one("#reply").border_title = "Answer"
        self.query_one("#history").border_title = "History"

    @property
    def editor(self) -> TextArea:
        """Where the request is written."""
        return self.query_one("#request-text", TextArea)

    @property
    def to(self) -> str | None:
        """The deployment that is asked whatever the traffic; None: by traffic."""
        return self.desk.chosen[1] if self._direct and self.desk.chosen[1] else None

    # --- What to ------------------------------------------------------------------------------------------------------

    def seen(self, look: Look) -> None:  # noqa: ARG002 - only what is chosen counts
        """Say what a request would go to; get samples when that changes."""
        self._title()
        chosen = self.desk.chosen
        if chosen[1] and chosen != self._asked:
            self._asked = chosen
            ask = partial(self.desk.source.about, *chosen)
            self.desk.errand(ask, partial(self._told, chosen), lambda _: None, "invoke")

    def _told(self, chosen: tuple[str, str], about: About) -> None:
        self._about = (chosen, about)
        if not self.editor.text.strip():
            self._sample = -1
            self.action_sample()
        self._title()

    def _title(self) -> None:
        endpoint, name = self.desk.chosen
        panel = self.query_one("#ask")
        group = self.desk.group
        if group is None:
            panel.border_title = "Request"
            panel.border_subtitle = "no endpoint yet"
            return
        shares = ", ".join(f"{each} {percent} %" for each, percent in group.live.items() if percent) or "nobody"
        panel.border_title = (
            Content.assemble(f"Request to {endpoint}/", (name, tone(name)))
            if self._direct
            else Content.assemble(f"Request to {endpoint}", (f"  by traffic: {shares}", "$faint"))
        )
        samples = self._about[1].samples if self._about else ()
        at = samples[self._sample % len(samples)][0] if samples and self._sample >= 0 else ""
        leave = "esc leaves the text" if self.editor.has_focus else ""
        panel.border_subtitle = " · ".join(part for part in (f"sample: {at}" if at else "", leave) if part)

    @on(DescendantFocus)
    @on(DescendantBlur)
    def _focus_moved(self) -> None:
        self.call_after_refresh(self._title)

    def action_target(self) -> None:
        """By traffic; to the chosen deployment; to the next."""
        rows = self.desk.group.rows if self.desk.group else ()
        names = [row.name for row in rows]
        if not self._direct:
            self._direct = bool(names)
            if names:
                self.desk.choose(self.desk.chosen[0], names[0])
        else:
            at = names.index(self.desk.chosen[1]) + 1 if self.desk.chosen[1] in names else len(names)
            self._direct = at < len(names)
            if self._direct:
                self.desk.choose(self.desk.chosen[0], names[at])
        self._title()

    def action_sample(self) -> None:
        """Put the next sample into the editor."""
        samples = self._about[1].samples if self._about else ()
        if samples:
            self._sample = (self._sample + 1) % len(samples)
            self.editor.text = samples[self._sample][1]
        elif not self.editor.text.strip():
            self.editor.text = '{"data": []}'
        self._title()

    # --- Sending -----------------------------------------------------------------------------------------------------

    def action_send(self) -> None:
        """Send it once."""
        endpoint = self.desk.chosen[0]
        if not endpoint:
            return
        data, to = self.editor.text, self.to
        self.query_one("#reply").border_title = "Answer"
        self.query_one("#reply").border_subtitle = ""
        self.query_one("#reply-text", Static).update(Content.styled("waiting for the answer …", "$primary"))
        ask = partial(self.desk.source.invoke, endpoint, to, data)
        self.desk.errand(ask, partial(self._answered, data, to), partial(self._failed, data, to), "send")

    def _answered(self, data: str, to: str | None, answer: Answer) -> None:
        reply = self.query_one("#reply")
        reply.border_title = Content.assemble(
            "Answer  ", _status(answer), f"  {write.milliseconds(answer.seconds * 1000)}"
        )
        by = answer.header("azureml-model-deployment") or (to or "")
        reply.border_subtitle = Content.assemble("from ", (by, tone(by))) if by else ""
        trouble = of_answer(answer.body)
        if trouble is not None and self._about is not None:
            trouble = yours(trouble, self._about[1].runs_from, self._about[1].code)
        self._trouble = trouble
        self.query_one("#reply-text", Static).update(content(trouble, full=True) if trouble else _body(answer))
        self._remember(to, data, f"{answer.status}  {write.milliseconds(answer.seconds * 1000)}")

    def _failed(self, data: str, to: str | None, trouble: Trouble) -> None:
        self.query_one("#reply-text", Static).update(content(trouble, full=True))
        self._remember(to, data, trouble.code)

    def _remember(self, to: str | None, data: str, outcome: str) -> None:
        endpoint = self.desk.chosen[0]
        self._history.append((f"{endpoint}/{to}" if to else endpoint, data, outcome))
        del self._history[:-HISTORY]
        items = [
            (
                str(number),
                Content.assemble(
                    (f"{outcome:<16}", "$success" if outcome.startswith("2") else "$error"),
                    (f"{what:<24}", ""),
                    (" ".join(body.split())[:400], "$faint"),
                ),
            )
            for number, (what, body, outcome) in reversed(list(enumerate(self._history)))
        ]
        self.query_one("#history", Rows).fill(items)

    @on(OptionList.OptionSelected, "#history")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.editor.text = self._history[int(event.option_id or 0)][1]
        self.editor.focus()

    def action_past(self) -> None:
        """Go to the history."""
        self.query_one("#history").focus()

    # --- Many --------------------------------------------------------------------------------------------------------

    def action_load(self) -> None:
        """Send it many times; once more ends that."""
        if self._load is not None and self._load.works:
            self._load.end()
            return

        def go(given: dict[str, str] | None) -> None:
            if given is not None and given["count"].isdigit() and given["at_once"].isdigit():
                self._many = (given["count"], given["at_once"])
                self._send_many(int(given["count"]), max(1, int(given["at_once"])))

        fields = [
            Field("count", "How many requests", self._many[0]),
            Field("at_once", "How many at once", self._many[1]),
        ]
        self.desk.push_screen(Form("Send many", fields), go)

    def _send_many(self, count: int, at_once: int) -> None:
        endpoint = self.desk.chosen[0]
        if not endpoint or not count:
            return
        self._load = Load(partial(self.desk.source.invoke, endpoint, self.to, self.editor.text), count, at_once)
        self._load.start()
        if self._timer is None:
            self._timer = self.set_interval(DRAW_S, self._draw_load)
        self._timer.resume()

    def _draw_load(self) -> None:
        if self._load is None or self._timer is None:
            return
        tally = self._load.tally()
        reply = self.query_one("#reply")
        reply.border_title = f"{tally.done:,} of {tally.wanted:,} answers"
        reply.border_subtitle = "^l ends it" if self._load.works else ""
        self.query_one("#reply-text", Static).update(_tally(tally, max(20, reply.size.width - 6)))
        if not self._load.works:
            self._timer.pause()
            outcome = f"{tally.done}x  {write.milliseconds(tally.quantile(0.5))}"
            self._remember(self.to, self.editor.text, outcome)

    # --- Out ---------------------------------------------------------------------------------------------------------

    def action_curl(self) -> None:
        """Copy it as a curl command."""
        if group := self.desk.group:
            self.desk.notify(outside.copy(self.desk, commands.curl(group.url, self.editor.text, self.to)), markup=False)

    def to_open(self) -> tuple[str, int] | None:
        """Open the line that failed."""
        return (self._trouble.file, self._trouble.line) if self._trouble else None

    def to_copy(self) -> str:
        """Copy the command."""
        return commands.invoke(self.desk.chosen[0], self.to)


def _status(answer: Answer) -> Content:
    good = 200 <= answer.status < 300
    return Content.styled(f"{answer.status} {'ok' if good else 'failed'}", "b $success" if good else "b $error")


def _body(answer: Answer) -> Content:
    text = answer.body
    with contextlib.suppress(ValueError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    body = Content(text[:BODY_LIMIT])
    shown = [(name, value) for name, value in answer.headers if name.lower().startswith(("x-", "ms-", "azureml"))]
    width = max((len(name) for name, _ in shown), default=0)
    head = [Content.assemble((f"{name:<{width}}  ", "$faint"), (value, "$faint")) for name, value in shown]
    return Content("\n").join([body, Content(""), *head])


def _tally(tally: Tally, width: int) -> Content:
    full = round(tally.done / max(1, tally.wanted) * width)
    lines = [
        Content.assemble(("━" * full, "$primary"), ("─" * (width - full), "$line")),
        Content(""),
        Content.assemble((f"{write.rate(tally.rate)}", "b"), (" answers a second", "$faint")),
        Content(""),
    ]
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("most", 1.0)):
        lines.append(Content.assemble((f"{name:<8}", "$faint"), f"{write.milliseconds(tally.quantile(share)):>10}"))
    lines.append(Content(""))
    for status, count in tally.statuses:
        colour = "$success" if status.startswith("2") else "$error"
        lines.append(Content.assemble((f"{status:<8}", colour), f"{count:>10,}"))
    if any(name != "-" for name, _ in tally.by):
        lines.append(Content(""))
        lines += [
            Content.assemble((f"{name:<8}", tone(name)), f"{count:>10,}", (f"  {count / tally.done:>4.0%}", "$faint"))
            for name, count in tally.by
        ]
    return Content("\n").join(lines)
