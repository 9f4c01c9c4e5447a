"""Settings of this program that travel in Azure's files, as ``properties`` whose names begin with ``sandbox.``.

Azure keeps properties that it does not know, so that the same file still does for both.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from sandbox.model.deployment import Deployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import SandboxError

PORT = "sandbox.port"
STATUS_MAPPING = "sandbox.status_mapping"
STREAM_IDLE = "sandbox.stream_idle_ms"
HOST_NAME = "sandbox.hostname"
BACKEND = "sandbox.backend"
SEALED = "sandbox.sealed"
SAMPLES = "sandbox.samples"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def port(endpoint: Endpoint) -> int | None:
    """Return the port that the endpoint asks for, None for any.

    Raises:
        SandboxError: E060, it is no port.
    """
    return _whole(endpoint.properties, PORT, 1, 65535)


def status_mapping(endpoint: Endpoint) -> Literal["azure", "raw"]:
    """Return how statuses of the model reach the client: as Azure maps them (424), or as they are.

    Raises:
        SandboxError: E060, it is neither.
    """
    value = str(endpoint.properties.get(STATUS_MAPPING, "azure")).lower()
    if value == "azure":
        return "azure"
    if value == "raw":
        return "raw"
    raise SandboxError("E060", f"property {STATUS_MAPPING} is {value!r}", "", "give azure or raw")


def hostname(endpoint: Endpoint) -> str:
    """Return the name under which a host offers the endpoint, in lower case, "" for none but its path.

    Raises:
        SandboxError: E060, it is no full name.
    """
    value = str(endpoint.properties.get(HOST_NAME) or "").strip().lower()
    labels = value.split(".")
    if value and (len(value) > 253 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels))):
        raise SandboxError("E060", f"property {HOST_NAME} is {value!r}", "", "give a full name: shop.example.com")
    return value


def backend(described: Deployment | Endpoint) -> str | None:
    """Return what the deployment, or all of an endpoint, asks to be run by, None where it does not."""
    value = described.properties.get(BACKEND)
    return None if value is None else str(value).strip().lower()


def sealed(deployment: Deployment) -> str:
    """Return the id (or a name) of the sealed image that the deployment is run from, "" where it is made of files."""
    return str(deployment.properties.get(SEALED) or "").strip()


def samples(deployment: Deployment) -> str:
    """Return where its samples lie, relative to its file; "" where it does not say."""
    return str(deployment.properties.get(SAMPLES) or "").strip()


def stream_idle_ms(deployment: Deployment) -> int | None:
    """Return the longest silence in an answer that is streamed, in milliseconds; None: the whole answer is limited.

    Raises:
        SandboxError: E060, it is no number.
    """
    return _whole(deployment.properties, STREAM_IDLE, 1, 24 * 3600 * 1000)


def _whole(properties: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = properties.get(name)
    if value is None:
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if not least <= number <= most:
        raise SandboxError("E060", f"property {name} is {value!r}", "", f"give a whole number from {least} to {most}")
    return number
