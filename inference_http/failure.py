"""What went wrong in the user's code: the failing line and the user's own frames, nothing of ours or of libraries."""

import linecache
import os
import sysconfig
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from .folding import fold

MESSAGE_LIMIT = 4000  # characters: some libraries put a whole array into the message
CHAIN_LIMIT = 8  # exceptions of one chain: a retry loop can make a chain of thousands
GROUP_LIMIT = 8  # exceptions shown of one group
DEPTH_LIMIT = 3  # groups within groups
OURS = os.path.dirname(os.path.realpath(__file__))
FOREIGN_FOLDERS = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class Failure:
    """One failure of the user's code, ready for a log or for the `error` member of an answer.

    ``file``, ``line`` (from 1) and ``code`` (that source line, stripped) are the innermost frame of the user's own;
    ``traceback`` is the text of all of the user's frames, with carets where this Python knows columns.
    ``raised_in`` names the library function that raised, when it was not the user's code itself.
    """

    type: str
    message: str
    file: str | None
    line: int | None
    code: str | None
    traceback: str
    raised_in: str | None = None

    def as_error(self) -> dict[str, str | int | None]:
        """Give the `error` object of an answer with --errors detailed."""
        error = asdict(self)
        del error["raised_in"]
        return error


def describe(exc: BaseException, roots: Sequence[str]) -> Failure:
    """Describe an exception by the user's frames: files below `roots` that are neither installed nor standard.

    Never raises, whatever the exception's own methods do. Without a user frame the innermost frame that is not ours
    is named.
    """
    try:
        return _describe(exc, tuple(dict.fromkeys(_real(root) for root in roots if root)))
    except Exception:  # noqa: BLE001 - the exception's own methods may break any of these calls; its type remains
        name = type(exc).__name__
        return Failure(name, "<this exception cannot be shown>", None, None, None, f"{name}\n")


def render(failure: Failure, request_id: str | None = None) -> str:
    """Give the log text of a failure: the failing line first, then the user's frames."""
    place = f"{failure.file}:{failure.line}: " if failure.file and failure.line else ""
    suffix = f" [{request_id}]" if request_id else ""
    lines = [f"{place}{failure.type}: {first_line(failure.message)}{suffix}", failure.traceback.rstrip("\n")]
    if failure.raised_in:
        lines.append(f"(raised inside {failure.raised_in})")
    return "\n".join(lines)


def first_line(text: str) -> str:
    """Give the first line of a text that has some, else an empty one."""
    return text.strip().partition("\n")[0]


def is_user_file(path: str, roots: Sequence[str]) -> bool:
    """Tell whether a source file is the user's own: below a root, and neither installed there nor part of Python."""
    if not path or path.startswith("<"):
        return False
    return _is_user_file(path, tuple(roots))


@lru_cache(maxsize=4096)
def _is_user_file(path: str, roots: tuple[str, ...]) -> bool:
    real = _real(path)
    for root in roots:
        base = _real(root)
        if not _below(real, base):
            continue
        inner = os.path.relpath(real, base)
        if FOREIGN_FOLDERS.isdisjoint(inner.split(os.sep)) and not any(
            _below(real, folder) and not _below(base, folder) for folder in _foreign_roots()
        ):
            return True
    return False


@lru_cache(maxsize=1)
def _foreign_roots() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return (OURS, *(_real(paths[name]) for name in ("stdlib", "platstdlib") if paths.get(name)))


