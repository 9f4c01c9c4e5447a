"""What is said when a command fails, and with which exit code it ends.

Commands of the az ml kind begin with ``ERROR:``, which scripts look for; ours with ``error[CODE]``. Where ``-o json``
was written out, the last line of standard error is the error as JSON; standard output stays clean.
"""

import errno
import json
import os
import sys

from sandbox.cli.render import Paper, printable
from sandbox.cli.session import Cancelled, Session
from sandbox.model.errors import INSTALL, SandboxError
from sandbox.model.problem import SpecError

EXIT_FAILED = 1
_PACKAGES = frozenset({"yaml", "jmespath", "envoy", "docker", "textual", "rich", "jwt", "cryptography", "keyring"})

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ROOM = "make room, for instance with sandbox prune, and say it again; sandbox doctor tells where the state folder is"


class Failures:
    """The failures of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def told(self, error: SandboxError) -> int:
        """Print an error; return its exit code."""
        self._session.settle()
        paper = Paper(sys.stderr)
        as_az = self._session.verb.kind == "azure"
        if as_az:
            paper.print(f"{paper.paint('ERROR:', 'error')} ({error.code}) {error.what}")
        if getattr(self._session.arguments, "output", None) == "json":
            if not as_az:
                paper.headline(error)
            paper.print(json.dumps({"error": as_object(error)}, ensure_ascii=False))
            return error.exit_code
        if isinstance(error, SpecError) and as_az and len(error.problems) == 1:
            paper.problem(error.problems[0], headed=False)  # what it is stands in the line above
        elif isinstance(error, SpecError):
            paper.problems(error.problems)
        else:
            if not as_az:
                paper.headline(error)
            paper.advice(error.why, "")
            log = tuple(getattr(error, "log", ()))  # the last lines of what did not start, as they came
            for line in () if log == (error.why,) else log:
                paper.print(f"  {paper.paint('|', 'dim')} {printable(line)}")
            paper.advice("", error.fix)
        return error.exit_code

    def unexpected(self, error: Exception) -> int:
        """Tell of an exception that nobody foresaw: a missing package, else a bug of ours."""
        if isinstance(error, Cancelled):
            sys.stderr.write("Operation cancelled.\n")
            return EXIT_FAILED
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _PACKAGES:
            what = f"the package {error.name} is not installed, which this command needs"
            return self.told(SandboxError("E001", what, "", INSTALL))
        if isinstance(error, OSError) and error.errno in _FULL:
            where = f"{error.filename}: " if error.filename else ""
            return self.told(SandboxError("E019", f"{where}{os.strerror(error.errno)}", "", _ROOM))
        what = f"{type(error).__name__}: {error}"
        fix = "say it again with --debug and report what it prints"
        return self.told(SandboxError("E002", what, "this is a bug of the sandbox, not of your files", fix))

    def interrupted(self, code: int) -> int:
        """Say after Ctrl-C where things stand and how to go on; nothing where nothing was being changed."""
        self._session.settle()
        if self._session.verb.changes and not self._session.quiet:
            last = self._session.last
            where = f" during: {last.text}" if last is not None and last.text else ""
            sys.stderr.write(
                f"\nInterrupted{where}.\n  What runs keeps running, and what was done stays done. Say the same command"
                " again to go on from here,\n  or `sandbox status` to see how things stand.\n"
            )
        return code

    @property
    def raw(self) -> bool:
        """Tell whether the user wants our traceback."""
        return bool(getattr(self._session.arguments, "debug", False))


def as_object(error: SandboxError) -> dict[str, object]:
    """Return an error as JSON shows it; of a file that is refused, with every problem."""
    found: dict[str, object] = {
        "code": error.code,
        "what": error.what,
        "why": error.why or None,
        "fix": error.fix or None,
        "exit_code": error.exit_code,
    }
    if log := getattr(error, "log", ()):
        found["log"] = list(log)
    if isinstance(error, SpecError):
        found["problems"] = [problem.as_json() for problem in error.problems]
    return found
