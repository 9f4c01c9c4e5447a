"""What scripts import from ``...aml_response``: an HTTP answer made by run() itself (S93-S99)."""

import json
import operator
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flask import Response

from inference_http.contract import HEADER_RUN_FAILED

__all__ = ["AMLResponse", "Response", "json"]  # as the reference's `import *`: scripts use what it brings

HeaderValue = str | int | float | bytes | None | Iterable[Any]
HOW_TO_SEND = "give str or bytes, an iterable of them, or json_str=True to send the value as JSON"


_strict = False


def use_strict_json(*, on: bool) -> None:
    """Let ``json_str=True`` refuse NaN and Infinity in this process, as ``--strict-json`` asks for all results."""
    global _strict  # noqa: PLW0603 - scripts make answers without knowing the settings
    _strict = on


class AMLResponse(Response):
    """An answer with status, headers and body chosen by the script.

    ``message`` is the body: str, bytes, or an iterable of them (a generator is streamed, an async one too); with
    ``json_str`` anything that has a JSON form; None sends ``{}`` (S94). ``response_headers`` maps names to values; a
    value is sent as it is, a list of values as one header each, None not at all. TypeError and ValueError name the
    argument that cannot be sent.
    """

    def __init__(
        self,
        message: Any,
        status_code: int | str | None,
        response_headers: Mapping[str, HeaderValue] | Iterable[tuple[str, HeaderValue]] | None = None,
        json_str: bool = False,  # noqa: FBT001, FBT002 - scripts pass it by position (S93)
        run_function_failed: bool = False,  # noqa: FBT001, FBT002 - likewise
    ) -> None:
        status = _status(status_code)
        if message is None or json_str:
            body = _json({} if message is None else message)
            super().__init__(body, status=status, mimetype="application/json")
        else:
            super().__init__(_body(message), status=status)
        self.headers[HEADER_RUN_FAILED] = str(bool(run_function_failed))
        given = response_headers or {}
        pairs = [(str(name), value) for name, value in (given.items() if isinstance(given, Mapping) else given)]
        if any(name.lower() == "content-type" for name, _ in pairs):
            self.headers.remove("Content-Type")  # the script's own replaces the default, however it is spelled
        for name, value in pairs:
            if name.lower() == "content-length" and "Content-Length" in self.headers:
                continue  # the body's real length is known; two different ones would break the connection
            for one in _values(value):
                self.headers.add(name, one)


def _status(status: Any) -> int | str | None:
    """Check a status: None (200), any int of three digits (S98), or a text that begins with one."""
    if status is None:
        return None
    if isinstance(status, str):
        if not re.match(r"[1-9]\d\d( |$)", status):
            raise ValueError(f"AMLResponse: status_code {status!r} does not begin as '201 Created' does, with a number")
        return status
    try:
        number = operator.index(status)
    except TypeError:
        kind = type(status).__name__
        raise TypeError(f"AMLResponse: status_code must be an int or a text like '201 Created', not {kind}") from None
    if not 100 <= number <= 999:
        raise ValueError(f"AMLResponse: status_code {number} does not have three digits")
    return number


def _values(value: HeaderValue) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, bytes):
        return [value.decode("latin-1")]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [text for one in value for text in _values(one)]
    return [str(value)]


def _json(value: Any) -> bytes | str:
    try:
        return json.dumps(value, allow_nan=not _strict)
    except (TypeError, ValueError):  # numpy, datetime and others, as for a result that is returned plainly (S83)
        from inference_http.scoring.encode import encode

        return encode(value, strict=_strict)


def _body(message: Any) -> Any:
    """Check a body; what werkzeug cannot send would otherwise fail after the headers, with no trace of the script."""
    if isinstance(message, (str, bytes, bytearray)):
        return message
    if isinstance(message, memoryview):
        return message.tobytes()
    if hasattr(message, "__aiter__"):
        from inference_http.user.eventloop import as_generator

        return as_generator(message)
    if not isinstance(message, Iterable):
        raise TypeError(f"AMLResponse cannot send {type(message).__name__} as a body: {HOW_TO_SEND}")
    if isinstance(message, Collection):  # a list's items, a dict's keys (S94); a generator's items are not known yet
        for item in message:
            if not isinstance(item, (str, bytes, bytearray)):
                kind = f"{type(message).__name__} of {type(item).__name__}"
                raise TypeError(f"AMLResponse cannot send a {kind} as a body: {HOW_TO_SEND}")
    return message
