"""Logging of this process: our lines on stdout, the user's logging.json, print() as log lines.

Names that users configure or import keep the reference's spelling: the loggers ``azmlinfsrv`` (ours),
``azmlinfsrv.user_script`` and ``azmlinfsrv.print``, and the classes of ``azureml_inference_server_http.log_config``.
"""

import builtins
import functools
import json
import logging
import os
import sys
import time
from typing import Any

from inference_http import contract
from inference_http.config.settings import ConfigError, Settings
from inference_http.telemetry.log_lines import JsonFormatter, LineFormatter, RootAccessFilter, StdoutLines

__all__ = [
    "AMLLogFormatter",
    "RootAccessFilter",
    "configure",
    "error_block",
    "find_logging_json",
    "install_print_hook",
    "load_logging_json",
    "read_logging_json",
    "report_config_error",
    "request_line",
]

AMLLogFormatter = LineFormatter  # the reference's name (S92)
FILE_NAME = "logging.json"

_logger = logging.getLogger("azmlinfsrv")
_print_logger = logging.getLogger("azmlinfsrv.print")
_basic_config = logging.basicConfig
_print = builtins.print
_lines: StdoutLines | None = None  # what `configure` made
_line_formatter: LineFormatter | None = None  # its formatter, when the format is text


def configure(settings: Settings) -> None:
    """Send ``azmlinfsrv.*`` and the root logger to stdout in the format and from the level that ``settings`` name.

    The reference leaves the root logger at WARNING on stderr, so that ``logging.info()`` of a script is lost (S122).
    Call it once in each process that does not inherit it by fork; a second call replaces the first.
    """
    global _lines, _line_formatter  # noqa: PLW0603  (logging is global to the process)
    lines = StdoutLines()
    _line_formatter = LineFormatter() if settings.log_format == "text" else None
    lines.setFormatter(_line_formatter or JsonFormatter())
    for logger in (logging.root, _logger):
        for old in [each for each in logger.handlers if isinstance(each, StdoutLines)]:
            logger.removeHandler(old)
        logger.addHandler(lines)
        logger.setLevel(settings.log_level)
    _logger.propagate = False
    _lines = lines
    logging.basicConfig = _basic_config_of_scripts


def _basic_config_of_scripts(**choices: Any) -> None:
    """Let a script's ``logging.basicConfig`` do what it does without us.

    It does nothing once the root logger has an output, and ours is there before the script. So ours makes room for
    another one; a level alone is set and our output stays.
    """
    if _lines in logging.root.handlers and choices:
        if choices.keys() <= {"level"}:
            if choices["level"] is not None:
                logging.root.setLevel(choices["level"])
            return
        logging.root.removeHandler(_lines)
    _basic_config(**choices)


def find_logging_json(settings: Settings) -> str | None:
    """Return the user's logging.json: in AML_APP_ROOT, else beside the script (S123); None when there is none."""
    folders = [settings.app_root]
    if settings.entry_script:
        folders.append(os.path.dirname(os.path.realpath(settings.entry_script)))
    for folder in folders:
        path = os.path.join(folder, FILE_NAME)
        if os.path.isfile(path):
            return path
    return None


def read_logging_json(path: str) -> dict[str, Any]:
    """Return the content of the user's logging.json.

    Raises:
        ConfigError: it cannot be read or is no JSON object (exit 3).
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise _invalid(path, f"cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise _invalid(path, "does not hold a JSON object as logging.config.dictConfig takes it")
    return content


def load_logging_json(settings: Settings) -> None:
    """Apply the user's logging.json in place of our configuration, if there is one (S123).

    For workers, just before the script is imported: it may name classes of the reference and of modules in
    AML_APP_ROOT. Not for a process that forks workers, for it may start threads.

    Raises:
        ConfigError: the file is malformed, or logging cannot make what it asks for (exit 3).
    """
    path = find_logging_json(settings)
    if path is None:
        return
    content = read_logging_json(path)
    import logging.config as logging_config  # here, because it loads socketserver and more, and few have such a file

    from inference_http import compat

    compat.install()
    if _lines is not None:
        logging.root.removeHandler(_lines)
        logging.root.setLevel(logging.WARNING)
    missing = [folder for folder in (settings.app_root,) if folder not in sys.path]
    sys.path.extend(missing)
    try:
        logging_config.dictConfig(content)
    except Exception as error:  # noqa: BLE001  (the classes it names may raise anything)
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        raise _invalid(path, f"cannot be applied: {error}{cause}") from None
    finally:
        for folder in missing:
            sys.path.remove(folder)
    _logger.info("Loaded logging config from %s", path)


def _invalid(path: str, problem: str) -> ConfigError:
    return ConfigError(FILE_NAME, path, "", f"{path} {problem}", contract.EXIT_START_FAILED)


def report_config_error(error: ConfigError) -> None:
    """Log what is wrong with a setting, in the reference's frame (S5, S32, S123)."""
    if error.exit_code == contract.EXIT_FAILED:
        for line in ("Error!", *error.message.splitlines()):
            _logger.error("%s", line)
    elif error.name in (contract.ENV_CONFIG_FILE, FILE_NAME):
        _logger.critical("Invalid config file!: %s", error.message)
    else:
        came_from = f"\nThe value comes from the {error.origin}." if error.origin else ""
        _logger.critical(
            "\n===============Configuration Error=================\n"
            "%s: %s (environment variable: %s)%s\n"
            "===================================================",
            *(error.name, error.message, error.name, came_from),
        )


def error_block(text: str, *, level: int = logging.ERROR) -> None:
    """Log one message of several lines for the user in one piece, so that no other process writes between its lines."""
    _logger.log(level, "%s", text.rstrip("\n"))


def request_line(message: str) -> None:
    """Log ``message`` at INFO as azmlinfsrv, for each request: as ``logger.info`` would, at a third of its time.

    The record that logging would make is needed only where somebody else looks at it: another output, a filter, a
    record factory of the user.
    """
    lines, formatter = _lines, _line_formatter
    if (
        formatter is not None
        and lines is not None
        and _logger.handlers == [lines]
        and lines.formatter is formatter
        and not (_logger.filters or lines.filters or _logger.propagate)
        and logging.getLogRecordFactory() is logging.LogRecord
    ):
        if _logger.isEnabledFor(logging.INFO):
            lines.output.write(formatter.line(time.time(), "I", os.getpid(), "azmlinfsrv", message) + "\n")
        return
    _logger.info("%s", message)


def install_print_hook() -> None:
    """Make print() to stdout an INFO record of azmlinfsrv.print, in this process from now on (S118).

    ``sep`` is followed, ``end`` and ``flush`` have no meaning in a log. Anything printed elsewhere is untouched, also
    what code captures by replacing sys.stdout (contextlib.redirect_stdout; the reference logs that).
    """
    stdout = sys.stdout

    @functools.wraps(_print)
    def print_to_log(
        *objects: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        between = " " if sep is None else sep
        if sys.stdout is stdout and (file is None or file is stdout) and isinstance(between, str):
            _print_logger.info(between.join(map(str, objects)))
        else:
            _print(*objects, sep=sep, end=end, file=file, flush=flush)

    builtins.print = print_to_log
