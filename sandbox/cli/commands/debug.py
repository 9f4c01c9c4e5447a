"""What ``sandbox debug`` does: switch, and tell how to attach."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from sandbox.cli.render import Paper
from sandbox.cli.session import Session
from sandbox.model.errors import NotFound, UsageError

if TYPE_CHECKING:
    from sandbox.ops.editors import Debugged


def run(session: Session) -> int:
    """Switch a deployment into debug mode, or back."""
    given = session.arguments
    endpoint = given.endpoint_name or _endpoint(session, given.deployment)
    made = session.sandbox.online_deployments.debug(given.deployment, endpoint, off=given.off, report=session.report)
    session.settle()
    if given.output == "json":
        sys.stdout.write(json.dumps(asdict(made), indent=2, ensure_ascii=False) + "\n")
    else:
        _print(made)
    return 0


def _endpoint(session: Session, deployment: str) -> str:
    """Return the one endpoint that has a deployment of that name.

    Raises:
        NotFound: E051, none has.
        UsageError: E010, several have.
    """
    found = [
        str(each.as_azure()["endpoint_name"])
        for each in session.sandbox.online_deployments.list()
        if each.name.lower() == deployment.lower()
    ]
    if not found:
        raise NotFound("E051", f"no endpoint has a deployment {deployment!r}", "", "sandbox status lists them")
    if len(found) > 1:
        fix = f"sandbox debug {deployment} -e {found[0]}"
        raise UsageError("E010", f"which {deployment} is not said", f"{', '.join(found)} have one of that name", fix)
    return found[0]


def _print(made: "Debugged") -> None:
    paper = Paper(sys.stdout)
    many = f"{made.instances} instance{'s' if made.instances > 1 else ''}"
    if not made.on:
        paper.print(f"{made.deployment}: {paper.paint('debug mode is off', 'good')}, {many} as before")
        return
    was = f" instead of {made.wanted}" if made.wanted > made.instances else ""
    paper.print(f"{made.deployment}: {paper.paint('debug mode', 'good')}, {many}{was}, runs your folder")
    paper.print(f"  {paper.paint(made.scoring_uri, 'place')} answers as before; nothing is timed out at a breakpoint")
    if made.attach is not None:
        paper.print(
            f"  debugger: {made.attach.host}:{made.attach.port}; {made.attach.local} is {made.attach.remote} there"
        )
        name = made.attach.entry.get("name")
        paper.print(f"  VS Code: Run and Debug, {name!r}, F5; the same for any DAP client:\n")
        paper.print(json.dumps(made.attach.entry, indent=4))
    paper.print(f"\n  back: sandbox debug {made.deployment} -e {made.endpoint} --off")
