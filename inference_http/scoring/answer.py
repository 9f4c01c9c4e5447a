"""What goes back to the client, before any web server or framework is involved."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from inference_http import contract
from inference_http.scoring.ids import Ids

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

Header = tuple[str, str]

JSON: Final[Header] = ("Content-Type", "application/json")
HTML: Final[Header] = ("Content-Type", "text/html; charset=utf-8")
FAILED: Final[Header] = (contract.HEADER_RUN_FAILED, "True")  # Python's spelling (S47)
NOT_FAILED: Final[Header] = (contract.HEADER_RUN_FAILED, "False")


class Stream(Protocol):
    """A body that is produced piece by piece. ``close()`` must be called when no more pieces are wanted or possible."""

    def __iter__(self) -> Iterator[bytes]:
        """Start to produce; one iteration only."""

    def close(self) -> None:
        """Let go of what the stream holds; may be called more than once."""


@dataclass(slots=True)
class Answer:
    """One answer.

    ``headers`` are complete but for Content-Length, in the order and spelling in which they are sent. ``body`` is sent
    with a Content-Length when it is bytes, in pieces when it is a Stream. When run() returned a response object of its
    own, ``response`` is that object, finished, and what it says counts; ``headers`` is empty then, and ``body`` the
    same body again for those who want to look at it. Flask sends such an object itself, everybody else asks
    ``fastroute.wsgi_parts``.
    """

    status: int
    headers: list[Header]
    body: bytes | Stream
    response: "Response | None" = None


def dumps(value: Any) -> bytes:
    """Plain JSON as the reference writes it: ``json.dumps`` with its defaults, byte for byte (S46)."""
    return json.dumps(value).encode("ascii")


def answer_json(
    status: int,
    message: Any,
    ids: Ids | None,
    *,
    error: dict[str, Any] | None = None,
    failed: bool = False,
    headers: Iterable[Header] = (),
    version: str | None = None,
) -> Answer:
    """The one way in which answers with a ``message`` are made, of the application and of the HTTP server alike.

    ``error`` stands beside the message for a developer's eyes; ``failed`` says that the script is to blame; ``headers``
    are added as they are; ``version`` is the value of x-ms-server-version (S48), None for no such header.
    """
    body = {"message": message} if error is None else {"message": message, "error": error}
    complete = [JSON, FAILED if failed else NOT_FAILED, *headers, *common_headers(ids, version)]
    return Answer(status, complete, dumps(body))


def answer_text(
    text: str,
    ids: Ids | None,
    *,
    failed: bool | None = None,
    headers: Iterable[Header] = (),
    version: str | None = None,
) -> Answer:
    """A 200 with ``text`` as HTML, the type that the reference's health and OPTIONS answers have (S35, S43).

    ``failed`` is the value of x-ms-run-function-failed, None for no such header.
    """
    verdict = () if failed is None else (FAILED if failed else NOT_FAILED,)
    return Answer(200, [HTML, *verdict, *headers, *common_headers(ids, version)], text.encode())


def common_headers(ids: Ids | None, version: str | None) -> list[Header]:
    """The headers that every answer ends with: the server's version and the ids (S48, S53)."""
    headers = ids.headers() if ids is not None else []
    if version:
        headers.insert(0, (contract.HEADER_SERVER_VERSION, version))
    return headers
