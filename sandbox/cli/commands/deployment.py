"""What ``sandbox online-deployment VERB`` does: flags to the facade, its answer back."""

import sys
from typing import Any

from sandbox.cli.changes import edits, overrides
from sandbox.cli.described import described
from sandbox.cli.session import Session, write
from sandbox.model.errors import UsageError


def create(session: Session) -> dict[str, Any]:
    """Create a deployment, and give it all traffic when that is asked for.

    Raises:
        UsageError: E010, --all-traffic with --no-wait, which az refuses, too.
    """
    given = session.arguments
    if given.all_traffic and given.no_wait:
        why = "traffic is given when the deployment is ready, and --no-wait does not wait for that"
        raise UsageError("E010", "--all-traffic and --no-wait exclude each other", why, "leave one of them out")
    look = not given.skip_script_validation
    made = session.sandbox.online_deployments.create(
        described(session, "deployment", given.file, overrides(given), look_at_script=look),
        all_traffic=given.all_traffic,
        wait=not given.no_wait,
        debug=given.vscode_debug,
        backend=given.backend,
        beside=given.file,
        report=session.report,
    )
    return made.as_azure()


def update(session: Session) -> dict[str, Any]:
    """Change a deployment.

    Raises:
        UsageError: E010, neither a file nor names that tell which one.
    """
    given = session.arguments
    if given.file is None and (given.name is None or given.endpoint_name is None):
        fix = "sandbox online-deployment update -n NAME -e ENDPOINT --set instance_count=2, or -f FILE"
        raise UsageError("E010", "which deployment is meant is not said", "without --file it takes both names", fix)
    look = not given.skip_script_validation
    value = described(session, "deployment", given.file, overrides(given), look_at_script=look) if given.file else None
    changed = session.sandbox.online_deployments.update(
        value,
        name=given.name,
        endpoint=given.endpoint_name,
        edits=edits(given, sets=not given.file),
        wait=not given.no_wait,
        debug=True if given.vscode_debug else None,
        backend=given.backend,
        beside=given.file,
        report=session.report,
    )
    return changed.as_azure()


def show(session: Session) -> dict[str, Any]:
    """Return a deployment."""
    given = session.arguments
    return session.sandbox.online_deployments.show(given.name, given.endpoint_name).as_azure()


def list_all(session: Session) -> list[dict[str, Any]]:
    """Return the deployments of an endpoint, or all."""
    return [found.as_azure() for found in session.sandbox.online_deployments.list(session.arguments.endpoint_name)]


def delete(session: Session) -> None:
    """Delete a deployment and everything that runs for it."""
    given = session.arguments
    session.confirm(f"Delete the deployment {given.name} of the endpoint {given.endpoint_name}?", yes=given.yes)
    session.sandbox.online_deployments.delete(given.name, given.endpoint_name, report=session.report)


def logs(session: Session) -> None:
    """Print the log as it is, line by line: az does not make a string of it either."""
    given = session.arguments
    found = session.sandbox.online_deployments.logs(
        given.name,
        given.endpoint_name,
        lines=given.lines,
        container=given.container,
        follow=given.follow,
        previous=given.previous,
    )
    for line in found:
        write(sys.stdout, f"{line}\n")
        if given.follow:
            sys.stdout.flush()
