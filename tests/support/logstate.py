"""Give logging back as it was: the server configures it for a whole process, and tests share one."""

import builtins
import contextlib
import logging
from collections.abc import Iterator

from inference_http.telemetry import logs

NAMES = ("azmlinfsrv", "azmlinfsrv.print", "azmlinfsrv.user_script", "mine")


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Undo at the end what ``logs`` and its users do to logging and print()."""
    loggers = [logging.root, *(logging.getLogger(name) for name in NAMES)]
    before = [(each, each.level, each.handlers[:], each.filters[:], each.propagate, each.disabled) for each in loggers]
    hooks = builtins.print, logging.basicConfig, logs._lines, logs._line_formatter
    logs._lines = logs._line_formatter = None
    try:
        yield
    finally:
        builtins.print, logging.basicConfig, logs._lines, logs._line_formatter = hooks
        for each, level, handlers, filters, propagate, disabled in before:
            each.setLevel(level)
            each.handlers[:], each.filters[:] = handlers, filters
            each.propagate, each.disabled = propagate, disabled
