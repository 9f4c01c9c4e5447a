"""What run() and init() ask for, found before the first request (S22, S62, S63, S78)."""

import functools
import inspect
import linecache
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CellType, ModuleType
from typing import Any, Final, Literal, NoReturn

from inference_http.compat.marks import is_raw, marked_names
from inference_http.user.errors import SignatureError
from inference_http.user.failure import Failure, describe_function
from inference_http.user.schema import Schema
from inference_http.user.schema import inspect as find_schema

Kind = Literal["text", "raw", "schema"]

REQUEST_HEADERS: Final = "request_headers"
BY_NAME: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
LAYER_LIMIT: Final = 50  # decorators: an object may claim to wrap another one for ever

logger = logging.getLogger("azmlinfsrv.user_script")


@dataclass(frozen=True, slots=True)
class Signature:
    """How run() is to be called.

    ``parameters`` are all but request_headers. ``parameter`` is the name of the first of them, which gets the body
    (``text``) or the request (``raw``); None for ``schema``, where each is taken from the body by its name.
    """

    kind: Kind
    parameter: str | None
    parameters: tuple[inspect.Parameter, ...]
    wants_headers: bool
    is_async: bool
    schema: Schema | None


def function(module: ModuleType, name: str, path: str) -> Callable[..., Any]:
    """Give the module's init or run; SignatureError where the file `path` defines none that can be called (S22)."""
    missing = object()
    value = getattr(module, name, missing)
    if callable(value):
        return value
    if value is missing:
        functions = {one: item for one, item in vars(module).items() if inspect.isfunction(item)}
        own = [one for one, item in functions.items() if item.__module__ == module.__name__]
        hint = f"It defines {', '.join(f'{one}()' for one in own)}." if own else "It defines no function at all."
        message, line, code = f"User script at {path} does not have a {name}() function defined.", None, None
    else:
        hint = f"Define it with `def {name}(...):`, or give the name {name!r} to nothing else."
        message = f"{name} is a value of type {type(value).__name__}, not a function."
        line, code = _assignment(path, name)
    raise SignatureError(message, Failure(SignatureError.__name__, message, path, line, code, ""), [hint])


def read(run: Any, outer_run: Any = None) -> Signature:
    """Read run()'s signature and decorators; SignatureError says what no request could give.

    ``outer_run`` is the run() of a driver script, whose @rawhttp counts as well: what it passes on is the request.
    """
    parameters = _parameters(run)
    if any(parameter.kind not in BY_NAME for parameter in parameters):
        _refuse(run, "run() cannot accept positional-only arguments, *args, or **kwargs.")
    inputs = tuple(parameter for parameter in parameters if parameter.name != REQUEST_HEADERS)
    wants_headers = len(inputs) < len(parameters)
    if not inputs and wants_headers:
        _refuse(run, 'run() needs to accept an argument other than "request_headers".')
    if not inputs:
        _refuse(run, "run() needs to accept an argument for input data.")
    schema = find_schema(run)
    raw = any(is_raw(layer) for function in (run, outer_run) for layer in _layers(function))
    if raw and schema is not None:
        _refuse(run, "run() cannot be decorated with both @rawhttp and @input_schema")
    kind: Kind = "raw" if raw else "schema" if schema is not None else "text"
    if kind != "schema":
        _check_others(run, inputs, kind)
    _tell(kind, inputs)
    first = None if kind == "schema" else inputs[0].name
    return Signature(kind, first, inputs, wants_headers, _is_async(run), schema)


def check_init(init: Any) -> None:
    """See that init can be called without arguments; SignatureError if not."""
    try:
        signature = inspect.signature(init)
    except (TypeError, ValueError):  # something callable that does not tell: its call will
        return
    try:
        signature.bind()
    except TypeError:
        _refuse(init, f"init() is called without arguments, but is defined as init{signature}.")


def _assignment(path: str, name: str) -> tuple[int | None, str | None]:
    """Find the last line that binds a name at the top of a file."""
    lines = enumerate(linecache.getlines(path), start=1)
    found = [(number, line.strip()) for number, line in lines if re.match(rf"{name}\s*[:=]", line)]
    return found[-1] if found else (None, None)


def _parameters(run: Any) -> tuple[inspect.Parameter, ...]:
    try:
        return tuple(inspect.signature(run).parameters.values())
    except (TypeError, ValueError) as error:
        _refuse(
            run, f"run() does not tell which arguments it takes ({error}): wrap it in a function written in Python."
        )


def _check_others(run: Any, inputs: tuple[inspect.Parameter, ...], kind: Kind) -> None:
    others = [parameter.name for parameter in inputs[1:] if parameter.default is inspect.Parameter.empty]
    if others:
        given = "the request" if kind == "raw" else "the request's body as text"
        names = ", ".join(repr(name) for name in others)
        _refuse(
            run,
            f"run() gets one argument, {given}, as {inputs[0].name!r}; nothing could be passed as {names}.",
            f"Give {names} a default value, or declare each argument with @input_schema.",
        )


def _tell(kind: Kind, inputs: tuple[inspect.Parameter, ...]) -> None:
    """Log how run() is called, in the reference's words (S121)."""
    if kind == "raw":
        logger.info("run() is decorated with @rawhttp. Server will invoke it with the flask request object.")
        return
    if kind == "schema":
        names = ", ".join(parameter.name for parameter in inputs)
        logger.info(
            "run() is decorated with @input_schema. Server will invoke it with the following arguments: %s.", names
        )
    else:
        logger.info("run() is not decorated. Server will invoke it with the input in JSON string.")
    marked = marked_names()
    if marked:
        names = ", ".join(f"{name}()" for name in dict.fromkeys(marked))
        logger.warning(
            "@rawhttp is on %s and not on run(): it changes nothing there. Put it on run() to use it.", names
        )


def _is_async(run: Any) -> bool:
    return any(inspect.iscoroutinefunction(layer) or inspect.isasyncgenfunction(layer) for layer in _layers(run))


def _layers(function: Any) -> Iterator[Any]:
    """Give the function and what its decorators wrap, outermost first.

    A decorator written without functools.wraps is looked through where it takes the arguments of what it closes over.
    """
    seen: list[Any] = []
    while callable(function) and len(seen) < LAYER_LIMIT and not any(function is one for one in seen):
        yield function
        seen.append(function)
        if isinstance(function, functools.partial):
            function = function.func
        else:
            inner = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None)
            function = inner or _closed_over(function)


def _closed_over(function: Callable[..., Any]) -> Any:
    cells = getattr(function, "__closure__", None) or ()
    return next((inner for inner in map(_content, cells) if inspect.isroutine(inner) and _alike(inner, function)), None)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _alike(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    try:
        return list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters)
    except (TypeError, ValueError):  # a builtin that does not tell
        return False


def _refuse(function: Any, message: str, *hints: str) -> NoReturn:
    failure = describe_function(function, SignatureError.__name__, message)
    raise SignatureError(message, failure, hints)
