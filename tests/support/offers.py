"""What a host offers, for tests: a real gateway with a public listener, its authority, and a client that trusts it."""

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.gateway.description import DeploymentEntry, Description, EndpointEntry, KeyAuth
from sandbox.gateway.offered import Public
from tests.support.certificates import Authority, authority
from tests.support.gateways import ONE, TWO, Reply, World, free_port, world

HERE = Path(__file__).parent
NAME = "prod.example.com"


@dataclass
class Client:
    """Speaks TLS to one port, and trusts one authority only."""

    port: int
    authority: Path

    def ask(
        self,
        path: str = "/shop/score",
        *,
        host: str = NAME,
        method: str = "POST",
        key: str | None = ONE,
        **headers: str,
    ) -> Reply:
        """One request on a connection of its own; the answer's header ``serial`` is that of the certificate."""
        context = ssl.create_default_context(cafile=str(self.authority))
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
            connection = http.client.HTTPSConnection(host, self.port, context=context)
            connection.sock = context.wrap_socket(plain, server_hostname=host)
            with contextlib.closing(connection):
                serial = connection.sock.getpeercert()["serialNumber"]
                sent = {name.replace("_", "-"): value for name, value in headers.items()}
                sent |= {"authorization": f"Bearer {key}"} if key else {}
                connection.request(method, path, b"{}", sent)
                answer = connection.getresponse()
                found = {name.lower(): value for name, value in answer.getheaders()}
                return Reply(answer.status, found | {"serial": serial.lower().lstrip("0")}, answer.read())

    @contextlib.contextmanager
    def load(
        self, *, name: str = NAME, key: str = ONE, path: str = "/shop/score", connections: int = 3, each: int = 5
    ) -> Iterator[dict[str, Any]]:
        """Constant load while the block runs; what came of it is in the dictionary afterwards."""
        words = [str(self.port), str(self.authority), name, key, path, str(connections), str(each)]
        command = [sys.executable, str(HERE / "tls_load.py"), *words]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        result: dict[str, Any] = {}
        try:
            yield result
            text, _ = process.communicate("", timeout=90)
            result.update(json.loads(text))
        finally:
            process.kill()
            process.communicate()


@dataclass
class Offer:
    """A world whose endpoint is offered to everybody."""

    world: World
    authority: Authority
    https_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)

    @property
    def client(self) -> Client:
        return Client(self.https_port, self.world.folder / "authority.pem")

    def public(self, names: Sequence[str] = (NAME,), **more: Any) -> Public:
        """Listeners with a new certificate."""
        chain, key = self.authority.issue(names)
        ports = {"bind": "127.0.0.1", "https_port": self.https_port, "http_port": self.http_port}
        return Public(chain.decode(), key.decode(), **{**ports, **more})

    def apply(self, offered: Public | None, *deployments: DeploymentEntry, **more: Any) -> None:
        endpoint = EndpointEntry("shop", self.world.port, KeyAuth(ONE, TWO), deployments, **more)
        assert self.world.gateway.apply(Description((endpoint,), public=offered)) == {}


@contextlib.contextmanager
def offer(folder: Path) -> Iterator[Offer]:
    """Make one; ends what it has started."""
    with world(folder) as made:
        ours = authority()
        (folder / "authority.pem").write_bytes(ours.chain)
        yield Offer(made, ours)
