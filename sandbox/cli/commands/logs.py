"""``sandbox logs``: the logs of several deployments as one, each line behind the name of its deployment."""

import sys

from sandbox.cli.render import Paper, printable
from sandbox.cli.session import Session

_COLOURS = ("36", "33", "35", "32", "34", "31")
Name = tuple[str, str]  # endpoint, deployment


def run(session: Session) -> int:
    """Print the lines; with --follow until Ctrl-C."""
    given = session.arguments
    names = _names(session, given.endpoint, given.deployment)
    if not names:
        Paper(sys.stderr).print("There is no deployment yet.")
        return 0
    paper = Paper(sys.stdout)
    labels = Labels(names, paper)
    for line in session.sandbox.online_deployments.all_logs(
        given.endpoint, given.deployment, lines=given.lines, follow=given.follow, previous=given.previous
    ):
        paper.print(f"{labels.of((line.endpoint, line.deployment))}{printable(line.text)}")
        if given.follow:
            sys.stdout.flush()
    return 0


def _names(session: Session, endpoint: str | None, deployment: str | None) -> list[Name]:
    if endpoint is not None and deployment is not None:
        found = session.sandbox.online_deployments.show(deployment, endpoint)
        return [(endpoint.lower(), found.name.lower())]
    found_all = session.sandbox.online_deployments.list(endpoint)
    return [(str(each.as_azure()["endpoint_name"]), each.name) for each in found_all]


class Labels:
    """What stands before a line: each deployment as shortly as it is clear. One alone needs no name."""

    def __init__(self, names: list[Name], paper: Paper) -> None:
        self._names, self._paper = names, paper
        self._labels = _labels(names)

    def of(self, name: Name) -> str:
        """Return the label of a deployment, which may be a new one: with it others may need longer names."""
        if name not in self._labels:
            self._names.append(name)
            self._labels = _labels(self._names)
        colour = _COLOURS[self._names.index(name) % len(_COLOURS)]
        return self._paper.coloured(self._labels[name], colour)


def _labels(names: list[Name]) -> dict[Name, str]:
    if len(names) == 1:
        return {names[0]: ""}
    several = len({endpoint for endpoint, _ in names}) > 1
    shown = {name: "/".join(name) if several else name[1] for name in names}
    widest = max(map(len, shown.values()))
    return {name: f"{label:<{widest}} | " for name, label in shown.items()}
