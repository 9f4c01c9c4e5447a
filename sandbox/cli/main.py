"""The entrance of the command ``sandbox``.

Only the words of the one group that was called are loaded here; what a command needs it imports when it runs.
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from sandbox.cli import catalog
from sandbox.cli.front import Line, split
from sandbox.cli.words import Group, Verb
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.cli.session import Session, There

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_TERMINATED = 1, 2, 130, 143


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0 fine, 1 failed, 2 usage, 3 not found, 130 interrupted."""
    try:
        return _main(arguments)
    except KeyboardInterrupt:  # before there is a session to say more: nothing was begun
        return EXIT_INTERRUPTED


def _main(arguments: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["__complete"]:
        from sandbox.cli.complete import answer

        return answer(words[1:])
    if words[:1] == ["__leash"]:
        from sandbox.hosts.leash import main as held

        return held(words[1])
    if words == ["__said"]:
        from sandbox.hosts.leash import taken as said

        words = said()
    host = None
    if words[:1] and words[0].startswith("-"):
        from sandbox.cli.there import taken

        try:
            host, words = taken(words)
        except SandboxError as error:
            sys.stderr.write(f"ERROR: {error.what}\n  {error.fix}\n")
            return EXIT_USAGE
    line = split(words, catalog.ALONE)
    if line.wants_version:
        from importlib.metadata import version

        sys.stdout.write(f"sandbox {version('endpoint-sandbox')}\n")
        return 0
    if not line.group:
        from sandbox.cli.overview import overview

        (sys.stdout if line.wants_help else sys.stderr).write(overview())
        return 0 if line.wants_help else EXIT_USAGE
    group = catalog.group(line.group)
    if group is None:
        return _unknown(line.group, list(catalog.BY_NAME), "sandbox --help shows what there is")
    return _with_group(group, line, (host, words) if host is not None else None)


def _with_group(group: Group, line: Line, there: "There | None") -> int:
    verb = group.verb(line.verb if group.name not in catalog.ALONE else "")
    if verb is None or (line.wants_help and group.verbs[0].name):
        from sandbox.cli.overview import of_group

        if line.wants_help or not line.verb:
            (sys.stdout if line.wants_help else sys.stderr).write(of_group(group))
            return 0 if line.wants_help else EXIT_USAGE
        verb = group.verb("*")
        if verb is None:
            names = [each.name for each in group.verbs]
            return _unknown(line.verb, names, f"sandbox {group.name} --help shows what there is")
    return _run(group, verb, line, there)


def _unknown(word: str, known: Sequence[str], rest: str) -> int:
    import difflib

    sys.stderr.write(f"ERROR: {word!r} is misspelled or not recognized by the system.\n")
    near = difflib.get_close_matches(word, known, 1)
    sys.stderr.write(f"  fix: did you mean {near[0]}?\n" if near else "")
    sys.stderr.write(f"  {rest}\n")
    return EXIT_USAGE


def _run(group: Group, verb: Verb, line: Line, there: "There | None") -> int:
    from sandbox.cli.parser import parser, program
    from sandbox.cli.session import Session

    made = parser(program(group, verb), verb)
    rest = ["--help"] if line.wants_help else list(line.rest)
    if verb.open:
        known, others = made.parse_known_args(rest)
        known.others, known.group, known.verb = others, group.name, line.verb
    else:
        known = made.parse_args(rest)
    return guarded(Session(group.name, verb, known, there))


def guarded(session: "Session") -> int:
    """Carry out a verb; what goes wrong becomes an error to read and an exit code."""
    from sandbox.cli.ending import Terminated, heard
    from sandbox.cli.failures import Failures

    failures = Failures(session)
    try:
        with heard() if session.verb.changes or session.there else contextlib.nullcontext():
            code = _carry_out(session)
        sys.stdout.flush()
    except SandboxError as error:
        if failures.raw:
            raise
        return failures.told(error)
    except KeyboardInterrupt as interrupt:
        if failures.raw:
            raise
        terminated = isinstance(interrupt, Terminated) or EXIT_TERMINATED in interrupt.args
        return failures.interrupted(EXIT_TERMINATED if terminated else EXIT_INTERRUPTED)
    except BrokenPipeError:  # somebody read enough: `sandbox validate ... | head`
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
        return EXIT_FAILED
    except Exception as error:
        if failures.raw:
            raise
        return failures.unexpected(error)
    finally:
        session.settle()
    return code


def _carry_out(session: "Session") -> int:
    if session.there is not None:
        from sandbox.cli.there import carry_out

        return carry_out(session, *session.there)
    module, _, name = session.verb.run.partition(":")
    run = getattr(import_module(f"sandbox.cli.commands.{module}"), name)
    result = run(session)
    if session.verb.kind == "own":
        return int(result)
    session.settle()
    session.print(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
