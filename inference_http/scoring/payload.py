"""A request turned into the keyword arguments of run().

The rules are azmlinfsrv's (S58-S76) but for two: form and multipart bodies reach run() as they were sent (S60), and
bytes that are no text are the client's fault with every kind of script (S75). Converting values to what @input_schema
declares happens inside run() itself; see ``schema.Schema.blame`` for values that do not fit (S72).
"""

import inspect
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

import werkzeug.urls  # noqa: F401  # registers the codec error "werkzeug.url_quote", by which Flask reads queries

from inference_http.user.errors import BadInput, MethodNotHandled, UnsupportedInput

if TYPE_CHECKING:
    from inference_http.scoring.scorer import ScoreRequest
    from inference_http.user.script import Script

REQUEST_HEADERS = "request_headers"


def arguments(script: "Script", request: "ScoreRequest") -> dict[str, Any]:
    """The keyword arguments with which run() is to be called for this request.

    Raises BadInput (400), UnsupportedInput (415), and MethodNotHandled for methods that run() does not get (S42, S43).
    """
    found: dict[Any, Any]  # the name is None only for a schema, which has its own below
    if script.kind == "text":
        found = {script.parameter: text(request)}
    elif script.kind == "raw":
        found = {script.parameter: request.flask()}
    else:
        found = _by_name(script, values(request))
    if script.wants_headers:
        found[REQUEST_HEADERS] = request.headers()
    return found


def text(request: "ScoreRequest") -> str:
    """What an undecorated run() gets: the body as UTF-8 (S58, S59), or a GET's query as a JSON object (S61)."""
    if request.method == "POST":
        try:
            return str(request.body(), "utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(f"Input cannot be decoded as UTF-8: {error}") from None
    if request.method == "GET":
        return json.dumps(query_values(request.query))
    raise MethodNotHandled(request.method)


def values(request: "ScoreRequest") -> dict[str, Any]:
    """The values for a decorated run(), by name: from the JSON body (S68, S69, S74) or from a GET's query (S71)."""
    if request.method == "GET":
        return query_values(request.query)
    if request.method != "POST":
        raise MethodNotHandled(request.method)
    if not _is_json(request.content_type):
        raise UnsupportedInput("Expects Content-Type to be application/json")
    body = request.body()
    if not body:
        raise BadInput("POST body is empty. Expecting a JSON dictionary.")
    try:
        found = json.loads(body)
    except RecursionError:
        raise BadInput("POST body could not be decoded as JSON: it is nested too deeply") from None
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError (S75), or a number of too many digits
        raise BadInput(f"POST body could not be decoded as JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadInput("POST body should be a JSON dictionary.")
    return found


def query_values(query: str) -> dict[str, Any]:
    """A query as a dict: each value read as JSON where possible, a repeated name becomes a list in order (S61).

    ``query`` is the raw query with its bytes as latin-1 characters. Bytes that are not UTF-8 are kept percent-encoded.
    """
    if not query:
        return {}
    raw = query.encode("latin-1")
    try:
        decoded = raw.decode()
    except UnicodeDecodeError:
        decoded = quote(raw, safe="!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~")
    lists: dict[str, list[Any]] = {}
    for name, value in parse_qsl(decoded, keep_blank_values=True, errors="werkzeug.url_quote"):
        lists.setdefault(name, []).append(_json_or_text(value))
    return {name: found[0] if len(found) == 1 else found for name, found in lists.items()}


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _is_json(content_type: str) -> bool:
    """Flask's rule (S68): application/json, or application/*+json; any case, parameters do not matter."""
    if content_type == "application/json":
        return True
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def _by_name(script: "Script", given: dict[str, Any]) -> dict[str, Any]:
    """Each parameter of run() by name, with its default when the client sent none (S70)."""
    found = {}
    for parameter in script.parameters:
        name = parameter.name
        if name == REQUEST_HEADERS:
            continue
        if name in given:
            found[name] = given[name]
        elif parameter.default is not inspect.Parameter.empty:
            found[name] = parameter.default
        else:
            raise BadInput(f"A value is not provided for the {name!r} parameter.")
    return found
