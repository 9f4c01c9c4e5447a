"""The use cases against real processes and the real gateway, as commands in sequence and at once."""

import json
import os
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.agent import place
from sandbox.api import Edit, Sandbox
from sandbox.model.errors import NotFound, SandboxError, UsageError
from tests.support.boxes import SAYS, box_in, until
from tests.support.gateways import ask, free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")
BROKEN = "import os\n\n\ndef init():\n    return os.environ['NOT_SET_ANYWHERE']\n\n\ndef run(data):\n    return data\n"


@pytest.fixture
def box(tmp_path):
    with box_in(tmp_path) as made:
        yield made


def changed(*path_and_value):
    *path, value = path_and_value
    return [Edit("set", tuple(path), value)]


def update(box, *path_and_value, name="blue", **more):
    return box.api.online_deployments.update(name=name, endpoint="shop", edits=changed(*path_and_value), **more)


# --- A life ----------------------------------------------------------------------------------------------------------


def test_an_endpoint_with_a_deployment_answers_and_is_shown_as_azure_shows_it(box):
    endpoint = box.api.online_endpoints.create(box.endpoint(tags={"team": "x"}))
    assert endpoint.as_azure()["provisioning_state"] == "Succeeded"
    assert ask(box.port(), key=box.key()).status == 404  # there is nobody with traffic
    deployment = box.api.online_deployments.create(box.deployment("blue"))
    assert deployment.as_azure()["provisioning_state"] == "Succeeded"
    assert ask(box.port(), key=box.key()).status == 404  # create gives no traffic, as in Azure
    box.api.online_endpoints.update(name="shop", traffic={"blue": 100})
    reply = box.api.online_endpoints.invoke("shop", b'{"data": 1}')
    assert (reply.status, json.loads(reply.body)[0], reply.header("azureml-model-deployment")) == (200, "blue", "blue")
    assert box.api.online_endpoints.show("shop").as_azure()["traffic"] == {"blue": 100}
    assert [each.name for each in box.api.online_deployments.list("shop")] == ["blue"]
    box.consistent()


def test_two_deployments_share_and_the_deleted_one_is_gone(box):
    box.start("blue", "green")
    box.api.online_endpoints.update(name="shop", traffic={"blue": 0, "green": 100})
    assert box.who() == "green"
    box.api.online_deployments.delete("blue", "shop")
    assert box.ask("blue").status == 404
    assert len(box.instances()) == 1
    with pytest.raises(NotFound, match="E051"):
        box.api.online_deployments.show("blue", "shop")
    box.consistent()


def test_all_traffic_goes_to_a_new_deployment_when_it_is_ready(box):
    box.start("blue")
    box.api.online_deployments.create(box.deployment("green"), all_traffic=True)
    assert box.api.online_endpoints.show("shop").as_azure()["traffic"] == {"blue": 0, "green": 100}
    assert box.who() == "green"


def test_each_endpoint_has_a_port_of_its_own_and_keeps_it(box):
    box.start("blue")
    box.api.online_endpoints.create(box.endpoint("other", any_port=True))
    box.api.online_endpoints.create(box.endpoint("third", any_port=True))
    ports = (box.port(), box.port("other"))
    assert len({*ports, box.port("third")}) == 3
    key = box.key()
    box.api.online_endpoints.create(box.endpoint("other", any_port=True, description="again"))
    box.api.online_endpoints.create(box.endpoint(description="again"))
    assert (box.port(), box.port("other"), box.key()) == (*ports, key)
    assert box.who() == "blue", "traffic that the file does not name stays"
    box.api.online_endpoints.delete("other")
    assert box.who() == "blue"


def test_an_endpoint_may_ask_for_its_port_and_is_told_who_has_it(box):
    wanted = free_port()  # no sandbox takes one of these by itself
    box.api.online_endpoints.create(box.endpoint(properties={"sandbox.port": str(wanted)}))
    assert box.port() == wanted
    with pytest.raises(SandboxError, match="E058"):
        box.api.online_endpoints.create(box.endpoint("other", properties={"sandbox.port": str(wanted)}))
    assert [each.name for each in box.api.online_endpoints.list()] == ["shop"]


# --- Changes that restart nothing, and those that do -----------------------------------------------------------------


def test_scaling_restarts_nothing(box):
    box.start("blue")
    first = box.pids("blue")
    assert update(box, "instance_count", 3).as_azure()["instance_count"] == 3
    three = box.pids("blue")
    assert len(three) == 3
    assert three[:1] == first
    update(box, "instance_count", 1)
    assert box.pids("blue") == first
    box.consistent()


