"""Commands that meet: each finds what the other does, and nothing is lost or ended that somebody needs."""

import sys
import threading

import pytest

from sandbox.api import Edit
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
