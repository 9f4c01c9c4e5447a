"""The line that the log has for a request: ``METHOD /path?query STATUS 0.123ms LENGTH`` (S119).

What came to run(), and /swagger.json, has it as azmlinfsrv, as in the reference. What was refused before (404, 405,
413, 429, 431, a request that cannot be read ...) has it as azmlinfsrv.access: there the reference has gunicorn.access.
A probe or a scrape that is answered has none.
"""

import logging
from typing import TYPE_CHECKING, Any, Final

from inference_http.scoring import ids as request_ids
from inference_http.telemetry.logs import request_line

if TYPE_CHECKING:
    from inference_http.scoring.answer import Answer
    from inference_http.scoring.ids import Ids

TARGET_SHOWN: Final = 500  # characters: who sends more of it is refused for that

_access = logging.getLogger("azmlinfsrv.access")


def log_request(method: str, path: str, query: str, answer: "Answer", duration_ms: float) -> None:
    """Write the line of a request that came to run(); "N/A" stands for the length of a stream."""
    target = f"{path}?{_shown(query)}" if query else path
    request_line(f"{method} {target} {answer.status} {duration_ms:0.3f}ms {_length(answer)}")


def log_refused(method: str, target: str, answer: "Answer", duration_ms: float, ids: "Ids") -> None:
    """Write the line of a request that was refused; ``method`` and ``target`` are as sent, "" where not known."""
    token = request_ids.bind(ids.request_id)
    try:
        shown = _shown(target[: TARGET_SHOWN + 1])
        shown = shown if len(shown) <= TARGET_SHOWN else f"{shown[:TARGET_SHOWN]}..."
        _access.info(
            "%s %s %d %0.3fms %s", _shown(method) or "-", shown or "-", answer.status, duration_ms, _length(answer)
        )
    finally:
        request_ids.unbind(token)


def target_of(environ: "dict[str, Any]") -> str:
    """Path and query of a request as they were sent."""
    sent = environ.get("REQUEST_URI")
    if sent:
        return str(sent)
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _length(answer: "Answer") -> int | str:
    return len(answer.body) if type(answer.body) is bytes else "N/A"


def _shown(text: str) -> str:
    """Bytes as text; what is not UTF-8 or cannot be seen is escaped, so that a line stays one line of valid text."""
    if not text.isascii():
        text = text.encode("latin-1", "backslashreplace").decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
