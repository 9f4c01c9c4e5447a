"""How the engine gives GPUs to containers, and what is missing where it cannot: driver, toolkit or CDI."""

import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Way = Literal["", "nvidia", "cdi"]
KIND = "nvidia.com/gpu"  # of devices that the toolkit describes for CDI
_DRIVERS = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/dxg")  # the last one is WSL's
TOOLKIT = "install the NVIDIA Container Toolkit, then: nvidia-ctk runtime configure --runtime=docker; restart Docker"


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing, and what to do about it."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Local:
    """What this machine shows, where the engine runs on it."""

    driver: bool
    described: bool  # for CDI


def way(info: Mapping[str, Any], local: Local | None) -> Way:
    """Return how GPUs are asked for; "" where the engine offers none.

    Args:
        info: what the engine says of itself.
        local: what this machine shows, None where the engine runs on another one.
    """
    if "nvidia" in (info.get("Runtimes") or {}):
        return "nvidia"
    discovered = [str(each.get("ID", "")) for each in info.get("DiscoveredDevices") or ()]
    if any(each.startswith(KIND) for each in discovered):
        return "cdi"
    return "cdi" if info.get("CDISpecDirs") and (local is None or local.described) else ""


def lack(info: Mapping[str, Any], local: Local | None) -> Lack | None:
    """Return what keeps containers from having GPUs, as far as it can be told without starting one; None: nothing."""
    if "BuildahVersion" in info:
        return Lack("Podman's API for Docker does not hand GPUs on to containers", "use Docker, or --backend process")
    if local is not None and not local.driver:
        return Lack("there is no NVIDIA driver on this machine", "install it; nvidia-smi then lists the GPUs")
    if way(info, local):
        return None
    if info.get("CDISpecDirs"):
        folder = (list(info["CDISpecDirs"]) or ["/etc/cdi"])[0]
        fix = f"sudo nvidia-ctk cdi generate --output={folder}/nvidia.yaml"
        return Lack(f"the engine reads CDI, and no file in {folder} describes {KIND}", fix)
    return Lack("Docker's engine has neither the runtime nvidia nor CDI", TOOLKIT)


def here(url: str, info: Mapping[str, Any]) -> Local | None:
    """Look at this machine; None where the engine at ``url`` runs on another one, or in a virtual machine."""
    if not url.startswith("unix://") or "Docker Desktop" in str(info.get("OperatingSystem", "")):
        return None
    folders = [*(info.get("CDISpecDirs") or ())]
    found = [path for folder in folders for path in glob.glob(os.path.join(glob.escape(folder), "*"))]
    return Local(any(map(os.path.exists, _DRIVERS)), any(map(_describes, found)))


def _describes(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return KIND in file.read(2**16)
    except OSError:
        return False
