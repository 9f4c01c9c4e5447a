"""Frozen dataclasses to JSON and back, by their annotations: one place that knows how state looks on disk.

A value whose annotation allows several classes carries the name of its own in ``"is"``. Keys that are unknown are left
out and those that are missing get their defaults, so that a newer and an older program can read each other's files.
"""

import dataclasses
import functools
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

_Value = TypeVar("_Value")
_CLASS = "is"
_PLAIN: Mapping[Any, tuple[type, ...]] = {str: (str,), int: (int,), bool: (bool,), float: (int, float)}


def encode(value: Any) -> Any:
    """Turn a dataclass, and what it holds, into what JSON can say. Defaults are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        said = {_CLASS: type(value).__name__}
        for each in dataclasses.fields(value):
            found = getattr(value, each.name)
            if not _is_default(each, found):
                said[each.name] = encode(found)
        return said
    if isinstance(value, Mapping):
        return {str(key): encode(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    return value


def decode(wanted: type[_Value], said: Any) -> _Value:
    """Turn what ``encode`` gave into a ``wanted`` again.

    Raises:
        ValueError: it is something else.
    """
    try:
        return _as(wanted, said)  # type: ignore[no-any-return]
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not a {wanted.__name__}: {error}"
        raise ValueError(message) from error


def _is_default(each: "dataclasses.Field[Any]", value: Any) -> bool:
    if each.default is not dataclasses.MISSING:
        return bool(value == each.default)
    return each.default_factory is not dataclasses.MISSING and bool(value == each.default_factory())


@functools.cache
def _hints(wanted: type) -> dict[str, Any]:
    return get_type_hints(wanted)


@functools.cache
def _family(wanted: type) -> dict[str, type]:
    """The class and those derived from it, by name."""
    found: dict[str, type] = {wanted.__name__: wanted}
    derived: list[type] = type.__subclasses__(wanted)
    for each in derived:
        found.update(_family(each))
    return found


def _as(wanted: Any, said: Any) -> Any:
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        exact = _family(wanted)[said.get(_CLASS, wanted.__name__)]
        hints = _hints(exact)
        known = {each.name for each in dataclasses.fields(exact)}
        return exact(**{key: _as(hints[key], each) for key, each in said.items() if key in known})
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in {Union, types.UnionType}:
        return None if said is None else _one_of(arguments, said)
    if origin is Literal:
        return said
    if origin is tuple:
        return tuple(_as(arguments[0], each) for each in said)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _as(arguments[1], each) for key, each in said.items()}
    if wanted in _PLAIN and not isinstance(said, _PLAIN[wanted]):
        message = f"{said!r} is no {wanted.__name__}"
        raise TypeError(message)
    return said


def _one_of(choices: tuple[Any, ...], said: Any) -> Any:
    if isinstance(said, dict) and _CLASS in said:
        for choice in choices:
            if isinstance(choice, type) and said[_CLASS] in _family(choice):
                return _as(choice, said)
    plain = [choice for choice in choices if choice is not types.NoneType and not dataclasses.is_dataclass(choice)]
    return _as(plain[0], said) if plain else _as(choices[0], said)
