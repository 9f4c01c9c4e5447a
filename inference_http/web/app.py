"""The Flask application: every route, ids on every answer, JSON for every error (S35-S48, S104, S105).

What the reference leaves out and this does not: ids, version and CORS headers on 404 and 405 (S45), and the ``Allow``
that a 405 must have (S41).
"""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from inference_http import contract
from inference_http.scoring import ids as request_ids
from inference_http.scoring.answer import (
    JSON,
    NOT_FAILED,
    Answer,
    Header,
    answer_json,
    answer_text,
    common_headers,
    dumps,
)
from inference_http.scoring.ids import Ids
from inference_http.scoring.refusals import SERVER_FAILED
from inference_http.scoring.scorer import Scorer
from inference_http.telemetry.request_lines import log_refused, log_request, target_of
from inference_http.web import cors
from inference_http.web.fastroute import EnvironRequest
from inference_http.web.swagger import UnknownVersion, UnsupportedVersion

if TYPE_CHECKING:
    from inference_http.config.settings import Settings

_IDS: Final = "inference_http.ids"  # where a request keeps its Ids: in the environ, since flask.g is the script's
_BEGAN: Final = "inference_http.began"  # perf_counter(), likewise
_ALLOW: Final[Header] = ("Allow", "GET, HEAD, OPTIONS")
_PROMETHEUS: Final[Header] = ("Content-Type", "text/plain; version=0.0.4; charset=utf-8")

_logger = logging.getLogger("azmlinfsrv")


class Documents(Protocol):
    """Where /swagger.json comes from; ``swagger.Swagger`` is one."""

    def get(self, version: str | None = None) -> Any:
        """The document of a version; raises UnknownVersion or UnsupportedVersion."""


class FlaskRequest(EnvironRequest):
    """A scoring request on the Flask route. The body is read through Flask, so that the script can read it again."""

    __slots__ = ()

    def body(self) -> bytes:
        """The whole body; Flask keeps it."""
        return request.get_data()

    def flask(self) -> Any:
        """Flask's request proxy (S65)."""
        return request


def create_app(
    settings: "Settings",
    scorer: Scorer,
    documents: Documents,
    metrics_text: Callable[[], str],
    detail: Callable[[], dict[str, Any]] = dict,
) -> Flask:
    """The application for one script. ``metrics_text`` gives the text of /metrics, ``detail`` that of ``/?detail``."""
    app = Flask(__name__, static_folder=None)
    # The body's size is limited where it is received (--max-body); Flask's own limit on forms would come on top.
    app.config["MAX_FORM_MEMORY_SIZE"] = None
    _add_ids(app, scorer.version)
    _add_errors(app, scorer)
    _add_score(app, scorer)
    _add_documents(app, scorer, documents, metrics_text, detail)
    cors.install(app, settings)
    return app


def _add_ids(app: Flask, version: str | None) -> None:
    @app.before_request
    def resolve() -> Response | None:
        request.environ[_BEGAN] = perf_counter()
        try:
            request.environ[_IDS] = request_ids.resolve(request.headers.get)
        except request_ids.TooLong as error:
            request.environ[_IDS] = error.ids
            if request.routing_exception is None:  # else 404 and 405 stay what they are (S54)
                return _refused(answer_json(431, error.message, error.ids, version=version))
        return None


def _add_errors(app: Flask, scorer: Scorer) -> None:
    version = scorer.version

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        headers = [pair for pair in error.get_headers() if pair[0] not in ("Content-Type", "Content-Length", "Allow")]
        if error.code == 405:
            headers.append(scorer.refusals.allow if request.path == contract.ROUTE_SCORE else _ALLOW)
        return _refused(answer_json(error.code or 500, error.description, _ids(), headers=headers, version=version))

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        _logger.error("Encountered Exception: an error inside the server, not in the script", exc_info=error)
        return _refused(answer_json(500, SERVER_FAILED, _ids(), version=version))


def _add_score(app: Flask, scorer: Scorer) -> None:
    @app.route(contract.ROUTE_SCORE, methods=["GET", "POST", "OPTIONS"], provide_automatic_options=False)
    def score() -> Response:
        return _response(scorer.score(FlaskRequest(request.environ), _ids()))


def _add_documents(
    app: Flask,
    scorer: Scorer,
    documents: Documents,
    metrics_text: Callable[[], str],
    detail: Callable[[], dict[str, Any]],
) -> None:
    version = scorer.version

    def get(path: str, answer: Callable[[], Answer]) -> None:
        def view() -> Response:
            if request.method == "OPTIONS":
                return _response(answer_text("", _ids(), headers=(_ALLOW,), version=version))
            return _response(answer())

        app.add_url_rule(path, path, view, methods=["GET", "OPTIONS"], provide_automatic_options=False)

    def health() -> Answer:
        if "detail" in request.args:
            return Answer(200, [JSON, NOT_FAILED, *common_headers(_ids(), version)], dumps(detail()))
        return answer_text("Healthy", _ids(), version=version)

    def swagger() -> Answer:
        started = perf_counter()
        try:
            document = documents.get(request.args.get("version"))
        except (UnknownVersion, UnsupportedVersion) as error:
            answer = answer_json(404, str(error), _ids(), version=version)
        else:
            answer = Answer(200, [JSON, NOT_FAILED, *common_headers(_ids(), version)], dumps(document))
        asked = EnvironRequest(request.environ)
        duration_ms = (perf_counter() - started) * 1000
        log_request(asked.method, contract.ROUTE_SWAGGER, asked.query, answer, duration_ms)
        if scorer.insights is not None:
            scorer.insights.log_request(asked, answer, _ids(), duration_ms, contract.ROUTE_SWAGGER)
        return answer

    def metrics() -> Answer:
        return Answer(200, [_PROMETHEUS, *common_headers(_ids(), version)], metrics_text().encode())

    get(contract.ROUTE_HEALTH, health)
    get(contract.ROUTE_SWAGGER, swagger)
    get(contract.ROUTE_METRICS, metrics)


def _ids() -> Ids:
    found: Ids = request.environ.get(_IDS) or request_ids.fresh()
    return found


def _refused(answer: Answer) -> Response:
    """The response to a request that came to no view, with its line in the log."""
    now = perf_counter()
    duration_ms = (now - request.environ.get(_BEGAN, now)) * 1000
    log_refused(request.method, target_of(request.environ), answer, duration_ms, _ids())
    return _response(answer)


def _response(answer: Answer) -> Response:
    """An answer as Flask's response; one that run() made is passed on as it is (S82)."""
    if answer.response is not None:
        return answer.response  # type: ignore[return-value]  # Flask makes one of its own of werkzeug's
    headers = answer.headers
    if type(answer.body) is bytes:
        headers.insert(1, ("Content-Length", str(len(answer.body))))  # where the fast route has it
    return Response(answer.body, status=answer.status, headers=headers)
