"""What the file MLmodel says about a model; it is read, and nothing of the model is loaded."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.model.errors import SandboxError

FILE = "MLmodel"
SERVED_FLAVOR = "python_function"
_LARGEST = 4 * 1024 * 1024  # bytes; signatures of thousands of columns have some hundred KiB

Spec = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MlflowModel:
    """A model's description. Inputs, outputs and params are None where the model was logged without a signature."""

    folder: str
    flavors: Mapping[str, Any] = field(default_factory=dict)
    mlflow_version: str = ""  # that logged it, "" where it is not said
    inputs: tuple[Spec, ...] | None = None
    outputs: tuple[Spec, ...] | None = None
    params: tuple[Spec, ...] | None = None
    example: Mapping[str, Any] = field(default_factory=dict)  # saved_input_example_info

    def file_of_environment(self, kind: str, usual: str) -> str:
        """Return where a description of the packages should lie: ``kind`` is conda or virtualenv."""
        said = self.flavors[SERVED_FLAVOR].get("env")
        name = said.get(kind) if isinstance(said, Mapping) else said if kind == "conda" else None
        return os.path.join(self.folder, name if isinstance(name, str) else usual)


def read(folder: str) -> MlflowModel:
    """Read the description of a model in a folder.

    Raises:
        SandboxError: E125 there is none, or it is not understood; E126 it has no flavour that can be served.
    """
    path = os.path.join(folder, FILE)
    said = load_yaml(path) if os.path.isfile(path) else _missing(folder)
    flavors = said.get("flavors") if isinstance(said, Mapping) else None
    if not isinstance(flavors, Mapping):
        raise SandboxError("E125", f"{path} is not what MLflow writes", "it has no flavors", "log the model again")
    if not isinstance(flavors.get(SERVED_FLAVOR), Mapping):
        has = f"it has {', '.join(map(str, flavors))}" if flavors else "it has none"
        fix = "log it with mlflow.<library>.log_model, which adds it; or write a scoring script of your own"
        raise SandboxError("E126", f"the model in {folder} has no flavour {SERVED_FLAVOR}", has, fix)
    signature, example = said.get("signature"), said.get("saved_input_example_info")
    signature = signature if isinstance(signature, Mapping) else {}
    return MlflowModel(
        folder=folder,
        flavors=flavors,
        mlflow_version=str(said.get("mlflow_version") or ""),
        inputs=_specs(signature.get("inputs"), path),
        outputs=_specs(signature.get("outputs"), path),
        params=_specs(signature.get("params"), path),
        example=example if isinstance(example, Mapping) else {},
    )


def load_yaml(path: str) -> Any:
    """Read a small YAML file of a model.

    Raises:
        SandboxError: E125, it cannot be read or is no YAML.
    """
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise SandboxError("E125", f"{path} is too large", "MLflow writes a few kilobytes", "log the model again")
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        why = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise SandboxError("E125", f"{path} cannot be read", why, "log the model again") from None


def _missing(folder: str) -> Any:
    what = f"there is no file {FILE} in {folder}"
    if os.path.isfile(folder):
        what, why = f"{folder} is a file", "a model of type mlflow_model is a folder"
        fix = f"path: {os.path.dirname(folder)}" if os.path.isfile(_in(os.path.dirname(folder))) else ""
        raise SandboxError("E125", what, why, fix or "name the folder that MLflow wrote, or type: custom_model")
    inner = [name for name in sorted(_names(folder)) if os.path.isfile(_in(os.path.join(folder, name)))]
    why = "every model that MLflow writes has one, and the model is of type mlflow_model"
    fix = f"path: {os.path.join(folder, inner[0])}" if inner else "name the folder that MLflow wrote, or another type"
    raise SandboxError("E125", what, why, fix)


def _in(folder: str) -> str:
    return os.path.join(folder, FILE)


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        why = error.strerror or ""
        raise SandboxError("E125", f"the model's folder {folder} cannot be read", why, "correct the path") from None


def _specs(text: Any, path: str) -> tuple[Spec, ...] | None:
    """Read a part of the signature: JSON in a text."""
    if text is None:
        return None
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise SandboxError("E125", f"the signature in {path} is no JSON", str(error), "log the model again") from None
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        return None  # of a kind that came later; MLflow itself judges the requests
    return tuple(found)
