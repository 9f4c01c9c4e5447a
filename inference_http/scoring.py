"""One scoring request from its parts to its answer; knows neither Flask's routing nor the HTTP server."""

from typing import Any, Protocol

from inference_http.answer import Answer, Stream, answer_json

__all__ = ["Answer", "ScoreRequest", "Stream", "answer_json"]


class ScoreRequest(Protocol):
    """What scoring needs to know about a request."""

    method: str
    query: str  # raw, without "?", bytes as latin-1 characters
    content_type: str

    def body(self) -> bytes:
        """The whole body as it was sent; the transfer coding is undone, the content coding is not (S50)."""

    def header(self, name: str) -> str | None:
        """One header by its name in any case; None when it was not sent."""

    def headers(self) -> dict[str, str]:
        """All headers, names in Title-Case (S63)."""

    def flask(self) -> Any:
        """Flask's request proxy; only asked for when run() is @rawhttp."""
