"""Why a container does not serve, from what the engine tells of it and from its last lines. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sandbox.backend import ending
from sandbox.backend.protocol import Failure
from sandbox.model.errors import SandboxError

NO_GPU = (
    "install the NVIDIA driver and the NVIDIA Container Toolkit, then: nvidia-ctk runtime configure --runtime=docker; "
    "or choose an instance_type without GPU"
)
_GPU = ("could not select device driver", "unknown runtime specified nvidia", "nvidia-container-cli")


def explain(found: Mapping[str, Any], log: Sequence[str]) -> Failure:
    """Say why a container has ended. ``found`` is what the engine shows of it."""
    state = found["State"]
    code = int(state.get("ExitCode") or 0)
    # The engine writes 128 + n where signal n has ended it, and keeps OOMKilled where only a child was killed.
    failure = ending.explain(
        128 - code if code > 128 else code, log, rebooted=False, oom_kills=1 if state.get("OOMKilled") else 0
    )
    last = tuple(log[-ending.SHOWN :])
    if state.get("OOMKilled") and failure.kind != "memory":
        limit = int(found["HostConfig"].get("Memory") or 0)
        had = f" of {limit / 2**20:.0f} MiB" if limit else ""
        failure = Failure("memory", f"it needed more memory than its limit{had}: {failure.summary}", log=last)
    if state.get("Error") and failure.kind == "ended":
        failure = Failure("ended", f"the engine could not start it: {state['Error']}", log=last)
    count = int(found.get("RestartCount") or 0)
    if count and failure.kind != "script":
        failure = replace(failure, kind="loop", summary=f"it ended {count + 1} times, the last time: {failure.summary}")
    return failure


def refused(name: str, why: str) -> SandboxError:
    """Return the error for a container that the engine does not make or start; ``why`` are its own words."""
    said = why.lower()
    if any(sign in said for sign in _GPU):
        return SandboxError("E118", f"{name} gets no GPU", why, NO_GPU)
    if "bind source path does not exist" in said:
        path = why.rpartition("does not exist:")[2].strip()
        what = f"{path} is missing, and a container was to see it"
        return SandboxError("E117", what, why, "the engine has to see the same files as this program")
    if "no such image" in said:
        return SandboxError("E117", f"{name}: its image was removed", why, "update the deployment: it is built again")
    fix = "sandbox doctor shows what the engine is"
    if "executable file not found" in said or "no such file or directory" in said:
        fix = "the image does not hold what it is told to start"
    return SandboxError("E117", f"{name} cannot be started", why, fix)
