"""Requests that were answered, from the gateway's access log."""

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from tui import format as write
from tui import keys
from tui.looks import Capture, Look, Request
from tui.screens.page import Page
from tui.themes import tone
from tui.widgets.rows import Rows
from tui.widgets.still import put

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = 2000
SHOWN = 300  # rows; a filter looks at all that are kept
SHORT = 200  # characters of a body in one line


class Requests(Page):
    """The newest at the end; the cursor stays there until it is moved."""

    NAME = "requests"
    BINDINGS: ClassVar = keys.bindings("requests")
    AUTO_FOCUS: ClassVar = "#request-rows"

    def __init__(self) -> None:
        super().__init__()
        self._position = -1
        self._all: list[tuple[int, Request]] = []
        self._count = 0
        self._errors = False
        self._text = ""
        self._following = True
        self._asking = False

    def body(self) -> ComposeResult:
        """Lay out."""
        with Vertical(id="requests", classes="panel") as panel:
            panel.border_title = "Requests"
            yield Static(id="request-head")
            yield Rows(id="request-rows")
        yield Static(id="request-detail", classes="panel")
        yield Input(
            id="request-filter", compact=True, placeholder="deployment, status, path or id; enter keeps, esc clears"
        )

    def seen(self, look: Look) -> None:  # noqa: ARG002 - requests have a log of their own
        """Ask for what is new."""
        if not self._asking:
            self._asking = True
            position = self._position
            self.desk.errand(lambda: self.desk.source.requests(position), self._came, self._failed, "requests")

    def _failed(self, _: object) -> None:
        self._asking = False

    def _came(self, found: "tuple[Sequence[Request], int]") -> None:
        requests, self._position = found
        self._asking = False
        for request in requests:
            self._count += 1
            self._all.append((self._count, request))
        del self._all[:-KEPT]
        self._draw()

    def _draw(self) -> None:
        shown = [(number, each) for number, each in self._all if self._passes(each)][-SHOWN:]
        rows = self.query_one("#request-rows", Rows)
        width = max(40, self.size.width - 6)
        put(self.query_one("#request-head", Static), Content.styled(_head(width), "$faint"))
        last = str(shown[-1][0]) if shown else None
        items = [(str(number), _line(each, width)) for number, each in shown]
        rows.fill(items, last if self._following else None)
        panel = self.query_one("#requests")
        of = f"{len(shown)} of {len(self._all)}" if self._errors or self._text else f"{len(self._all):,}"
        panel.border_title = "Requests" + (" that failed" if self._errors else "")
        panel.border_subtitle = f"{of} · copies to a mirror are not logged" if self._all else "none yet"
        self._detail(self.chosen)

    def _passes(self, request: Request) -> bool:
        if self._errors and request.status < 400 and request.status != 0:
            return False
        if not self._text:
            return True
        said = f"{request.endpoint}/{request.deployment} {request.status} {request.path} {request.id} {request.details}"
        return self._text.lower() in said.lower()

    @property
    def chosen(self) -> Request | None:
        """The request with the cursor."""
        key = self.query_one("#request-rows", Rows).key
        return next((each for number, each in self._all if str(number) == key), None)

    @on(OptionList.OptionHighlighted, "#request-rows")
    def _moved(self) -> None:
        self._following = self.query_one("#request-rows", Rows).at_end
        self._detail(self.chosen)

    def _detail(self, request: Request | None) -> None:
        view = self.query_one("#request-detail", Static)
        view.border_title = "Request"
        if request is None:
            view.update(Content.styled("Nothing was asked yet. Page 5 sends a request.", "$faint"))
            return
        to = (
            f"{request.endpoint}/{request.deployment}"
            if request.deployment
            else f"{request.endpoint}, refused at the door"
        )
        view.update(
            Content("\n").join(
                [
                    Content.assemble((f"{request.method} {request.path}  ", "b"), _status(request), f"  {to}"),
                    Content.assemble(("id        ", "$faint"), request.id or write.NOTHING),
                    Content.assemble(
                        ("time      ", "$faint"),
                        f"{write.clock(request.at)}, {write.milliseconds(float(request.ms))}; "
                        f"{write.memory(request.received)} in, {write.memory(request.sent)} out",
                    ),
                    Content.assemble(("how       ", "$faint"), HOW.get(request.details, request.details)),
                    *(_captured(request.capture) if request.capture else ()),
                ]
            )
        )

    # --- Keys --------------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter."""
        field = self.query_one("#request-filter", Input)
        field.add_class("-open")
        field.focus()

    @on(Input.Changed, "#request-filter")
    def _filtered(self, event: Input.Changed) -> None:
        self._text = event.value
        self._draw()

    @on(Input.Submitted, "#request-filter")
    def _kept(self) -> None:
        self.query_one("#request-rows").focus()

    def key_escape(self) -> None:
        """Clear the filter, else as everywhere."""
        field = self.query_one("#request-filter", Input)
        if field.has_class("-open"):
            field.value = ""
            field.remove_class("-open")
            self.query_one("#request-rows").focus()
        else:
            super().key_escape()

    def action_errors(self) -> None:
        """Failed ones only, and back."""
        self._errors = not self._errors
        self._draw()

    def action_follow(self) -> None:
        """Go to the newest, and stay there."""
        self._following = True
        self._draw()

    def action_its_logs(self) -> None:
        """Show the lines of the request."""
        request = self.chosen
        if request is not None:
            desk = self.desk

            def go() -> None:
                from tui.screens.logs import Logs

                page = desk.page
                if isinstance(page, Logs):
                    page.about_request(request.id, request.endpoint, request.deployment)

            desk.switch_mode("logs")
            desk.call_after_refresh(go)

    @on(OptionList.OptionSelected, "#request-rows")
    def _selected(self) -> None:
        self.action_its_logs()

    def to_copy(self) -> str:
        """Copy the id."""
        request = self.chosen
        return request.id if request else ""


