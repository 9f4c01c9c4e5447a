"""A model: files with a name and a version (spec section 2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.model.problem import Violation
from sandbox.model.reference import PREFIX

_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:")  # two letters at least: C:\model is a path
FILE_PREFIX = "file:"

ModelType = Literal["custom_model", "mlflow_model", "triton_model"]


def is_remote(path: str) -> bool:
    """Tell whether a path is an address or a reference (``https:``, ``azureml:``, ``runs:``) and no local path."""
    return bool(_REMOTE.match(path)) and not path.startswith(FILE_PREFIX)


@dataclass(frozen=True, slots=True)
class TemplateReference:
    """A deployment template in a registry; kept, and not used here."""

    asset_id: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A model. Without a name it is anonymous; ``sandbox.spec.fingerprint`` then names it by its content.

    ``path`` is absolute when it lies on this machine, else as written (``azureml://...``, ``https://...``, ``runs:/``).
    ``version`` None: the registry gives the next one.
    """

    name: str | None = None
    version: str | None = None
    path: str | None = None
    type: ModelType = "custom_model"
    description: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    flavors: Mapping[str, Any] = field(default_factory=dict)
    stage: str | None = None
    datastore: str | None = None
    system_metadata: Mapping[str, Any] = field(default_factory=dict)
    default_deployment_template: TemplateReference | None = None
    allowed_deployment_templates: tuple[TemplateReference, ...] = ()


def check(model: Model, path: tuple[str, ...] = ()) -> list[Violation]:
    """Find what keeps a model inside a deployment from having a name."""
    found = []
    if model.name is None and model.version is not None:
        why = "a model without a name is named by its content, and has version 1"
        fix = "add name, or remove version"
        found.append(Violation("E041", (*path, "version"), "a version without a name", why, fix))
    if model.name is None and model.path is not None and is_remote(model.path):
        why = "a model without a name is named by its content, which an address does not show"
        reference = model.path.startswith(PREFIX) and not model.path.startswith(f"{PREFIX}//")
        fix = f"write model: {model.path}" if reference else "add name and version"
        found.append(Violation("E041", (*path, "path"), "an address without a name", why, fix))
    return found
