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
from sandbox.ops import debugging, deployments, revisions, rollout
from sandbox.ops.readiness import wait_ready
from tests.support.boxes import box_in

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
    monkeypatch.setattr(debugging, "write_launch", lambda *_: None)
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
    change_over = rollout._change_over

    def interrupted(context, *names):
        monkeypatch.setattr(rollout.removal, "stop", interrupt)
        change_over(context, *names)

    def interrupt(*_, **__):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(rollout, "_change_over", interrupted)
    with pytest.raises(KeyboardInterrupt):
        set_variable(box, "WHO", "new")
    shown = box.api.online_deployments.show("blue", "shop").as_azure()
    assert (shown["provisioning_state"], box.who()) == ("Succeeded", "new")
    box.api.heal()
    box.consistent()
