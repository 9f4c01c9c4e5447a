"""What Compose, Swarm and systemd say alike of a container: how it is probed, limited and logged. Pure."""

import math
from typing import Any, Final

from sandbox.export.bundle import Member
from sandbox.gateway import alone
from sandbox.model.container import SERVER_PORT

PYTHON: Final = "/opt/sandbox/python"  # of a sealed image
LOG: Final = {"max-size": "10m", "max-file": "4"}
PROCESSES: Final = 4096
GATEWAY_PROCESSES: Final = 256
GATEWAY_MEMORY_MB: Final = 512
TMPFS: Final = "/tmp:rw,exec,nosuid,nodev,mode=1777"  # noqa: S108 - in a container
GATEWAY_TMPFS: Final = "/tmp:rw,noexec,nosuid,nodev,mode=1777,size=16m"  # noqa: S108 - in a container
LONGEST_INTERVAL_S: Final = 10


def check(member: Member) -> list[str]:
    """Return the command that asks an instance, inside of its container, whether it is ready."""
    timeout = member.deployment.readiness_probe.timeout
    program = (
        f"import http.client as h; c = h.HTTPConnection('127.0.0.1', {SERVER_PORT}, timeout={timeout}); "
        "c.request('GET', '/'); raise SystemExit(c.getresponse().status != 200)"
    )
    return [PYTHON, "-I", "-S", "-c", program]


def gateway_check() -> list[str]:
    """Return the command that asks the gateway; its image has bash and little else."""
    said = f"exec 3<>/dev/tcp/127.0.0.1/{alone.WATCH_PORT} && echo -e 'GET {alone.READY} HTTP/1.0\\r\\n\\r' >&3"
    return ["bash", "-c", f"{said} && head -1 <&3 | grep -q ' 200 '"]


def healthcheck(member: Member) -> dict[str, Any]:
    """Return when it is asked, in the words of Compose."""
    probe = member.deployment.readiness_probe
    return {
        "test": ["CMD", *check(member)],
        "interval": f"{min(probe.period, LONGEST_INTERVAL_S)}s",
        "timeout": f"{probe.timeout + 1}s",
        "retries": probe.failure_threshold,
        "start_period": f"{probe.initial_delay}s",
    }


def gateway_healthcheck() -> dict[str, Any]:
    """Return when the gateway is asked."""
    return {"test": ["CMD", *gateway_check()], "interval": "5s", "timeout": "3s", "retries": 3, "start_period": "10s"}


def megabytes(member: Member) -> int | None:
    """Return the limit of memory in MiB, None for none."""
    return None if member.memory is None else max(6, math.floor(member.memory / 2**20))


def unlimited(member: Member) -> str:
    """Return what to say where there is no limit of memory or cores, "" where there is."""
    if member.cpus is not None and member.memory is not None:
        return ""
    known = member.deployment.instance_type
    why = f"instance_type {known} is not known" if known else "the deployment has no instance_type"
    return f"No limit of cores and memory: {why}."
