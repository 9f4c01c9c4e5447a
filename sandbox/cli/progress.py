"""How the progress of a long use case is shown on standard error: drawn on a terminal, a line a step elsewhere."""

import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol, TextIO

from sandbox.cli.render import Paper, printable
from sandbox.model.progress import Event

if TYPE_CHECKING:
    from rich.console import RenderableType

TAIL = 5  # lines of a tool's output below the step that it belongs to
KEPT = 30  # lines that are shown when a step fails

PATIENCE_S = 1.0  # before a step that has begun gets a line of its own


class Progress(Protocol):
    """Takes events until it is closed."""

    def tell(self, event: Event) -> None:
        """Show one event."""

    def close(self) -> None:
        """Leave the stream as others expect it."""


def progress(stream: TextIO, *, verbose: bool) -> Progress:
    """Choose how to show progress on a stream.

    Args:
        stream: where to.
        verbose: show what tools print, too.
    """
    if stream.isatty() and not verbose:
        try:
            return Drawn(stream)
        except ModuleNotFoundError:  # rich comes with the extra; without it lines do
            pass
    return Lines(stream, verbose=verbose)


def subject(event: Event) -> str:
    """Name what an event is about: ``shop/blue: `` ; what is deleted is told by its step alone."""
    name = "/".join(part for part in (event.endpoint, event.deployment) if part)
    return f"{name}: {'delete ' if event.step == 'delete' else ''}" if name else ""


def seconds(amount: float) -> str:
    """Write a duration for people."""
    if amount < 0.1:
        return ""
    return f" ({amount:.1f} s)" if amount < 60 else f" ({int(amount) // 60} min {int(amount) % 60} s)"


class Lines:
    """One line for each step, for pipes and logs; one that takes long is named when it has begun, too."""

    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        self._paper = Paper(stream)
        self._stream = stream
        self._verbose = verbose
        self._tail: deque[str] = deque(maxlen=KEPT)
        self._timer: threading.Timer | None = None

    def tell(self, event: Event) -> None:
        """Print an event that is worth a line."""
        text = printable(event.text)
        if event.state == "line":
            self._tail.append(text)
            if self._verbose:
                self._print(f"  | {text}")
        elif event.state == "begin":
            self.close()
            self._tail.clear()
            self._timer = threading.Timer(PATIENCE_S, self._print, [f"{subject(event)}{text} ..."])
            self._timer.daemon = True
            self._timer.start()
        elif event.state == "failed":  # what failed is said by the error that follows
            self.close()
            for line in () if self._verbose else self._tail:
                self._print(f"  | {line}")
            self._tail.clear()
        else:
            if event.state == "done":
                self.close()
                self._tail.clear()  # of what went well: it tells nothing about what fails afterwards
            self._print(f"{subject(event)}{text}{seconds(event.seconds)}")

    def _print(self, line: str) -> None:
        self._paper.print(line)
        self._stream.flush()

    def close(self) -> None:
        """Forget the step that has begun."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
            self._timer = None


class _Step:
    """A step that has begun."""

    def __init__(self, event: Event) -> None:
        self.text = f"{subject(event)}{printable(event.text)}"
        self.began = time.monotonic()
        self.tail: deque[str] = deque(maxlen=KEPT)


class Drawn:
    """Steps that are done above, those that work below with a spinner, their seconds and the end of their output."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        self._console: Console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._spinner = Spinner("dots" if (stream.encoding or "").lower().startswith("utf") else "line", style="cyan")
        self._done = "\u2713" if (stream.encoding or "").lower().startswith("utf") else "+"
        self._steps: dict[tuple[str, str, str], _Step] = {}
        self._live: Live = Live(
            console=self._console, transient=True, refresh_per_second=8, get_renderable=self._drawing
        )
        self._live.start()

    def tell(self, event: Event) -> None:
        """Take an event into the drawing."""
        key = (event.step, event.endpoint, event.deployment)
        text = f"{subject(event)}{printable(event.text)}"
        if event.state == "begin":
            self._steps[key] = _Step(event)
        elif event.state == "line":
            step = self._steps.get(key) or next(reversed(self._steps.values()), None)
            if step is not None:
                step.tail.append(printable(event.text))
        elif event.state == "note":
            self._console.print(f"  {text}", style="dim")
        else:
            self._end(key, event, text)

    def _end(self, key: tuple[str, str, str], event: Event, text: str) -> None:
        step = self._steps.pop(key, None)
        if event.state == "done":
            self._print((self._done, "green"), f" {text}{seconds(event.seconds)}")
            return
        # What went wrong is said by the error that follows: here stands what was being done.
        self._print(("x", "red"), f" {step.text if step else text}{seconds(event.seconds)}")
        for line in step.tail if step else ():
            self._console.print(f"  | {line}", style="dim")

    def _print(self, *parts: "str | tuple[str, str]") -> None:
        from rich.text import Text

        self._console.print(Text.assemble(*parts))

    def _drawing(self) -> "RenderableType":
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        parts: list[RenderableType] = []
        for step in list(self._steps.values()):
            row = Table.grid(padding=(0, 1))
            row.add_row(self._spinner, Text(step.text), Text(f"{time.monotonic() - step.began:.0f} s", style="dim"))
            parts.append(row)
            width = max(20, self._console.width - 6)
            parts += [Text(f"  | {line[:width]}", style="dim", no_wrap=True) for line in list(step.tail)[-TAIL:]]
        return Group(*parts)

    def close(self) -> None:
        """End the drawing; what was done stays on the screen."""
        self._live.stop()
        sys.stderr.flush()
