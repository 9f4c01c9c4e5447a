"""Commands that meet: each finds what the other does, and nothing is lost or ended that somebody needs."""

import sys
import threading

import pytest

from sandbox.api import Edit
from sandbox.gateway.errors import Unresponsive
from sandbox.gateway.gateway import Gateway
from sandbox.model.errors import SandboxError
from sandbox.ops import deletion
from tests.support.boxes import SAYS, box_in, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")
SLOW = SAYS.replace("    pass", "    import time; time.sleep(2)", 1)


@pytest.fixture
def box(tmp_path):
    with box_in(tmp_path) as made:
        yield made


def upstreams(box, deployment="blue"):
    """The ports that the gateway sends requests of a deployment to."""
    from sandbox.gateway.folder import Folder

    written = Folder(box.api.home.gateway).published("cds.json")
    (cluster,) = (each for each in written.resources if each["name"] == f"shop~{deployment}")
    hosts = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    return {each["endpoint"]["address"]["socket_address"]["port_value"] for each in hosts}


def test_healing_leaves_alone_what_a_scaling_command_brings_up(box):
    box.start("blue", script=SLOW)
    edits = [Edit("set", ("instance_count",), 2)]
    scaling = threading.Thread(
        target=lambda: box.api.online_deployments.update(name="blue", endpoint="shop", edits=edits)
    )
    scaling.start()
    until(lambda: len(box.instances("blue")) == 2)
    before = {each.id for each in box.instances("blue")}
    box.api.heal()
    scaling.join(60)
    assert {each.id for each in box.instances("blue")} == before
    box.consistent()


def test_the_gateway_forgets_instances_that_scaling_down_ends(box):
    box.start("blue", count=3)
    box.api.online_deployments.update(name="blue", endpoint="shop", edits=[Edit("set", ("instance_count",), 1)])
    assert upstreams(box) == {each.port for each in box.instances("blue")}
    box.consistent()


def test_what_a_killed_command_left_at_the_gateway_is_replaced_there_before_it_ends(box):
    box.start("blue", script=SLOW)
    assert box.dies("6", "set", "blue", "shop", "environment_variables.WHO", "second")
    serving = box.api.context().deployment("shop", "blue")[1].serving
    assert (serving.variables["WHO"], box.who()) == ("second", "blue"), "written down, and not told to the gateway yet"
    edits = [Edit("set", ("environment_variables", "WHO"), "third")]
    changing = threading.Thread(
        target=lambda: box.api.online_deployments.update(name="blue", endpoint="shop", edits=edits)
    )
    changing.start()
    found = []
    while changing.is_alive():
        found.append(box.ask().status)
    assert set(found) == {200}
    assert box.who() == "third"
    box.consistent()


# --- Deletions -------------------------------------------------------------------------------------------------------


def test_nothing_is_made_in_an_endpoint_whose_deletion_was_interrupted(box):
    box.start("blue")
    blue, green = box.deployment("blue"), box.deployment("green")
    assert box.dies("1", "delete-endpoint", "shop")
    for command in (
        lambda: box.api.online_endpoints.create(box.endpoint(description="again")),
        lambda: box.api.online_endpoints.update(name="shop", traffic={"blue": 0}),
        lambda: box.api.online_deployments.create(green),
        lambda: box.api.online_deployments.update(blue),
    ):
        with pytest.raises(SandboxError, match="E053") as caught:
            command()
        assert "delete -n shop" in caught.value.fix
    box.api.online_endpoints.delete("shop")
    box.start("blue")
    assert box.who() == "blue"
    box.consistent()


def test_a_deletion_that_is_at_work_is_left_to_it(box):
    box.start("blue", script=SAYS.replace("return [", "import time; time.sleep(3); return ["))
    asking = threading.Thread(target=box.ask)
    asking.start()
    until(lambda: _active(box))
    with box.command("0", "delete-endpoint", "shop") as deleting:
        until(lambda: box.api.context().endpoint("shop").state == "Deleting")
        with pytest.raises(SandboxError, match="E053"):
            box.api.online_endpoints.delete("shop")
        box.api.heal()
        assert box.instances(), "whoever deletes waits for the request; who heals must not end it"
        assert deleting.wait(30) == 0
    asking.join(30)
    assert box.api.online_endpoints.list() == []


def _active(box):
    return any(counts.active for counts in box.api.context().gateway.stats().live.values())


def test_a_deletion_that_fails_can_be_said_again_in_the_same_process(box, monkeypatch):
    box.start("blue", "green")
    with monkeypatch.context() as patch:
        patch.setattr(Gateway, "apply", _refuse)
        for delete in (
            lambda: box.api.online_deployments.delete("green", "shop"),
            lambda: box.api.online_endpoints.delete("shop"),
        ):
            with pytest.raises(SandboxError, match="E059"):
                delete()
    box.api.heal()
    assert (box.api.online_endpoints.list(), box.api.context().backend.instances()) == ([], [])


def _refuse(*_):
    raise Unresponsive("it does not answer")


def test_an_endpoint_that_cannot_be_deleted_keeps_nobody_from_being_healed(box, monkeypatch):
    box.start("blue")
    box.api.online_endpoints.create(box.endpoint("other"))
    assert box.dies("1", "delete-endpoint", "other")
    box.kill(box.pids("blue")[0])
    with monkeypatch.context() as patch:
        patch.setattr(deletion.removal, "stop_all", _cannot)
        assert box.api.heal().troubles["other"].code == "E087"
    assert box.who() == "blue"
    box.api.heal()
    assert [each.name for each in box.api.online_endpoints.list()] == ["shop"]


def _cannot(*_):
    raise SandboxError("E087", "it cannot be ended")


def test_the_keys_of_an_endpoint_go_before_its_name_is_free(box):
    """A new endpoint of the name must not be opened by the old one's keys, whenever the deletion was killed."""
    context = box.api.context()
    box.start()
    old = box.key()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(context.store), "remove", _cannot)
        with pytest.raises(SandboxError, match="E087"):
            box.api.online_endpoints.delete("shop")
    box.api.heal()
    box.start()
    assert box.key() != old
