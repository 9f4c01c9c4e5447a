"""What the client and the log are told when a request does not get a result of run().

The messages are the reference's (S69, S84, S89). With ``--errors detailed`` a 500 of the script's making also carries
``error: {type, message, file, line, code, traceback}``; with ``opaque`` it tells no more than the reference does.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from werkzeug.exceptions import HTTPException

from inference_http.scoring.answer import Answer, Header, answer_json, answer_text, dumps
from inference_http.scoring.ids import Ids
from inference_http.user import errors
from inference_http.user.failure import describe_function

if TYPE_CHECKING:
    from inference_http.config.settings import Settings
    from inference_http.telemetry.insights import Insights
    from inference_http.user.script import Script

SCRIPT_FAILED: Final = "An unexpected error occurred in scoring script. Check the logs for more info."
SERVER_FAILED: Final = "An unexpected internal error occurred. Check the logs for more info."
_OVERDUE: Final = "Scoring timeout after {} ms"
# Where werkzeug and Flask refuse a request while the script reads it (request.json, request.form["x"]). For the
# reference such an error is the script's (S66); abort() and exceptions raised on purpose come from elsewhere.
_PARSING: Final = (
    "flask.wrappers",
    "werkzeug.datastructures",
    "werkzeug.formparser",
    "werkzeug.sansio",
    "werkzeug.wrappers",
    "werkzeug.wsgi",
)

_logger = logging.getLogger("azmlinfsrv")


class Refusals:
    """Turns what stopped a request into its answer, and logs it."""

    def __init__(self, settings: "Settings", script: "Script", insights: "Insights | None") -> None:
        self._script = script
        self._insights = insights
        self._detailed = settings.errors == "detailed"
        self._version = settings.server_version_header
        self._limit_ms = settings.scoring_timeout_ms
        methods = ("GET", "HEAD", "OPTIONS", "POST") if script.kind == "raw" else ("GET", "OPTIONS", "POST")
        self.allow: Header = ("Allow", ", ".join(methods))

    def bad_input(self, error: errors.BadInput | errors.UnsupportedInput, ids: Ids) -> Answer:
        """400 or 415: the client's request is at fault."""
        status = 415 if isinstance(error, errors.UnsupportedInput) else 400
        return answer_json(status, str(error), ids, version=self._version)

    def method(self, error: errors.MethodNotHandled, ids: Ids) -> Answer:
        """OPTIONS gets an empty 200 (S43), HEAD a 405 (S42), here with the Allow that a 405 must have (S41)."""
        if error.method == "OPTIONS":
            return answer_text("", ids, failed=False, version=self._version)
        return answer_json(405, "Method not allowed", ids, headers=(self.allow,), version=self._version)

    def timeout(self, error: errors.RunTimeout, ids: Ids) -> Answer:
        """500: run() was ended because SCORING_TIMEOUT_MS is over (S89); the failure tells where it was."""
        message = _OVERDUE.format(error.limit_ms)
        where = errors.describe(error.__context__ or error, self._script.roots)
        traceback = where.traceback.replace(errors.ScoringTimeout.WORDS, message)
        failure = replace(where, type=errors.ScoringTimeout.__name__, message=message, traceback=traceback)
        return self._script_failed(message, failure, ids, error)

    def stuck(self, ids: Ids, limit_ms: int | None = None) -> Answer:
        """500: the time of run() is over and it cannot be ended; where it is, only its thread knows."""
        return self._script_failed(_OVERDUE.format(self._limit_ms if limit_ms is None else limit_ms), None, ids)

    def run_failed(self, error: errors.RunError, ids: Ids) -> Answer:
        """500: run() raised (S84), also SystemExit and its like (S86); flask.abort() is honoured (S85)."""
        cause = error.cause
        if isinstance(cause, HTTPException) and cause.code is not None and _on_purpose(cause):
            aborted = self._aborted(cause, cause.code, ids)
            if aborted is not None:
                return aborted
        return self._script_failed(SCRIPT_FAILED, error.failure, ids, cause, error.hints)

    def unencodable(self, error: errors.UnencodableResult, ids: Ids) -> Answer:
        """500: there is no JSON for what run() returned; the script is to blame (S83), so run() itself is the place."""
        failure = describe_function(self._script.run, type(error).__name__, str(error))
        return self._script_failed(SCRIPT_FAILED, failure, ids, error)

    def stopped(self, cause: BaseException, ids: Ids) -> Answer:
        """500: whatever the script's code raised outside of run(): while a stream was made, or a body read."""
        cause = errors.recognisable(cause)
        if isinstance(cause, errors.RunTimeout):
            return self.timeout(cause, ids)
        if isinstance(cause, errors.UnencodableResult):
            return self.unencodable(cause, ids)
        return self.run_failed(errors.RunError(cause, self._script.roots, self._script.model_dir), ids)

    def server_failed(self, error: BaseException, ids: Ids) -> Answer:
        """500: a mistake of ours; the traceback is for the log only."""
        try:
            _logger.error("Encountered Exception: an error inside the server, not in the script", exc_info=error)
        except Exception:  # noqa: BLE001  # an exception whose own attributes raise cannot even be shown
            _logger.error("Encountered Exception: one that cannot be shown, inside the server")  # noqa: TRY400
        return answer_json(500, SERVER_FAILED, ids, version=self._version)

    def report(self, cause: BaseException, ids: Ids) -> None:
        """Log what broke an answer whose head is gone already."""
        self.stopped(cause, ids)

    def _aborted(self, cause: HTTPException, status: int, ids: Ids) -> Answer | None:
        """The answer that the exception asks for; None when it cannot be made, and it is an exception like others."""
        if type(status) is not int or not 200 <= status <= 599:
            return None
        try:
            kept = [pair for pair in cause.get_headers() if pair[0].lower() not in ("content-type", "content-length")]
            message: Any = cause.description
            try:
                dumps(message)
            except (TypeError, ValueError, RecursionError):
                message = str(message)
            return answer_json(status, message, ids, failed=status >= 500, headers=kept, version=self._version)
        except Exception:  # noqa: BLE001  # its methods and its description are the script's code
            return None

    def _script_failed(
        self,
        message: str,
        failure: errors.Failure | None,
        ids: Ids,
        cause: BaseException | None = None,
        hints: Sequence[str] = (),
    ) -> Answer:
        text = message if failure is None else "\n".join([errors.render(failure), *hints])
        _logger.error("Encountered Exception: %s", text)
        if self._insights is not None and cause is not None:
            self._insights.log_exception(cause, ids)
        error = failure.as_error() if failure is not None and self._detailed else None
        return answer_json(500, message, ids, error=error, failed=True, version=self._version)


def _on_purpose(error: HTTPException) -> bool:
    """Whether the script (or a library it uses) raised this, rather than werkzeug while it read the request."""
    step = error.__traceback__
    if step is None:
        return True
    while step.tb_next is not None:
        step = step.tb_next
    return not str(step.tb_frame.f_globals.get("__name__", "")).startswith(_PARSING)
