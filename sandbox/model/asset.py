"""A model: files with a name and a version (spec section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ModelType = Literal["custom_model", "mlflow_model", "triton_model"]


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