def test_rules_of_the_gateway_restart_nothing(box):
    box.start("blue")
    before = box.pids("blue")
    update(box, "request_settings", "request_timeout_ms", 7000)
    assert box.pids("blue") == before
    shown = box.api.online_deployments.show("blue", "shop").as_azure()
    assert shown["request_settings"]["request_timeout_ms"] == 7000
    box.consistent()


def test_a_changed_variable_replaces_the_instances_and_the_snapshot_of_the_code_stays(box):
    box.start("blue")
    before = box.pids("blue")
    box.script("blue", "this is no Python at all\n")  # the author goes on; nobody asked to deploy that
    update(box, "environment_variables", "WHO", "changed")
    assert box.who() == "changed"
    assert set(box.pids("blue")).isdisjoint(before)
    box.consistent()


def test_a_file_reads_the_code_anew(box):
    box.start("blue")
    file = box.deployment("blue", SAYS.replace('os.environ.get("WHO")', '"new code"'))
    box.api.online_deployments.update(file)
    assert box.who() == "new code"
    before = box.pids("blue")
    box.api.online_deployments.update(file)
    assert box.pids("blue") == before, "the same code again is no change"
    box.consistent()


# --- What goes wrong -------------------------------------------------------------------------------------------------


def test_a_failing_script_is_told_with_its_own_line_and_can_be_corrected(box):
    box.api.online_endpoints.create(box.endpoint())
    file = box.deployment("blue", BROKEN)
    with pytest.raises(SandboxError, match="E054") as caught:
        box.api.online_deployments.create(file)
    line = BROKEN.splitlines().index("    return os.environ['NOT_SET_ANYWHERE']") + 1
    assert caught.value.why.endswith(f"score.py:{line}")
    assert "KeyError" in caught.value.what
    assert any("NOT_SET_ANYWHERE" in text for text in caught.value.log)
    shown = box.api.online_deployments.show("blue", "shop").as_azure()
    assert (shown["provisioning_state"], shown["error"]["code"]) == ("Failed", "E054")
    assert box.instances() == []
    assert any("NOT_SET_ANYWHERE" in text for text in box.api.online_deployments.logs("blue", "shop"))
    box.api.online_deployments.create(box.deployment("blue"))
    assert box.ask("blue").status == 200
    box.consistent()


def test_an_update_that_fails_leaves_the_old_instances_serving(box):
    box.start("blue")
    before = box.pids("blue")
    with pytest.raises(SandboxError, match="E054"):
        box.api.online_deployments.update(box.deployment("blue", BROKEN))
    assert box.pids("blue") == before
    assert box.who() == "blue"
    update(box, "environment_variables", "WHO", "repaired")
    assert box.who() == "repaired"
    box.consistent()


def test_an_init_that_takes_too_long_is_told_and_ended(box):
    box.start("blue")
    slow = SAYS.replace("pass", "import time; print('reading', flush=True); time.sleep(60)")
    probe = {"initial_delay": 1, "period": 1, "failure_threshold": 8, "timeout": 1}
    with pytest.raises(SandboxError, match="E055") as caught:
        box.api.online_deployments.create(box.deployment("green", slow, readiness_probe=probe))
    assert any("reading" in line for line in caught.value.log)
    assert len(box.instances()) == 1
    assert box.who() == "blue"


def test_traffic_is_refused_where_it_could_not_be_answered(box):
    box.start("blue")
    with pytest.raises(SandboxError, match="E054"):
        box.api.online_deployments.create(box.deployment("broken", BROKEN))
    for traffic in ({"blue": 50}, {"blue": 50, "green": 50}, {"blue": 90, "broken": 10}, {"blue": 110}, {"blue": -1}):
        with pytest.raises(SandboxError):
            box.api.online_endpoints.update(name="shop", traffic=traffic)
    for mirror in ({"blue": 10}, {"broken": 10}, {"nobody": 10}):
        with pytest.raises(SandboxError):
            box.api.online_endpoints.update(name="shop", mirror=mirror)
    assert box.api.online_endpoints.show("shop").as_azure()["traffic"] == {"blue": 100, "broken": 0}
    assert box.who() == "blue"
    box.api.online_deployments.delete("broken", "shop")


def test_a_deployment_with_live_traffic_is_not_deleted(box):
    box.start("blue")
    with pytest.raises(SandboxError, match="E057") as caught:
        box.api.online_deployments.delete("blue", "shop")
    assert "online-endpoint update" in caught.value.fix
    assert box.who() == "blue"
    box.api.online_endpoints.update(name="shop", traffic={"blue": 0})
    box.api.online_deployments.delete("blue", "shop")
    assert box.instances() == []


