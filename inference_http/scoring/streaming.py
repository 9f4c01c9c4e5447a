"""Bodies that run() produces piece by piece: generators, iterators, and responses that hold one (S100-S102).

The first piece is made before the answer's head is sent: what fails there is an ordinary 500 and not a torn body, and
its type decides the Content-Type. Each piece is made under the request's time limit; the time that a client takes to
read is not counted.

Pieces of a generator that run() returned itself: text goes out as UTF-8, bytes as they are, anything else as one line
of JSON. Pieces of a response object are text or bytes, as in Flask.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal

from inference_http.scoring import ids
from inference_http.scoring.deadline import Call
from inference_http.scoring.encode import encode
from inference_http.user.errors import UnencodableResult

TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
LINES: Final = "application/x-ndjson"

Form = Literal["pieces", "response"]
Report = Callable[[BaseException], None]


class StreamBroken(Exception):
    """The body ends here although more was to come; the cause is logged. The connection must be cut (S102)."""


class PieceStream:
    """The body of one streamed answer.

    Construction makes the first piece, and raises what that raises: RunTimeout, UnencodableResult, or anything of the
    script's own. Later pieces raise StreamBroken only, after ``report`` has heard the cause.
    """

    __slots__ = ("_call", "_convert", "_first", "_pieces", "_report", "_request_id", "_source", "content_type")

    def __init__(self, source: Iterable[Any], call: Call, report: Report, *, form: Form, strict: bool) -> None:
        self._source = call.stream(source)
        self._pieces: Iterator[Any] = iter(self._source)
        self._report = report
        self._request_id = ids.current()
        self._convert = _Lines(strict=strict) if form == "pieces" else _text_or_bytes
        self._first: bytes | None = None
        self.content_type = LINES
        try:
            piece = next(self._pieces)
            self.content_type = _content_type(piece)
            self._first = self._convert(piece)
        except StopIteration:
            pass
        except BaseException:
            self._close_quietly()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        first = self._first
        if first is not None:
            self._first = None
            return first
        token = ids.bind(self._request_id)
        try:
            return self._convert(next(self._pieces))
        except StopIteration:
            raise
        except BaseException as error:  # noqa: BLE001  # the script's code runs here; reported, and the body is cut
            self._report(error)
            raise StreamBroken from None
        finally:
            ids.unbind(token)

    def close(self) -> None:
        """End the script's iterator, however far it is; errors in its clean-up are reported and go no further."""
        token = ids.bind(self._request_id)
        try:
            self._close_quietly()
        finally:
            ids.unbind(token)

    def _close_quietly(self) -> None:
        try:
            self._source.close()
        except BaseException as error:  # noqa: BLE001  # the script's own finally blocks run here
            self._report(error)


class _Lines:
    """Pieces of a generator that run() returned."""

    __slots__ = ("_strict",)

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict

    def __call__(self, piece: Any) -> bytes:
        if isinstance(piece, str):
            return piece.encode()
        if isinstance(piece, bytes | bytearray | memoryview):
            return bytes(piece)
        return (b"null" if piece is None else encode(piece, strict=self._strict)) + b"\n"


def _text_or_bytes(piece: Any) -> bytes:
    """One piece of a response object; werkzeug itself would let a number pass and fail later, in the server (S99)."""
    if isinstance(piece, str):
        return piece.encode()
    if isinstance(piece, bytes | bytearray | memoryview):
        return bytes(piece)
    raise unfit(piece)


def unfit(body: Any) -> UnencodableResult:
    """The error for a response's body, or a piece of it, of a type that cannot be sent (S99)."""
    kind = type(body).__name__
    reason = f"the body of the response that run() returned is or holds {kind}: use str or bytes"
    return UnencodableResult("$", kind, reason)


def _content_type(first: Any) -> str:
    if isinstance(first, str):
        return TEXT
    if isinstance(first, bytes | bytearray | memoryview):
        return BYTES
    return LINES
