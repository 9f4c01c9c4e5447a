"""``sandbox debug``: a deployment that serves is switched into debug mode and back, behind the same address."""

import json
import sys
import threading
from pathlib import Path

import pytest

from sandbox.model.errors import SandboxError
from tests.support.boxes import box_in, until
from tests.support.dap import Debugger

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")
SCRIPT = """import os

def init(): pass

def run(data):
    answer = [os.environ["WHO"], "deployed"]
    return answer
"""
STOPS_AT = 7


@pytest.fixture
def box(tmp_path):
    with box_in(tmp_path) as made:
        yield made


def debug(box, **how):
    return box.api.online_deployments.debug("blue", "shop", **how)


def said(box):
    return box.api.online_deployments.logs("blue", "shop")


def test_debug_mode_stops_a_request_of_the_endpoint_and_gives_back_what_served(box):
    hurried = {"request_timeout_ms": 1500, "max_concurrent_requests_per_instance": 50}
    quick = {"initial_delay": 0, "period": 1, "timeout": 1, "failure_threshold": 60}
    box.api.online_endpoints.create(box.endpoint())
    described = box.deployment("blue", SCRIPT, count=2, request_settings=hurried, readiness_probe=quick)
    box.api.online_deployments.create(described, all_traffic=True)
    before = box.api.online_deployments.show("blue", "shop").as_azure()
    address = box.api.online_endpoints.show("shop").as_azure()["scoring_uri"]
    with box.load(least=500) as result:
        made = debug(box)
    assert (result["statuses"].keys(), result["errors"]) == ({"200"}, []), "switching loses no request"
    assert (made.on, made.instances, made.wanted, made.scoring_uri) == (True, 1, 2, address)
    assert len(box.instances()) == 1
    status = box.api.status().endpoints[0].deployments[0]
    assert (status.debugging, status.running, status.wanted, status.debug_port) == (True, 1, 1, made.attach.port)
    with pytest.raises(SandboxError, match="E120") as refused:
        box.api.images.seal("blue", "shop")
    assert refused.value.fix == "sandbox debug blue -e shop --off"
    launch = json.loads(Path(made.attach.file or box.folder / "blue" / ".vscode" / "launch.json").read_text())
    (entry,) = [each for each in launch["configurations"] if each["name"] == made.attach.entry["name"]]
    assert entry == made.attach.entry

    until(lambda: any("debugger: listening" in line for line in said(box)))
    (mapping,) = entry["pathMappings"]
    local = mapping["localRoot"].replace("${workspaceFolder}", str(box.folder / "blue"))
    with Debugger(path_mappings=[(local, mapping["remoteRoot"])]) as debugger:
        debugger.set_breakpoints(str(box.folder / "blue" / "score.py"), [STOPS_AT])
        served = sum("serves version" in line for line in said(box))
        debugger.attach(entry["connect"]["port"])
        until(lambda: sum("serves version" in line for line in said(box)) > served)
        debugger.wait_child(timeout=60)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(box.ask(timeout=90)))
        asking.start()
        stop = debugger.wait_stopped(60)
        assert stop.variables()["answer"] == "['blue', 'deployed']"
        asking.join(hurried["request_timeout_ms"] / 1000 + 1)
        assert asking.is_alive(), "its time limit is over, and it waits"
        stop.go()
        asking.join(60)
    assert answers[0].json() == ["blue", "deployed"]

    box.script("blue", SCRIPT.replace('"deployed"', '"edited"'))
    until(lambda: box.ask().json() == ["blue", "edited"])
    made = debug(box, off=True)
    assert (made.on, made.instances, made.attach) == (False, 2, None)
    assert box.ask().json() == ["blue", "deployed"], "what served before serves again"
    assert len(box.instances()) == 2
    after = box.api.online_deployments.show("blue", "shop").as_azure()
    kept = ("instance_count", "request_settings", "readiness_probe", "environment_variables", "provisioning_state")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert "sandbox.debug_port" not in after["properties"]
    box.consistent()


def test_said_twice_it_changes_nothing_and_an_update_meanwhile_counts_afterwards(box):
    box.start("blue", script=SCRIPT)
    made = debug(box)
    running = {one.id for one in box.instances()}
    assert debug(box) == made
    assert {one.id for one in box.instances()} == running
    newer = SCRIPT.replace('"deployed"', '"newer"')
    box.api.online_deployments.update(box.deployment("blue", newer, count=2, who="updated"))
    assert len(box.instances()) == 1, "debug mode stays"
    assert box.ask().json() == ["updated", "newer"]
    assert debug(box, off=True).instances == 2
    assert box.ask().json() == ["updated", "newer"]
    assert debug(box, off=True).on is False
    box.consistent()


def test_what_cannot_be_switched_serves_on_as_it_was(box):
    box.start("blue", script=SCRIPT, count=2)
    box.script("blue", "def init():\n    1 / 0\n\ndef run(data): return 1\n")
    with pytest.raises(SandboxError) as raised:
        debug(box)
    assert raised.value.code == "E054"
    assert box.ask().json() == ["blue", "deployed"]
    assert len(box.instances()) == 2
    status = box.api.status().endpoints[0].deployments[0]
    assert (status.state, status.debugging, status.development) == ("Succeeded", False, False)
    (box.folder / "blue" / "score.py").unlink()
    with pytest.raises(SandboxError) as raised:
        debug(box)
    assert (raised.value.code, str(box.folder) in raised.value.why) == ("E144", True)
    with pytest.raises(SandboxError) as raised:
        box.api.online_deployments.debug("nobody", "shop")
    assert raised.value.code == "E051"


def test_the_port_is_another_one_where_the_first_is_taken(box):
    box.start("blue", "green", script=SCRIPT)
    ports = {box.api.online_deployments.debug(name, "shop").attach.port for name in ("blue", "green")}
    assert len(ports) == 2
