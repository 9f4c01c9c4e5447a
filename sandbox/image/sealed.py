"""Sealed images in an engine: what stands on them, taking them away, and how the containers of them fare."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.image import labels
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

_FIX = "sandbox seal makes one; sandbox promote brings it to a host"


def inspect(client: "APIClient", image: str) -> dict[str, Any]:
    """Return what the engine shows of a sealed image.

    Raises:
        SandboxError: E181, it is not there, or is no sealed one.
    """
    from docker.errors import APIError

    try:
        found: dict[str, Any] = client.inspect_image(image)
    except APIError as error:
        raise SandboxError("E181", f"there is no image {image}", str(error.explanation or error), _FIX) from None
    if (found["Config"].get("Labels") or {}).get(labels.KIND) != "sealed":
        raise SandboxError("E181", f"{image} is no sealed image", "its labels do not say so", _FIX)
    return found


def described(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands on the label of a sealed image, as the engine shows it: the deployment's file.

    Raises:
        SandboxError: E181, it cannot be read.
    """
    try:
        said: dict[str, Any] = json.loads(found["Config"]["Labels"][labels.SPEC])
        return {**said, "name": str(said["name"]), "endpoint_name": str(said["endpoint_name"])}
    except (KeyError, ValueError, TypeError) as error:
        what = f"the label of {found['Id'][:19]} cannot be read"
        raise SandboxError("E181", what, str(error), "seal it anew with this version") from None


def remove(client: "APIClient", image: str) -> None:
    """Take the names of an image away, and so the image, unless a container needs it; fine if it is gone."""
    from docker.errors import APIError

    try:
        for name in client.inspect_image(image).get("RepoTags") or [image]:
            client.remove_image(name)
    except APIError as error:
        if error.status_code not in {404, 409}:
            why = str(error.explanation or error)
            raise SandboxError("E121", f"image {image[7:19]} cannot be removed", why, "try again") from None


def restarts(client: "APIClient", container: str) -> int:
    """Count how often the engine has started a container again; 0 for one that is gone."""
    from docker.errors import NotFound

    try:
        return int(client.inspect_container(container)["RestartCount"])
    except NotFound:
        return 0
