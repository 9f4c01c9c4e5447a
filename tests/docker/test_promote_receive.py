"""A promotion where it arrives: what serves goes on serving, whatever happens to the new version or to the command."""

import contextlib
import itertools
import json
import signal
import subprocess
import sys

import pytest

from sandbox.model.errors import NotFound, SandboxError
from sandbox.model.sample import Sample
from sandbox.ops import generations
from sandbox.store.generations import Generations
from tests.support import containers
from tests.support.backends import until
from tests.support.boxes import ROOT, box_in
from tests.support.sealed_images import Images, promotion, sent

pytestmark = [pytest.mark.docker, pytest.mark.slow]
ENDLESS_S = 300.0


@pytest.fixture(scope="module")
def images(engine, tmp_path_factory):
    made = Images(engine, tmp_path_factory.mktemp("images"))
    yield made
    made.remove()


@pytest.fixture
def box(tmp_path, engine, monkeypatch):
    monkeypatch.setenv("SANDBOX_CLIENT", "bob@desk")
    containers.owner(tmp_path / "home")
    with box_in(tmp_path) as made:
        yield made
    assert containers.left(engine, tmp_path / "home") == []


def receive(box, image, *steps, **more):
    return box.api.promotions.receive(sent(promotion(image, *steps, **more)))


def asked(box, **headers):
    reply = box.ask(**headers)
    return reply.status


def version(box):
    reply = box.api.online_endpoints.invoke("shop", b'{"data": "who"}')
    assert reply.status == 200, reply
    return json.loads(reply.body)


def live(box):
    return {name: part for name, part in box.api.online_endpoints.show("shop").as_azure()["traffic"].items() if part}


def history(box):
    return [(each.number, each.verb, each.cause[:6], dict(each.traffic)) for each in box.api.promotions.history("shop")]


def fails(box, image, code, *steps, **more):
    with pytest.raises(SandboxError) as raised:
        receive(box, image, *steps, **more)
    assert raised.value.code == code, (raised.value, raised.value.why)
    return raised.value


def test_an_upgrade_in_steps_loses_no_request_and_its_way_back_neither(box, images, engine):
    first, second = images.sums("1", count=2), images.sums("2", count=2)
    one, two = generations.name_of("blue", first), generations.name_of("blue", second)
    done = receive(box, first, 10)
    assert (done.deployment, done.generation, done.traffic, done.changed) == (one, 1, {one: 100}, True)
    with box.load(least=2000) as result:
        done = receive(box, second, 50, pause_s=0.3)
        assert (done.traffic, done.generation) == ({one: 50, two: 50}, 2)
        assert not receive(box, second, 50).changed  # said again, it does nothing
        done = receive(box, second, 10, 60, 100)
        assert (done.traffic, done.generation) == ({two: 100}, 3)
    assert (result["statuses"].keys(), result["errors"]) == ({"200"}, [])
    assert version(box) == "2"
    container = engine.inspect_container(box.instances(two)[0].id)
    assert (container["Image"], container["Mounts"], container["HostConfig"]["ReadonlyRootfs"]) == (second, [], True)
    status = {each.name: each for each in box.api.status().endpoints[0].deployments}
    assert (status[two].image, status[one].running) == (second, 2)
    with box.load(least=2000) as result:
        assert box.api.promotions.rollback("shop").traffic == {one: 50, two: 50}
        assert box.api.promotions.rollback("shop").traffic == {one: 100}
        assert version(box) == "1"
        until(lambda: not box.instances(two))  # neither live nor the one before: it is ended, its image stays
        assert box.api.promotions.rollback("shop", 3).traffic == {two: 100}
    assert (result["statuses"].keys(), result["errors"]) == ({"200"}, [])
    assert version(box) == "2"
    assert [(each.number, each.root) for each in box.api.promotions.history("shop")] == [
        (1, 1), (2, 2), (3, 3), (4, 2), (5, 1), (6, 3),
    ]  # fmt: skip
    assert {each.who for each in box.api.promotions.history("shop")} == {"ann@laptop", "bob@desk"}
    with pytest.raises(NotFound, match="E187"):
        box.api.promotions.rollback("shop", 17)
    box.consistent()


