"""One scoring request from its parts to its answer; knows neither Flask's routing nor the HTTP server.

``Scorer.score`` is the only way to run(): the Flask route and the fast route both end here. It is the hot path: what
can be decided once is decided in ``__init__``.
"""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from inference_http import contract
from inference_http.scoring import ids as request_ids
from inference_http.scoring import payload
from inference_http.scoring.answer import JSON, NOT_FAILED, Answer, Header, Stream, answer_json
from inference_http.scoring.encode import encode
from inference_http.scoring.ids import Ids
from inference_http.scoring.refusals import Refusals
from inference_http.scoring.responses import finished
from inference_http.scoring.streaming import PieceStream
from inference_http.telemetry.request_lines import log_request
from inference_http.user import errors
from inference_http.user.script import call_run

if TYPE_CHECKING:
    from inference_http.config.settings import Settings
    from inference_http.scoring.deadline import Call, Deadlines
    from inference_http.telemetry.insights import Insights
    from inference_http.user.script import Script

__all__ = ["Answer", "ScoreRequest", "Scorer", "Stream", "answer_json"]

_logger = logging.getLogger("azmlinfsrv")


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


class Scorer:
    """Answers scoring requests with one script; may be used by several threads at once."""

    def __init__(
        self, settings: "Settings", script: "Script", *, deadlines: "Deadlines", insights: "Insights | None" = None
    ) -> None:
        self.script = script
        self.refusals = Refusals(settings, script, insights)
        self._open = deadlines.open
        self.insights = insights
        self._strict = settings.strict_json
        self.version = settings.server_version_header
        self._version = (contract.HEADER_SERVER_VERSION, self.version) if self.version else None

    def score(self, request: ScoreRequest, ids: Ids) -> Answer:
        """The answer to one request; never raises. Writes the request's log line (S119)."""
        started = perf_counter()
        token = request_ids.bind(ids.request_id)
        try:
            try:
                answer = self._answer(request, ids)
            except BaseException as error:  # noqa: BLE001  # whatever it is, the client gets an answer and the worker lives
                answer = self.refusals.server_failed(error, ids)
            duration_ms = (perf_counter() - started) * 1000
            log_request(request.method, contract.ROUTE_SCORE, request.query, answer, duration_ms)
            if self.insights is not None:
                self.insights.log_request(request, answer, ids, duration_ms)
            return answer
        finally:
            request_ids.unbind(token)

    def timeout_answer(self, ids: Ids, limit_ms: int | None = None) -> Answer:
        """The answer for a request whose run() does not end although its time is over; from another thread than it.

        ``limit_ms`` is the limit that was passed, when it is not SCORING_TIMEOUT_MS.
        """
        token = request_ids.bind(ids.request_id)
        try:
            return self.refusals.stuck(ids, limit_ms)
        finally:
            request_ids.unbind(token)

    def _answer(self, request: ScoreRequest, ids: Ids) -> Answer:
        refusals, script = self.refusals, self.script
        call = None
        try:
            arguments = payload.arguments(script, request)
            call = self._open(ids)
            result, elapsed_ms = call.run(call_run, script, arguments)
            if self.insights is not None:
                self.insights.model_data(script, arguments, result, ids)
            return self._result(result, request.method, elapsed_ms, call, ids)
        except (errors.BadInput, errors.UnsupportedInput) as error:
            return refusals.bad_input(error, ids)
        except errors.MethodNotHandled as error:
            return refusals.method(error, ids)
        except errors.RunTimeout as error:
            return refusals.timeout(error, ids)
        except errors.UnencodableResult as error:
            return refusals.unencodable(error, ids)
        except errors.RunError as error:
            return self._run_failed(error, request, call, ids)

    def _run_failed(self, error: errors.RunError, request: ScoreRequest, call: "Call | None", ids: Ids) -> Answer:
        cause, schema = error.cause, self.script.schema
        if schema is not None:
            blamed = schema.blame(cause, payload.values(request))
            if blamed is not None:
                return self.refusals.bad_input(blamed, ids)
        if call is not None and isinstance(cause, HTTPException) and isinstance(cause.response, Response):
            return self._response(cause.response, request.method, None, call, ids)
        return self.refusals.run_failed(error, ids)

    def _result(self, result: Any, method: str, elapsed_ms: float, call: "Call", ids: Ids) -> Answer:
        """The answer for what run() returned (S79, S82, S100)."""
        if isinstance(result, Response):
            _logger.info("run() output is HTTP Response")
            return self._response(result, method, elapsed_ms, call, ids)
        if hasattr(type(result), "__next__"):
            return self._pieces(result, elapsed_ms, call, ids)
        return Answer(200, self._headers(JSON, elapsed_ms, ids), encode(result, strict=self._strict))

    def _headers(self, content_type: Header, elapsed_ms: float, ids: Ids) -> list[Header]:
        milliseconds = (contract.HEADER_RUN_MS, f"{elapsed_ms:.3f}")  # not 1.2e-2 (S80)
        if self._version is None:
            return [content_type, NOT_FAILED, milliseconds, *ids.headers()]
        return [content_type, NOT_FAILED, milliseconds, self._version, *ids.headers()]

    def _pieces(self, pieces: Any, elapsed_ms: float, call: "Call", ids: Ids) -> Answer:
        """A generator or another iterator, sent piece by piece."""
        try:
            stream = PieceStream(pieces, call, self._reporter(ids), form="pieces", strict=self._strict)
        except BaseException as error:  # noqa: BLE001  # the script's code makes the first piece here
            return self.refusals.stopped(error, ids)
        return Answer(200, self._headers(("Content-Type", stream.content_type), elapsed_ms, ids), stream)

    def _response(self, result: Response, method: str, elapsed_ms: float | None, call: "Call", ids: Ids) -> Answer:
        """A response of the script's own, sent as it is but for what the server adds (S57, S82, S95)."""
        try:
            response, body = finished(result, method, call, self._reporter(ids))
        except BaseException as error:  # noqa: BLE001  # a body may be made by the script's code
            return self.refusals.stopped(error, ids)
        headers = response.headers
        if response.status_code >= 500:
            headers[contract.HEADER_RUN_FAILED] = "True"
        if elapsed_ms is not None:
            headers.add(contract.HEADER_RUN_MS, f"{elapsed_ms:.3f}")
        if self._version is not None:
            headers.add(*self._version)
        for name, value in ids.headers():
            if name == contract.HEADER_TRACE_ID:
                headers.add(name, value)
            else:
                headers[name] = value
        return Answer(response.status_code, [], body, response)

    def _reporter(self, ids: Ids) -> Callable[[BaseException], None]:
        return lambda error: self.refusals.report(error, ids)
