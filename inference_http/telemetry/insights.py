"""What Application Insights is told (S134, S135): requests, errors, print lines and, when asked for, model data.

Off (the usual case) nothing of it is imported. The names of the properties are the reference's, so that queries written
for it go on working. Nothing here raises and nothing reads a stream (S103).
"""

import atexit
import datetime as dt
import functools
import json
import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

from inference_http import contract
from inference_http.scoring import ids as request_ids

if TYPE_CHECKING:
    from inference_http.config.settings import Settings
    from inference_http.scoring.answer import Answer
    from inference_http.scoring.ids import Ids
    from inference_http.scoring.scorer import ScoreRequest
    from inference_http.telemetry.azure_monitor import Wire
    from inference_http.user.script import Script

SENT_LOGGERS: Final = ("azmlinfsrv.trace", "azmlinfsrv.print")
VALUE_LIMIT: Final = 8192  # characters: Azure cuts longer properties
CLOSE_S: Final = 2.0

_BINARY: Final = json.dumps("Scoring request response payload is a non serializable object or raw binary")
_STREAM: Final = json.dumps("Scoring request response payload is a stream")
_MISSING: Final = (
    "Application Insights is on, but what sends to it is not installed (%s): pip install 'endpoint-sandbox[insights]'."
    " The server goes on without it."
)
_MISFITS: Final = (
    "Application Insights is on, but its packages do not fit together (%s): pip install -U"
    " 'endpoint-sandbox[insights]'. The server goes on without it."
)
_UNUSABLE: Final = "Application Insights is on, but cannot be used: %s. The server goes on without it."

logger = logging.getLogger("azmlinfsrv.insights")

P = ParamSpec("P")


def create(settings: "Settings") -> "Insights | None":
    """The sender for this process, or None when it is off or cannot be used (which is logged in one line).

    To be called after a fork, since it starts threads, and best before the script is loaded, so that what init() prints
    is sent too.
    """
    logging.getLogger("azmlinfsrv").info("Starting up app insights client")
    key = settings.insights_key
    if not settings.insights_enabled or not key:
        return None
    from inference_http.telemetry.azure_monitor import Wire, without_key  # costs nothing while it is off

    try:
        return Insights(settings, Wire(key, settings.service_name))
    except ModuleNotFoundError as error:
        logger.warning(_MISSING, error.name)
    except ImportError as error:  # found, but of versions that do not fit together
        logger.warning(_MISFITS, error)
    except Exception as error:  # noqa: BLE001  # whatever the packages raise, the server goes on
        logger.warning(_UNUSABLE, without_key(f"{type(error).__name__}: {error}", key))
    return None