def test_versions_that_do_not_start_or_answer_otherwise_are_taken_back_unseen(box, images):
    one = generations.name_of("blue", images.sums("1"))
    receive(box, images.sums("1"))
    with box.load(least=1000) as result:
        error = fails(box, images.sums("broken", init="raise ValueError('no model')"), "E054")
        assert any("no model" in line for line in error.log)
        error = fails(box, images.sums("wrong", add=0.25), "E183")
        assert error.log[0] == "usual: $.sum is 3.25 instead of 3.5"
        fails(box, images.sums("gone", init="os._exit(3)"), "E054")
        fails(box, "sha256:" + "0" * 64, "E181")
        fails(box, images.environment, "E181")
    assert (result["statuses"].keys(), result["errors"]) == ({"200"}, [])
    assert live(box) == {one: 100}
    assert list(box.api.context().endpoint("shop").deployments) == [one]
    assert history(box)[1:] == [(0, "promote", f"[{code}]", {one: 100}) for code in ("E054", "E183", "E054")]
    box.consistent()


def test_a_version_that_fails_its_requests_is_taken_back_by_its_gate(box, images):
    one = generations.name_of("blue", images.sums("1"))
    receive(box, images.sums("1"))
    bad = images.sums("bad", each="if data == [1]: raise ValueError('odd')")
    with box.load(least=1000) as result:
        error = fails(box, bad, "E185", 10, 100, pause_s=ENDLESS_S)
    answered = result["statuses"]
    assert "answered" in error.what
    assert "traffic is back" in error.fix
    assert "logs shop shows more" in error.fix
    assert any("odd" in line for line in error.log)
    assert answered.keys() == {"200", "424"}
    assert answered["424"] < answered["200"] / 2  # a tenth, for as long as the gate needed
    assert (live(box), version(box)) == ({one: 100}, "1")
    dying = images.sums("dying", each="threading.Timer(0.5, os.kill, (-1, 9)).start() if data == 'who' else None")
    ask = Sample("dies", b'{"data": "who"}', "dying")
    error = fails(box, dying, "E185", pause_s=ENDLESS_S, samples=(ask,))
    assert "instance" in error.what
    assert (live(box), version(box)) == ({one: 100}, "1")
    box.consistent()


@pytest.mark.parametrize("begin", [1, 2, 3])  # every third step each, so that no test takes long
def test_killed_at_each_step_and_said_again(box, images, tmp_path, begin):
    first, second = images.sums("1"), images.sums("2")
    one, two = generations.name_of("blue", first), generations.name_of("blue", second)
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(sent(promotion(second))))
    receive(box, first)
    with box.load(least=2000) as result:
        for point in map(str, itertools.count(begin, 3)):
            assert images.sums("2") == second  # shipped again: the way back has tidied it away
            died = box.dies(point, "receive", str(path))
            assert asked(box) == 200
            if not died:
                break
            if int(point) % 2 == 0:  # somebody goes back instead of on
                box.api.promotions.rollback("shop", 1)
                assert live(box) == {one: 100}
            else:
                done = receive(box, second)
                assert done.traffic == {two: 100}, point
                assert box.api.promotions.rollback("shop").traffic == {one: 100}
            assert Generations(box.api.home, "shop").pending() is None
            box.consistent()
    assert int(point) > 8
    assert (result["statuses"].keys(), result["errors"]) == ({"200"}, [])
    box.consistent()


def test_another_version_takes_the_place_of_one_that_was_on_its_way(box, images, tmp_path):
    first, second, third = images.sums("1"), images.sums("2"), images.sums("3")
    receive(box, first)
    one, three = (generations.name_of("blue", each) for each in (first, third))
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(sent(promotion(second, 50, 100, pause_s=ENDLESS_S))))
    with _at_the_gate(box, path) as process:
        process.kill()
    assert receive(box, third).traffic == {three: 100}
    assert history(box)[1:] == [(0, "promote", "anothe", {one: 100}), (2, "promote", "", {three: 100})]
    assert set(box.api.context().endpoint("shop").deployments) == {one, three}
    box.consistent()


