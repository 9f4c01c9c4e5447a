"""Cross-origin requests: which headers an answer gets, by the ``Origin`` of the request (S113-S116).

The answers are those of the reference, which uses flask-cors; that package is not needed here. What differs is how an
entry of the list is matched (S115, ``cors_origins.py``): the whole Origin must match, never only its beginning.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from flask import request

from inference_http.config.cors_origins import ANY, is_pattern, pattern

if TYPE_CHECKING:
    from flask import Flask, Response

    from inference_http.config.settings import Settings
    from inference_http.scoring.answer import Header

ALLOW_ORIGIN: Final = "Access-Control-Allow-Origin"
_ALLOW_ORIGIN_LOWER: Final = ALLOW_ORIGIN.lower()
_EXTENSION: Final = "inference_http.cors"
_METHODS: Final = ("GET", "POST")
_EVERY: Final = frozenset((ANY, ".*"))

_logger = logging.getLogger("azmlinfsrv")


class Cors:
    """The rules for one list of origins. Raises ValueError for an entry that is no valid regular expression."""

    def __init__(self, origins: Sequence[str]) -> None:
        literal = [entry for entry in origins if not is_pattern(entry)]
        self._exact = {entry.lower() for entry in origins}  # also those with "[": http://[::1]:3000
        self._patterns = [pattern(entry) for entry in origins if is_pattern(entry)]
        self._every = not _EVERY.isdisjoint(origins)
        self._first = min(literal, default=None)
        self._varies = len(origins) > 1 or bool(self._patterns)

    def headers(self, method: str, header: Callable[[str], str | None]) -> "list[Header]":
        """The headers for the answer to a request of this method, whose own headers ``header(name)`` tells."""
        origin = header("Origin")
        allowed = self._allowed(origin)
        if allowed is None:
            return []
        found = [(ALLOW_ORIGIN, allowed)]
        if header("Access-Control-Request-Private-Network") == "true":
            found.append(("Access-Control-Allow-Private-Network", "false"))
        if method == "OPTIONS" and (header("Access-Control-Request-Method") or "").upper() in _METHODS:
            asked = header("Access-Control-Request-Headers")
            if asked:
                names = sorted(name.strip() for name in asked.split(","))
                found.append(("Access-Control-Allow-Headers", ", ".join(names)))
            found.append(("Access-Control-Allow-Methods", ", ".join(_METHODS)))
        if self._varies and allowed != ANY:
            found.append(("Vary", "Origin"))
        return found

    def missing(self, given: "Iterable[Header]", method: str, header: Callable[[str], str | None]) -> "list[Header]":
        """As ``headers``, but nothing where the answer's headers so far, ``given``, hold a decision of the script's."""
        if any(name.lower() == _ALLOW_ORIGIN_LOWER for name, _ in given):
            return []
        return self.headers(method, header)

    def _allowed(self, origin: str | None) -> str | None:
        if not origin:
            return ANY if self._every else self._first
        if self._every or origin.lower() in self._exact or any(found.fullmatch(origin) for found in self._patterns):
            return origin
        return None


def of(app: "Flask") -> Cors | None:
    """The rules that an application was made with."""
    rules: Cors | None = app.extensions.get(_EXTENSION)
    return rules


def install(app: "Flask", settings: "Settings") -> None:
    """Make the application's answers carry the headers; without listed origins this does nothing."""
    rules = create(settings)
    if rules is None:
        return
    app.extensions[_EXTENSION] = rules

    @app.after_request
    def add(response: "Response") -> "Response":
        for pair in rules.missing(response.headers, request.method, request.headers.get):
            response.headers.add(*pair)
        return response


def create(settings: "Settings") -> Cors | None:
    """The rules of these settings, None when no origin is listed; logs the list as the reference does."""
    if not settings.cors_origins:
        return None
    _logger.info("Enabling CORS for the following origins: %s", ", ".join(settings.cors_origins))
    return Cors(settings.cors_origins)
