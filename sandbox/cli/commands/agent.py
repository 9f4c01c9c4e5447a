"""``sandbox agent start | stop | status | run``."""

import json
import sys

from sandbox.agent import place
from sandbox.cli.session import Session

OFF = "The agent is off: what dies stays so until `sandbox up`."


def start(session: Session) -> int:
    """Start the agent apart from this terminal; one that runs stays.

    Raises:
        SandboxError: E069, it ended at once.
    """
    home = session.sandbox.home
    sys.stdout.write(f"The agent runs: process {place.start(home)}, log {home.at('agent', 'log')}\n")
    return 0


def stop(session: Session) -> int:
    """End it."""
    sys.stdout.write("The agent was ended.\n" if place.stop(session.sandbox.home) else "The agent was off.\n")
    return 0


def status(session: Session) -> int:
    """Tell whether it runs; 0 either way, for it is nobody's duty to run."""
    pid = place.running(session.sandbox.home)
    if session.arguments.output == "json":
        sys.stdout.write(json.dumps({"running": pid is not None, "pid": pid}) + "\n")
    else:
        sys.stdout.write(f"{OFF}\n  fix: sandbox agent start\n" if pid is None else f"The agent runs: process {pid}\n")
    return 0


def run(session: Session) -> int:
    """Be the agent.

    Raises:
        SandboxError: E068, another one runs.
    """
    from sandbox.agent.loop import serve

    serve(session.sandbox, session.report)
    return 0
