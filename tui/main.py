"""The entrance: flags, then the terminal or a browser. Textual is loaded after the flags were read."""

import argparse
import sys
from collections.abc import Sequence

from sandbox.model.errors import SandboxError

LOOK_S = 1.0  # whether the server is still there


def parser() -> argparse.ArgumentParser:
    """Return the flags of ``sandbox tui``."""
    made = argparse.ArgumentParser(
        "sandbox tui", description="See, steer and debug every endpoint without leaving the terminal."
    )
    made.add_argument("--home", help="where everything is remembered; SANDBOX_HOME unless given")
    made.add_argument("--read-only", action="store_true", help="look, and change nothing")
    made.add_argument("--web", action="store_true", help="show it in a browser of this machine, read-only")
    made.add_argument("--port", type=int, default=8099, help="with --web: where; 8099 unless given")
    made.add_argument("--allow-write", action="store_true", help="with --web: let it change things")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the terminal UI; return the exit code."""
    given = parser().parse_args(arguments)
    try:
        if given.web:
            from tui.web import serve

            return serve(given.home, given.port, allow_write=given.allow_write)
        if not (sys.stdin.isatty() and sys.stdout.isatty()) and not _driven():
            sys.stderr.write("sandbox tui needs a terminal; sandbox status prints the same once\n")
            return 2
        return _show(given.home, read_only=given.read_only)
    except SandboxError as error:
        from sandbox.cli.render import Paper

        paper = Paper(sys.stderr)
        paper.headline(error)
        paper.advice(error.why, error.fix)
        return error.exit_code


def _show(home: str | None, *, read_only: bool) -> int:
    """Show it, and end at once: nothing is left to be done, and threads that still ask are waited for by nobody."""
    import os

    from tui import pace

    if _driven():
        _end_with(os.getppid())
    pace.begin()
    from tui.app import run

    code = run(home, read_only=read_only)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end_with(parent: int) -> None:
    """End when the server that shows us in a browser was killed: nobody would look at us any more."""
    import os
    import threading
    import time

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os._exit(0)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _driven() -> bool:
    """Tell whether a server shows us in a browser: it talks through a pipe, by a driver of its own."""
    import os

    return bool(os.environ.get("TEXTUAL_DRIVER"))
