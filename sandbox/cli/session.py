"""What one run of a command has: where to print, whom to tell, and the door to everything else."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from sandbox.cli.render import Paper
from sandbox.cli.words import Verb
from sandbox.model.progress import Event, Report

if TYPE_CHECKING:
    from sandbox.api import Sandbox
    from sandbox.cli.progress import Progress


There = tuple[str, list[str]]  # a host, and the words for it


class Cancelled(Exception):
    """The user did not say yes."""


class Session:
    """One command line being carried out. ``arguments`` holds what was given for each flag of the verb.

    ``there``: the host that it is for, and its words without that; None for here.
    """

    def __init__(self, group: str, verb: Verb, arguments: argparse.Namespace, there: There | None = None) -> None:
        self.group = group
        self.there = there
        self.verb = verb
        self.arguments = arguments
        self.last: Event | None = None  # of the progress, for the sentence after Ctrl-C
        self._sandbox: Sandbox | None = None
        self._progress: Progress | None = None

    @property
    def sandbox(self) -> "Sandbox":
        """The facade to everything; made at the first use."""
        if self._sandbox is None:
            from sandbox.api import Sandbox

            self._sandbox = Sandbox()
        return self._sandbox

    @property
    def quiet(self) -> bool:
        """Tell whether neither progress nor warnings are wanted."""
        return bool(getattr(self.arguments, "only_show_errors", False))

    @property
    def report(self) -> Report:
        """Where the progress of a long use case goes: standard error, drawn as the terminal allows."""
        return self._told

    def _told(self, event: Event) -> None:
        if event.state in {"begin", "done"}:  # one that failed carries the reason: after Ctrl-C an exception's name
            self.last = event
        if self.quiet:
            return
        if self._progress is None:
            from sandbox.cli.progress import progress

            self._progress = progress(sys.stderr, verbose=bool(getattr(self.arguments, "verbose", False)))
        self._progress.tell(event)

    def settle(self) -> None:
        """End the drawing of progress, so that something else can be printed."""
        if self._progress is not None:
            self._progress.close()
            self._progress = None

    def warn(self, text: str, fix: str = "") -> None:
        """Say on standard error what the user should know and need not act on."""
        if self.quiet:
            return
        self.settle()
        paper = Paper(sys.stderr)
        paper.print(f"{paper.paint('WARNING:', 'warning')} {text}")
        if fix:
            paper.print(f"  {paper.paint('fix:', 'fix')} {fix}")

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something is lost; without a terminal nobody can answer, and the answer is no.

        Raises:
            Cancelled: the user does not want it.
        """
        if yes:
            return
        self.settle()
        if not (sys.stdin and sys.stdin.isatty()):
            raise Cancelled
        sys.stderr.write(f"{question} (y/n): ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if answer.strip().lower() not in {"y", "yes"}:
            raise Cancelled

    def print(self, value: Any) -> None:
        """Print a result as --output and --query say."""
        from sandbox.cli.output import formatted, search, with_groups

        value = with_groups(value)
        query = getattr(self.arguments, "query", None)
        if query is not None:
            value = search(query, value)
        form = getattr(self.arguments, "output", None) or "json"
        write(sys.stdout, formatted(value, form, queried=query is not None, coloured=may_paint(sys.stdout)))


def may_paint(stream: TextIO) -> bool:
    """Tell whether colours are for somebody who sees them."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write(stream: TextIO, text: str) -> None:
    """Write; signs that the stream cannot take are written as escapes."""
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
