"""JSON Schema (2020-12) of the files, made from the tables of keys.

An editor follows ``# yaml-language-server: $schema=...`` to one of them. They say no more than the tables: what needs
two values or the disk only ``sandbox validate`` sees.
"""

from typing import Any

from sandbox.spec.keys_deployment import KUBERNETES_DEPLOYMENT, MANAGED_DEPLOYMENT
from sandbox.spec.keys_endpoint import ENDPOINT, KUBERNETES_ENDPOINT
from sandbox.spec.kinds import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Return file name -> schema, for each kind of file."""
    kubernetes = {"properties": {"type": {"pattern": "^[kK]ubernetes$"}}, "required": ["type"]}
    return {
        "online-endpoint.json": _two_forms(
            "Online endpoint", {"required": ["compute"]}, KUBERNETES_ENDPOINT.schema(), ENDPOINT.schema()
        ),
        "online-deployment.json": _two_forms(
            "Online deployment", kubernetes, KUBERNETES_DEPLOYMENT.schema(), MANAGED_DEPLOYMENT.schema()
        ),
        "model.json": {"$schema": DIALECT, "title": "Model", **KINDS["model"].record.schema()},
        "environment.json": {"$schema": DIALECT, "title": "Environment", **KINDS["environment"].record.schema()},
        "connection.json": {"$schema": DIALECT, "title": "Connection", **KINDS["connection"].record.schema()},
    }


def _two_forms(title: str, test: dict[str, Any], then: dict[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of something with a Kubernetes form and a managed one, told apart by ``test``."""
    return {"$schema": DIALECT, "title": title, "type": "object", "if": test, "then": then, "else": otherwise}