def test_create_replaces_nothing_and_what_does_not_exist_is_told(box):
    box.start("blue")
    with pytest.raises(SandboxError, match="E052"):
        box.api.online_deployments.create(box.deployment("blue"))
    with pytest.raises(NotFound, match="E050"):
        box.api.online_deployments.create(box.deployment("blue", endpoint="nobody"))
    with pytest.raises(NotFound, match="E051"):
        update(box, "instance_count", 2, name="green")
    assert box.who() == "blue"


# --- Up and down -----------------------------------------------------------------------------------------------------


def test_up_twice_does_nothing_the_second_time_and_down_takes_it_away(box):
    box.endpoint(traffic={"blue": 90, "green": 10})
    box.deployment("blue")
    box.deployment("green")
    done = box.api.up([str(box.folder)])
    assert [(each.kind, each.change) for each in done] == [
        ("endpoint", "created"),
        ("deployment", "created"),
        ("deployment", "created"),
    ]
    before, generation = box.left(), box.api.context().endpoint("shop").endpoint
    assert {each.change for each in box.api.up([str(box.folder)])} == {"unchanged"}
    assert (box.left(), box.api.context().endpoint("shop").endpoint) == (before, generation)
    box.consistent()
    box.deployment("green", SAYS + "\n# edited\n")
    assert [each.change for each in box.api.up([str(box.folder)])] == ["unchanged", "unchanged", "updated"]
    assert box.api.down() == ["shop"]
    assert box.left() == {}


# --- Without waiting -------------------------------------------------------------------------------------------------


def test_without_waiting_the_command_returns_and_the_deployment_comes(box):
    box.api.online_endpoints.create(box.endpoint())
    slow = SAYS.replace("pass", "import time; time.sleep(1)")
    info = box.api.online_deployments.create(box.deployment("blue", slow), wait=False)
    assert info.as_azure()["provisioning_state"] == "Creating"
    with pytest.raises(SandboxError, match="E053"):
        update(box, "instance_count", 2)
    until(lambda: box.api.online_deployments.show("blue", "shop").as_azure()["provisioning_state"] == "Succeeded")
    until(lambda: box.api.context().deployment("shop", "blue")[1].operation is None)
    box.consistent()


def test_all_traffic_cannot_be_had_without_waiting(box):
    box.api.online_endpoints.create(box.endpoint())
    with pytest.raises(UsageError, match="E010"):
        box.api.online_deployments.create(box.deployment("blue"), all_traffic=True, wait=False)
    assert box.api.online_deployments.list("shop") == []


def test_without_waiting_a_failure_is_kept_with_the_deployment(box):
    box.api.online_endpoints.create(box.endpoint())
    box.api.online_deployments.create(box.deployment("blue", BROKEN), wait=False)
    until(lambda: box.api.online_deployments.show("blue", "shop").as_azure()["provisioning_state"] == "Failed")
    assert box.api.online_deployments.show("blue", "shop").as_azure()["error"]["code"] == "E054"


# --- Two at once -----------------------------------------------------------------------------------------------------


def outcome(call, *words, **more):
    try:
        return call(*words, **more).name
    except SandboxError as error:
        return error.code


def test_of_two_commands_on_one_deployment_one_wins_and_the_other_is_told(box):
    box.start("blue")
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(outcome, update, box, "environment_variables", "WHO", f"w{number}") for number in range(4)]
        found = sorted(call.result() for call in calls)
    assert "blue" in found
    assert set(found) <= {"blue", "E053"}
    assert box.who() in {f"w{number}" for number in range(4)}
    box.consistent()


def test_two_deployments_are_created_at_the_same_time(box):
    box.api.online_endpoints.create(box.endpoint())
    with ThreadPoolExecutor() as pool:
        created = [
            pool.submit(box.api.online_deployments.create, box.deployment(name)) for name in ("blue", "green", "red")
        ]
    assert [each.result().name for each in created] == ["blue", "green", "red"]
    assert {each.name for each in box.api.online_deployments.list("shop")} == {"blue", "green", "red"}
    box.consistent()


def test_endpoints_that_are_created_at_the_same_time_get_different_ports(box):
    names = [f"shop-{number}" for number in range(6)]
    with ThreadPoolExecutor() as pool:
        found = list(
            pool.map(lambda name: box.api.online_endpoints.create(box.endpoint(name, any_port=True)).name, names)
        )
    assert found == names
    assert len({box.port(name) for name in names}) == 6
    assert {ask(box.port(name), key=box.key(name)).status for name in names} == {404}


