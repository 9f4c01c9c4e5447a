"""Endpoints and deployments as ``az ml`` prints them: snake_case, None left out (spec section 5)."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sandbox.model.asset import Model
from sandbox.model.collector import DataCollector
from sandbox.model.connection import Connection
from sandbox.model.deployment import Deployment, KubernetesDeployment, ManagedDeployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.environment import Environment
from sandbox.model.reference import WORKSPACE, AssetReference
from sandbox.model.serving import Probe, Resources, ScaleSettings
from sandbox.model.state import DeploymentState, EndpointState
from sandbox.ops import scoring


def endpoint(state: EndpointState, base: str) -> dict[str, Any]:
    """Return an endpoint with what only the service knows: addresses (that begin with ``base``), id, state."""
    identifier = f"{WORKSPACE}/onlineEndpoints/{state.name}"
    said = endpoint_mapping(state.endpoint)
    mirrored = {name.lower() for name in said.get("mirror_traffic", {})}
    traffic = {name: 0 for name in state.deployments if name not in mirrored} | said.get("traffic", {})
    return {
        **said,
        "id": identifier,
        "kind": "K8S" if state.endpoint.is_kubernetes else "Managed",
        "location": state.endpoint.location or "local",
        "mirror_traffic": said.get("mirror_traffic", {}),
        "openapi_uri": f"{base}/swagger.json",
        "properties": {**said.get("properties", {}), "azureml.onlineendpointid": identifier},
        "provisioning_state": state.state,
        "scoring_uri": f"{base}{scoring.path(state)}",
        "tags": said.get("tags", {}),
        "traffic": traffic,
    }


def endpoint_mapping(value: Endpoint) -> dict[str, Any]:
    """Return what would stand in the endpoint's file."""
    identity = value.identity and {
        "type": value.identity.type,
        "user_assigned_identities": [_without_none(asdict(each)) for each in value.identity.user_assigned_identities],
    }
    if identity and not identity["user_assigned_identities"]:
        del identity["user_assigned_identities"]
    return _without_none(
        {
            "name": value.name,
            "description": value.description,
            "tags": dict(value.tags) or None,
            "properties": dict(value.properties) or None,
            "auth_mode": value.auth_mode,
            "traffic": dict(value.traffic) or None,
            "mirror_traffic": dict(value.mirror_traffic) or None,
            "identity": identity,
            "public_network_access": value.public_network_access,
            "compute": value.compute and f"azureml:{value.compute}",
            "location": value.location,
        }
    )


def deployment(state: DeploymentState) -> dict[str, Any]:
    """Return a deployment with what only the service knows."""
    value = state.wanted
    said = deployment_mapping(value)
    where = f"onlineEndpoints/{value.endpoint_name}/deployments/{value.name}"
    failure = state.failure
    return _without_none(
        {
            **said,
            "model": _named(value.model),
            "environment": _named(value.environment),
            "id": f"{WORKSPACE}/{where}",
            "properties": {**said.get("properties", {}), **_ours(state)},
            "provisioning_state": state.state,
            "creation_context": {"created_at": state.created, "last_modified_at": state.changed},
            "tags": said.get("tags", {}),
            "error": failure
            and {"code": failure.code, "message": failure.what, "why": failure.why, "fix": failure.fix},
        }
    )


def _ours(state: DeploymentState) -> dict[str, str]:
    """What only this program knows, among the properties."""
    said = {"sandbox.revision": state.serving.id if state.serving else ""}
    if state.serving is not None and state.serving.container is not None:
        said |= {"sandbox.backend": state.backend, "sandbox.image": state.serving.image}
    return said if state.debug_port is None else said | {"sandbox.debug_port": str(state.debug_port)}


