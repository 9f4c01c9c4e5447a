"""Log lines: how one looks, as text (S117) or JSON, and how it reaches stdout in one piece.

Every request is logged, so this is on the hot path: the clock's text is made once a second, a line is one
``os.write``. Nothing takes a lock: one write is not torn by other threads, nor by other processes on the same pipe (up
to PIPE_BUF); a fork cannot inherit a held lock, and a scoring timeout that strikes inside ``print`` leaves none behind.
"""

import contextlib
import json
import logging
import os
import select
import sys
import time
from typing import Any, Literal, TextIO

from inference_http.scoring import ids

TEXT_FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"
_FULL_PIPE_S = 1.0  # how long a non-blocking stdout that nobody reads may hold a line up before the line is dropped


class Output:
    """One stream that takes whole texts. What cannot be written is dropped: a log must never stop the server."""

    __slots__ = ("_encoding", "_fd", "_stream")

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._fd = -1
        # A Windows console takes text, not bytes; and a stream made in memory has no descriptor.
        if stream is not None and os.name != "nt":
            try:
                self._fd = stream.fileno()
            except (OSError, ValueError, AttributeError):
                self._fd = -1

    def write(self, text: str) -> None:
        """Write ``text`` after everything that was written to the stream so far; lone surrogates are escaped."""
        stream = self._stream
        if stream is None:
            return
        data = text.encode(self._encoding, "backslashreplace")
        try:
            # First, so that the order is kept; and it raises when somebody closed the stream: then the descriptor may
            # by now be a client's connection.
            stream.flush()
            if self._fd < 0:
                stream.write(data.decode(self._encoding))
                stream.flush()
                return
            sent = os.write(self._fd, data)
            if sent != len(data):
                self._write_rest(data[sent:])
        except BlockingIOError:
            self._write_rest(data)
        except (OSError, ValueError, RuntimeError):  # broken, closed, full disk; a flush inside of a flush
            return

    def _write_rest(self, data: bytes) -> None:
        """Write to a descriptor that took nothing or only a part, as long as it keeps taking some."""
        deadline = time.monotonic() + _FULL_PIPE_S
        try:
            while data and (left := deadline - time.monotonic()) > 0:
                select.select((), (self._fd,), (), left)
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(self._fd, data) :]
        except (OSError, ValueError):
            return


class StdoutLines(logging.Handler):
    """Writes each record as one text to the stdout of now; without a lock, see above."""

    def __init__(self) -> None:
        super().__init__()
        self.output = Output(sys.stdout)

    def handle(self, record: logging.LogRecord) -> bool:
        """Format and write ``record`` if the filters let it pass."""
        passed: bool | logging.LogRecord = self.filter(record) if self.filters else True
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Write ``record``; one that cannot be formatted is reported on stderr as the standard library does."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001  (the user's own arguments, whose __str__ may raise anything)
            self._report(record)
            return
        self.output.write(text + "\n")

    def _report(self, record: logging.LogRecord) -> None:
        try:
            self.handleError(record)
        except Exception:  # noqa: BLE001  (stderr is closed, or what is to be reported breaks whoever looks at it)
            return


class LineFormatter(logging.Formatter):
    """The reference's line (S117), UTC, with ``[REQUEST ID]`` at the end while a request runs.

    Users name it in their logging.json as azureml_inference_server_http.log_config.AMLLogFormatter (S92); a format of
    their own is followed, in UTC. A logging.json without a format means the bare message, as with any formatter class.
    """

    converter = staticmethod(time.gmtime)

    def __init__(
        self,
        fmt: str | None = TEXT_FORMAT,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        validate: bool = True,  # noqa: FBT001, FBT002  (logging.config passes it by position)
        **more: Any,
    ) -> None:
        super().__init__(fmt, datefmt, style, validate, **more)
        self._standard = datefmt is None and style == "%" and fmt == TEXT_FORMAT
        self._clock = (-1, "")  # one tuple, so that threads see a second and its text together

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of ``record``, without its line end."""
        if not self._standard:
            return super().format(record)
        line = self.line(record.created, record.levelname[:1], record.process, record.name, record.getMessage())
        return line if record.exc_info is None and not record.stack_info else line + _appendix(self, record)

    def line(self, created: float, initial: str, pid: int | None, name: str, message: str) -> str:
        """Return the line of S117 for a message of the time ``created`` (epoch, s)."""
        whole = int(created)
        second, clock = self._clock
        if second != whole:
            clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(whole))
            self._clock = (whole, clock)
        line = f"{clock},{int((created - whole) * 1000):03d} {initial} [{pid}] {name} - {message}"
        request_id = ids.current()
        return f"{line} [{request_id}]" if request_id else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, pid, and where there is one request_id, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object of ``record`` as ASCII text."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if request_id := ids.current():
            entry["request_id"] = request_id
        if appendix := _appendix(self, record):
            entry["exception"] = appendix[1:]
        return json.dumps(entry)


class RootAccessFilter(logging.Filter):
    """Drops access lines of the health probe; for users' logging.json (S92)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether ``record`` is anything but ``GET / HTTP/1.1``."""
        return "GET / HTTP/1.1" not in record.getMessage()


def _appendix(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """Return the traceback and the stack that belong to ``record``, each after a line end."""
    text = ""
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)  # kept for other handlers, as logging does
    if record.exc_text:
        text += "\n" + record.exc_text
    if record.stack_info:
        text += "\n" + formatter.formatStack(record.stack_info)
    return text
