"""What went wrong in the user's code: the failing line and the user's own frames, nothing of ours or of libraries."""

import inspect
import linecache
import os
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from inference_http.user.files import is_ours, is_user_file, real_roots
from inference_http.user.folding import fold

MESSAGE_LIMIT = 4000  # characters: some libraries put a whole array into the message
CHAIN_LIMIT = 8  # exceptions of one chain: a retry loop can make a chain of thousands
GROUP_LIMIT = 8  # exceptions shown of one group
DEPTH_LIMIT = 3  # groups within groups
CAUSED = "\nThe above exception was the direct cause of the following exception:\n\n"
DURING = "\nDuring handling of the above exception, another exception occurred:\n\n"

_OURS = re.compile(r"\Ainference_http(?:\.\w+)*\.")  # where our exceptions live helps nobody who reads of them

Place = tuple[str, int, str]
IsMine = Callable[[traceback.FrameSummary], bool]


@dataclass(frozen=True)
class Failure:
    """One failure of the user's code, ready for a log or for the `error` member of an answer.

    ``file``, ``line`` (from 1) and ``code`` (that source line, stripped) are the innermost frame of the user's own;
    ``traceback`` is the text of all of the user's frames, with carets where this Python knows columns (3.11).
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
        return _describe(exc, real_roots(roots))
    except Exception:  # noqa: BLE001 - the exception's own methods may break any of these calls; its type remains
        name = type(exc).__name__
        return Failure(name, "<this exception cannot be shown>", None, None, None, f"{name}\n")


def describe_function(function: Any, kind: str, message: str) -> Failure:
    """Describe what is wrong with a function as it stands: the place is the line of its `def`."""
    place = _definition(function)
    file, line, code = place or (None, None, None)
    text = f'  File "{file}", line {line}\n    {code}\n{kind}: {message}\n' if place else f"{kind}: {message}\n"
    return Failure(kind, message, file, line, code, text)


def render(failure: Failure, request_id: str | None = None) -> str:
    """Give the log text of a failure, several lines: the failing line first, then the user's frames."""
    place = f"{failure.file}:{failure.line}: " if failure.file and failure.line else ""
    suffix = f" [{request_id}]" if request_id else ""
    first = failure.message.strip().partition("\n")[0]
    lines = [f"{place}{failure.type}: {first}{suffix}" if first else f"{place}{failure.type}{suffix}"]
    shown = failure.traceback.rstrip("\n")
    if shown and shown != lines[0]:
        lines.append(shown)
    if failure.raised_in:
        lines.append(f"(raised inside {failure.raised_in})")
    return "\n".join(lines)


def exception_chain(exc: BaseException) -> Iterator[BaseException]:
    """Give the exception, then what caused it, and so on; an `__context__` only where it was not suppressed."""
    seen: set[int] = set()
    one: BaseException | None = exc
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _describe(exc: BaseException, roots: tuple[str, ...]) -> Failure:
    def mine(frame: traceback.FrameSummary) -> bool:
        return is_user_file(frame.filename, roots)

    summary = traceback.TracebackException.from_exception(exc, lookup_lines=False, compact=True)
    file, line, code = _syntax_place(exc) or _place(summary, mine, 0) or _innermost(summary) or (None, None, None)
    text = "".join(_format(summary, mine, 0))
    return Failure(_type_name(type(exc)), _message(exc), file, line, code, text, _raised_in(exc, mine))


def _type_name(kind: type) -> str:
    plain = kind.__module__ in ("builtins", "__main__", "entry_module") or _OURS.match(f"{kind.__module__}.")
    return kind.__qualname__ if plain else f"{kind.__module__}.{kind.__qualname__}"


def _message(exc: BaseException) -> str:
    try:
        return _shortened(str(exc))
    except BaseException:  # noqa: BLE001 - __str__ is the user's code and must not hide the failure itself
        return "<str() of this exception failed>"


def _shortened(text: str) -> str:
    if len(text) <= MESSAGE_LIMIT:
        return text
    end = "\n" if text.endswith("\n") else ""
    return f"{text[:MESSAGE_LIMIT]}... ({len(text)} characters){end}"


def _syntax_place(exc: BaseException) -> Place | None:
    if not isinstance(exc, SyntaxError) or not exc.filename or not exc.lineno or not os.path.isfile(exc.filename):
        return None  # code given to eval() has no file: the frame that called eval() is the place then
    return exc.filename, exc.lineno, (exc.text or linecache.getline(exc.filename, exc.lineno)).strip()


