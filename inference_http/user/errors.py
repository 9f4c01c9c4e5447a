"""Errors of the user's script kept apart from errors of a request and from our own.

Every module raises and catches these, so this one imports nothing of ours but the description of failures, whose
names (`Failure`, `describe`, `render`, `hints`) it offers again: one import for all who deal with errors.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from inference_http.user.failure import Failure, describe, render
from inference_http.user.hints import hints

__all__ = [
    "BadInput",
    "Failure",
    "InitError",
    "LoadError",
    "MethodNotHandled",
    "Overloaded",
    "RunError",
    "RunTimeout",
    "ScoringTimeout",
    "SignatureError",
    "UnencodableResult",
    "UnsupportedInput",
    "UserScriptError",
    "describe",
    "hints",
    "recognisable",
    "render",
]


class ScoringTimeout(BaseException):
    """Raised inside run() when its time is over.

    A BaseException, so that a script's ``except Exception`` cannot swallow it (S90 of the reference is poor).
    """

    WORDS = "the time for this request is over"

    def __str__(self) -> str:
        return super().__str__() or self.WORDS  # it is raised from outside, where no text can be given


class UserScriptError(Exception):
    """The script cannot be served: the process ends with exit code 3 (S126).

    ``str(error)`` is the title, ``summary`` one line with the cause, ``report()`` the whole text for people.
    """

    def __init__(self, title: str, failure: Failure, hints: Sequence[str] = ()) -> None:
        super().__init__(title)
        self.title = title
        self.failure = failure
        self.hints = list(hints)

    @property
    def summary(self) -> str:
        """Say in one line what failed and where."""
        line = render(replace(self.failure, traceback="", raised_in=None))
        return line if self.title == self.failure.message else f"{self.title}: {line}"

    def report(self) -> str:
        """Give title, failing line, the user's frames and what may help, as one text of several lines."""
        if self.title != self.failure.message:
            return "\n".join([self.title, render(self.failure), *self.hints])
        return "\n".join([render(self.failure) if self.failure.file else self.title, *self.hints])


class LoadError(UserScriptError):
    """The script's file is missing, or importing it raised (SystemExit and SyntaxError included)."""


class InitError(UserScriptError):
    """init() raised."""


class SignatureError(UserScriptError):
    """init() or run() is missing, or run() asks for arguments that no request can give (S22, S78)."""


class RunError(Exception):
    """run() raised ``cause``: 500 with x-ms-run-function-failed True (S84).

    Described when somebody asks: an abort() or a value that does not fit its schema is answered without.
    """

    def __init__(self, cause: BaseException, roots: Sequence[str] = (), model_dir: str | None = None) -> None:
        self.cause = recognisable(cause)
        super().__init__(f"run() raised {type(self.cause).__name__}")
        self.roots = tuple(roots)
        self.model_dir = model_dir

    @cached_property
    def failure(self) -> Failure:
        """Give the failing line and the user's frames."""
        return describe(self.cause, self.roots)

    @cached_property
    def hints(self) -> list[str]:
        """Give what may help, a line each."""
        return hints(self.cause, self, roots=self.roots)


def recognisable(error: BaseException) -> BaseException:
    """Give the error itself, or one in its place where even asking for its class or its name raises."""
    try:
        if error.__class__ is type(error) and type(error).__name__:
            return error
    except Exception:  # noqa: BLE001, S110 - a property or a metaclass of the script's
        pass
    traceback = BaseException.__dict__["__traceback__"].__get__(error)  # whatever its __getattribute__ does
    return RuntimeError("an exception whose class cannot be told").with_traceback(traceback)


class RunTimeout(Exception):
    """run() did not end within SCORING_TIMEOUT_MS; the text is the reference's answer (S89)."""

    def __init__(self, limit_ms: int) -> None:
        super().__init__(f"Scoring timeout after {limit_ms} ms")
        self.limit_ms = limit_ms


class BadInput(Exception):
    """The request's content is wrong: 400, the text is the answer's message (S59, S69, S70)."""


class UnsupportedInput(Exception):
    """The request's content type is wrong: 415, the text is the answer's message (S68)."""


class MethodNotHandled(Exception):
    """A method that never reaches run(): 200 for OPTIONS, else 405 (S42, S43)."""

    def __init__(self, method: str) -> None:
        super().__init__(f"Unsupported HTTP method: {method}")
        self.method = method


class UnencodableResult(Exception):
    """run() returned something that has no JSON form.

    ``path`` says where in the result, as in ``$.scores[3]``; ``type_name`` is the type found there.
    """

    def __init__(self, path: str, type_name: str, reason: str | None = None) -> None:
        super().__init__(reason or f"run() returned a value that has no JSON form: {type_name} at {path}")
        self.path = path
        self.type_name = type_name


class Overloaded(Exception):
    """More requests wait for run() than allowed: 429 with Retry-After (seconds)."""

    def __init__(self, message: str = "Too many requests are waiting for run()", retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
