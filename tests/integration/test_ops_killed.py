"""Commands that are killed (-9) at any point: what served serves, and the same command said again ends well."""

import itertools
import random
import sys

import pytest

from sandbox.model.errors import NotFound
from tests.support.boxes import box_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets"),
]
SEED = random.randrange(10**6)


@pytest.fixture
def box(tmp_path):
    with box_in(tmp_path) as made:
        yield made


def every_event():
    return map(str, itertools.count(1))


def moments(count, longest_s):
    chance = random.Random(SEED)
    return [f"{chance.uniform(0.1, longest_s):.3f}s" for _ in range(count)]


def test_create_killed_at_each_event_and_said_again(box):
    box.start("blue")
    file = box.deployment("green")
    for point in every_event():
        died = box.dies(point, "create", file)
        assert box.who("blue") == "blue"
        if not died:
            break
        box.dies("0", "create", file)
        assert box.who("green") == "green", point
        box.consistent()
        box.api.online_deployments.delete("green", "shop")
    assert int(point) > 6
    box.consistent()


def test_update_killed_at_each_event_and_said_again(box):
    box.start("blue")
    for point in every_event():
        words = ("set", "blue", "shop", "environment_variables.WHO", f"w{point}")
        died = box.dies(point, *words)
        assert box.who() in {"blue", f"w{point}", f"w{int(point) - 1}"}
        if not died:
            break
        box.dies("0", *words)
        assert box.who() == f"w{point}"
        box.consistent()
    assert int(point) > 6
    box.consistent()


def test_scaling_killed_at_each_event_and_healed(box):
    box.start("blue")
    for point in every_event():
        died = box.dies(point, "set", "blue", "shop", "instance_count", "2")
        assert box.who() == "blue"
        if not died:
            break
        box.api.heal()
        box.consistent()
        assert len(box.instances()) == 2
        box.dies("0", "set", "blue", "shop", "instance_count", "1")
        box.consistent()
    assert int(point) > 4
    box.consistent()


def test_deletion_killed_at_each_event_and_said_again(box):
    box.start("blue")
    file = box.deployment("green")
    for point in every_event():
        box.api.online_deployments.create(file)
        if not box.dies(point, "delete", "green", "shop"):
            break
        try:
            box.api.online_deployments.delete("green", "shop")
        except NotFound:
            assert int(point) > 1  # it had just ended
        assert box.ask("green").status == 404
        box.consistent()
    box.consistent()


def test_an_endpoint_killed_at_each_event_of_its_creation_and_deletion(box):
    box.start("blue")
    file = box.endpoint("other")
    for point in every_event():
        died = box.dies(point, "endpoint", file)
        box.dies("0", "endpoint", file)
        assert box.ask(endpoint="other").status == 404
        box.dies(point, "delete-endpoint", "other")
        box.api.heal()
        assert [each.name for each in box.api.online_endpoints.list()] in (["shop"], ["other", "shop"])
        box.consistent()
        if not died:
            break
        assert box.who() == "blue"


def test_commands_killed_at_any_moment_and_healed(box):
    """Up, an update and a deletion, killed somewhere in the middle; then ``up`` says what shall be."""
    box.endpoint(traffic={"blue": 100})
    blue, green = box.deployment("blue"), box.deployment("green")
    for number, moment in enumerate(moments(9, 1.2)):
        if number % 3 == 0:
            box.dies(moment, "up", str(box.folder))
        elif number % 3 == 1:
            box.dies(moment, "set", "blue", "shop", "environment_variables.WHO", f"w{number}")
        else:
            box.dies(moment, "delete", "green", "shop")
        box.api.up([blue, green, str(box.folder)] if number % 2 else [str(box.folder)])
        assert box.who() == "blue", (SEED, moment)
        box.consistent()
