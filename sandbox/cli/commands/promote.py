"""What ``sandbox promote``, ``rollback`` and ``history`` do, and ``host-receive`` on the host."""

import json
import re
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sandbox.cli.failures import as_object
from sandbox.cli.output import aligned, counted, print_json
from sandbox.cli.render import Paper
from sandbox.cli.session import Session
from sandbox.model.errors import SandboxError, UsageError
from sandbox.model.progress import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.model.generation import Generation
    from sandbox.ops.promote import Promoted

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_COLUMNS = ("Generation", "When", "Who", "What", "Traffic", "Image")
_SHORT = 12  # digits of an image's id, as docker shows it


def promote(session: Session) -> int:
    """Bring a deployment to a host.

    Raises:
        UsageError: E191, the steps, the pause or the percentage cannot be read.
    """
    given = session.arguments
    done = session.sandbox.promotions.promote(
        given.endpoint,
        given.to,
        deployment=given.deployment,
        steps=_steps(given.traffic),
        pause_s=_seconds(given.pause),
        most_errors=_percent(given.max_errors),
        dry_run=given.dry_run,
        report=session.report,
    )
    session.settle()
    if given.output == "json":
        print_json(asdict(done))
        return 0
    paper = Paper(sys.stdout)
    for line in _told(done):
        paper.print(line)
    return 0


def _told(done: "Promoted") -> list[str]:
    samples = f"probes and {counted(len(done.samples), 'sample')}" if done.samples else "probes; no samples are kept"
    lines = [f"{done.endpoint}/{done.deployment} -> {done.host}: {done.there}", f"  here   {done.image}  {samples}"]
    if done.dry_run:
        there = "is there already" if not done.changed else "would be shipped"
        steps = ", ".join(f"{step} %" for step in done.steps)
        return [*lines, f"  {done.host}   the image {there}; traffic would go to {steps}; nothing was done"]
    lines.append(f"  there  {done.image}  {done.digest or 'straight from engine to engine'}")
    return [*lines, f"  generation {done.generation}, traffic {_shares(done.traffic)}" + _unchanged(done)]


def _unchanged(done: "Promoted") -> str:
    return "" if done.changed else "; it was so already"


def rollback(session: Session) -> int:
    """Go back to a generation."""
    given = session.arguments
    done = session.sandbox.promotions.rollback(given.endpoint, given.to, report=session.report)
    session.settle()
    if given.output == "json":
        print_json(asdict(done))
    else:
        Paper(sys.stdout).print(f"{given.endpoint}: as generation {done.root}, traffic {_shares(done.traffic)}")
    return 0


def history(session: Session) -> int:
    """Show what served when."""
    given = session.arguments
    found = list(session.sandbox.promotions.history(given.endpoint))
    if given.output == "json":
        print_json([asdict(each) for each in found])
        return 0
    paper = Paper(sys.stdout)
    if not found:
        paper.print(f"{given.endpoint} has had no traffic yet.")
        return 0
    live = max(each.number for each in found)
    for line in aligned(_COLUMNS, [_row(each, live) for each in reversed(found)]).splitlines():
        paper.print(line)
    return 0


def _row(each: "Generation", live: int) -> list[str]:
    number = f"{each.number}{' live' if each.number == live else ''}" if each.number else "-"
    images = ", ".join(part.image.removeprefix("sha256:")[:_SHORT] for part in each.parts.values() if part.image)
    what = f"{each.verb} {each.text}".strip() + (f": {each.cause}" if each.cause else "")
    return [number, each.at, each.who, what, _shares(each.traffic), images]


def receive(session: Session) -> int:
    """Take a promotion from standard input; events, and at the end the result or the error, are lines of JSON.

    Raises:
        KeyboardInterrupt: the one who promotes is gone, or does not want it any more.
    """
    from sandbox.ops.context import of_system

    def tell(event: Event) -> None:
        _line({"event": asdict(event)})

    try:
        try:
            said = json.load(sys.stdin)
        except ValueError as error:
            raise SandboxError("E189", "what was sent is no promotion", str(error), "use sandbox promote") from None
        try:
            done = session.sandbox.promotions.receive(said, report=tell)
        except OSError as error:
            raise of_system(error) from error
    except SandboxError as error:
        _line({"error": as_object(error)})
        return error.exit_code
    _line({"result": asdict(done)})
    return 0


def _line(said: "Mapping[str, Any]") -> None:
    sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _steps(text: str | None) -> tuple[int, ...]:
    if text is None:
        return (100,)
    parts = [part.strip().removesuffix("%").strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UsageError("E191", f"--traffic {text}", "steps are whole percentages", "--traffic 10,50,100")
    return tuple(int(part) for part in parts)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?", text.strip())
    if found is None:
        raise UsageError("E191", f"--pause {text}", "a number, and ms, s, m or h", "--pause 30s")
    return float(found[1]) * _UNITS[found[2] or ""]


def _percent(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        raise UsageError("E191", f"--max-errors {text}", "it is a percentage", "--max-errors 1") from None


def _shares(weights: "Mapping[str, int]") -> str:
    return " ".join(f"{name}={share}" for name, share in weights.items()) or "none"
