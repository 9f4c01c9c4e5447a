"""What ``sandbox image VERB`` and ``sandbox seal`` do."""

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from sandbox.cli.output import megabytes, print_json
from sandbox.cli.session import Session

if TYPE_CHECKING:
    from sandbox.image.listing import Listed

_FIRST = 366 * 86400 * 11  # Unix time, 1981: images that are the same whenever they are made say 1980
_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60))


def list_all(session: Session) -> int:
    """List the images that were built for deployments."""
    _print(session, list(session.sandbox.images.list()))
    return 0


def show(session: Session) -> int:
    """Show what the engine knows of one."""
    print_json(session.sandbox.images.show(session.arguments.name))
    return 0


def prune(session: Session) -> int:
    """Remove those that no deployment needs."""
    given = session.arguments
    session.confirm("Remove the images that no deployment needs?", yes=given.yes)
    _print(session, list(session.sandbox.images.prune(everything=given.all)))
    return 0


def seal(session: Session) -> int:
    """Put everything of a deployment into one image, and try it as it is."""
    given = session.arguments
    made = session.sandbox.images.seal(given.name, given.endpoint_name, tag=given.tag, report=session.report)
    session.settle()
    if given.output == "json":
        print_json(asdict(made))
        return 0
    sys.stdout.write(f"{made.name}  {made.id}\n  {megabytes(made.size)}; packages: {made.sbom}\n")
    needs = "".join(f" -e {variable}" for variable in made.needs)
    sys.stdout.write(f"  docker run --rm -p 127.0.0.1:5001:5001{needs} {made.name}\n")
    return 0


def _print(session: Session, found: "list[Listed]") -> None:
    if session.arguments.output == "json":
        print_json([asdict(each) for each in found])
        return
    for each in found:
        state = "used" if each.used else "unused"
        line = f"{each.name:<44} {each.kind:<11} {megabytes(each.size):>10}  {_age(each.created):<11} {state:<7}"
        sys.stdout.write(f"{line} {each.made_for}".rstrip() + "\n")


def _age(created: float) -> str:
    if created < _FIRST:
        return "-"
    seconds = max(0.0, time.time() - created)
    unit, length = next(((unit, length) for unit, length in _UNITS if seconds >= length), ("seconds", 1))
    return f"{seconds / length:.0f} {unit}"
