"""A Swarm of two engines, each in a network namespace of its own, and a registry that both reach; as root only.

A third namespace is the switch between them and this machine, whose own rules of forwarding would drop what engines
say to each other. Pulling a plug of it takes a node from the others without a word, as the end of a machine does.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.containers import REQUIRED
from tests.support.exported import needs

LIMIT_S = 60.0
READY_S = 30.0


def until(condition: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
    """Wait for a true value and return it."""
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


def run(*words: str, check: bool = True, **more: Any) -> str:
    """Run a command; return what it printed."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=110, check=False, **more)
    assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def within(namespace: str, *words: str) -> list[str]:
    """A command in a namespace; `ip netns exec` would hide the control groups."""
    return ["nsenter", f"--net=/var/run/netns/{namespace}", *words]


@dataclass
class Node:
    """One engine. ``address`` is that of its machine, ``plug`` its end of the cable in the switch."""

    name: str
    address: str
    plug: str
    folder: Path
    engine: "subprocess.Popen[bytes] | None" = None

    @property
    def socket(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def docker(self, *words: str, check: bool = True, **more: Any) -> str:
        return run("docker", "-H", self.socket, *words, check=check, **more)

    def inside(self, *words: str) -> list[str]:
        """A command as a process of this machine runs it."""
        return within(self.name, *words)


@dataclass
class Swarm:
    """Two nodes, the first of them the manager. ``registry`` is how nodes call it, ``push`` how this machine does."""

    folder: Path
    network: str
    switch: str
    port: int
    nodes: list[Node] = field(default_factory=list)
    servers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def manager(self) -> Node:
        return self.nodes[0]

    @property
    def uplink(self) -> str:
        return f"{self.switch}up"

    @property
    def registry(self) -> str:
        return f"{self.network}.1:{self.port}"

    @property
    def push(self) -> str:
        return f"127.0.0.1:{self.port}"

    def give(self, engine: Any, image: str, name: str) -> None:
        """Push an image of the engine here; ``name`` is the nodes' own name of it."""
        repository, _, tag = name.removeprefix(f"{self.registry}/").rpartition(":")
        here = f"{self.push}/{repository}"
        engine.tag(image, here, tag)
        try:
            said = list(engine.push(here, tag, stream=True, decode=True))
            assert not [line for line in said if "error" in line], said[-1]
        finally:
            engine.remove_image(f"{here}:{tag}")

    def tasks(self, service: str) -> dict[str, int]:
        """How many tasks of a service run, by the name of the node."""
        found: dict[str, int] = {}
        ids = self.manager.docker("service", "ps", "-q", "-f", "desired-state=running", service, check=False).split()
        for each in json.loads(self.manager.docker("inspect", *ids)) if ids else []:
            if each["Status"]["State"] == "running":
                found[each["NodeID"]] = found.get(each["NodeID"], 0) + 1
        return found

    def pull_plug(self, node: Node) -> None:
        """What is on its way to or from the node is lost from now on."""
        run(*within(self.switch, "ip", "link", "set", node.plug, "down"))


def needed() -> None:
    """Skip, or fail where tests with Docker are required, when none can be made here."""
    for program in ("dockerd", "docker-registry", "ip", "nsenter"):
        needs(program)
    if os.geteuid() != 0:
        text = "a Swarm of two engines needs root"
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(text)
        pytest.skip(text)


@contextlib.contextmanager
def swarm() -> Iterator[Swarm]:
    """Make one; ends and removes all of it."""
    needed()
    number = 100 + os.getpid() % 100  # names, addresses and the port are a process's own
    folder = Path(tempfile.mkdtemp(prefix="swarm-"))
    made = Swarm(folder, f"10.{number}.7", f"sbx{number}", 5000 + number)
    try:
        run("ip", "netns", "add", made.switch)
        run(*within(made.switch, "ip", "link", "add", "bridge", "type", "bridge"))
        run(*within(made.switch, "ip", "link", "set", "bridge", "up"))
        _cable(made, made.uplink, "here")
        run("ip", "address", "add", f"{made.network}.1/24", "dev", made.uplink)
        run("ip", "link", "set", made.uplink, "up")
        _registry(made)
        for index in (1, 2):
            made.nodes.append(_node(made, number, index))
        for node in made.nodes:
            until(
                lambda node=node: node.docker("version", "-f", "{{.Server.Version}}", check=False).strip(),
                node.name,
                READY_S,
            )
        made.manager.docker("swarm", "init", "--advertise-addr", made.manager.address)
        made.manager.docker("swarm", "update", "--dispatcher-heartbeat", "2s")
        token = made.manager.docker("swarm", "join-token", "-q", "worker").strip()
        made.nodes[1].docker("swarm", "join", "--token", token, f"{made.manager.address}:2377")
        yield made
    finally:
        _end(made)


def _cable(made: Swarm, end: str, plug: str, namespace: str = "") -> None:
    """Join the switch and a namespace, "" for that of this machine."""
    run("ip", "link", "add", plug, "netns", made.switch, "type", "veth", "peer", "name", end, *_netns(namespace))
    run(*within(made.switch, "ip", "link", "set", plug, "master", "bridge", "up"))


def _netns(name: str) -> tuple[str, ...]:
    return ("netns", name) if name else ()


def _registry(made: Swarm) -> None:
    root = made.folder / "registry"
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(root)}},
        "http": {"addr": f"0.0.0.0:{made.port}"},
        "log": {"level": "error"},
    }
    path = made.folder / "registry.yml"
    path.write_text(json.dumps(config))  # JSON is YAML
    made.servers.append(_start(["docker-registry", "serve", str(path)], made.folder / "registry.log"))

    def answers() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{made.push}/v2/", timeout=2) as answer:
            return bool(answer.status == 200)
        return False

    until(answers, "the registry", READY_S)


