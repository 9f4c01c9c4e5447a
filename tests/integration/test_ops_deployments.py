"""Deployments whose parts are gone, and commands on deployments that meet."""

import errno
import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from sandbox.api import Edit
from sandbox.backend.protocol import InstanceSpec
from sandbox.gateway.folder import Folder
from sandbox.model.errors import SandboxError
from sandbox.ops import deployments, editors, revisions, rollout
from sandbox.ops.readiness import wait_ready
from tests.support.boxes import box_in, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")


@pytest.fixture
def box(tmp_path):
    with box_in(tmp_path) as made:
        yield made


def lose_interpreter(box):
    context = box.api.context()
    context.change(
        "shop", "blue", lambda each: replace(each, serving=replace(each.serving, python="/no/such/interpreter"))
    )


def lose_code(box):
    shutil.rmtree(box.api.context().deployment("shop", "blue")[1].serving.code_root)


@pytest.mark.parametrize("lose", [lose_interpreter, lose_code])
def test_what_is_gone_from_below_a_deployment_is_made_again_by_the_same_command(box, lose):
    box.start("blue")
    lose(box)
    box.kill(box.pids("blue")[0])
    assert box.api.heal().failed == (("shop", "blue"),)
    box.api.online_deployments.update(box.deployment("blue"))
    assert box.who() == "blue"
    box.consistent()


def test_an_edit_takes_nothing_back_that_was_changed_since(box, monkeypatch):
    box.start("blue")
    resolved = deployments._resolved

    def meanwhile(context, deployment):
        monkeypatch.setattr(deployments, "_resolved", resolved)
        set_to("instance_count", 2)
        return resolved(context, deployment)

    def set_to(key, value):
        box.api.online_deployments.update(name="blue", endpoint="shop", edits=[Edit("set", (key,), value)])

    monkeypatch.setattr(deployments, "_resolved", meanwhile)
    with pytest.raises(SandboxError, match="E053"):
        set_to("description", "x")
    set_to("description", "x")
    shown = box.api.online_deployments.show("blue", "shop").as_azure()
    assert (shown["instance_count"], shown["description"]) == (2, "x")


def test_two_that_are_to_be_debugged_get_ports_of_their_own(box, monkeypatch):
    box.api.online_endpoints.create(box.endpoint())
    box.api.online_endpoints.create(box.endpoint("other"))
    files = [box.deployment("blue"), box.deployment("green", endpoint="other")]
    monkeypatch.setattr(editors, "write_launch", lambda *_: None)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda file: box.api.online_deployments.create(file, debug=True), files))
    shown = [box.api.online_deployments.show(*names).as_azure() for names in (("blue", "shop"), ("green", "other"))]
    ports = [each["properties"]["sandbox.debug_port"] for each in shown]
    assert len(set(ports)) == 2, json.dumps(ports)


# --- A file system that fails ----------------------------------------------------------------------------------------


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")


def test_a_full_disk_is_told_as_such_and_what_serves_serves_on(box, monkeypatch):
    box.start("blue")
    for target, name in ((Folder, "write"), (revisions, "make")):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, full)
            with pytest.raises(SandboxError, match="/somewhere") as caught:
                set_variable(box, "WHO", f"not-{name}")
            assert "No space left" in caught.value.why
        failure = box.api.context().deployment("shop", "blue")[1].failure
        assert (failure.code, failure.why) == (caught.value.code, caught.value.why)
        assert box.ask().status == 200
    set_variable(box, "WHO", "again")
    assert box.who() == "again"
    box.consistent()


def set_variable(box, name, value):
    edits = [Edit("set", ("environment_variables", name), value)]
    box.api.online_deployments.update(name="blue", endpoint="shop", edits=edits)


def test_who_waits_for_an_instance_that_somebody_ended_is_told_at_once(box):
    box.start("blue")
    context = box.api.context()
    instance = box.instances("blue")[0]
    context.backend.stop(instance, 0)
    with pytest.raises(SandboxError, match="it has been stopped") as caught:
        wait_ready(context, context.deployment("shop", "blue")[1].wanted, [instance])
    assert caught.value.code == "E054"
    assert "blue" not in repr(replace(instance_spec(), variables={"WHO": "blue"})), "variables may be secrets"
    box.api.heal()


