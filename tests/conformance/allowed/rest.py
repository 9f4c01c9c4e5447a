"""Whether two values are equal but for the part that an entry is about."""

import json
from typing import Any

PLACE = {"type", "message", "file", "line", "code", "traceback"}


def beside_error(reference: str, ours: str) -> bool:
    """Ours has the reference's message and, beside it, ``error`` with the place in the script."""
    body = json.loads(ours)
    error = body.pop("error")
    return bool(body == json.loads(reference) and set(error) == PLACE)


def swagger(reference: str, ours: str) -> bool:
    """Equal but for GET /score, the versions that may be asked for, and request_headers among the inputs."""
    return _common(json.loads(reference)) == _common(json.loads(ours))


def swagger_prefix(reference: str, ours: str) -> bool:
    """As ``swagger``, and a prefix of nothing but slashes is no prefix."""
    return swagger(reference.replace('"//', '"/'), ours)


def _common(document: dict[str, Any]) -> dict[str, Any]:
    for path, item in document["paths"].items():
        if path.endswith("/score"):
            item.pop("get", None)
        if path.endswith("/swagger.json"):
            item["get"].pop("parameters")
    definitions = document.get("definitions") or document["components"]["schemas"]
    for part in (definitions["ServiceInput"].get("properties"), definitions["ServiceInput"].get("example")):
        if isinstance(part, dict):
            part.pop("request_headers", None)
    return document


def server_version(reference: str, ours: str) -> bool:
    """The same environment but for the name of the server in it."""
    return _environment(reference) == _environment(ours)


def file_values(reference: str, ours: str) -> bool:
    """The same environment, and on our side what config.json says."""
    said = {"AZUREML_MODEL_DIR": "file-models", "SCORING_TIMEOUT_MS": "7000", "SERVICE_NAME": "from file"}
    return _environment(reference) | said == _environment(ours)


def _environment(text: str) -> dict[str, str]:
    values: dict[str, str] = json.loads(text)
    values.pop("HTTP_X_MS_SERVER_VERSION")
    return values


def raw_request(reference: str, ours: str) -> bool:
    """What @rawhttp sees is equal but for how a chunked body is described."""
    return _described(reference) == _described(ours)


def _described(text: str) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(text)
    framing = {"Content-Length", "Transfer-Encoding"}
    seen["headers"] = [pair for pair in seen["headers"] if pair[0] not in framing]
    return seen | {"content_length": None}
