"""``sandbox up`` and ``sandbox down``: a folder of YAML files as one thing."""

import dataclasses
import json
import sys

from sandbox.cli.render import Paper
from sandbox.cli.session import Session
from sandbox.model.errors import SandboxError, UsageError


def up(session: Session) -> int:
    """Make everything be as the files say, and tell how to call it.

    Raises:
        SandboxError: E016, a path leads nowhere.
    """
    import os

    given = session.arguments
    missing = [path for path in given.paths if not os.path.exists(path)]
    if missing:
        raise SandboxError("E016", f"{missing[0]} does not exist", "", "name a YAML file, or a folder with such files")
    done = session.sandbox.up(given.paths, development=given.reload, report=session.report)
    session.settle()
    if given.output == "json":
        sys.stdout.write(json.dumps([dataclasses.asdict(each) for each in done], indent=2) + "\n")
        return 0
    paper = Paper(sys.stdout)
    for each in done:
        paper.print(
            f"{each.kind} {each.name}: {paper.paint(each.change, 'dim' if each.change == 'unchanged' else 'good')}"
        )
    _addresses(session, paper, {each.name for each in done if each.kind == "endpoint"})
    return 0


def _addresses(session: Session, paper: Paper, names: set[str]) -> None:
    found = session.sandbox.status().endpoints
    if not found:
        paper.print("There is no endpoint yet.\n  fix: sandbox init shop, then sandbox up shop")
    for endpoint in found:
        if not names or endpoint.name in names:
            paper.print(f"\n{endpoint.name}  {paper.paint(endpoint.scoring_uri, 'place')}")
            for each in endpoint.deployments:
                paper.print(f"  {each.name:<12} {each.live_percent:>3} %  {each.running} of {each.wanted} instances")
            if endpoint.deployments and not any(each.live_percent for each in endpoint.deployments):
                first = endpoint.deployments[0].name
                paper.print(
                    "  no traffic yet, requests are answered 404:"
                    f' sandbox online-endpoint update -n {endpoint.name} --traffic "{first}=100"'
                )
            paper.print(f"  ask it: sandbox online-endpoint invoke -n {endpoint.name} -r REQUEST.json")


def down(session: Session) -> int:
    """Delete endpoints with everything below them.

    Raises:
        UsageError: E010, neither names nor --all, or both.
    """
    given = session.arguments
    if bool(given.names) == given.all:
        raise UsageError("E010", "what to delete is not said", "", "sandbox down NAME, or sandbox down --all")
    names = _all(session) if given.all else list(given.names)
    if names:
        session.confirm(f"Delete {', '.join(names)} with all deployments?", yes=given.yes)
    else:
        Paper(sys.stderr).print("There is no endpoint.")
    deleted = session.sandbox.down(None if given.all else names, report=session.report)
    session.settle()
    for name in deleted:
        sys.stdout.write(f"{name}: deleted\n")
    return 0


def _all(session: Session) -> list[str]:
    """Return the names of all endpoints, those whose files are damaged as well."""
    status = session.sandbox.status()
    return sorted({found.name for found in status.endpoints} | status.troubles.keys())