def _quietly(method: Callable[Concatenate["Insights", P], None]) -> Callable[Concatenate["Insights", P], None]:
    """Telemetry must never cost an answer."""

    @functools.wraps(method)
    def quiet(self: "Insights", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001
            logger.warning("Not sent to Application Insights: %s: %s", type(error).__name__, error)

    return quiet


class Insights:
    """Sends to one Application Insights resource; may be used by several threads at once."""

    def __init__(self, settings: "Settings", wire: "Wire") -> None:
        self._wire = wire
        self._log_response = settings.insights_log_response
        self._mdc = settings.mdc_enabled
        self._container = settings.hostname
        self._names = {"Workspace Name": settings.workspace_name, "Service Name": settings.service_name}
        self._models = ", ".join(model_ids(settings.model_dir)) if self._mdc else ""
        self._lines = _Lines(wire)
        atexit.register(self.close)

    @_quietly
    def log_request(
        self,
        request: "ScoreRequest",
        answer: "Answer",
        ids: "Ids",
        duration_ms: float,
        path: str = contract.ROUTE_SCORE,
    ) -> None:
        """Tell of one answered request; ``duration_ms`` is what it took, until now."""
        started = dt.datetime.now(dt.timezone.utc) - dt.timedelta(milliseconds=duration_ms)
        query = f"?{request.query}" if request.query else ""
        attributes: dict[str, str | bool | int] = {
            **self._who(ids),
            "name": path,
            "url": f"http://{request.header('Host') or ''}{path}{query}",
            "start_time": started.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "duration": _clock(duration_ms),
            "resultCode": str(answer.status),
            "success": answer.status < 400,
            "http_method": request.method,
            **self._names,
            # By these the exporter fills the columns resultCode and success, which the reference leaves at 0 and True.
            "http.method": request.method,
            "http.status_code": answer.status,
        }
        if self._log_response:
            attributes["Response Value"] = _shown(answer.body)
        self._wire.request(path, attributes, duration_ms, failed=answer.status >= 400)

    @_quietly
    def log_exception(self, error: BaseException, ids: "Ids | None" = None) -> None:
        """Tell of an exception of the user's code; without ``ids`` it was at start."""
        who = self._who(ids) if ids else {"Container Id": self._container, "Request Id": "Unknown"}
        self._wire.exception(error, who)

    @_quietly
    def model_data(self, script: "Script", arguments: Mapping[str, Any], result: Any, ids: "Ids") -> None:
        """Tell what run() got and gave, when AML_MDC_STORAGE_ENABLED asks for it."""
        if not self._mdc:
            return
        given = {name: value for name, value in arguments.items() if name != "request_headers"}
        attributes = {
            **self._who(ids),
            **self._names,
            "Models": self._models,
            "Input": _as_json(given if script.kind == "schema" else given.get(str(script.parameter))),
            "Prediction": _as_json(result),
        }
        self._wire.log("model_data_collection", attributes)

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Send what is waiting, for at most ``timeout_s`` seconds, and end. Called at exit; harmless again."""
        atexit.unregister(self.close)
        if self._lines.detach():
            self._wire.close(timeout_s)

    def _who(self, ids: "Ids") -> dict[str, str]:
        return {"Container Id": self._container, "Request Id": ids.request_id, "Client Request Id": ids.client_id}


class _Lines(logging.Handler):
    """Sends what print() and the reference's own trace logger say."""

    def __init__(self, wire: "Wire") -> None:
        super().__init__(logging.INFO)
        self._wire = wire
        for name in SENT_LOGGERS:
            logging.getLogger(name).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            running = request_ids.current()
            self._wire.log(record.getMessage(), {"Request Id": running} if running else {}, record.levelno)
        except Exception:  # noqa: BLE001  # as logging does
            self.handleError(record)

    def detach(self) -> bool:
        """Stop sending; False when that was done before."""
        attached = [name for name in SENT_LOGGERS if self in logging.getLogger(name).handlers]
        for name in attached:
            logging.getLogger(name).removeHandler(self)
        return bool(attached)


def model_ids(model_dir: str | None) -> list[str]:
    """The models as NAME:VERSION, from MODEL_DIR/NAME/VERSION, or from .../NAME/VERSION being the folder itself.

    What is not laid out like that is passed over (the reference logs a traceback, S132).
    """
    if not model_dir:
        return []
    folder, version = os.path.split(os.path.normpath(model_dir))
    if version.isdigit():
        return [f"{os.path.basename(folder)}:{version}"]
    return [
        f"{name}:{found}"
        for name in _folders(model_dir)
        for found in _folders(os.path.join(model_dir, name))
        if found.isdigit()
    ]


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except OSError:
        return []


def _clock(duration_ms: float) -> str:
    """HH:MM:SS.mmm, with days in front when there are any, as the reference writes it."""
    seconds, milliseconds = divmod(int(duration_ms), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    text = f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"
    return f"{days}.{text}" if days else text


def _shown(body: Any) -> str:
    if not isinstance(body, bytes):
        return _STREAM
    try:
        return body.decode()[:VALUE_LIMIT]
    except UnicodeDecodeError:
        return _BINARY


def _as_json(value: Any) -> str:
    """The value as JSON, for a person to read; what has no JSON form is shown as Python shows it."""
    if hasattr(type(value), "__next__"):
        return _STREAM
    try:
        return json.dumps(value, default=str)[:VALUE_LIMIT]
    except (TypeError, ValueError, RecursionError):
        return json.dumps(repr(value))[:VALUE_LIMIT]
