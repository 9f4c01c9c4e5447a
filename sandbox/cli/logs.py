"""``sandbox logs``: the logs of several deployments as one, each line behind the name of its deployment."""

import queue
import sys
import threading
from collections.abc import Iterator, Sequence

from sandbox.cli.render import Paper, printable
from sandbox.cli.session import Session
from sandbox.model.errors import SandboxError

_COLOURS = ("36", "33", "35", "32", "34", "31")
Name = tuple[str, str]  # endpoint, deployment
Line = tuple[Name, str]


def run(session: Session) -> int:
    """Print the lines; with --follow until Ctrl-C."""
    given = session.arguments
    names = _names(session, given.endpoint, given.deployment)
    if not names:
        Paper(sys.stderr).print("There is no deployment yet.")
        return 0
    paper = Paper(sys.stdout)
    labels = _labels(names)
    lines = _followed(session, names, given.lines) if given.follow else _read(session, names, given.lines)
    for name, text in lines:
        label = labels[name]
        colour = _COLOURS[names.index(name) % len(_COLOURS)]
        paper.print(f"{paper.coloured(label, colour)}{printable(text)}" if label else printable(text))
        if given.follow:
            sys.stdout.flush()
    return 0


def _names(session: Session, endpoint: str | None, deployment: str | None) -> list[Name]:
    if endpoint is not None and deployment is not None:
        found = session.sandbox.online_deployments.show(deployment, endpoint)
        return [(endpoint, found.name)]
    found_all = session.sandbox.online_deployments.list(endpoint)
    return [(str(each.as_azure()["endpoint_name"]), each.name) for each in found_all]


def _labels(names: Sequence[Name]) -> dict[Name, str]:
    """Name each deployment as shortly as it is clear; one alone needs no name."""
    if len(names) == 1:
        return {names[0]: ""}
    several = len({endpoint for endpoint, _ in names}) > 1
    shown = {name: "/".join(name) if several else name[1] for name in names}
    widest = max(map(len, shown.values()))
    return {name: f"{label:<{widest}} | " for name, label in shown.items()}


def _read(session: Session, names: Sequence[Name], lines: int) -> Iterator[Line]:
    for endpoint, deployment in names:
        found = session.sandbox.online_deployments.logs(deployment, endpoint, lines=lines)
        yield from (((endpoint, deployment), text) for text in found)


def _followed(session: Session, names: Sequence[Name], lines: int) -> Iterator[Line]:
    """Read all of them at once; ends when each has ended."""
    arrived: queue.Queue[Line | None] = queue.Queue(maxsize=1000)

    def read(name: Name) -> None:
        try:
            found = session.sandbox.online_deployments.logs(name[1], name[0], lines=lines, follow=True)
            for text in found:
                arrived.put((name, text))
        except SandboxError as error:  # deleted while it was read
            arrived.put((name, f"({error.what})"))
        finally:
            arrived.put(None)

    for name in names:
        threading.Thread(target=read, args=(name,), daemon=True).start()
    left = len(names)
    while left:
        line = arrived.get()
        if line is None:
            left -= 1
        else:
            yield line
