"""Builds, rollouts and other work: its steps with their times, the output of each, and how it ended."""

import time
from datetime import datetime, timezone
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static

from tui import format as write
from tui import keys
from tui.looks import Job, Look, Step
from tui.screens.confirm import Confirm
from tui.screens.page import Page
from tui.widgets.rows import Rows
from tui.widgets.still import put
from tui.widgets.trouble_view import content as trouble_content

SIGNS = {
    "working": ("◐", "$primary"),
    "done": ("●", "$success"),
    "failed": ("✖", "$error"),
    "cancelled": ("○", "$warning"),
    "lost": ("▲", "$warning"),
}
TAIL = 8
STEPS = {
    "environment": "environment",
    "storage": "code and model",
    "start": "start",
    "ready": "readiness",
    "gateway": "gateway",
    "stop": "old instances",
    "image": "image",
    "delete": "delete",
}


class Jobs(Page):
    """The newest first."""

    NAME = "jobs"
    BINDINGS: ClassVar = keys.bindings("jobs")
    AUTO_FOCUS: ClassVar = "#job-list"

    def __init__(self) -> None:
        super().__init__()
        self._known: frozenset[str] | None = None

    def body(self) -> ComposeResult:
        """Lay out."""
        with Horizontal(id="jobs-body"):
            yield Rows(id="job-list", classes="panel")
            with VerticalScroll(id="job", classes="panel"):
                yield Static(id="job-text")

    def seen(self, look: Look) -> None:
        """Draw."""
        rows = self.query_one("#job-list", Rows)
        rows.border_title = "Jobs"
        names = frozenset(job.id for job in look.jobs)
        new = look.jobs[0].id if look.jobs and (self._known is None or look.jobs[0].id not in self._known) else None
        self._known = names
        rows.fill([(job.id, _line(job)) for job in look.jobs], new)
        self._draw(look)

    @on(OptionList.OptionHighlighted, "#job-list")
    def _highlighted(self) -> None:
        if self.desk.look is not None:
            self._draw(self.desk.look)

    @property
    def chosen(self) -> Job | None:
        """The job with the cursor."""
        key = self.query_one("#job-list", Rows).key
        look = self.desk.look
        return next((job for job in look.jobs if job.id == key), None) if look else None

    def _draw(self, look: Look) -> None:
        panel, view = self.query_one("#job"), self.query_one("#job-text", Static)
        job = self.chosen or (look.jobs[0] if look.jobs else None)
        if job is None:
            panel.border_title = "Job"
            view.update(
                Content.styled(
                    "Nothing was done from here yet. What takes long is a job, and goes on without us.", "$faint"
                )
            )
            return
        panel.border_title = job.title
        panel.border_subtitle = "x cancels it" if job.state == "working" else ""
        lines = [Content.styled(job.command, "$faint"), Content("")]
        for step in job.steps:
            lines += _step(step, last=step is job.steps[-1])
        lines.append(Content(""))
        if job.trouble is not None:
            lines.append(trouble_content(job.trouble, full=True))
        elif job.state != "working":
            lines.append(_state(job))
        put(view, Content("\n").join(lines))

    # --- Keys --------------------------------------------------------------------------------------------------------

    def action_stop_job(self) -> None:
        """Interrupt the job, if that is meant."""
        job = self.chosen
        if job is None or job.state != "working" or self.desk.refused("kill -INT"):
            return

        def go(yes: bool | None) -> None:  # noqa: FBT001 - what a dialog gives back
            if yes:
                self.desk.errand(lambda: self.desk.source.cancel(job.id), lambda _: self.desk.feed.now())

        effects = ["What it has begun is taken back; what served before goes on serving.", "Said again, it goes on."]
        self.desk.push_screen(Confirm(f"Cancel {job.title}?", effects, job.command, "Cancel the job"), go)

    def action_again(self) -> None:
        """Do the same once more."""
        job = self.chosen
        if job is not None and job.state != "working" and not self.desk.refused(job.command):
            self.desk.errand(lambda: self.desk.source.again(job.id), lambda _: self.desk.feed.now())

    def to_copy(self) -> str:
        """Copy the command."""
        return self.chosen.command if self.chosen else ""

    def to_open(self) -> tuple[str, int] | None:
        """Open the failing line."""
        job = self.chosen
        if job is not None and job.trouble is not None and job.trouble.file:
            return job.trouble.file, job.trouble.line
        return None


def _line(job: Job) -> Content:
    sign, colour = SIGNS[job.state]
    return Content.assemble((f"{sign} ", colour), f"{job.title}  ", (_when(job), "$faint"))


def _when(job: Job) -> str:
    if job.state == "working":
        return write.duration(_age(job.began))
    word = {"done": "", "failed": "failed ", "cancelled": "cancelled ", "lost": "ended "}[job.state]
    return f"{word}{write.clock(job.began)}"


def _age(iso: str) -> float:
    try:
        return max(0.0, datetime.now(timezone.utc).timestamp() - datetime.fromisoformat(iso).timestamp())
    except ValueError:
        return 0.0


def _state(job: Job) -> Content:
    sign, colour = SIGNS[job.state]
    return Content.styled(f"{sign} {job.state} in {write.duration(job.seconds)}", colour)


def _step(step: Step, *, last: bool) -> list[Content]:
    sign, colour = SIGNS[step.state]
    name = STEPS.get(step.name, step.name or "output")
    took = write.duration(step.seconds) if step.state != "working" else _spinner()
    cached = "reused" if step.state == "done" and step.name == "environment" and step.seconds < 0.2 else ""
    found = [
        Content.assemble(
            (f"{sign} ", colour),
            (f"{name:<16}", "b"),
            (f"{took:>8}  ", "$faint"),
            step.text,
            (f"  {step.where}" if step.where else "", "$faint"),
            (f"  {cached}" if cached else "", "$success"),
        )
    ]
    shown = step.lines[-(200 if step.name == "start" and last else TAIL) :] if last or step.state != "done" else ()
    return [*found, *(Content.styled(f"    {line}", "$faint") for line in shown)]


def _spinner() -> str:
    return "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[int(time.monotonic() * 2) % 10]
