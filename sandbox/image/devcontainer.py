"""A dev container of a deployment: its image, its code, model and variables, as VS Code's Dev Containers opens it.

The file is ours as long as it says so; one that somebody wrote is left as it is, and ours lies in a folder of its own
beside it, which VS Code then offers as well.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import files
from sandbox.image import dockerfile

SCHEMA = "https://raw.githubusercontent.com/devcontainers/spec/main/schemas/devContainer.schema.json"
MARK = "endpoint-sandbox"  # among the customizations: the file is ours


@dataclass(frozen=True, slots=True)
class Described:
    """What the container is made of. ``mounts`` are (path here, path inside); ``code`` lies at ``inside``."""

    name: str  # ENDPOINT/DEPLOYMENT
    image: str
    variables: Mapping[str, str]
    code: str
    inside: str
    mounts: tuple[tuple[str, str], ...] = ()


def content(made: Described, workspace: str) -> dict[str, Any]:
    """Return the dev container; ``workspace`` is the folder of this machine that VS Code opens."""
    below = os.path.relpath(os.path.realpath(made.code), os.path.realpath(workspace))
    here = "${localWorkspaceFolder}"
    opened = made.inside if below == "." else f"/workspaces/{os.path.basename(os.path.realpath(workspace))}"
    mounts = [_mount(source, target, read_only=True) for source, target in made.mounts if target != made.inside]
    if below != ".":
        mounts.append(_mount(f"{here}/{below}", made.inside))
    return {
        "$schema": SCHEMA,
        "name": made.name,
        "image": made.image,
        "workspaceFolder": opened,
        "workspaceMount": _mount(here, opened),
        **({"mounts": mounts} if mounts else {}),
        "containerEnv": dict(sorted(made.variables.items())),
        "containerUser": "root",  # VS Code installs its own server in the container
        "overrideCommand": True,
        "forwardPorts": [dockerfile.PORT],
        "portsAttributes": {str(dockerfile.PORT): {"label": made.name, "onAutoForward": "silent"}},
        "customizations": {
            "vscode": {
                "extensions": ["ms-python.python", "ms-python.debugpy"],
                "settings": {"python.defaultInterpreterPath": dockerfile.PYTHON},
            },
            MARK: {"made for": made.name},
        },
    }


def _mount(source: str, target: str, *, read_only: bool = False) -> str:
    return f"source={source},target={target},type=bind{',readonly' if read_only else ''}"


def where(made: Described) -> str:
    """Return the path of its file: where VS Code looks first, unless somebody else's is there."""
    folder = os.path.join(workspace_of(made.code), ".devcontainer")
    path = os.path.join(folder, "devcontainer.json")
    return path if not os.path.exists(path) or _is_ours(path, made.name) else _own(folder, made.name)


def _own(folder: str, name: str) -> str:
    return os.path.join(folder, name.replace("/", "-"), "devcontainer.json")


def write(made: Described) -> str:
    """Write the dev container around the code; return its path.

    Raises:
        OSError: it cannot be written.
    """
    path = where(made)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    said = json.dumps(content(made, workspace_of(made.code)), indent=4)
    files.write(path, f"{said}\n".encode(), mode=0o644)
    return path


def workspace_of(folder: str) -> str:
    """Return the folder that is most likely open in VS Code: the nearest one around with ``.vscode``, else itself."""
    folder = around = os.path.abspath(folder)
    while not os.path.isdir(os.path.join(around, ".vscode")):
        if around in (os.path.dirname(around), os.path.expanduser("~")):
            return folder
        around = os.path.dirname(around)
    return around


def _is_ours(path: str, name: str) -> bool:
    """Tell whether the file was written for this deployment; another one's stays, too."""
    try:
        with open(path, encoding="utf-8") as file:
            return bool(json.load(file)["customizations"][MARK]["made for"] == name)
    except (OSError, ValueError, KeyError, TypeError):
        return False
