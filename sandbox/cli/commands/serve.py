"""``sandbox serve SCRIPT``: the server alone, with reload. This process becomes the server."""

import os
import sys
from typing import NoReturn

from sandbox.cli.session import Session
from sandbox.model.errors import SandboxError, UsageError


def command(script: str, others: list[str]) -> list[str]:
    """Return the server's command line: what was given after the script counts, and reload unless it was refused."""
    words = [sys.executable, "-m", "inference_http", "--entry_script", script]
    mine = [word for word in others if word != "--no-reload"]
    reload = [] if "--no-reload" in others or any(word.startswith("--reload") for word in mine) else ["--reload"]
    return [*words, *reload, *mine]


def run(session: Session) -> NoReturn:
    """Become the server.

    Raises:
        SandboxError: E016, there is no such script.
        UsageError: E010, flags stand before it.
    """
    script = session.arguments.script
    later = next((word for word in session.arguments.others if word.endswith(".py") and os.path.isfile(word)), None)
    if not os.path.exists(script) and later is not None:
        why = f"{script!r} stands where the script is looked for"
        raise UsageError(
            "E010", "the script comes first, the server's flags after it", why, f"sandbox serve {later} ..."
        )
    if not os.path.isfile(script):
        fix = "name the file that has init() and run(); `sandbox init shop` writes one"
        why = "it is a folder" if os.path.isdir(script) else "no such file"
        raise SandboxError("E016", f"{script} cannot be served", why, fix)
    words = command(script, session.arguments.others)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(words[0], words)  # noqa: S606 - a list of words, no shell
