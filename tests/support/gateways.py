"""A real gateway before real instances, for tests; everything ends with the test."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sandbox.gateway.description import DeploymentEntry, Description, EndpointEntry, KeyAuth, TcpUpstream
from sandbox.gateway.errors import PortBusy
from sandbox.gateway.gateway import Gateway
from sandbox.model.serving import RequestSettings

HERE = Path(__file__).parent
PATIENT = RequestSettings(10_000, 50)
ONE, TWO, THREE = "key-one-0123456789", "key-two-0123456789", "key-three-0123456789"


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, path: str = "/score", *, method: str = "POST", body: Any = b"{}", key: str | None = ONE, **headers):
    """One request on a connection of its own. Underscores in header names stand for dashes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent.setdefault("authorization", f"Bearer {key}")
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Instance:
    """One instance that runs."""

    process: "subprocess.Popen[str]"
    address: str

    @property
    def upstream(self) -> TcpUpstream:
        return TcpUpstream("127.0.0.1", int(self.address))

    def count(self) -> dict[str, int]:
        return ask(int(self.address), "/count", method="GET").json()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@dataclass
class World:
    """A gateway, its instances, and the endpoint in front of them."""

    folder: Path
    gateway: Gateway
    port: int = field(default_factory=free_port)
    instances: list[Instance] = field(default_factory=list)

    def instance(self, label: str, address: str | int = 0) -> Instance:
        command = [sys.executable, str(HERE / "upstream.py"), label, str(address)]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True)
        found = Instance(process, process.stdout.readline().strip())
        self.instances.append(found)
        return found

    def describe(self, *deployments: DeploymentEntry, auth: Any = None, **more: Any) -> Description:
        return Description((EndpointEntry("shop", self.port, auth or KeyAuth(ONE, TWO), deployments, **more),))

    def apply(self, *deployments: DeploymentEntry, **more: Any) -> Mapping[str, PortBusy]:
        return self.gateway.apply(self.describe(*deployments, **more))

    def ask(self, path: str = "/score", **more: Any) -> Reply:
        return ask(self.port, path, **more)

    @contextlib.contextmanager
    def load(self, key: str = ONE, connections: int = 4) -> Iterator[dict[str, Any]]:
        """Constant load while the block runs; what came of it is in the dictionary afterwards."""
        command = [sys.executable, str(HERE / "constant_load.py"), str(self.port), key, str(connections)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        result: dict[str, Any] = {}
        try:
            yield result
            text, _ = process.communicate("", timeout=60)
            result.update(json.loads(text))
        finally:
            process.kill()
            process.communicate()


def entry(name: str, *instances: Instance, **fields: Any) -> DeploymentEntry:
    """A deployment with as many requests at once as a test may send."""
    return replace(DeploymentEntry(name, tuple(one.upstream for one in instances), requests=PATIENT), **fields)


@contextlib.contextmanager
def world(folder: Path) -> Iterator[World]:
    """Make one; ends what it has started."""
    made = World(folder, Gateway(str(folder / "gateway")))
    try:
        yield made
    finally:
        for one in made.instances:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.process.pid, signal.SIGCONT)
            one.end()
        made.gateway.stop(0)
