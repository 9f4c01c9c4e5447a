"""What code leaves behind outside its own modules, as far as it can be put back before code is loaded again."""

import atexit
import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any


class Surroundings:
    """Remembers how things are when the context is entered; ``restore`` makes them so again.

    Environment, import path, working folder, handlers and levels of loggers, filters of warnings, functions registered
    with atexit. What the code has changed inside libraries stays.
    """

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._path = list(sys.path)
        self._folder = os.getcwd()
        self._filters = list(warnings.filters)
        self._loggers: dict[str | None, _Settings] = {name: _settings(name) for name in _names()}
        self._exits: list[Callable[..., Any]] = []

    def __enter__(self) -> "Surroundings":  # noqa: PYI034 - typing.Self is not in Python 3.10
        self._register = atexit.register

        def register(function: Callable[..., Any], *arguments: Any, **named: Any) -> Callable[..., Any]:
            self._exits.append(function)
            return self._register(function, *arguments, **named)

        atexit.register = register  # type: ignore[assignment]
        return self

    def __exit__(self, *exception: object) -> None:
        atexit.register = self._register

    def restore(self) -> None:
        """Undo. Exit functions of libraries stay."""
        from inference_http.worker.inventory import is_installed

        for variable in os.environ.keys() - self._environment.keys():
            del os.environ[variable]
        os.environ.update(self._environment)
        sys.path[:] = self._path
        with contextlib.suppress(OSError):
            os.chdir(self._folder)
        filters: Any = warnings.filters  # a list, whatever its type says
        filters[:] = self._filters
        for name in _names():  # of new ones too
            _restore(name, self._loggers.get(name))
        for function in self._exits:
            code = getattr(function, "__code__", None)
            if code is not None and not is_installed(code.co_filename):
                atexit.unregister(function)


_Settings = tuple[int, bool, bool, list[logging.Handler], list[Any]]


def _names() -> list[str | None]:
    loggers = logging.Logger.manager.loggerDict
    return [None, *(name for name, value in list(loggers.items()) if isinstance(value, logging.Logger))]


def _settings(name: str | None) -> _Settings:
    logger = logging.getLogger(name)
    return logger.level, logger.propagate, logger.disabled, list(logger.handlers), list(logger.filters)


def _restore(name: str | None, settings: _Settings | None) -> None:
    """A logger that did not exist before keeps what its library gave it."""
    if settings is not None:
        logger = logging.getLogger(name)
        logger.setLevel(settings[0])
        logger.propagate, logger.disabled = settings[1], settings[2]
        logger.handlers[:], logger.filters[:] = settings[3], settings[4]
