"""The entrance of the command ``sandbox``.

Only argparse and the commands' flags are loaded here; what a command needs it imports when it runs.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from sandbox.cli import validate
from sandbox.cli.render import Paper
from sandbox.model.errors import SandboxError
from sandbox.model.problem import SpecError

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

DESCRIPTION = "Online endpoints on your own machine, from the YAML files of Azure ML v2."


def parser() -> argparse.ArgumentParser:
    """Return the parser with every command that works."""
    made = argparse.ArgumentParser("sandbox", description=DESCRIPTION)
    made.add_argument("--version", action="store_true", help="print the version and end")
    made.add_argument("--debug", action="store_true", help="show our own traceback when something fails")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    validate.add(commands)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0 fine, 1 failed, 2 usage."""
    given = parser()
    known = given.parse_args(arguments)
    if known.version:
        from importlib.metadata import version

        sys.stdout.write(f"sandbox {version('endpoint-sandbox')}\n")
        return 0
    if known.command is None:
        given.print_help(sys.stderr)
        return EXIT_USAGE
    return guarded(known)


def guarded(known: argparse.Namespace) -> int:
    """Run the chosen command; what goes wrong becomes an error to read and an exit code."""
    try:
        code = int(known.run(known))
        sys.stdout.flush()
    except SandboxError as error:
        if known.debug:
            raise
        paper = Paper(sys.stderr)
        if isinstance(error, SpecError):
            paper.problems(error.problems)
        else:
            paper.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # somebody read enough: `sandbox validate ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
        return EXIT_FAILED
    except Exception as error:
        if known.debug:
            raise
        what = f"{type(error).__name__}: {error}"
        fix = "say it again with `sandbox --debug ...` and report what it prints"
        Paper(sys.stderr).error(SandboxError("E002", what, "this is a bug of the sandbox, not of your files", fix))
        return EXIT_FAILED
    return code


if __name__ == "__main__":
    sys.exit(main())
