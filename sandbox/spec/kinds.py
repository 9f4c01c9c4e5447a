"""What a file describes: by its ``$schema`` line, else by its keys."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.model import connection, deployment, endpoint, environment
from sandbox.model.problem import Place, Problem, SpecError, Violation
from sandbox.spec.keys_assets import ENVIRONMENT, MODEL
from sandbox.spec.keys_connection import ANY, RECORDS, other_name
from sandbox.spec.keys_deployment import KUBERNETES_DEPLOYMENT, MANAGED_DEPLOYMENT
from sandbox.spec.keys_endpoint import ENDPOINT, KUBERNETES_ENDPOINT
from sandbox.spec.nodes import Mapping, Scalar
from sandbox.spec.record import Record
from sandbox.spec.values import snake

_SUPPORTED = "online endpoints, online deployments, models, environments and connections are read"


def _nothing(_value: Any) -> list[Violation]:
    return []


@dataclass(frozen=True)
class Kind:
    """One kind of file. ``schema`` is the name of Azure's schema file."""

    name: str
    title: str
    record: Record
    check: Callable[[Any], list[Violation]]
    schema: str


KINDS = {
    kind.title: kind
    for kind in (
        Kind("endpoint", "managed online endpoint", ENDPOINT, endpoint.check, "managedOnlineEndpoint"),
        Kind("endpoint", "Kubernetes online endpoint", KUBERNETES_ENDPOINT, endpoint.check, "kubernetesOnlineEndpoint"),
        Kind(
            "deployment", "managed online deployment", MANAGED_DEPLOYMENT, deployment.check, "managedOnlineDeployment"
        ),
        Kind(
            "deployment",
            "Kubernetes online deployment",
            KUBERNETES_DEPLOYMENT,
            deployment.check,
            "kubernetesOnlineDeployment",
        ),
        Kind("model", "model", MODEL, _nothing, "model"),
        Kind("environment", "environment", ENVIRONMENT, environment.check, "environment"),
        Kind("connection", "connection", ANY, connection.check, "connection"),
    )
}
NAMES = ("endpoint", "deployment", "model", "environment", "connection")

# Azure's schema files -> kind; and what the others are called, for a kind refusal.
_BY_SCHEMA = {kind.schema.lower(): kind.name for kind in KINDS.values()} | {
    "onlineendpoint": "endpoint",
    "onlinedeployment": "deployment",
    "workspaceconnection": "connection",
}
# Keys that only one kind has, the surest first.
_BY_KEY = (
    ("deployment", {"endpoint_name", "code_configuration", "instance_type", "instance_count", "request_settings"}),
    ("endpoint", {"auth_mode", "traffic", "mirror_traffic", "compute", "public_network_access", "identity"}),
    ("environment", {"image", "build", "conda_file", "inference_config", "os_type", "dependencies"}),
    ("connection", {"credentials", "api_key", "target", "is_shared", "account_name"}),
    ("model", {"path", "flavors"}),
)


def find(root: Mapping, file: str) -> str:
    """Return which of NAMES the file is; raises SpecError (E026) when that cannot be told."""
    said, written = _by_schema(root)
    if said in NAMES:
        return said
    if said and written:
        raise _unknown(
            f"{file} describes {_with_article(said)}", written.place, _SUPPORTED, "leave it out, or correct $schema"
        )
    for kind, keys in _BY_KEY:
        if kind == "deployment" and {"settings", "mini_batch_size"} & root.entries.keys():
            raise _unknown(f"{file} looks like a batch deployment", root.place, _SUPPORTED)
        if keys & root.entries.keys():
            return kind
    if "defaults" in root.entries:
        raise _unknown(f"{file} looks like a batch endpoint", root.place, _SUPPORTED)
    why = "it has no $schema, and none of its keys belongs to one kind alone"
    fix = "add $schema: https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json, or the like"
    raise _unknown(f"what {file} describes cannot be told", root.place, why, fix)


def _by_schema(root: Mapping) -> tuple[str, Scalar | None]:
    """Return what $schema says: one of NAMES, the words for something else, or "" when it says nothing."""
    written = root.get("$schema")
    if not isinstance(written, Scalar) or not isinstance(written.value, str):
        return "", None
    match = re.search(r"([\w-]+?)(?:\.schema)?\.json", written.value)
    if not match:
        return "", None
    name = match[1].lower().replace("-", "").replace("_", "")
    return _BY_SCHEMA.get(name) or snake(match[1]).replace("_", " ").replace("-", " "), written


def doubt(name: str, root: Mapping) -> list[Problem]:
    """Return a warning when a command reads a file as something else than its $schema says; Azure does not look."""
    said, written = _by_schema(root)
    if not said or said == name or written is None:
        return []
    what = f"$schema says that this is {_with_article(said)}; it is read as {_with_article(name)}"
    return [Problem("W063", what, written.place, "", "correct $schema, or name another file", ("$schema",))]


def _with_article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def variant(name: str, root: Mapping) -> tuple[Kind, Problem | None]:
    """Return the kind in detail, and a warning when Azure would take it for the other one."""
    if name == "endpoint":
        return KINDS["Kubernetes online endpoint" if "compute" in root.entries else "managed online endpoint"], None
    written = root.get("type")
    word = written.value if isinstance(written, Scalar) and isinstance(written.value, str) else ""
    if name == "connection":
        return replace(KINDS[name], record=RECORDS.get(snake(word), ANY)), _target_elsewhere(snake(word), root)
    if name != "deployment":
        return KINDS[name], None
    if snake(word) != "kubernetes":
        return KINDS["managed online deployment"], None
    warning = None
    if word != "kubernetes" and written is not None:
        why = "Azure looks for the exact word kubernetes, and takes this for a managed deployment"
        what, fix = f"type is {word!r}", "write type: kubernetes"
        warning = Problem("W060", what, written.place, why, fix, ("type",))
    return KINDS["Kubernetes online deployment"], warning


def _target_elsewhere(kind: str, root: Mapping) -> Problem | None:
    other, written = other_name(kind), root.entries.get("target")
    if not other or written is None or other in root.entries:
        return None
    what, why = f"target in a connection of type {kind}", f"Azure wants it as {other}"
    return Problem("W060", what, written.key.place, why, f"write {other}", ("target",))


def _unknown(what: str, place: Place, why: str, fix: str = "") -> SpecError:
    return SpecError([Problem("E026", what, place, why, fix)])
