"""Say in one sentence why a value does not fit its inference-schema sample (S72), for the client who sent it."""

import re
from typing import Any, Final

REASON_LIMIT: Final = 300  # characters: numpy and pandas put the value itself into their messages
COLUMN_LIMIT: Final = 10

_STANDARD: Final = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "bytes": "base64 text",
    "bytearray": "base64 text",
    "datetime": "a date and time as text",
    "date": "a date as text",
    "time": "a time as text",
    "list": "an array",
    "tuple": "an array",
    "dict": "an object",
}
_JSON: Final = {
    "int": "an integer",
    "float": "a floating-point number",
    "str": "a string",
    "bool": "a boolean",
    "NoneType": "null",
    "list": "an array",
    "dict": "an object",
}
_CLASS: Final = re.compile(r"<class '(?:\w+\.)*(\w+)'>")
_SAYS_TYPES_ONLY: Final = "Invalid input data type to parse"


def explain(path: str, kind: Any, value: Any, error: Exception) -> str:
    """The message of the 400: which field, what is expected there, what came, and the reason if it adds any.

    ``path`` is the field, ``kind`` the AbstractParameterType that refused ``value`` with ``error``.
    """
    got = _JSON.get(type(value).__name__, type(value).__name__)
    reason = _reason(error)
    because = f" ({reason})" if reason else ""
    return f"The value of the {path!r} parameter is not valid: expected {expected(kind)}, got {got}{because}."


def expected(kind: Any) -> str:
    """What a sample stands for, in words of JSON where it has them."""
    name = type(kind).__name__
    sample: Any = getattr(kind, "sample_input", None)
    if name == "StandardPythonParameterType":
        return _STANDARD.get(type(sample).__name__, type(sample).__name__)
    if name == "NumpyParameterType":
        return f"an array of {sample.dtype}{_shape(sample.shape) if kind.enforce_shape else ''}"
    if name == "PandasParameterType":
        columns = [str(column) for column in sample.columns]
        more = ", ..." if len(columns) > COLUMN_LIMIT else ""
        return f"a table ({kind.orient}) with the columns {', '.join(columns[:COLUMN_LIMIT])}{more}"
    return f"what {name} takes"


def _shape(shape: tuple[int, ...]) -> str:
    """The first dimension is free, the others must match (S73)."""
    return f" with the shape ({', '.join(['*', *map(str, shape[1:])])})" if shape else ""


def _reason(error: Exception) -> str:
    text = str(error)
    if text.startswith(_SAYS_TYPES_ONLY) or isinstance(error, AttributeError):
        return ""  # "expected ..., got ..." says it all; an AttributeError speaks of the converter's code
    if isinstance(error, KeyError):
        text = f"{text} is missing"
    text = " ".join(_CLASS.sub(r"\1", text).split()).rstrip(".")
    return text if len(text) <= REASON_LIMIT else f"{text[:REASON_LIMIT]}..."
