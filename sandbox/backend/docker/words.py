"""What the engine is asked for, as it receives it: the container of an instance. Pure."""

import math
import os
from collections.abc import Mapping
from typing import Any

from sandbox.backend.ports import HOST
from sandbox.backend.protocol import InstanceSpec
from sandbox.model.container import Container

PREFIX = "endpoint-sandbox."
OWNER, ENDPOINT, DEPLOYMENT = f"{PREFIX}home", f"{PREFIX}endpoint", f"{PREFIX}deployment"
REVISION, INDEX, PORT = f"{PREFIX}revision", f"{PREFIX}index", f"{PREFIX}port"
SOCKET = f"{PREFIX}socket"
ROOT, MACHINE = f"{PREFIX}root", f"{PREFIX}machine"  # the folder of the home, and whose file system it is on
DOOR = "/run/sandbox"  # in a container without a network: the folder of its socket
DOOR_OF = f"{PREFIX}door-of"  # on the container that serves the socket of another one: the folder
PROBE_PORT, PROBE_PATH, OWN = f"{PREFIX}probe-port", f"{PREFIX}probe-path", f"{PREFIX}own"
COMMAND = ("/opt/sandbox/python", "-m", "inference_http", "--host", "0.0.0.0", "--errors", "detailed")  # noqa: S104 - in a container
NOBODY = 10001
MOST_PROCESSES = 4096
LOG_BYTES, LOG_PARTS = "10m", "4"
CRASHES = 3  # ends in a row that make a loop of it
# Libraries compile into a folder for temporary files and load what they made from there.
TMPFS = {"/tmp": "rw,exec,nosuid,nodev,mode=1777"}  # noqa: S108 - in a container


def name(owner: str, spec: InstanceSpec) -> str:
    """Return the container's name; that it is the only one of it keeps two commands from starting the same twice."""
    return f"sandbox-{owner}-{spec.endpoint}-{spec.deployment}-{spec.revision}-{spec.index}"


def network(owner: str) -> str:
    """Return the name of the network of a home."""
    return f"sandbox-{owner}"


def user() -> str:
    """Return who runs in a container: ourselves, so that our files can be read, but never root."""
    number = os.getuid() if hasattr(os, "getuid") else 0
    return f"{number}:{os.getgid()}" if number else f"{NOBODY}:{NOBODY}"


def labels(owner: str, spec: InstanceSpec, container: Container, ports: Mapping[int, int], door: str) -> dict[str, str]:
    """Return what is known of an instance later; ``ports``: those inside to those of this machine; ``door``: see below.

    ``door`` is the folder in which a container without network has its socket, "" for the others.
    """
    return {
        OWNER: owner,
        ENDPOINT: spec.endpoint,
        DEPLOYMENT: spec.deployment,
        REVISION: spec.revision,
        INDEX: str(spec.index),
        PORT: str(ports.get(container.port, 0)),
        PROBE_PORT: str(ports.get(container.probe_port or container.port, 0)),
        SOCKET: f"{door}/s" if door else "",
        PROBE_PATH: container.probe_path,
        OWN: "yes" if container.own else "no",
    }


def inside(spec: InstanceSpec, container: Container) -> list[int]:
    """Return the ports of the container that have to be reached, the debugger's last."""
    if not container.egress:
        return []
    found = [container.port, container.probe_port or container.port]
    debugger = debug_port(spec)
    return list(dict.fromkeys([*found, *([debugger] if debugger else [])]))


def debug_port(spec: InstanceSpec) -> int | None:
    """Return the port on which a debugger is let in, None for none."""
    if "--debug" not in spec.arguments:
        return None
    return int(spec.arguments[spec.arguments.index("--debug") + 1].rpartition(":")[2])


def command(spec: InstanceSpec, container: Container) -> list[str] | None:
    """Return the words of the server; None: the image's own. A debugger comes from outside of the container."""
    if container.own:
        return None
    debugger = debug_port(spec)
    words = list(spec.arguments)
    if debugger is not None:
        words[words.index("--debug") + 1] = f"0.0.0.0:{debugger}"
    server = [*COMMAND, "--port", str(container.port), *words]
    if container.egress:
        return server
    # The relay is nobody's child when the server begins, which ends it with the container.
    relay = f"({COMMAND[0]} /opt/sandbox/relay.py {DOOR}/s {container.port} &)"
    return ["sh", "-c", f'{relay}; exec "$@"', "sh", *server]