def deployment_mapping(value: Deployment) -> dict[str, Any]:
    """Return what would stand in the deployment's file, model and environment written out."""
    code = value.code_configuration
    said: dict[str, Any] = {
        "name": value.name,
        "endpoint_name": value.endpoint_name,
        "description": value.description,
        "tags": dict(value.tags) or None,
        "properties": dict(value.properties) or None,
        "model": model_mapping(value.model),
        "model_mount_path": value.model_mount_path,
        "code_configuration": code and _without_none({"code": code.code, "scoring_script": code.scoring_script}),
        "environment": environment_mapping(value.environment),
        "environment_variables": {
            name: "" if each is None else each for name, each in value.environment_variables.items()
        },
        "instance_type": value.instance_type,
        "instance_count": value.instance_count,
        "app_insights_enabled": value.app_insights_enabled,
        "request_settings": asdict(value.request_settings),
        "liveness_probe": asdict(value.liveness_probe),
        "readiness_probe": asdict(value.readiness_probe),
        "startup_probe": asdict(value.startup_probe) if isinstance(value.startup_probe, Probe) else None,
        "scale_settings": _scale(value.scale_settings),
        "data_collector": _collector(value.data_collector),
    }
    if isinstance(value, KubernetesDeployment):
        said |= {"type": "kubernetes", "resources": _resources(value.resources)}
    if isinstance(value, ManagedDeployment):
        said |= {
            "type": "managed",
            "egress_public_network_access": value.egress_public_network_access,
            "private_network_connection": value.private_network_connection,
        }
    return _without_none(said)


def model_mapping(value: Model | AssetReference | None) -> dict[str, Any] | str | None:
    """Return a model as it stands in a file."""
    if value is None:
        return None
    if isinstance(value, AssetReference):
        return value.text
    kept = ("name", "version", "path", "type", "description", "stage", "datastore")
    said = {key: getattr(value, key) for key in kept}
    return _without_none(said | {key: dict(getattr(value, key)) or None for key in ("tags", "properties", "flavors")})


def environment_mapping(value: Environment | AssetReference | None) -> dict[str, Any] | str | None:
    """Return an environment as it stands in a file; a conda file is written out."""
    if value is None:
        return None
    if isinstance(value, AssetReference):
        return value.text
    return _without_none(
        {
            "name": value.name,
            "version": value.version,
            "description": value.description,
            "image": value.image,
            "build": value.build and _without_none(asdict(value.build)),
            "conda_file": value.conda_file if value.conda_file and os.path.exists(value.conda_file) else value.conda,
            "inference_config": value.inference_config and asdict(value.inference_config),
            "os_type": value.os_type,
            "tags": dict(value.tags) or None,
        }
    )


def connection_mapping(value: Connection) -> dict[str, Any]:
    """Return a connection as it stands in a file, its secrets included."""
    return _without_none(
        {
            "name": value.name,
            "type": value.type,
            "target": value.target,
            "description": value.description,
            "credentials": {"type": value.credentials.type, **value.credentials.values},
            "is_shared": value.is_shared,
            "metadata": dict(value.metadata) or None,
        }
    )


def _named(value: Model | Environment | AssetReference | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, AssetReference):
        return value.text
    return f"azureml:{value.name}:{value.version}"


def _scale(value: ScaleSettings) -> dict[str, Any]:
    return {"type": "default"} if value.type == "default" else asdict(value)


def _resources(value: Resources) -> dict[str, Any] | None:
    said = {
        name: _without_none({"cpu": each.cpu, "memory": each.memory, "nvidia.com/gpu": each.gpu})
        for name, each in (("requests", value.requests), ("limits", value.limits))
    }
    return {name: each for name, each in said.items() if each} or None


def _collector(value: DataCollector | None) -> dict[str, Any] | None:
    if value is None:
        return None
    collections = {
        name: _without_none(
            {
                "enabled": str(each.enabled).lower(),
                "data": each.data and _without_none(asdict(each.data)),
                "client_id": each.client_id,
            }
        )
        for name, each in value.collections.items()
    }
    logging = value.request_logging
    return _without_none(
        {
            "collections": collections,
            "rolling_rate": value.rolling_rate,
            "sampling_rate": value.sampling_rate,
            "request_logging": logging and {"capture_headers": list(logging.capture_headers)},
        }
    )


def _without_none(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if value is not None}
