"""Connections as Azure prints them: the object of ``az ml connection show``, and the answer of ListSecrets."""

from typing import Any

from sandbox.model.connection import KEY_TYPES, Connection, Credentials
from sandbox.model.reference import WORKSPACE
from sandbox.store.connections import Kept

# YAML's words -> the service's, where they are not the same in camelCase.
_CATEGORIES = {
    "custom": "CustomKeys",
    "azure_open_ai": "AzureOpenAI",
    "open_ai": "OpenAI",
    "azure_ai_services": "AIServices",
    "azure_ai_search": "CognitiveSearch",
    "azure_content_safety": "CognitiveService",
    "azure_speech_services": "CognitiveService",
    "azure_data_lake_gen2": "ADLSGen2",
}
_AUTHENTICATION = {"pat": "PAT", "sas": "SAS", "aad": "AAD"}
_FIELDS = {"sas_token": "sas", "account_key": "key"}
_TARGETS = {"azure_open_ai": "azure_endpoint", "azure_blob": "url", "api_key": "api_base"}
_ENDPOINTS = (
    "azure_ai_services",
    "azure_ai_search",
    "azure_content_safety",
    "azure_speech_services",
    "serverless",
    "azure_one_lake",
)

_METADATA = {
    "azure_open_ai": {"api_version": "ApiVersion", "open_ai_resource_id": "ResourceId"},
    "azure_ai_services": {"ai_services_resource_id": "ResourceId"},
    "azure_blob": {"account_name": "AccountName", "container_name": "ContainerName"},
}


def as_azure(kept: Kept) -> dict[str, Any]:
    """Give what ``show`` and ``list`` print: snake_case. Credentials are in it where the connection has them."""
    connection = kept.connection
    shown: dict[str, Any] = {
        "id": f"{WORKSPACE}/connections/{connection.name}",
        "name": connection.name,
        "type": connection.type,
        "description": connection.description,
        "target": connection.target,
        "credentials": _credentials(connection.credentials),
        "is_shared": connection.is_shared,
        "metadata": dict(connection.metadata),
        "tags": dict(connection.metadata),
        "creation_context": {"created_at": kept.created, "last_modified_at": kept.modified},
    }
    also = _TARGETS.get(connection.type) or ("endpoint" if connection.type in _ENDPOINTS else None)
    if also:
        shown[also] = connection.target
    if connection.type in _METADATA:
        shown |= {key: connection.metadata.get(word) for key, word in _METADATA[connection.type].items()}
    if connection.type in KEY_TYPES:
        shown["api_key"] = connection.credentials.values.get("key")
    return {key: each for key, each in shown.items() if each is not None}


def _credentials(credentials: Credentials) -> dict[str, Any]:
    if credentials.type == "custom_keys" and credentials.values:
        return {"type": credentials.type, "keys": dict(credentials.values)}
    return {"type": credentials.type, **credentials.values}


def as_rest(connection: Connection) -> dict[str, Any]:
    """Give the answer of the service's ListSecrets, which a whole connection is injected as."""
    values = secret_names(connection.credentials)
    properties: dict[str, Any] = {
        "authType": _AUTHENTICATION.get(connection.credentials.type) or _camel(connection.credentials.type),
        "category": _CATEGORIES.get(connection.type) or _camel(connection.type),
        "target": connection.target,
        "isSharedToAll": connection.is_shared,
        "metadata": dict(connection.metadata),
        "credentials": {"keys": values} if connection.credentials.type == "custom_keys" else values or None,
    }
    return {
        "id": f"{WORKSPACE}/connections/{connection.name}",
        "name": connection.name,
        "type": "Microsoft.MachineLearningServices/workspaces/connections",
        "properties": {key: each for key, each in properties.items() if each is not None},
    }


def secret_names(credentials: Credentials) -> dict[str, str]:
    """Return the secrets by the service's names, which references use; those of custom keys are the user's own."""
    if credentials.type == "custom_keys":
        return dict(credentials.values)
    return {_FIELDS.get(key) or _lower_camel(key): value for key, value in credentials.values.items()}


def _camel(word: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in word.split("_"))


def _lower_camel(word: str) -> str:
    return word[:1] + _camel(word)[1:]
