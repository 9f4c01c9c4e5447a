"""Errors as a screen shows them: what, why, fix, and the user's own failing line."""

import json
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sandbox.model.errors import SandboxError
from sandbox.model.problem import SpecError
from tui.looks import Trouble

if TYPE_CHECKING:
    from sandbox.model.state import Failure

_PLACE = re.compile(r"^(?P<file>\S[^\n:]*\.py):(?P<line>\d+)")
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')
AROUND = 3  # lines of the file above and below the failing one


def of_error(error: BaseException) -> Trouble:
    """Return an exception: ours with its fields, everything else as a bug of ours."""
    if isinstance(error, SpecError):
        first, *rest = [problem for problem in error.problems if problem.is_error]
        more = tuple(f"[{problem.code}] {problem.place}: {problem.what}" for problem in rest)
        return Trouble(error.code, error.what, error.why, error.fix, more, first.place.file, first.place.line or 0)
    if isinstance(error, SandboxError):
        return _made(error.code, error.what, error.why, error.fix, tuple(getattr(error, "log", ())))
    return Trouble("E002", f"{type(error).__name__}: {error}", "this is a bug of the sandbox, not of your files")


def of_failure(failure: "Failure") -> Trouble:
    """Return why a deployment is not as asked."""
    return _made(failure.code, failure.what, failure.why, failure.fix, failure.log)


def _made(code: str, what: str, why: str, fix: str, log: tuple[str, ...]) -> Trouble:
    place = _PLACE.match(why)
    if place is not None:
        return Trouble(code, what, why, fix, log, place["file"], int(place["line"]))
    frames = [found for line in log if (found := _FRAME.match(line))]
    if frames:
        return Trouble(code, what, why, fix, log, frames[-1]["file"], int(frames[-1]["line"]))
    return Trouble(code, what, why, fix, log)


def of_answer(body: str) -> Trouble | None:
    """Return what an answer of the inference server says about the user's own failing line; None: nothing."""
    try:
        error = json.loads(body)["error"]
        log = str(error.get("traceback", "")).rstrip().split("\n")
        what = f"{error['type']}: {error['message']}"
        return Trouble(
            "E012", what, "run() raised it", "correct the line", tuple(log), error["file"], int(error["line"])
        )
    except (ValueError, KeyError, TypeError):
        return None


def is_place(text: str) -> bool:
    """Tell whether a text is a file and a line, and nothing else."""
    found = _PLACE.match(text)
    return found is not None and found.end() == len(text.strip())


def yours(trouble: Trouble, copy: str, folder: str) -> Trouble:
    """Return the same with the developer's own file in the place of the copy that ran."""
    file = trouble.file
    if not file or not folder:
        return trouble
    if not os.path.isabs(file):
        found = os.path.join(folder, file)
    elif copy and os.path.commonpath([copy, file]) == os.path.abspath(copy):
        found = os.path.join(folder, os.path.relpath(file, copy))
    else:
        return trouble
    return Trouble(trouble.code, trouble.what, trouble.why, trouble.fix, trouble.log, found, trouble.line)


def excerpt(file: str, line: int) -> Sequence[tuple[int, str]]:
    """Return the failing line of a file with those around it; nothing where it cannot be read."""
    try:
        with open(file, encoding="utf-8", errors="replace") as source:
            lines = source.read(2**20).splitlines()
    except OSError:
        return []
    first = max(1, line - AROUND)
    return list(enumerate(lines[first - 1 : line + AROUND], first))
