"""An export for Swarm on two engines: spread over both, rolled out, and one of them lost, without a failed request."""

import collections
import http.client
import json
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.support.exported import COUNTS, compose, envoy_image, passing, sealed
from tests.support.swarm import Swarm, swarm, until

# A minute on a quiet machine: images go to a registry and to two engines, tasks are replaced one after the other.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(420)]

PORT = 18080


@pytest.fixture
def nodes():
    with swarm() as made:
        yield made


@pytest.fixture
def versions(box, engine, nodes, monkeypatch, tmp_path):
    """Two exports of the same endpoint, of an older and a newer blue; their images are in the registry."""
    monkeypatch.delenv("SANDBOX_BACKEND")
    prefix = f"{nodes.registry}/shop"
    gateway = f"{prefix}:envoy"
    nodes.give(engine, envoy_image(engine), gateway)
    probe = {"readiness_probe": {"initial_delay": 1, "period": 2, "timeout": 10}}
    chosen = {"image_prefix": prefix, "gateway_image": gateway, "port": PORT, "repeat_in_flight": True}
    box.api.online_endpoints.create(box.endpoint())
    folders = []
    with passing(engine) as images:
        for version in ("old", "new"):
            if version == "old":
                images.append(sealed(box, "blue", COUNTS, who=version, count=4, **probe))
                box.api.online_endpoints.update(name="shop", traffic={"blue": 100})
            else:
                box.api.online_deployments.update(box.deployment("blue", COUNTS, who=version, count=4, **probe))
                images.append(box.api.images.seal("blue", "shop").id)
            folder = tmp_path / "shop-swarm"
            said = box.api.exports.write("swarm", "shop", folder=str(folder), **chosen)
            for name, image in said.images.items():
                nodes.give(engine, image, name)
            folders.append(Path(shutil.copytree(folder, tmp_path / version)))
        box.api.down()
        yield folders


def deploy(nodes: Swarm, folder: Path) -> None:
    compose(folder, program=["env", f"DOCKER_HOST={nodes.manager.socket}", "sh", "secrets.sh"])
    nodes.manager.docker("stack", "deploy", "--resolve-image", "never", "-c", str(folder / "stack.yml"), "shop")


def ask(address: str, key: str) -> tuple[int, str]:
    """One request to the gateway of a node; (0, "") where nobody answers."""
    connection = http.client.HTTPConnection(address, PORT, timeout=30)
    try:
        connection.request("POST", "/score", b"{}", {"authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


class Load:
    """Clients on connections of their own, a request every few hundredths of a second each, without any retry."""

    def __init__(self, address: str, key: str) -> None:
        self.address, self.headers = address, {"authorization": f"Bearer {key}"}
        self.statuses: collections.Counter = collections.Counter()
        self.errors: list[str] = []
        self.longest = 0.0
        self._over = threading.Event()
        self._clients = [threading.Thread(target=self._run) for _ in range(3)]

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self.address, PORT, timeout=60)
        while not self._over.wait(0.03):
            began = time.monotonic()
            try:
                connection.request("POST", "/score", b"{}", self.headers)
                answer = connection.getresponse()
                answer.read()
                self.statuses[answer.status] += 1
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(repr(error))
                connection.close()
            self.longest = max(self.longest, time.monotonic() - began)
        connection.close()

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for client in self._clients:
            client.join()


def test_a_roll_out_and_a_lost_node_fail_no_request(nodes, versions):
    old, new = versions
    deploy(nodes, old)
    until(lambda: sorted(nodes.tasks("shop_blue").values()) == [2, 2], "two instances on each node", 110)
    until(lambda: sorted(nodes.tasks("shop_gateway").values()) == [1, 1], "a gateway on each node")
    key = (old / "secrets" / "primary").read_text()
    for node in nodes.nodes:
        until(lambda node=node: ask(node.address, key)[0] == 200, f"answers by {node.name}")
        assert ask(node.address, "wrong-key-0123456789") == (401, "key_auth_access_denied")
    shutil.copytree(old / "secrets", new / "secrets")
    with Load(nodes.manager.address, key) as load:
        assert '"old"' in ask(nodes.manager.address, key)[1]
        deploy(nodes, new)
        until(lambda: _updated(nodes), "the roll-out", 110)
        until(lambda: {_who(nodes, key) for _ in range(8)} == {"new"}, "only the new version")
        nodes.pull_plug(nodes.nodes[1])
        here = nodes.manager.docker("info", "-f", "{{.Swarm.NodeID}}").strip()
        until(lambda: nodes.tasks("shop_blue").get(here) == 4, "four instances on the node that is left", 110)
    assert (set(load.statuses), load.errors) == ({200}, []), load.statuses
    print(f"{load.statuses[200]} requests, none failed; the longest took {load.longest:.1f} s")


def _updated(nodes: Swarm) -> bool:
    return (
        nodes.manager.docker("service", "inspect", "-f", "{{.UpdateStatus.State}}", "shop_blue").strip() == "completed"
    )


def _who(nodes: Swarm, key: str) -> str:
    status, body = ask(nodes.manager.address, key)
    assert status == 200, body
    return str(json.loads(body)["who"])
