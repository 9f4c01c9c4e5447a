"""An online endpoint: a stable name, who may call it, and how its traffic is split (spec section 1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.model import names, traffic
from sandbox.model.problem import Violation

AuthMode = Literal["key", "aml_token", "aad_token"]


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """A user-assigned identity, named by its ARM id or by the id of its client."""

    resource_id: str | None = None
    client_id: str | None = None
    object_id: str | None = None
    principal_id: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom the endpoint's deployments act."""

    type: Literal["system_assigned", "user_assigned", "none"] = "system_assigned"
    user_assigned_identities: tuple[UserIdentity, ...] = ()
    principal_id: str | None = None
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An online endpoint. ``traffic`` and ``mirror_traffic`` are percentages by deployment, as they were written."""

    name: str
    description: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    auth_mode: AuthMode = "key"
    traffic: Mapping[str, int] = field(default_factory=dict)
    mirror_traffic: Mapping[str, int] = field(default_factory=dict)
    identity: Identity | None = None
    public_network_access: Literal["enabled", "disabled"] = "enabled"
    compute: str | None = None  # the Kubernetes cluster, without "azureml:"; None: a managed endpoint
    location: str | None = None

    @property
    def is_kubernetes(self) -> bool:
        """Tell whether it would run on an attached cluster in Azure."""
        return self.compute is not None


def check(endpoint: Endpoint) -> list[Violation]:
    """Find what cannot be, each value by itself being fine."""
    found = [
        *names.check(endpoint.name),
        *traffic.check(endpoint.traffic, endpoint.mirror_traffic, kubernetes=endpoint.is_kubernetes),
    ]
    if endpoint.is_kubernetes and endpoint.auth_mode == "aad_token":
        why = "Azure offers key and aml_token on Kubernetes endpoints"
        found.append(Violation("E041", ("auth_mode",), "aad_token on a Kubernetes endpoint", why, "auth_mode: key"))
    identity = endpoint.identity
    if identity and identity.type == "user_assigned" and not identity.user_assigned_identities:
        fix = "add user_assigned_identities with one resource_id"
        found.append(Violation("E041", ("identity",), "a user-assigned identity that is not named", "", fix))
    return found
