"""``POST /score`` without Flask: the same Scorer, the same headers, none of the request context.

Half of a small request's time goes into Flask's and werkzeug's contexts, routing and response objects. A script that
does not use Flask cannot see them, so this WSGI callable skips them; every other request goes to the Flask application.
Both ways lead through ``Scorer.score`` and must not be told apart: the tests run every case over both.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Flask
from werkzeug.datastructures import EnvironHeaders
from werkzeug.http import HTTP_STATUS_CODES

from inference_http import contract
from inference_http.scoring.answer import Answer, Header, Stream, answer_json
from inference_http.scoring.ids import TooLong, choose
from inference_http.scoring.scorer import Scorer
from inference_http.telemetry.request_lines import log_refused, target_of
from inference_http.user.importing import names_flask
from inference_http.web import cors

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SCORE: Final = contract.ROUTE_SCORE


class _StatusLines(dict[int, str]):
    """Status lines as werkzeug writes them: ``404 NOT FOUND``."""

    def __missing__(self, status: int) -> str:
        return f"{status} {HTTP_STATUS_CODES.get(status, 'unknown').upper()}"


_STATUS: Final = _StatusLines({200: "200 OK", 400: "400 BAD REQUEST", 500: "500 INTERNAL SERVER ERROR"})


class EnvironRequest:
    """A scoring request as the WSGI server gives it."""

    __slots__ = ("_body", "_environ", "content_type", "method", "query")

    def __init__(self, environ: "WSGIEnvironment") -> None:
        self._environ = environ
        self._body: bytes | None = None
        self.method: str = environ["REQUEST_METHOD"]
        self.query: str = environ.get("QUERY_STRING", "")
        self.content_type: str = environ.get("CONTENT_TYPE", "")

    def body(self) -> bytes:
        """The whole body; kept, so that it can be asked for again."""
        if self._body is None:
            self._body = read_body(self._environ)
        return self._body

    def header(self, name: str) -> str | None:
        """One header by its name in any case; None when it was not sent."""
        return EnvironHeaders(self._environ).get(name)

    def headers(self) -> dict[str, str]:
        """All headers, names in Title-Case, as werkzeug reads them from the environ (S63)."""
        return dict(EnvironHeaders(self._environ))

    def flask(self) -> Any:
        """Never asked for: a run() that takes Flask's request is not served on this route."""
        raise RuntimeError("there is no Flask request on the fast route")


def read_body(environ: "WSGIEnvironment") -> bytes:
    """The request's body: as long as Content-Length says, or to its end where the server marks that (chunked, S50)."""
    length = environ.get("CONTENT_LENGTH")
    if length:
        return cast("bytes", environ["wsgi.input"].read(int(length)))
    return environ["wsgi.input"].read() if environ.get("wsgi.input_terminated") else b""


def wsgi_parts(answer: Answer, environ: "WSGIEnvironment") -> tuple[str, list[Header], Iterable[bytes]]:
    """Status line, headers with Content-Length, and body of an answer, for a WSGI server."""
    if answer.response is not None:
        pieces, status, headers = answer.response.get_wsgi_response(environ)
        return status, headers, pieces
    body = answer.body
    if type(body) is not bytes:
        return _STATUS[answer.status], answer.headers, cast("Stream", body)
    headers = answer.headers
    headers.insert(1, ("Content-Length", str(len(body))))
    return _STATUS[answer.status], headers, (body,)


def fast(app: Flask, scorer: Scorer) -> "WSGIApplication":
    """The WSGI application: ``POST /score`` answered directly where nobody can tell, everything else by ``app``.

    ``app`` is made by ``create_app``, whose CORS rules and server version hold here too.
    """
    if scorer.script.kind == "raw" or scorer.script.uses_flask:
        return app
    score, rules, version = scorer.score, cors.of(app), scorer.version

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # werkzeug routes a WebSocket handshake differently, so that one is left to it.
        elsewhere = environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"] != _SCORE or "HTTP_UPGRADE" in environ
        if elsewhere or names_flask():  # run() may have imported a module of the user's that names Flask
            return app(environ, start_response)
        sent = environ.get
        request = EnvironRequest(environ)
        try:
            ids = choose(
                sent("HTTP_X_REQUEST_ID"),
                sent("HTTP_X_MS_REQUEST_ID"),
                sent("HTTP_X_MS_CLIENT_REQUEST_ID"),
                sent("HTTP_TRACEID"),
            )
        except TooLong as error:
            answer = answer_json(431, error.message, error.ids, version=version)
            log_refused("POST", target_of(environ), answer, 0.0, error.ids)
        else:
            answer = score(request, ids)
        status, headers, body = wsgi_parts(answer, environ)
        if rules is not None:
            headers += rules.missing(headers, "POST", request.header)
        start_response(status, headers)
        return body

    return application
