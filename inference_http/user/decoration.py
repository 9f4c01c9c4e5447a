"""Find the layers that @input_schema and @output_schema put around one function, and the function below them all.

A decorated function is a ``wrapt`` wrapper whose ``_self_wrapper`` is the decorator's own inner function (true of
inference-schema 1.3 to 1.8). The package itself follows closures to some function's name, and so takes a function for
decorated that merely closes over a decorated one (S77); here decorators are followed and uses are not.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

PACKAGE: Final = "inference_schema"
DECORATORS: Final = "inference_schema.schema_decorators"
INPUT: Final = "input_schema"
OUTPUT: Final = "output_schema"
DEPTH_LIMIT: Final = 100  # decorators; an object may claim to wrap another one for ever


@dataclass(frozen=True, slots=True)
class Decoration:
    """The package's wrappers around a function, outermost first, and the innermost function itself."""

    layers: tuple[Any, ...]
    original: Any


def unwrap(function: Callable[..., Any]) -> Decoration:
    """Look through stacked decorators, the user's own in between, methods, callable objects and functools.partial."""
    chain: list[Any] = []
    _follow(function, chain)
    layers: dict[int, Any] = {}
    for link in chain:
        if role(link):
            layers[id(link._self_wrapper)] = link  # noqa: SLF001  # a proxy outside shows the same layer: the inner wins
    return Decoration(tuple(layers.values()), chain[-1])


def role(layer: Any) -> str:
    """Which decorator made this layer: ``INPUT``, ``OUTPUT``, or "" for neither."""
    inner = getattr(layer, "_self_wrapper", None)
    if getattr(inner, "__module__", None) != DECORATORS:
        return ""
    name = str(getattr(inner, "__qualname__", "")).partition(".")[0]
    return name if name in {INPUT, OUTPUT} else ""


def _follow(function: Any, chain: list[Any]) -> None:
    """Append the function and everything below its decorators. The list also keeps them alive, so that `is` is sure."""
    while function is not None and len(chain) < DEPTH_LIMIT and not any(link is function for link in chain):
        chain.append(function)
        function = _below(function, chain)


def _below(function: Any, chain: list[Any]) -> Any:
    """What one decorator wraps; None below the last."""
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        return wrapped
    if isinstance(function, functools.partial):
        return function.func
    if inspect.ismethod(function):
        return function.__func__
    if inspect.isfunction(function):
        return _closed_over(function, chain)
    called = inspect.getattr_static(type(function), "__call__", None)
    return called if inspect.isfunction(called) or role(called) else None


def _closed_over(function: Callable[..., Any], chain: list[Any]) -> Any:
    """The decorated function that a decorator written without functools.wraps wraps.

    A function that takes the same parameters as the decorated one it closes over is such a decorator; one that takes
    others merely uses it.
    """
    for cell in getattr(function, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if callable(content) and not any(link is content for link in chain):
            below = list(chain)
            _follow(content, below)
            if any(role(link) for link in below[len(chain) :]) and _same_parameters(function, content):
                return content
    return None


def _same_parameters(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    try:
        return list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters)
    except (TypeError, ValueError):
        return False
