"""A home of a developer and a second engine as its host of production, with TLS; a client that counts what fails."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.hosts.known import Host
from sandbox.image import engine as images
from sandbox.image import sealed
from sandbox.ops import tested
from sandbox.ops.hosts import Pair
from tests.support import containers
from tests.support.boxes import HERE, ROOT, Box, box_in
from tests.support.certificates import Authority, authority
from tests.support.second_engine import SecondEngine

NAME = "prod.example"
SCRIPT = """import json, os
VERSION = {version!r}

def init():
    {init}

def run(data):
    data = json.loads(data)["data"]
    {each}
    return VERSION if data == "who" else {{"sum": sum(data if isinstance(data, list) else [data]) + {add}}}
"""


@dataclass
class Production:
    """Both sides. ``state`` is the folder there, ``said`` are the events of the last promotion."""

    box: Box
    engine: SecondEngine
    trusted: Authority
    folder: Path
    state: str
    said: list[Any] = field(default_factory=list)
    told: bool = True

    # --- Here --------------------------------------------------------------------------------------------------------

    def deploy(self, version: str, *, init: str = "pass", each: str = "pass", add: float = 0.5, **keys: Any) -> None:
        """Make the deployment ``blue`` of the endpoint ``shop`` serve a script here."""
        script = SCRIPT.format(version=version, init=init, each=each, add=add)
        path = self.box.deployment("blue", script, **keys)
        deployments = self.box.api.online_deployments
        if self.box.api.context().store.find("shop") is None:
            self.box.api.online_endpoints.create(self.box.endpoint())
            deployments.create(path, all_traffic=True)
            reply = self.box.api.online_endpoints.invoke("shop", b'{"data": [1, 2]}')
            self.box.api.online_endpoints.keep_sample("shop", "usual", b'{"data": [1, 2]}', reply)
        else:
            deployments.update(path)

    def promote(self, *steps: int, pause_s: float = 0.2, tell: Callable[[Any], None] | None = None, **more: Any) -> Any:
        """Promote it, as the command does."""
        self.said.clear()

        def hear(event: Any) -> None:
            self.said.append(event)
            if self.told:  # shown where a test fails
                print(f"{time.monotonic():.1f} {event.step} {event.state} {event.text}")
            if tell is not None:
                tell(event)

        return self.box.api.promotions.promote(
            "shop", "prod", steps=steps or (100,), pause_s=pause_s, report=hear, **more
        )

    def command(self, *words: str, **more: Any) -> "subprocess.Popen[str]":
        """Start ``sandbox WORDS``."""
        program = [sys.executable, "-m", "sandbox.cli.main", *words]
        environment = {**os.environ, "SANDBOX_HOME": str(self.box.home)}
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(program, cwd=ROOT, env=environment, **{**pipes, **more})

    def there(self, *words: str) -> str:
        """What ``sandbox --host prod WORDS`` prints."""
        with self.command("--host", "prod", *words, stderr=subprocess.PIPE) as process:
            said, wrong = process.communicate(timeout=100)
        assert process.returncode == 0, (words, said, wrong)
        return said

    # --- There -------------------------------------------------------------------------------------------------------

    def key(self) -> str:
        """A key of the endpoint on the host."""
        return str(json.loads(self.there("online-endpoint", "get-credentials", "-n", "shop"))["primaryKey"])

    def ask(self, key: str, body: bytes = b'{"data": "who"}', path: str = "/shop/score") -> tuple[int, bytes]:
        """One request as a client sends it, by TLS."""
        import ssl

        context = ssl.create_default_context(cadata=self.trusted.chain.decode())
        connection = http.client.HTTPSConnection(NAME, 443, context=context, timeout=30)
        connection._create_connection = lambda _, *more: _connected(self.engine.ip, *more)  # type: ignore[attr-defined]
        try:
            headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def version(self, key: str) -> Any:
        """Which version answers."""
        status, body = self.ask(key)
        assert status == 200, (status, body)
        return json.loads(body)

    @contextlib.contextmanager
    def load(self, key: str, *, connections: int = 2, each: int = 20) -> Iterator[dict[str, Any]]:
        """Constant load by TLS while the block runs; the result is in the dictionary."""
        words = ["443", str(self.folder / "ca.pem"), NAME, key, "/shop/score", str(connections), str(each)]
        environment = {**os.environ, "LOAD_ADDRESS": self.engine.ip}
        process = subprocess.Popen(
            [sys.executable, str(HERE / "tls_load.py"), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        result: dict[str, Any] = {}
        try:
            yield result
            result.update(json.loads(process.communicate("", timeout=100)[0]))
        finally:
            process.kill()
            process.communicate()


def _connected(address: str, *more: Any) -> Any:
    import socket

    return socket.create_connection((address, 443), *more)


@contextlib.contextmanager
def production(folder: Path, engine: SecondEngine, state: str, *, url: str = "") -> Iterator[Production]:
    """Make the home and add the host; at the end nothing of either is left."""
    trusted = authority()
    (folder / "ca.pem").write_bytes(trusted.chain)
    chain, key = trusted.issue([NAME])
    containers.owner(folder / "home")
    with box_in(folder) as box:
        made = Production(box, engine, trusted, folder, state)
        host = Host("prod", url or engine.url, state, engine.socket, ssh_config=engine.ssh_config)
        box.api.hosts.add(host, {}, Pair(chain.decode(), key.decode()), force=True)
        try:
            yield made
        finally:
            made.there("down", "--all", "--yes")
            with contextlib.closing(images.connect()) as client:
                for image in tested.images(box.api.home):
                    sealed.remove(client, image)