def instance_spec():
    return InstanceSpec("shop", "green", "1", 0, sys.executable, "/app")


def test_ctrl_c_when_the_new_instances_answer_already_is_no_failure(box, monkeypatch):
    box.start("blue")
    end_old = rollout._end_old

    def interrupted(context, *names):
        monkeypatch.setattr(rollout.removal, "stop", interrupt)
        end_old(context, *names)

    def interrupt(*_, **__):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(rollout, "_end_old", interrupted)
    with pytest.raises(KeyboardInterrupt):
        set_variable(box, "WHO", "new")
    shown = box.api.online_deployments.show("blue", "shop").as_azure()
    assert (shown["provisioning_state"], box.who()) == ("Succeeded", "new")
    box.api.heal()
    box.consistent()


# --- The gateway that cannot be told ---------------------------------------------------------------------------------


def refuse_once(monkeypatch):
    """Let the gateway refuse what the next roll-out publishes for its endpoint, and take everything else."""
    real, refused = rollout.publish, []

    def publish(context, about=None):
        if about is not None and not refused:
            refused.append(about)
            raise SandboxError("E059", "the gateway did not take cds.json")
        return real(context, about)

    monkeypatch.setattr(rollout, "publish", publish)
    return refused


def test_what_the_gateway_could_not_be_told_of_does_not_count_as_what_serves(box, monkeypatch):
    box.start("blue")
    before, pids = box.api.context().deployment("shop", "blue")[1], box.pids("blue")
    refused = refuse_once(monkeypatch)
    with pytest.raises(SandboxError, match="E059"):
        set_variable(box, "WHO", "new")
    assert refused == ["shop"]
    after = box.api.context().deployment("shop", "blue")[1]
    assert (after.serving, after.served, after.state) == (before.serving, before.served, "Failed")
    assert (after.failure.code, box.pids("blue"), box.who()) == ("E059", pids, "blue")
    box.api.heal()
    assert (box.pids("blue"), box.who()) == (pids, "blue")
    set_variable(box, "WHO", "newer")
    assert box.who() == "newer"
    box.consistent()


def test_a_scaling_that_the_gateway_could_not_be_told_of_is_taken_back(box, monkeypatch):
    box.start("blue")
    pids = box.pids("blue")
    refuse_once(monkeypatch)
    edits = [Edit("set", ("instance_count",), 2)]
    with pytest.raises(SandboxError, match="E059"):
        box.api.online_deployments.update(name="blue", endpoint="shop", edits=edits)
    assert box.pids("blue") == pids
    box.api.online_deployments.update(name="blue", endpoint="shop", edits=edits)
    assert len(box.pids("blue")) == 2
    box.consistent()


def test_a_creation_that_the_gateway_could_not_be_told_of_can_be_said_again(box, monkeypatch):
    box.start("blue")
    refuse_once(monkeypatch)
    file = box.deployment("green")
    with pytest.raises(SandboxError, match="E059"):
        box.api.online_deployments.create(file)
    assert box.instances("green") == []
    box.api.online_deployments.create(file)
    assert box.who("green") == "green"
    box.consistent()


SLOW = """import os, time

def init():
    pass

def run(data):
    time.sleep(4)
    return [os.environ["WHO"]]
"""


def test_an_old_instance_that_an_interrupted_command_left_answers_what_it_has_begun(box, monkeypatch):
    """It ends between writing down that the new instance serves and telling the gateway: the old one has requests."""
    box.start("blue", script=SLOW)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rollout, "_tell_gateway", interrupted)
        with pytest.raises(KeyboardInterrupt):
            set_variable(box, "WHO", "new")
    assert len(box.instances("blue")) == 2
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(box.ask, "blue")
        until(lambda: box.api.context().gateway.stats().live["shop", "blue"].active)
        set_variable(box, "WHO", "newest")
        assert asked.result().json() == ["blue"]
    box.consistent()