def _captured(kept: Capture) -> list[Content]:
    """Write what was kept: request, answer, and what the copy was answered where one was sent."""
    lines = [
        Content.assemble(("asked     ", "$faint"), " ".join(kept.body.split())[:SHORT]),
        Content.assemble(("answered  ", "$faint"), " ".join(kept.answer.split())[:SHORT]),
    ]
    if kept.copy_to:
        same = kept.answer == kept.copy_answer
        word = ("the same", "$success") if same else (" ".join(kept.copy_answer.split())[:SHORT], "$warning")
        lines.append(Content.assemble(("copy      ", "$faint"), f"{kept.copy_to} {kept.copy_status}  ", word))
    return lines


HOW = {
    "via_upstream": "answered by the model",
    "route_not_found": "no such path",
    "direct_response": "answered by the gateway",
    "no_healthy_upstream": "no instance was ready",
    "ext_authz_denied": "key or token refused",
    "response_timeout": "the model took too long",
    "upstream_response_timeout": "the model took too long",
}


def _head(width: int) -> str:
    return f"{'time':<10}{'endpoint':<14}{'deployment':<16}{'status':<10}{'took':>9}  path{'':<20}"[:width]


def _status(request: Request) -> Content:
    colour = (
        "$success" if 200 <= request.status < 300 else "$error" if request.status >= 400 or not request.status else ""
    )
    word = "ok" if 200 <= request.status < 300 else "fail" if request.status >= 400 or not request.status else ""
    return Content.assemble((f"{request.status} {word}", colour or "$foreground"))


def _line(request: Request, width: int) -> Content:
    status = _status(request)
    text = Content.assemble(
        (f"{write.clock(request.at):<10}", "$faint"),
        f"{request.endpoint[:13]:<14}",
        (f"{request.deployment[:15] or '-':<16}", tone(request.deployment) if request.deployment else "$faint"),
        status,
        " " * max(1, 10 - status.cell_length),
        f"{write.milliseconds(float(request.ms)):>9}  ",
        f"{request.path}  ",
    )
    return Content.assemble(text, (request.id, "$faint")) if text.cell_length + len(request.id) <= width else text