def _real(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def _describe(exc: BaseException, roots: tuple[str, ...]) -> Failure:
    def mine(frame: traceback.FrameSummary) -> bool:
        return is_user_file(frame.filename, roots)

    summary = traceback.TracebackException.from_exception(exc, lookup_lines=False, compact=True)
    name = _type_name(exc)
    message = _message(exc)
    where = _syntax_place(exc) or _place(summary, mine) or _innermost(summary)
    file, line, code = where or (None, None, None)
    text = "".join(_format(summary, mine, 0))
    return Failure(name, message, file, line, code, text, _raised_in(exc, mine))


def _type_name(exc: BaseException) -> str:
    kind = type(exc)
    return kind.__qualname__ if kind.__module__ in ("builtins", "__main__", "entry_module") else _dotted(kind)


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _message(exc: BaseException) -> str:
    try:
        text = str(exc)
    except BaseException:  # noqa: BLE001 - __str__ is the user's code and must not hide the failure itself
        return "<str() of this exception failed>"
    return text if len(text) <= MESSAGE_LIMIT else f"{text[:MESSAGE_LIMIT]}... ({len(text)} characters)"


def _syntax_place(exc: BaseException) -> tuple[str, int, str] | None:
    if not isinstance(exc, SyntaxError) or not exc.filename or not exc.lineno or not os.path.isfile(exc.filename):
        return None  # code given to eval() has no file: the frame that called eval() is the place then
    return exc.filename, exc.lineno, (exc.text or linecache.getline(exc.filename, exc.lineno)).strip()


def _place(
    summary: traceback.TracebackException, mine: Callable[[traceback.FrameSummary], bool]
) -> tuple[str, int, str] | None:
    for inner in _members(summary):  # what failed within a group says more than the line that waited for it
        place = _place(inner, mine)
        if place:
            return place
    for frame in reversed(summary.stack):
        if mine(frame):
            return _at(frame)
    for earlier in (summary.__cause__, summary.__context__):  # a library's error raised from an error of the user's
        place = _place(earlier, mine) if earlier is not None else None
        if place:
            return place
    return None


def _innermost(summary: traceback.TracebackException) -> tuple[str, int, str] | None:
    for frame in reversed(summary.stack):
        if not _below(_real(frame.filename), OURS):
            return _at(frame)
    return None


def _at(frame: traceback.FrameSummary) -> tuple[str, int, str]:
    return frame.filename, frame.lineno or 0, (frame.line or "").strip()


def _members(summary: traceback.TracebackException) -> list[traceback.TracebackException]:
    return list(getattr(summary, "exceptions", None) or ())  # exception groups: Python 3.11 and later


def _raised_in(exc: BaseException, mine: Callable[[traceback.FrameSummary], bool]) -> str | None:
    frame, line = None, 0
    for frame, line in traceback.walk_tb(exc.__traceback__):  # noqa: B007 (the last one is wanted)
        pass
    if frame is None or isinstance(exc, SyntaxError):
        return None
    code = frame.f_code
    if mine(traceback.FrameSummary(code.co_filename, line, code.co_name, lookup_line=False)):
        return None
    module = str(frame.f_globals.get("__name__", "?"))
    if module.partition(".")[0] in ("inference_http", "importlib"):
        return None
    return f"{module}.{getattr(code, 'co_qualname', code.co_name)}, line {line}"


def _format(
    summary: traceback.TracebackException, mine: Callable[[traceback.FrameSummary], bool], depth: int
) -> list[str]:
    chain: list[tuple[traceback.TracebackException, str]] = [(summary, "")]
    while len(chain) < CHAIN_LIMIT:
        last = chain[-1][0]
        if last.__cause__ is not None:
            chain.append((last.__cause__, "\nThe above exception was the direct cause of the following exception:\n\n"))
        elif last.__context__ is not None and not last.__suppress_context__:
            text = "\nDuring handling of the above exception, another exception occurred:\n\n"
            chain.append((last.__context__, text))
        else:
            break
    else:
        chain[-1:] = [(chain[-1][0], chain[-1][1])]
    lines: list[str] = []
    for one, relation in reversed(chain):
        lines += _format_one(one, mine, depth)
        if relation:
            lines.append(relation)
    return lines


def _format_one(
    summary: traceback.TracebackException, mine: Callable[[traceback.FrameSummary], bool], depth: int
) -> list[str]:
    frames = [frame for frame in summary.stack if mine(frame)]
    lines = ["Traceback (most recent call last):\n", *fold(frames)] if frames else []
    lines += [_short(text) for text in summary.format_exception_only()]
    members = _members(summary)
    if depth >= DEPTH_LIMIT:
        return lines
    for number, inner in enumerate(members[:GROUP_LIMIT], start=1):
        lines.append(f"  exception {number} of {len(members)}:\n")
        for text in _format(inner, mine, depth + 1):
            lines += [f"    {part}" for part in text.splitlines(keepends=True)]
    if len(members) > GROUP_LIMIT:
        lines.append(f"  ... and {len(members) - GROUP_LIMIT} more\n")
    return lines


def _short(text: str) -> str:
    return text if len(text) <= MESSAGE_LIMIT else f"{text[:MESSAGE_LIMIT]}... ({len(text)} characters)\n"