def _place(summary: traceback.TracebackException, mine: IsMine, depth: int) -> Place | None:
    if depth > CHAIN_LIMIT:
        return None
    for inner in _members(summary):  # what failed within a group says more than the line that waited for it
        place = _place(inner, mine, depth + 1)
        if place:
            return place
    for frame in reversed(summary.stack):
        if mine(frame):
            return _at(frame)
    for earlier in (summary.__cause__, summary.__context__):  # a library's error made from an error of the user's
        place = _place(earlier, mine, depth + 1) if earlier is not None else None
        if place:
            return place
    return None


def _innermost(summary: traceback.TracebackException) -> Place | None:
    return next((_at(frame) for frame in reversed(summary.stack) if not is_ours(frame.filename)), None)


def _at(frame: traceback.FrameSummary) -> Place:
    return frame.filename, frame.lineno or 0, (frame.line or "").strip()


def _definition(function: Any) -> Place | None:
    try:
        inner = inspect.unwrap(function)
        code = getattr(inner, "__func__", inner).__code__
        first = code.co_firstlineno  # of the first decorator, where there is one
        for number in range(first, first + 50):
            line = linecache.getline(code.co_filename, number).strip()
            if line.startswith(("def ", "async def ")):
                return code.co_filename, number, line
        return code.co_filename, first, linecache.getline(code.co_filename, first).strip()
    except (AttributeError, TypeError, ValueError):  # no function written in Python, or endless wrapping
        return None


def _members(summary: traceback.TracebackException) -> list[traceback.TracebackException]:
    return list(getattr(summary, "exceptions", None) or ())  # exception groups: Python 3.11 and later


def _raised_in(exc: BaseException, mine: IsMine) -> str | None:
    frames = list(traceback.walk_tb(exc.__traceback__))
    if not frames or isinstance(exc, SyntaxError):
        return None
    frame, line = frames[-1]
    code = frame.f_code
    if mine(traceback.FrameSummary(code.co_filename, line, code.co_name, lookup_line=False)):
        return None
    module = str(frame.f_globals.get("__name__", "?"))
    if module.partition(".")[0] in ("inference_http", "importlib"):
        return None
    return f"{module}.{getattr(code, 'co_qualname', code.co_name)}, line {line}"


def _format(summary: traceback.TracebackException, mine: IsMine, depth: int) -> list[str]:
    texts: list[list[str]] = []
    one: traceback.TracebackException | None = summary
    while one is not None:
        own = _format_one(one, mine, depth)
        earlier, relation = one.__cause__, CAUSED
        if earlier is None and not one.__suppress_context__:
            earlier, relation = one.__context__, DURING
        if earlier is None or _says_nothing(earlier, one, mine):
            texts.append(own)
            break
        texts.append([relation, *own])
        if len(texts) == CHAIN_LIMIT:
            texts.append(["[earlier exceptions left out]\n"])
            break
        one = earlier
    return [line for lines in reversed(texts) for line in lines]


def _says_nothing(earlier: traceback.TracebackException, later: traceback.TracebackException, mine: IsMine) -> bool:
    """Tell whether an exception within a library adds nothing to the one made from it, as in a pandas KeyError."""
    if earlier.__cause__ or earlier.__context__ or any(mine(frame) for frame in earlier.stack):
        return False
    return later.__cause__ is None or list(earlier.format_exception_only()) == list(later.format_exception_only())


def _format_one(summary: traceback.TracebackException, mine: IsMine, depth: int) -> list[str]:
    frames = [frame for frame in summary.stack if mine(frame)]
    lines = ["Traceback (most recent call last):\n", *fold(frames)] if frames else []
    lines += [_shortened(_OURS.sub("", text)) for text in summary.format_exception_only()]
    members = _members(summary) if depth < DEPTH_LIMIT else []
    for number, inner in enumerate(members[:GROUP_LIMIT], start=1):
        lines.append(f"  exception {number} of {len(members)}:\n")
        lines += [f"    {part}" for text in _format(inner, mine, depth + 1) for part in text.splitlines(keepends=True)]
    if len(members) > GROUP_LIMIT:
        lines.append(f"  ... and {len(members) - GROUP_LIMIT} more\n")
    return lines