def _node(made: Swarm, number: int, index: int) -> Node:
    name, plug = f"sbx{number}-{index}", f"sbx{number}p{index}"
    node = Node(name, f"{made.network}.{10 + index}", plug, made.folder / f"node{index}")
    node.folder.mkdir()
    run("ip", "netns", "add", name)
    _cable(made, "eth0", plug, name)
    for words in (
        ("ip", "link", "set", "lo", "up"),
        ("ip", "address", "add", f"{node.address}/24", "dev", "eth0"),
        ("ip", "link", "set", "eth0", "up"),
        ("ip", "route", "add", "default", "via", f"{made.network}.1"),
    ):
        run(*node.inside(*words))
    config = node.folder / "daemon.json"
    config.write_text(json.dumps({"insecure-registries": [made.registry]}))
    words = [
        *("dockerd", "--config-file", str(config), "-H", node.socket, "--pidfile", str(node.folder / "pid")),
        *("--data-root", str(node.folder / "data"), "--exec-root", str(node.folder / "exec")),
        *("--bip", f"172.{30 + index}.0.1/24"),
    ]
    node.engine = _start(node.inside(*words), node.folder / "log")
    return node


def _start(words: list[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as file:
        return subprocess.Popen(words, stdout=file, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True)


def _end(made: Swarm) -> None:
    """As a power cut does it: engines that are asked to end take half a minute each."""
    containers = [each for node in made.nodes for each in _containers(node)]
    for process in [*(node.engine for node in made.nodes), *made.servers]:
        if process is not None:
            process.kill()
            process.wait()
    for pid in [*(pid for _, pid in containers), *(pid for node in made.nodes for pid in _inside(node))]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for node in made.nodes:
        until(lambda node=node: not _inside(node), f"the end of {node.name}")
    _unmount(made.folder)
    for name in (*(node.name for node in made.nodes), made.switch):
        run("ip", "netns", "delete", name, check=False)
    for group in (group for name, _ in containers for group in Path("/sys/fs/cgroup").glob(f"*/docker/{name}")):
        with contextlib.suppress(OSError):
            group.rmdir()
    shutil.rmtree(made.folder, ignore_errors=True)


def _containers(node: Node) -> list[tuple[str, int]]:
    """Id and process of each container that runs."""
    ids = node.docker("ps", "-q", "--no-trunc", check=False).split()
    found = [node.docker("inspect", "-f", "{{.State.Pid}}", each, check=False).strip() for each in ids]
    return [(name, int(pid)) for name, pid in zip(ids, found, strict=True) if pid.isdigit() and int(pid)]


def _inside(node: Node) -> list[int]:
    """Processes in the node's namespace: its engine's own, and what watches its containers."""
    return [int(pid) for pid in run("ip", "netns", "pids", node.name, check=False).split()]


def _unmount(folder: Path) -> None:
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for path in sorted((each for each in mounted if each.startswith(f"{folder}/")), reverse=True):
        run("umount", "-l", path, check=False)
