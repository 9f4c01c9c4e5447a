"""A registered version as people see it: the object that ``az ml model show`` prints (spec section 5)."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Generic

from sandbox.model.asset import Model
from sandbox.model.reference import WORKSPACE
from sandbox.store.registry_records import Asset, Kind, Version


@dataclass(frozen=True, slots=True)
class Registered(Generic[Asset]):
    """One version with what is known of it. ``latest_version`` is set where it stands for its name in a list."""

    kind: Kind
    version_kept: Version[Asset]
    registry: str | None = None
    latest_version: str | None = None
    hidden: bool = False  # the name is archived with all its versions

    @property
    def value(self) -> Asset:
        """Return the model or environment, with paths in our store."""
        return self.version_kept.value

    @property
    def name(self) -> str:
        """Return the name, in lower case."""
        return self.value.name or ""

    @property
    def version(self) -> str:
        """Return the version."""
        return self.value.version or ""

    @property
    def created(self) -> str:
        """Return when it was registered: ISO 8601, UTC."""
        return self.version_kept.created

    @property
    def archived(self) -> bool:
        """Tell whether lists leave it out."""
        return self.hidden or self.version_kept.archived

    @property
    def id(self) -> str:
        """Return the id, which is a reference when ``azureml:`` stands before it (a registry's is one as it is)."""
        above = f"azureml://registries/{self.registry}" if self.registry else WORKSPACE
        return f"{above}/{self.kind}s/{self.name}/versions/{self.version}"

    def as_azure(self) -> dict[str, Any]:
        """Give what ``show`` and ``list`` print: snake_case, without what is not set. Values of tags are text."""
        value = self.value
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "latest_version": self.latest_version,
            "description": value.description,
            "tags": _texts(value.tags),
            "creation_context": {
                "created_at": self.created,
                "created_by_type": "User",
                "last_modified_at": self.version_kept.modified,
                "last_modified_by_type": "User",
            },
        }
        if isinstance(value, Model):
            shown |= {"path": value.path, "type": value.type, "properties": _texts(value.properties)}
            shown |= {"stage": value.stage, "flavors": dict(value.flavors) or None}
        else:
            shown |= {"image": value.image, "os_type": value.os_type, "conda_file": value.conda}
            shown |= {"build": value.build and dataclasses.asdict(value.build)}
            shown |= {"inference_config": value.inference_config and dataclasses.asdict(value.inference_config)}
        return {key: each for key, each in shown.items() if each is not None}


def _texts(values: Any) -> dict[str, str]:
    return {str(key): str(each) for key, each in values.items() if each is not None}