def test_what_served_before_may_be_deleted_while_a_promotion_waits_to_go_on(box, images, tmp_path):
    first, second, third = images.sums("1"), images.sums("2"), images.sums("3")
    one, two, three = (generations.name_of("blue", each) for each in (first, second, third))
    receive(box, first)
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(sent(promotion(second, pause_s=ENDLESS_S))))
    for go_on in (lambda: box.api.promotions.rollback("shop"), lambda: receive(box, third)):
        with _at_the_gate(box, path) as process:  # of the last step: the version before has no traffic any more
            process.kill()
        box.api.online_deployments.delete(one, "shop")
        assert (live(box), version(box)) == ({two: 100}, "2")
        done = go_on()
        assert Generations(box.api.home, "shop").pending() is None
        assert done.traffic == live(box)
        box.consistent()
    assert (live(box), version(box)) == ({three: 100}, "3")
    assert [(number, verb, weights) for number, verb, _, weights in history(box)] == [
        (1, "promote", {one: 100}),
        (0, "promote", {two: 100}), (2, "traffic", {two: 100}), (3, "rollback", {one: 100}),
        (0, "promote", {two: 100}), (4, "traffic", {two: 100}), (5, "promote", {three: 100}),
    ]  # fmt: skip


def test_a_way_back_asks_whether_what_is_still_there_answers(box, images, engine):
    first, second = images.sums("1"), images.sums("2")
    receive(box, first)
    receive(box, second)
    [warm] = box.instances(generations.name_of("blue", first))
    engine.pause(warm.id)  # it runs, and says nothing
    assert not box.api.context().backend.ready(warm).ready
    box.api.promotions.rollback("shop")
    assert version(box) == "1"
    [fresh] = box.instances(generations.name_of("blue", first))
    assert fresh.id != warm.id
    box.consistent()


def test_one_at_a_time_who_says_who_and_a_hung_up_connection_takes_it_back(box, images, tmp_path):
    first, second = images.sums("1"), images.sums("2")
    one = generations.name_of("blue", first)
    receive(box, first)
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(sent(promotion(second, 50, 100, pause_s=ENDLESS_S))))
    with _at_the_gate(box, path) as process:
        error = fails(box, images.sums("3"), "E186")
        assert "ann@laptop is at it since" in error.why
        assert "promote blue" in error.why
        with pytest.raises(SandboxError, match="E186"):
            box.api.promotions.rollback("shop")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert live(box) == {one: 100}
    done = receive(box, second)
    assert (done.generation, done.changed) == (2, True)
    path.write_text(json.dumps(sent(promotion(images.sums("3"), 50, 100, pause_s=ENDLESS_S))))
    with _at_the_gate(box, path) as process:  # what a person says last counts
        box.api.online_endpoints.update(name="shop", traffic={one: 100})
        process.kill()
    fails(box, images.sums("3"), "E193", 50, 100)
    assert live(box) == {one: 100}


@contextlib.contextmanager
def _at_the_gate(box, path):
    """The command itself, as it runs on a host, at its first gate."""
    words = [sys.executable, "-m", "sandbox.cli.main", "host-receive"]
    environment = {**_environ(), "SANDBOX_HOME": str(box.home)}
    with (
        path.open() as bundle,
        subprocess.Popen(words, stdin=bundle, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process,
    ):
        assert process.stdout
        try:
            for line in process.stdout:
                event = json.loads(line).get("event", {})
                if (event.get("step"), event.get("state")) == ("traffic", "begin"):
                    break
            else:
                pytest.fail("it never came to a gate")
            yield process
        finally:
            process.kill()


def _environ():
    import os

    return dict(os.environ)


def test_an_image_that_is_gone_cannot_be_gone_back_to(box, images, engine):
    first, second = images.sums("once"), images.sums("2")
    one = generations.name_of("blue", first)
    receive(box, first)
    receive(box, second)
    box.api.online_deployments.delete(one, "shop")
    engine.remove_image(first, force=True)
    with pytest.raises(SandboxError, match="E188"):
        box.api.promotions.rollback("shop")
    assert version(box) == "2"


def test_the_file_of_a_deployment_may_name_a_sealed_image(box, images, engine):
    engine.tag(images.sums("by file", count=2), "sealed-by-tests", "file")
    path = box.folder / "blue.yml"
    said = {"name": "blue", "endpoint_name": "shop", "instance_type": "Standard_DS1_v2"}
    path.write_text(json.dumps({**said, "properties": {"sandbox.sealed": "sealed-by-tests:file"}}))
    box.api.online_endpoints.create(box.endpoint())
    box.api.online_deployments.create(str(path), all_traffic=True)
    assert version(box) == "by file"
    with pytest.raises(SandboxError, match="E182"):
        box.api.online_deployments.update(str(path), reload=True)
    path.write_text(path.read_text().replace(":file", ":gone"))
    with pytest.raises(SandboxError, match="E181"):
        box.api.online_deployments.update(str(path))
    assert version(box) == "by file"
