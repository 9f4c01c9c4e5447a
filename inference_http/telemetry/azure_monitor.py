"""The wire to Azure Monitor: OpenTelemetry's SDK with Microsoft's exporter, both imported here and only when wanted.

Works with opentelemetry-sdk 1.33 (which the reference pins) and newer. Spans become rows of the table "requests", log
records rows of "traces" or, with an exception, of "exceptions". Everything is sent by background threads of the SDK.
"""

import importlib
import logging
import os
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any, Final

ENV_CONNECTION: Final = "APPLICATIONINSIGHTS_CONNECTION_STRING"

SEND_INTERVAL_S: Final = 5.0
BATCH_SIZE: Final = 100
REPEAT_S: Final = 60.0  # the same complaint of the exporter is logged once in this time

# What the exporter would do unasked: report on itself to Microsoft (for which it also asks the cloud's metadata address
# where it runs), fetch instructions from there, and add figures about itself to what is sent. Only what the operator
# asked for is sent, and only to where it was asked for; set one of these to "false" to have it back.
_UNASKED: Final = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
)
_NOISY: Final = ("azure.monitor.opentelemetry", "opentelemetry.sdk", "opentelemetry.attributes")
_HIDDEN: Final = "(key)"
_SCOPE: Final = "azmlinfsrv"

Attributes = Mapping[str, str | bool | int]

logger = logging.getLogger("azmlinfsrv.insights")


def without_key(text: str, key: str) -> str:
    """The text fit to be logged: neither the key nor the one in the environment's connection string is in it (S12)."""
    for part in os.environ.get(ENV_CONNECTION, "").split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "instrumentationkey" and value.strip():
            text = text.replace(value.strip(), _HIDDEN)
    return text.replace(key, _HIDDEN)


