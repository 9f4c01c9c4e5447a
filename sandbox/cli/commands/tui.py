"""``sandbox tui``: this process becomes the terminal UI, which is a program above this one."""

import os
import sys
from typing import NoReturn

from sandbox.cli.session import Session


def run(session: Session) -> NoReturn:
    """Become the terminal UI; its own flags are its own."""
    given = session.arguments
    words = [sys.executable, "-m", "tui"]
    words += [flag for flag, wanted in _switches(given.read_only, given.web, given.allow_write) if wanted]
    words += ["--port", str(given.port)] if given.port is not None else []
    sys.stdout.flush()
    sys.stderr.flush()
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}  # a folder named tui where we are would hide ours
    os.execve(words[0], words, environment)  # noqa: S606 - a list of words, no shell


def _switches(read_only: bool, web: bool, allow_write: bool) -> list[tuple[str, bool]]:  # noqa: FBT001 - as parsed
    return [("--read-only", read_only), ("--web", web), ("--allow-write", allow_write)]
