"""Responses that run() made itself: fit to be sent, or the script's fault.

A web server finds out late what cannot be sent: after the log line, without the script's name, with the connection
broken (S99). So it is found out here.
"""

import copy
import re
from typing import Any, Final, cast

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from inference_http.scoring.answer import Stream
from inference_http.scoring.deadline import Call
from inference_http.scoring.streaming import PieceStream, Report, unfit
from inference_http.user.errors import UnencodableResult

# They belong to the connection and not to the answer, or to the server: dropped, as gunicorn does for the reference.
_SERVERS: Final = frozenset(
    (
        "connection",
        "date",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "server",
        "te",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)
_STATUS: Final = re.compile(r"[2-9]\d\d( [ \t\x21-\x7e\x80-\xff]*)?")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")
_NO_BODY: Final = (204, 304)


def finished(result: Response, method: str, call: Call, report: Report) -> tuple[Response, bytes | Stream]:
    """A copy of the response that run() returned, fit to be sent, and its body.

    A copy, because a script may keep the object and return it again. Raises UnencodableResult for what HTTP has no room
    for, and what the script's code raises while the first piece of a stream is made.
    """
    if not _STATUS.fullmatch(result.status):
        raise _unsendable(f"the status {result.status!r}: use 200 to 999, and a text in Latin-1")
    response = copy.copy(result)
    response.headers = Headers(_checked(result.headers))
    body = _body(response, call, report)
    sends_body = method != "HEAD" and response.status_code not in _NO_BODY
    if sends_body and type(body) is bytes and "Content-Length" in response.headers:
        response.headers["Content-Length"] = str(len(body))  # another one would break the connection
    return response, body


def _checked(headers: Headers) -> list[tuple[str, str]]:
    kept = []
    for name, value in headers:
        if not _NAME.fullmatch(name):
            raise _unsendable(f"the header name {name!r}: use letters, digits and '-'")
        if not _VALUE.fullmatch(value):
            raise _unsendable(f"the value {value!r} of the header {name}: use Latin-1 text without control characters")
        if name.lower() not in _SERVERS:
            kept.append((name, value.strip(" \t")))
    return kept


def _body(response: Response, call: Call, report: Report) -> bytes | Stream:
    body: Any = response.response
    if response.direct_passthrough and not response.is_sequence:
        return cast("Stream", body)  # a file: no code of the script runs while it is sent
    if response.is_streamed:
        if not hasattr(type(body), "__iter__"):
            raise unfit(body)
        stream = PieceStream(body, call, report, form="response", strict=False)
        response.response = stream
        return stream
    for piece in body:
        if not isinstance(piece, str | bytes | bytearray | memoryview):
            raise unfit(piece)
    return response.get_data()


def _unsendable(what: str) -> UnencodableResult:
    return UnencodableResult("$", Response.__name__, f"run() returned a response with {what}")
