"""An export for Swarm on two engines: spread over both, rolled out, and one of them lost, without a failed request."""

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.exported import COUNTS, compose, envoy_image, passing, sealed
from tests.support.swarm import Swarm, swarm, until

# A minute on a quiet machine: images go to a registry and to two engines, tasks are replaced one after the other.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(420)]

PORT = 18080
LOAD = Path(__file__).parents[1] / "support" / "constant_load.py"


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
    probe = {"readiness_probe": {"initial_delay": 1, "period": 1, "timeout": 5}}
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


def ask(nodes: Swarm, address: str, key: str) -> tuple[int, str]:
    """One request from the manager's machine to the gateway of a node."""
    words = ["curl", "-s", "-m", "20", "-w", "\n%{http_code}", "-d", "{}", f"http://{address}:{PORT}/score"]
    header = f"authorization: Bearer {key}\n"
    done = subprocess.run(
        [*nodes.manager.inside(*words), "-H", "@-"], input=header, capture_output=True, text=True, check=False
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status or 0), body


@contextlib.contextmanager
def load(nodes: Swarm, key: str):
    """Requests without a pause to the gateway of the manager's node; what came of them is in the dictionary."""
    words = nodes.manager.inside(sys.executable, str(LOAD), str(PORT), key, "2")
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    result: dict = {}
    try:
        yield result
        text, _ = process.communicate("", timeout=100)
        result.update(json.loads(text))
    finally:
        process.kill()
        process.communicate()


def test_a_roll_out_and_a_lost_node_fail_no_request(nodes, versions):
    old, new = versions
    deploy(nodes, old)
    until(lambda: sorted(nodes.tasks("shop_blue").values()) == [2, 2], "two instances on each node", 110)
    until(lambda: sorted(nodes.tasks("shop_gateway").values()) == [1, 1], "a gateway on each node")
    key = (old / "secrets" / "primary").read_text()
    for node in nodes.nodes:
        until(lambda node=node: ask(nodes, node.address, key)[0] == 200, f"answers by {node.name}")
        assert ask(nodes, node.address, "wrong-key-0123456789") == (401, "key_auth_access_denied")
    shutil.copytree(old / "secrets", new / "secrets")
    with load(nodes, key) as result:
        assert '"old"' in ask(nodes, nodes.manager.address, key)[1]
        deploy(nodes, new)
        until(lambda: _updated(nodes), "the roll-out", 110)
        until(lambda: {_who(nodes, key) for _ in range(8)} == {"new"}, "only the new version")
        nodes.pull_plug(nodes.nodes[1])
        here = nodes.manager.docker("info", "-f", "{{.Swarm.NodeID}}").strip()
        until(lambda: nodes.tasks("shop_blue").get(here) == 4, "four instances on the node that is left", 110)
    assert (set(result["statuses"]), result["errors"]) == ({"200"}, []), result
    print(f"{result['requests']} requests, none failed; the longest took {result['longest_ms']:.0f} ms")


def _updated(nodes: Swarm) -> bool:
    return (
        nodes.manager.docker("service", "inspect", "-f", "{{.UpdateStatus.State}}", "shop_blue").strip() == "completed"
    )


def _who(nodes: Swarm, key: str) -> str:
    status, body = ask(nodes, nodes.manager.address, key)
    assert status == 200, body
    return str(json.loads(body)["who"])