def test_a_deployment_that_loads_keeps_nobody_from_changing_traffic(box):
    box.start("blue", "green")
    slow = SAYS.replace("pass", "import time; time.sleep(1.5)")
    with ThreadPoolExecutor() as pool:
        creating = pool.submit(box.api.online_deployments.create, box.deployment("red", slow))
        until(lambda: len(box.instances()) == 3)
        began = time.monotonic()
        box.api.online_endpoints.update(name="shop", traffic={"blue": 0, "green": 100})
        assert time.monotonic() - began < 1
        assert not creating.done()
    assert box.who() == "green"
    box.consistent()


# --- What died -------------------------------------------------------------------------------------------------------


def test_an_instance_that_was_killed_is_started_again_and_nothing_else(box):
    box.start("blue", "green")
    green = box.pids("green")
    box.kill(box.pids("blue")[0])
    healed = box.api.heal()
    assert [missing.deployment for missing in healed.plan.start] == ["blue"]
    assert box.pids("green") == green
    assert box.who() == "blue"
    assert not box.api.heal().plan
    box.consistent()


def test_the_gateway_that_was_killed_is_started_again_with_what_it_did(box):
    box.start("blue")
    port, before = box.port(), box.pids("blue")
    box.kill(box.gateway_pid())
    box.api.heal()
    assert box.port() == port
    assert box.who() == "blue"
    assert box.pids("blue") == before


def test_after_a_reboot_up_brings_everything_back(box):
    box.start("blue", "green", count=2)
    box.api.online_endpoints.update(name="shop", traffic={"blue": 90, "green": 10})
    port, key = box.port(), box.key()
    box.kill_everything()
    box.api.up()
    assert (box.port(), box.key()) == (port, key)
    assert len(box.instances()) == 4
    assert box.api.online_endpoints.show("shop").as_azure()["traffic"] == {"blue": 90, "green": 10}
    box.consistent()


def test_what_cannot_be_healed_keeps_its_error_and_the_others_are_healed(box):
    once = SAYS.replace("pass", "path = os.environ['MARK']; os.rename(path, path + '.done')")
    mark = box.folder / "mark"
    mark.touch()
    box.start("blue")
    box.api.online_deployments.create(box.deployment("green", once, variables={"MARK": str(mark)}))
    box.kill_everything()
    healed = box.api.heal()
    assert healed.failed == (("shop", "green"),)
    assert box.who() == "blue"
    assert box.ask("green").status == 424
    assert box.api.online_deployments.show("green", "shop").as_azure()["error"]["code"] == "E054"
    mark.touch()
    assert box.api.heal().failed == ()
    box.consistent()


# --- The home --------------------------------------------------------------------------------------------------------


def test_a_home_in_a_very_long_path(tmp_path):
    with box_in(tmp_path, tmp_path / ("a" * 100) / ("b" * 100) / "home") as box:
        box.start("blue")
        assert box.who() == "blue"
        update(box, "environment_variables", "WHO", "changed")
        assert box.who() == "changed"
        box.consistent()


def test_a_home_that_was_deleted_while_everything_ran(box):
    box.endpoint(traffic={"blue": 100})
    box.deployment("blue", count=2)
    box.api.up([str(box.folder)])
    port, before = box.port(), set(box.left())
    shutil.rmtree(box.home)
    assert box.api.online_endpoints.list() == []
    box.api.up([str(box.folder)])
    assert box.port() == port, "what the old gateway held is free again"
    assert box.who() == "blue"
    assert before.isdisjoint(box.left()), "nothing of before runs on"
    box.consistent()


def test_a_home_that_was_deleted_is_cleaned_up_also_where_nothing_is_brought_up(box):
    box.start("blue")
    shutil.rmtree(box.home)
    box.api.down()
    assert box.left() == {}


def test_an_agent_whose_home_was_deleted_ends_what_ran_there_and_itself(box):
    box.start("blue")
    agent = place.start(box.api.home)
    shutil.rmtree(box.home)
    until(lambda: not set(box.left()) - {agent})
    until(lambda: box.left() == {})


def test_other_homes_are_left_alone(box, tmp_path):
    box.start("blue")
    (tmp_path / "other").mkdir()
    with box_in(tmp_path / "other") as other:
        other.start("blue", who="other")
        assert (box.who(), other.who()) == ("blue", "other")
        assert box.port() != other.port()
        other.api.heal()
        box.api.heal()
        assert (box.who(), other.who()) == ("blue", "other")
    assert box.who() == "blue"


def test_an_instance_that_stands_still_does_not_hold_up_its_end(box):
    box.start("blue")
    os.kill(box.pids("blue")[0], signal.SIGSTOP)
    context = box.api.context()
    began = time.monotonic()
    for instance in box.instances():
        context.backend.stop(instance, 1)
    assert time.monotonic() - began < 10
    assert box.instances() == []
    assert isinstance(Sandbox(str(box.home)).heal().failed, tuple)
    assert box.who() == "blue"
