"""What is installed in an image, as a bill of materials in the form of CycloneDX 1.5. Same image, same text."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandbox.image import dockerfile
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

LIMIT_S = 60
# Runs inside the image: Python's packages of the deployment and of the server, and those of Debian.
_LOOK = """
import importlib.metadata, json
found = set()
for one in importlib.metadata.distributions():
    if one.metadata["Name"]:
        found.add(("pypi", one.metadata["Name"], one.version))
try:
    with open("/var/lib/dpkg/status", encoding="utf-8", errors="replace") as file:
        for entry in file.read().split("\\n\\n"):
            said = dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line and line[0] != " ")
            if "installed" in said.get("Status", ""):
                found.add(("deb", said["Package"], said["Version"]))
except OSError:
    pass
print(json.dumps(sorted(found)))
"""


def of(client: "APIClient", image: str, name: str) -> str:
    """Return the bill of materials of an image.

    Args:
        client: of the engine that has it.
        image: its id.
        name: what it is called in the text.

    Raises:
        SandboxError: E120, the image cannot be looked into.
    """
    made = client.create_container(
        image,
        command=[dockerfile.PYTHON, "-c", _LOOK],
        host_config=client.create_host_config(network_mode="none", cap_drop=["ALL"], read_only=True),
    )["Id"]
    try:
        client.start(made)
        code = client.wait(made, timeout=LIMIT_S)["StatusCode"]
        said = client.logs(made, stdout=True, stderr=code != 0).decode("utf-8", "replace")
    finally:
        client.remove_container(made, force=True, v=True)
    if code != 0:
        raise SandboxError("E120", f"the packages of {name} cannot be listed", said.strip()[-500:], "")
    return text(name, [tuple(each) for each in json.loads(said)])


def text(name: str, packages: Sequence[tuple[str, ...]]) -> str:
    """Return the bill of materials for (kind, name, version) of packages."""
    components: list[dict[str, Any]] = [
        {
            "type": "library",
            "name": package,
            "version": version,
            "purl": f"pkg:{'deb/debian' if kind == 'deb' else kind}/{package.lower()}@{version}",
        }
        for kind, package, version in packages
    ]
    said = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": name}},
        "components": components,
    }
    return json.dumps(said, indent=1, sort_keys=True) + "\n"
