"""Which functions a script has marked with rawhttp. Apart from the names it is imported under, as it needs no Flask."""

from collections.abc import Callable
from typing import Any, TypeVar

Run = TypeVar("Run", bound=Callable[..., Any])

_MARK = "__inference_http_raw__"
_unmarkable: list[Any] = []  # callables that take no attributes (bound methods, builtins)
_names: list[str] = []


def rawhttp(func: Run) -> Run:
    """Mark a function as run() that takes the HTTP request itself.

    The mark is the function's own: a decorated function other than run() changes nothing (the reference's flag is one
    for the process, S64).
    """
    try:
        setattr(func, _MARK, True)
    except (AttributeError, TypeError):
        _unmarkable.append(func)
    _names.append(getattr(func, "__qualname__", repr(func)))
    return func


def is_raw(func: object) -> bool:
    """Tell whether rawhttp was applied to this very function (or to one whose attributes it took over)."""
    return getattr(func, _MARK, False) is True or any(func is one for one in _unmarkable)


def marked_names() -> list[str]:
    """Give the names of all functions that rawhttp was applied to in this process, in order."""
    return list(_names)
