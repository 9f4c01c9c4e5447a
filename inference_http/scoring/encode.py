"""What run() returned, as JSON.

What ``json.dumps`` can write is written by it, byte for byte as the reference does (S46, S79). Beyond that (S83):

=============================================  ==============================================================
numpy and pandas arrays, series, indexes        lists; anything else with ``tolist()`` likewise (torch tensors)
numpy scalars                                   the Python value; numpy dates as text
pandas DataFrame                                list of records, as inference-schema's default orientation
datetime, date, time (and pandas' own)          ISO 8601 text; NaT and NA become null
timedelta                                       seconds, as a number
Decimal                                         a number, integer when it has no fraction digits
UUID                                            text
Enum                                            its value
bytes, bytearray, memoryview                    base64 text, the form in which inference-schema takes bytes
set, frozenset                                  list, sorted where the items can be compared
dataclass instance                              object of its fields
=============================================  ==============================================================

Keys of objects may also be numpy numbers, dates, UUIDs, Decimals and Enums.
"""

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import sys
import uuid
from typing import Any

from inference_http.user.errors import UnencodableResult

_DATES = (dt.datetime, dt.date, dt.time)
_CONVERTED_KEYS = (*_DATES, dt.timedelta, decimal.Decimal, uuid.UUID, enum.Enum)
_NUMPY_TIMES = {"M": "datetime64[us]", "m": "timedelta64[us]"}
_MAX_KEY = 60  # characters of a key shown in a path
_MAX_DIGITS = 4200  # Python refuses to write integers of more than 4300 digits
_MAX_BITS = 14_000  # likewise
_NOT_FINITE = "JSON has no such number, and --strict-json is on"
_LOOP = "contains itself"
_KEYS = "keys must be text, numbers, dates or None"


def encode(result: Any, *, strict: bool) -> bytes:
    """The JSON of ``result``; None is ``{}`` (S79).

    ``strict`` refuses NaN and Infinity, which are not JSON (S81); otherwise they go out as bare words, as the reference
    does. Raises UnencodableResult with the path of the first value that cannot be written, ``$.scores[3]``.
    """
    if result is None:
        return b"{}"
    try:
        if not strict:
            return json.dumps(result).encode("ascii")
    except Exception:  # noqa: BLE001, S110  # what is wrong is found out below; values run code of their own here
        pass
    try:
        return json.dumps(result, default=_convert, allow_nan=not strict).encode("ascii")
    except Exception:  # noqa: BLE001  # likewise
        return _encode_slowly(result, strict=strict)


def _encode_slowly(result: Any, *, strict: bool) -> bytes:
    try:
        plain = _plain(result, "$", _Walk(strict))
        return json.dumps(plain).encode("ascii")
    except UnencodableResult:
        raise
    except RecursionError:
        reason = "run() returned a value that is nested too deeply"
        raise UnencodableResult("$", _type_name(result), reason) from None
    except Exception:  # noqa: BLE001  # a dict or a list of a class of the script's, whose items() or iteration raises
        raise UnencodableResult("$", _type_name(result), "run() returned a value that cannot be looked at") from None


class _Walk:
    """One walk through a result: the rule for NaN, and the containers on the way down."""

    __slots__ = ("parents", "strict")

    def __init__(self, strict: bool) -> None:  # noqa: FBT001
        self.strict = strict
        self.parents: set[int] = set()


def _convert(value: Any) -> Any:
    """One step from a value that json does not know to one that it may know; TypeError when there is none."""
    if isinstance(value, _DATES):
        # pandas' NaT passes for a datetime, and is the only one that differs from itself.
        return value.isoformat() if value == value else None  # noqa: PLR0124
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return _number(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, set | frozenset):
        return _ordered(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return _convert_table(value)


def _convert_table(value: Any) -> Any:
    """numpy, pandas and their likes, none of which is imported unless the script did."""
    pandas: Any = sys.modules.get("pandas")
    if pandas is not None:
        if value is pandas.NA:
            return None
        if isinstance(value, pandas.DataFrame):
            return value.to_dict(orient="records")
        if isinstance(value, pandas.Period):
            return str(value)
    to_list = getattr(value, "tolist", None)
    if to_list is None or isinstance(value, type):
        raise TypeError(f"no JSON for {type(value).__name__}")
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic) and value.dtype.kind in _NUMPY_TIMES:
        # In nanoseconds, numpy's dates have no Python counterpart and would come out as bare numbers.
        return value.astype(_NUMPY_TIMES[value.dtype.kind]).tolist()
    converted = to_list()
    if converted is value or type(converted) is type(value):
        # numpy's longdouble gives itself.
        return float(converted)
    return converted


def _number(value: decimal.Decimal) -> int | float:
    exponent = value.as_tuple().exponent
    whole = isinstance(exponent, int) and exponent >= 0 and value.adjusted() < _MAX_DIGITS
    return int(value) if whole else float(value)  # an int of 1e999999 would take minutes and a million digits


def _type_name(value: Any) -> str:
    try:
        return type(value).__name__
    except Exception:  # noqa: BLE001  # a metaclass of the script's
        return "object"


def _ordered(value: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        return list(value)


def _plain(value: Any, path: str, walk: _Walk) -> Any:
    """A copy of ``value`` made of what json knows; the slow way, which finds the path of what is wrong."""
    name = _type_name(value)
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise UnencodableResult(path, name, f"run() returned a number too long to write at {path}")
        return value
    if isinstance(value, float):
        if walk.strict and not math.isfinite(value):
            raise UnencodableResult(path, name, f"run() returned {float(value)} at {path}: {_NOT_FINITE}")
        return value
    if id(value) in walk.parents:
        raise UnencodableResult(path, name, f"run() returned a {name} at {path} that {_LOOP}")
    walk.parents.add(id(value))
    try:
        if isinstance(value, dict):
            return {_key(key, path): _plain(item, _member(path, key), walk) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [_plain(item, f"{path}[{index}]", walk) for index, item in enumerate(value)]
        return _plain(_converted(value, path), path, walk)
    finally:
        walk.parents.discard(id(value))


def _converted(value: Any, path: str) -> Any:
    try:
        return _convert(value)
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001  # the value's own code runs here (tolist, isoformat, fields)
        raise UnencodableResult(path, _type_name(value)) from None


def _key(key: Any, path: str) -> Any:
    if isinstance(key, _CONVERTED_KEYS) or hasattr(key, "tolist"):
        key = _converted(key, _member(path, key))
    if key is None or isinstance(key, str | int | float):
        return key
    reason = f"run() returned an object with a key of type {type(key).__name__} at {_member(path, key)}: {_KEYS}"
    raise UnencodableResult(_member(path, key), type(key).__name__, reason)


def _member(path: str, key: Any) -> str:
    if isinstance(key, str) and key.isidentifier():
        return f"{path}.{key}"
    shown = repr(key)
    return f"{path}[{shown if len(shown) <= _MAX_KEY else shown[:_MAX_KEY] + '...'}]"