class Wire:
    """One connection to Azure Monitor, for one process; make it after a fork."""

    def __init__(self, key: str, role: str) -> None:
        """``key`` is the instrumentation key, ``role`` names the sender (ai.cloud.role).

        A connection string in the environment wins over the key: it also says where to send to.
        Raises ImportError when a package is missing, and what the exporter raises for a bad connection string.
        """
        connection = os.environ.get(ENV_CONNECTION)
        for name in _UNASKED:
            os.environ.setdefault(name, "true")
        self._trace = importlib.import_module("opentelemetry.trace")
        self._logs = importlib.import_module("opentelemetry._logs")
        self._no_parent = importlib.import_module("opentelemetry.context").Context()
        self._complaints = _Complaints(key)
        try:
            self._connect(connection or f"InstrumentationKey={key}", role)
        except BaseException:
            self._complaints.remove()
            raise

    def _connect(self, connection: str, role: str) -> None:
        exporter = importlib.import_module("azure.monitor.opentelemetry.exporter")
        policies = importlib.import_module("azure.core.pipeline.policies")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        sdk_trace = importlib.import_module("opentelemetry.sdk.trace")
        sdk_logs = importlib.import_module("opentelemetry.sdk._logs")
        always = importlib.import_module("opentelemetry.sdk.trace.sampling").ALWAYS_ON
        span_batches = importlib.import_module("opentelemetry.sdk.trace.export").BatchSpanProcessor
        log_batches = importlib.import_module("opentelemetry.sdk._logs.export").BatchLogRecordProcessor

        resource = resources.get_aggregated_resources(
            detectors=[resources.ProcessResourceDetector()],
            initial_resource=resources.Resource.create({"service.name": role}),
        )
        options = {
            "connection_string": connection,
            # its own logger: each batch would otherwise show as several lines, since root shows INFO (S122)
            "http_logging_policy": policies.HttpLoggingPolicy(logger=_silent()),
        }
        delay_ms = SEND_INTERVAL_S * 1000
        self._tracers = sdk_trace.TracerProvider(sampler=always, resource=resource, shutdown_on_exit=False)
        self._tracers.add_span_processor(
            span_batches(exporter.AzureMonitorTraceExporter(**options), schedule_delay_millis=delay_ms)
        )
        self._loggers = sdk_logs.LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._loggers.add_log_record_processor(
            log_batches(
                exporter.AzureMonitorLogExporter(**options),
                schedule_delay_millis=delay_ms,
                max_export_batch_size=BATCH_SIZE,
            )
        )
        self._tracer = self._tracers.get_tracer(_SCOPE)
        self._logger = self._loggers.get_logger(_SCOPE)
        # The record's class moved from the SDK to the API in 1.40; the SDK's own one has to be told the resource.
        self._record_class = getattr(sdk_logs, "LogRecord", None) or self._logs.LogRecord
        self._record_extra = {"resource": resource} if hasattr(sdk_logs, "LogRecord") else {}
        self._offer_to_scripts()

    def _offer_to_scripts(self) -> None:
        """Let spans that the script makes through OpenTelemetry's API arrive too, unless it has its own set-up."""
        if isinstance(self._trace.get_tracer_provider(), self._trace.ProxyTracerProvider):
            self._trace.set_tracer_provider(self._tracers)

    def request(self, name: str, attributes: Attributes, duration_ms: float, *, failed: bool) -> None:
        """Send a request that has just ended."""
        ended = time.time_ns()
        span = self._tracer.start_span(
            name,
            context=importlib.import_module(
                "opentelemetry.context"
            ).Context(),  # no parent, whatever the script has open
            kind=self._trace.SpanKind.SERVER,
            attributes=attributes,
            start_time=ended - int(duration_ms * 1e6),
        )
        if failed:
            span.set_status(self._trace.Status(self._trace.StatusCode.ERROR))
        span.end(ended)

    def log(self, message: str, attributes: Attributes, level: int = logging.INFO) -> None:
        """Send one log line."""
        now = time.time_ns()
        self._logger.emit(
            self._record_class(
                timestamp=now,
                observed_timestamp=now,
                severity_text=logging.getLevelName(level),
                severity_number=self._severity(level),
                body=message,
                attributes=dict(attributes),
                **self._record_extra,
            )
        )

    def exception(self, error: BaseException, attributes: Attributes) -> None:
        """Send an exception with its traceback."""
        details = {
            "exception.type": type(error).__name__,
            "exception.message": str(error),
            "exception.stacktrace": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
        }
        self.log(str(error) or type(error).__name__, {**attributes, **details}, logging.ERROR)

    def _severity(self, level: int) -> Any:
        numbers = self._logs.SeverityNumber
        for least, number in ((40, numbers.ERROR), (30, numbers.WARN), (20, numbers.INFO)):
            if level >= least:
                return number
        return numbers.DEBUG

    def close(self, timeout_s: float) -> None:
        """Send what is waiting, for at most ``timeout_s`` seconds; offline the exporter would try for much longer."""
        thread = threading.Thread(target=self._shutdown, name="inference-http insights", daemon=True)
        thread.start()
        thread.join(timeout_s)
        self._complaints.remove()

    def _shutdown(self) -> None:
        self._loggers.shutdown()
        self._tracers.shutdown()


class _Complaints(logging.Handler):
    """Takes what the packages log about themselves: warnings and worse, without the key, and not again and again.

    Offline they complain at every batch, and some of their messages show what was to be sent, the key with it (S12).
    """

    def __init__(self, key: str) -> None:
        super().__init__(logging.WARNING)
        self._key = key
        self._last: dict[str, float] = {}
        self._taken = [(source, source.propagate) for source in map(logging.getLogger, _NOISY)]
        for source, _ in self._taken:
            source.addHandler(self)
            source.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the record on to our own logger."""
        text = " ".join(self._readable(record).split())
        now = time.monotonic()
        if now - self._last.get(text, -REPEAT_S) >= REPEAT_S:
            if len(self._last) > BATCH_SIZE:
                self._last.clear()
            self._last[text] = now
            logger.log(record.levelno, "Application Insights: %s", text)

    def _readable(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        return without_key(text, self._key)

    def remove(self) -> None:
        """Leave the packages' loggers as they were."""
        for source, propagate in self._taken:
            source.removeHandler(self)
            source.propagate = propagate


def _silent() -> logging.Logger:
    quiet = logging.getLogger("azmlinfsrv.insights.http")
    quiet.setLevel(logging.WARNING)
    return quiet
