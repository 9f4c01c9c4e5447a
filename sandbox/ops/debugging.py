"""A deployment to which a debugger can attach: its port, the server's flags, VS Code's launch.json."""

import os
import subprocess
import sys

from sandbox.model.progress import Event
from sandbox.model.state import DeploymentState, Revision
from sandbox.ops import ports
from sandbox.ops.context import Context

FIRST_PORT, LAST_PORT = 5678, 5777
WRITE_S = 30.0


def port(context: Context, endpoint: str, name: str) -> int | None:
    """Return the port that the deployment has, else the first free one that no other deployment has."""
    taken = {
        each.debug_port: (state.name, other)
        for state in context.store.look()[0]
        for other, each in state.deployments.items()
        if each.debug_port is not None
    }
    own = next((number for number, who in taken.items() if who == (endpoint, name)), None)
    free = (each for each in range(FIRST_PORT, LAST_PORT + 1) if each not in taken and ports.free(each))
    return own or next(free, None)


def arguments(revision: Revision, index: int) -> tuple[str, ...]:
    """Return the server's flags: one instance is debugged, the others answer meanwhile."""
    return ("--debug", str(revision.debug_port)) if revision.debug_port is not None and index == 0 else ()


def write_launch(context: Context, state: DeploymentState) -> None:
    """Let the server write ``.vscode/launch.json`` around the code, and tell where; a failure is told, too."""
    code = state.wanted.code_configuration
    if state.debug_port is None or code is None or code.code is None or code.scoring_script is None:
        return
    words = ["-m", "inference_http", "--entry_script", os.path.join(code.code, code.scoring_script)]
    done = subprocess.run(
        [sys.executable, *words, "--debug", str(state.debug_port), "--write-vscode"],
        cwd=code.code,
        capture_output=True,
        text=True,
        timeout=WRITE_S,
        check=False,
    )
    said = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    for text in said if done.returncode else said[-1:]:
        context.report(Event("start", "note", text, state.wanted.endpoint_name, state.wanted.name))
