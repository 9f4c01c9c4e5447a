"""The sealed image of a deployment: packages, server, code and model in one, for ``docker run`` anywhere."""

import contextlib
import importlib.metadata
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.image import archive, dockerfile, labels, ship_parts
from sandbox.model.connection import refers_to_secret
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

SCHEMA = "1"
GIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed.

    ``folders`` are (absolute path inside, path here), the code last; ``spec`` describes it, on a label.
    """

    name: str  # ENDPOINT-DEPLOYMENT
    environment: str  # id of the image to stand on
    folders: tuple[tuple[str, str], ...]
    variables: Mapping[str, str]
    spec: Mapping[str, Any]
    commit: str = ""


def write(client: "APIClient", content: Content, folder: str) -> str:
    """Make the image and return its id: the same content on the same environment always has the same.

    Args:
        client: of the engine that has the environment's image.
        content: what is sealed.
        folder: for files that are large and of a moment.

    Raises:
        SandboxError: E120, a file cannot be read; E121, the engine does not take it.
    """
    base = client.inspect_image(content.environment)
    inside = [(path.lstrip("/"), source) for path, source in content.folders]
    # The last one, the code, is a layer of its own: another version of it moves no model.
    parts = [part for part in (inside[:-1], inside[-1:]) if part] or [[]]
    try:
        with contextlib.ExitStack() as stack:
            tops = [stack.enter_context(archive.layer(folder, [], part)) for part in parts]
            config = archive.configuration(base, tops, _changes(base, content))
            image = archive.load(client, base, tops, config, folder)
            ship_parts.keep(folder, image, config, tops)
            return image
    except OSError as error:
        why = f"{error.filename or folder}: {error.strerror or error}"
        raise SandboxError("E120", "code and model cannot be put into the image", why, "see why") from None


def _changes(base: Mapping[str, Any], content: Content) -> dict[str, Any]:
    env = dict(each.split("=", 1) for each in base["Config"]["Env"] or ())
    env |= {name: value for name, value in content.variables.items() if not refers_to_secret(value)}
    kept = {name: value for name, value in (base["Config"]["Labels"] or {}).items() if name == labels.BASE}
    said = {
        **kept,
        labels.KIND: "sealed",
        labels.SCHEMA: SCHEMA,
        labels.SPEC: json.dumps(content.spec, sort_keys=True, separators=(",", ":")),
        labels.VERSION: importlib.metadata.version("endpoint-sandbox"),
        "org.opencontainers.image.title": content.name,
    }
    if content.commit:
        said["org.opencontainers.image.revision"] = content.commit
    return {
        "Env": [f"{name}={value}" for name, value in sorted(env.items())],
        "Labels": said,
        "User": "10001:10001",
        "WorkingDir": content.variables.get("AML_APP_ROOT", dockerfile.APP),
    }


def commit_of(folder: str) -> str:
    """Return the commit that a folder is at, with ``-dirty`` where files of it differ; "" where git knows nothing."""
    if not os.path.isdir(folder):
        return ""
    try:
        words = ["git", "-C", folder]
        head = subprocess.run([*words, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=GIT_S, check=False)
        status = subprocess.run(
            [*words, "status", "--porcelain", "--", "."], capture_output=True, text=True, timeout=GIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if head.returncode != 0:
        return ""
    return head.stdout.strip() + ("-dirty" if status.stdout.strip() else "")