def environment(spec: InstanceSpec, container: Container) -> dict[str, str]:
    """Return the variables; programs that ask who they are get an answer although the user has no name."""
    ours = {} if container.own else {"HOME": "/tmp", "USER": "sandbox", "LOGNAME": "sandbox", "LANG": "C.UTF-8"}  # noqa: S108
    return {**ours, **spec.variables}


def host_config(
    spec: InstanceSpec,
    container: Container,
    ports: Mapping[int, int],
    *,
    network: str,
    cpus: int,
    podman: bool,
    door: str = "",
    lender: str = "",
) -> dict[str, Any]:
    """Return the arguments of ``create_host_config``: limits, mounts, ports and what the container may not do.

    Args:
        spec: the instance.
        container: its container.
        ports: those inside to those of this machine; all on the loopback address.
        network: its name.
        cpus: of the machine that the engine runs on; it refuses more.
        podman: it is Podman, which wants to be told limits of files and processes, and fails with its own.
        door: the folder for the socket of one that has no network.
        lender: the container whose (empty) network one with a server of its own shares.
    """
    from docker.types import DeviceRequest, LogConfig, Mount

    words: dict[str, Any] = {
        "mounts": [Mount(each.target, each.source, "bind", read_only=each.read_only) for each in container.mounts],
        "port_bindings": {port: (HOST, outside) for port, outside in ports.items()},
        "log_config": LogConfig(type="json-file", config={"max-size": LOG_BYTES, "max-file": LOG_PARTS}),
        "security_opt": ["no-new-privileges"],
        "network_mode": network,
        "init": True,
        "pids_limit": MOST_PROCESSES,
        # The engine does nothing by itself until it has served once: what ends before that will end again.
        "restart_policy": {"Name": "no"},
    }
    if podman:
        words["ulimits"] = podman_limits()
    if container.own:
        words["cap_drop"] = ["MKNOD", "NET_RAW"]
    else:
        words |= {"cap_drop": ["ALL"], "read_only": True, "tmpfs": TMPFS}
    if not container.egress:
        words["network_mode"] = f"container:{lender}" if lender else "none"
        if not lender:
            words["mounts"].append(Mount(DOOR, door, "bind", read_only=False))
        del words["port_bindings"]
    if spec.memory_bytes is not None:
        words |= {"mem_limit": spec.memory_bytes, "memswap_limit": spec.memory_bytes}
    if spec.cpus is not None and spec.cpus < cpus:
        words["nano_cpus"] = round(spec.cpus * 1e9)
    if spec.gpus and container.gpus:
        words["device_requests"] = [
            DeviceRequest(driver="cdi", device_ids=[f"nvidia.com/gpu={number}" for number in range(spec.gpus)])
            if container.cdi
            else DeviceRequest(count=spec.gpus, capabilities=[["gpu"]])
        ]
    return words


def podman_limits() -> list[Any]:
    """Return limits that Podman is told: its own are above those of its process, and it fails with them."""
    from docker.types import Ulimit

    most = MOST_PROCESSES
    return [Ulimit(name="nofile", soft=1024, hard=4096), Ulimit(name="nproc", soft=most, hard=most)]


def sentences(spec: InstanceSpec, cpus: int, memory_bytes: int) -> list[str]:
    """Say what is enforced; what is more than the machine has is only what the machine has."""
    found = []
    if spec.cpus is not None and math.ceil(spec.cpus) > cpus:
        found.append(f"{spec.cpus:g} cores: the engine has {cpus}, the instance may use them all")
    if spec.memory_bytes is not None and memory_bytes and spec.memory_bytes > memory_bytes:
        found.append(f"{spec.memory_bytes / 2**30:.3g} GiB of memory: the engine has {memory_bytes / 2**30:.3g} GiB")
    return found
