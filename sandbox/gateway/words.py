"""Names that clusters, routes and listeners share, and the small shapes that appear in all of them."""

from typing import Any, Final

from sandbox.gateway.description import DeploymentEntry, EndpointEntry

Json = dict[str, Any]

ROUTES: Final = "main"  # the one route configuration, read by every listener
PUBLIC_ROUTES: Final = "public"  # that of the public listener of a host
CERTIFICATE: Final = "certificate"  # of the public listener; it is discovered
TOKENS: Final = "tokens"  # the filter that checks signed tokens; its configuration is discovered
HTTP_STATS: Final = "ingress"
KEEPER: Final = "keeper"  # the listener that is always there

HEADER_ENDPOINT: Final = "x-sandbox-endpoint"  # set by a listener before routing; never leaves the gateway
HEADER_SHADOW: Final = "x-sandbox-shadow"  # on copies only
HEADER_DEPLOYMENT: Final = "azureml-model-deployment"
HEADER_MODEL_TIME: Final = "ms-azureml-model-time"
HEADER_REASON: Final = "ms-azureml-model-error-reason"
HEADER_STATUS: Final = "ms-azureml-model-error-statuscode"
HEADER_CLIENT_ID: Final = "x-ms-client-request-id"

LISTENER: Final = "endpoint"  # before the name of the endpoint whose listener it is
FILTER_STATUS: Final = "status"
FILTER_BUFFER: Final = "buffer"


def typed(name: str, /, **fields: Any) -> Json:
    """Return a message that says its own type."""
    return {"@type": f"type.googleapis.com/{name}", **fields}


def seconds(milliseconds: int) -> str:
    """Return a duration as protobuf's JSON writes it."""
    return f"{milliseconds / 1000:.3f}s"


def cluster_of(endpoint: EndpointEntry, deployment: DeploymentEntry, *, mirror: bool = False) -> str:
    """Return ``endpoint~deployment``, or the name that counts copies: ``endpoint~deployment~mirror``."""
    return f"{endpoint.name}~{deployment.name}" + ("~mirror" if mirror else "")


def listener_of(endpoint: EndpointEntry) -> str:
    """Return the name of the endpoint's listener."""
    return f"{LISTENER}~{endpoint.name}"


def set_header(key: str, value: str, action: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> Json:
    """Return one header to set."""
    return {"header": {"key": key, "value": value}, "append_action": action}
