"""The ids of one request: which ones come in, which ones go out, and which one the log shows.

Rules: azmlinfsrv's (S53-S56). One is better here: an empty ``x-request-id`` counts as not sent (S55), so that every
answer carries an id.
"""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from os import urandom
from typing import Final

from inference_http import contract

_LIMIT: Final = contract.REQUEST_ID_LIMIT
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_REQUEST_ID_TOO_LONG: Final = f"{contract.HEADER_REQUEST_ID} must not exceed {_LIMIT} characters"
_OTHER_ID_TOO_LONG: Final = (
    f"{contract.HEADER_LEGACY_ID} and {contract.HEADER_CLIENT_ID} must not exceed {_LIMIT} characters"
)

_logger = logging.getLogger("azmlinfsrv")
_current: ContextVar[str] = ContextVar("inference_http_request_id", default="")

# Setting the id of the running request is on the hot path, hence the bound methods themselves.
bind = _current.set
unbind = _current.reset


def current() -> str:
    """The request id of the request that runs in this context, "" outside of one; the log formatter asks for it."""
    return _current.get()


def new_id() -> str:
    """A random UUID (version 4) as text; same form as ``str(uuid.uuid4())`` at a third of its time."""
    digits = urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"


class Ids:
    """The ids that an answer carries; an empty one is not sent.

    ``request_id``, ``legacy_id`` and ``client_id`` are text of at most 100 characters; ``trace_id`` is None when the
    request had none, and may be empty or of any length (S56).
    """

    __slots__ = ("client_id", "legacy_id", "request_id", "trace_id")

    def __init__(self, request_id: str, legacy_id: str, client_id: str, trace_id: str | None = None) -> None:
        self.request_id = request_id
        self.legacy_id = legacy_id
        self.client_id = client_id
        self.trace_id = trace_id

    def __repr__(self) -> str:
        return f"Ids({self.request_id!r}, {self.legacy_id!r}, {self.client_id!r}, {self.trace_id!r})"

    def headers(self) -> list[tuple[str, str]]:
        """The headers of the answer, spelled and ordered as the reference does (S47, S53)."""
        headers = []
        if self.request_id:
            headers.append((contract.HEADER_REQUEST_ID, self.request_id))
        if self.legacy_id:
            headers.append((contract.HEADER_LEGACY_ID, self.legacy_id))
        if self.client_id:
            headers.append((contract.HEADER_CLIENT_ID, self.client_id))
        if self.trace_id is not None:
            headers.append((contract.HEADER_TRACE_ID, self.trace_id))
        return headers


class TooLong(Exception):
    """An id has more than 100 characters: answer 431 with ``message`` and the ``ids`` that are fit to be sent (S54)."""

    def __init__(self, message: str, ids: Ids) -> None:
        super().__init__(message)
        self.message = message
        self.ids = ids


def fresh() -> Ids:
    """Ids of an answer to something that had none: a request that could not be parsed, for example."""
    request_id = new_id()
    return Ids(request_id, request_id, "")


def choose(request_id: str | None, legacy_id: str | None, client_id: str | None, trace_id: str | None) -> Ids:
    """Decide the ids of the answer from the values that the request's headers had; None or "" stands for not sent.

    Raises TooLong (S54). Logs the reference's deprecation warning when x-ms-request-id was sent (S56).
    """
    if not request_id:
        request_id = new_id()
    elif len(request_id) > _LIMIT:
        raise TooLong(_REQUEST_ID_TOO_LONG, Ids("", "", "", trace_id))
    if legacy_id:
        _logger.warning(
            "x-ms-request-id header has been deprecated and will be removed from future versions of the server."
            " Please use x-ms-client-request-id."
        )
        client_id = client_id or legacy_id
    elif client_id:
        legacy_id = client_id
    else:
        return Ids(request_id, request_id, "", trace_id)
    if len(legacy_id) > _LIMIT or len(client_id) > _LIMIT:
        raise TooLong(_OTHER_ID_TOO_LONG, Ids(request_id, "", "", trace_id))
    return Ids(request_id, legacy_id, client_id, trace_id)


def resolve(header: Callable[[str], str | None]) -> Ids:
    """As ``choose``, with the values asked from ``header(name)``, which answers None for a header that was not sent."""
    return choose(
        header(contract.HEADER_REQUEST_ID),
        header(contract.HEADER_LEGACY_ID),
        header(contract.HEADER_CLIENT_ID),
        header(contract.HEADER_TRACE_ID),
    )
