"""The packages of a model, as MLflow wrote them beside it: conda.yaml, else python_env.yaml and requirements.txt."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.mlflow.mlmodel import SERVED_FLAVOR, MlflowModel, load_yaml
from sandbox.model.deployment import Deployment
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError

PROPERTY = "sandbox.mlflow"
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^]]*\])?\s*(.*)", re.DOTALL)
_OWN = {"mlflow", "mlflow-skinny"}


@dataclass(frozen=True, slots=True)
class Packages:
    """What to install for a model, and what is done otherwise than its files say."""

    environment: Environment
    notes: tuple[str, ...] = ()


def variant(deployment: Deployment) -> Literal["skinny", "full"]:
    """Return which MLflow serves: mlflow-skinny, which has what serving needs, or all of mlflow.

    Raises:
        SandboxError: E060, the property is something else.
    """
    said = str(deployment.properties.get(PROPERTY, "skinny")).lower()
    if said == "skinny":
        return "skinny"
    if said == "full":
        return "full"
    raise SandboxError("E060", f"property {PROPERTY} is {said!r}", "", "give skinny or full")


def of(model: MlflowModel, which: Literal["skinny", "full"] = "skinny") -> Packages:
    """Return the environment of a model.

    Raises:
        SandboxError: E125, a file is not understood.
    """
    path = model.file_of_environment("conda", "conda.yaml")
    content = load_yaml(path) if os.path.isfile(path) else None
    if isinstance(content, Mapping) and isinstance(content.get("dependencies"), list):
        dependencies = [entry for entry in content["dependencies"] if not isinstance(entry, Mapping)]
        lists = [entry.get("pip") or [] for entry in content["dependencies"] if isinstance(entry, Mapping)]
        pip = [str(line) for one in lists if isinstance(one, list) for line in one]
    else:
        path = os.path.join(model.folder, "requirements.txt")
        content, dependencies, pip = {}, _python(model), _lines(path)
    lines, notes = _served(pip, [str(entry) for entry in dependencies], model.mlflow_version, which)
    conda = {**content, "dependencies": [*dependencies, {"pip": lines}]}
    conda.pop("name", None)
    return Packages(Environment(conda=conda, conda_file=path), tuple(notes))


def _python(model: MlflowModel) -> list[str]:
    path = model.file_of_environment("virtualenv", "python_env.yaml")
    said = load_yaml(path) if os.path.isfile(path) else None
    version = said.get("python") if isinstance(said, Mapping) else None
    version = version or model.flavors[SERVED_FLAVOR].get("python_version")
    return [f"python={version}"] if version else []


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return [text for line in file if (text := line.strip()) and not text.startswith("#")]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SandboxError("E125", f"{path} cannot be read", str(error), "log the model again") from None


def _served(
    pip: Sequence[str], conda: Sequence[str], version: str, which: Literal["skinny", "full"]
) -> tuple[list[str], list[str]]:
    """Return pip's lines with an MLflow that serves, and what was changed."""
    lines, notes = list(pip), []
    named = {_canonical(line): number for number, line in enumerate(lines)}
    present = set(named) | {_canonical(line) for line in conda}
    number = named.get("mlflow")
    if number is not None and which == "skinny" and (plain := _to_skinny(lines[number], version)):
        notes.append(f"{plain} instead of {lines[number].strip()}: all that serving needs; property {PROPERTY}: full")
        lines[number] = plain
    elif not present & _OWN:
        added = ("mlflow" if which == "full" else "mlflow-skinny") + (f"=={version}" if version else "")
        notes.append(f"{added} added: the model's packages have no MLflow")
        lines.append(added)
    skinny = any(_canonical(line) == "mlflow-skinny" for line in (*lines, *conda))
    missing = [text for name, text in _companions(_numbers(version), skinny=skinny) if name not in present]
    return [*lines, *missing], notes


def _companions(version: tuple[int, ...], *, skinny: bool) -> list[tuple[str, str]]:
    """Return what models are scored with and MLflow does not bring itself: name and requirement.

    mlflow-skinny leaves out what mlflow has, limited here as MLflow limited it then. Before version 3, MLflow imports
    pkg_resources, which conda's Pythons have and virtual environments lack.
    """
    before_3, before_numpy_2 = bool(version) and version < (3,), bool(version) and version < (2, 14)
    found = [("setuptools", "setuptools<81")] if before_3 else []
    if skinny:
        found.append(("numpy", "numpy<2" if before_numpy_2 else "numpy"))
        found.append(("pandas", "pandas<3" if before_3 else "pandas"))
    return found


def _to_skinny(line: str, version: str) -> str:
    """Return the requirement of mlflow as one of mlflow-skinny, "" where it asks for more than a version.

    Where it asks for none, the version that logged the model is asked for.
    """
    found = _NAME.fullmatch(line)
    if found is None or found[2] or found[3].startswith("@"):
        return ""
    return f"mlflow-skinny{found[3].strip() or (f'=={version}' if version else '')}"


def _canonical(line: Any) -> str:
    found = _NAME.match(str(line).rpartition("::")[2])
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
