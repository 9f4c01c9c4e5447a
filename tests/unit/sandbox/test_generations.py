"""What served when: shares, the way back, what is kept, what travels to a host."""

import json
import random

import pytest

from sandbox.home import Home
from sandbox.model import generation
from sandbox.model.deployment import ManagedDeployment
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import SandboxError, UsageError
from sandbox.model.generation import Generation, Part
from sandbox.model.sample import Sample
from sandbox.model.shares import among, with_share
from sandbox.model.state import DeploymentState, EndpointState
from sandbox.ops import bundle, generations
from sandbox.ops.bundle import Bundle, Pace
from sandbox.store.generations import Generations, Promotion

IMAGE = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("before", "share", "after"),
    [
        ({}, 10, {"new": 100}),
        ({"new": 100}, 10, {"new": 100}),
        ({"old": 100}, 10, {"old": 90, "new": 10}),
        ({"old": 100}, 100, {"new": 100}),
        ({"a": 50, "b": 50}, 50, {"a": 25, "b": 25, "new": 50}),
        ({"a": 50, "b": 50}, 1, {"a": 50, "b": 49, "new": 1}),
        ({"a": 34, "b": 33, "c": 33}, 99, {"a": 1, "new": 99}),
        ({"old": 50, "new": 50}, 75, {"old": 25, "new": 75}),
    ],
)
def test_the_others_share_what_is_left_as_before(before, share, after):
    assert with_share(before, "new", share) == after


def test_shares_always_sum_to_a_hundred():
    for seed in range(200):
        chance = random.Random(seed)
        cuts = sorted(chance.sample(range(1, 100), chance.randrange(0, 5)))
        parts = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
        before = {f"d{index}": part for index, part in enumerate(parts)}
        made = with_share(before, "new", chance.randrange(1, 101))
        assert sum(made.values()) == 100
        assert all(part > 0 for part in made.values())


@pytest.mark.parametrize(
    ("before", "names", "after"),
    [
        ({"a": 100}, {"a", "b"}, {"a": 100}),
        ({"a": 100}, {"b"}, {}),
        ({"a": 1, "b": 66, "c": 33}, {"b", "c"}, {"b": 67, "c": 33}),
        ({"a": 50, "b": 0}, {"b"}, {}),
        ({}, {"a"}, {}),
    ],
)
def test_those_that_are_left_share_as_before(before, names, after):
    assert among(before, names) == after


def gens(*entries):
    found = []
    for number, root in entries:
        found.append(Generation(number, "", "", "promote", "", root, {f"d{root}": 100}, {f"d{root}": Part(f"i{root}")}))
    return found


@pytest.mark.parametrize(
    ("entries", "back"),
    [
        ([], None),
        ([(1, 1)], None),
        ([(1, 1), (2, 2)], 1),
        ([(1, 1), (2, 2), (0, 0)], 1),
        ([(1, 1), (2, 2), (3, 3), (4, 2)], 1),  # 4 is 2 again: one more back is 1
        ([(1, 1), (2, 2), (3, 3), (4, 2), (5, 1)], None),
        ([(1, 1), (2, 2), (3, 1), (4, 4)], 3),
    ],
)
def test_the_way_back_goes_one_further_each_time(entries, back):
    found = generation.before(gens(*entries))
    assert (found.number if found else None) == back


def test_the_newest_different_generations_are_kept():
    found = generation.kept(gens((1, 1), (2, 2), (3, 3), (4, 2), (0, 0)), 2)
    assert [each.number for each in found] == [2, 3]


def test_the_history_is_written_whole_and_attempts_get_no_number(tmp_path):
    (tmp_path / "endpoints" / "shop").mkdir(parents=True)
    book = Generations(Home(str(tmp_path)), "shop")
    assert (book.read(), book.pending()) == ((), None)
    book.add("promote", "ann@laptop", "blue", {"blue": 100}, {"blue": Part(IMAGE, "r@sha256:1", {"KEY": "${{x}}"})})
    book.add("promote", "ann@laptop", "green", {"blue": 100}, {"green": Part("sha256:2")}, cause="E183")
    book.add("rollback", "bob@laptop", "to 1", {"blue": 100}, {}, root=1)
    assert [(each.number, each.root, each.cause) for each in book.read()] == [(1, 1, ""), (0, 0, "E183"), (2, 1, "")]
    assert book.read()[0].parts["blue"].references == {"KEY": "${{x}}"}
    promotion = book.begin(Promotion("green", Part("sha256:2"), "ann", "green", {"blue": 100}))
    assert book.step(promotion, {"green": 100}).set_to == {"green": 100}
    pending = book.pending()
    assert pending
    assert (pending.before, pending.set_to, pending.fresh) == ({"blue": 100}, {"green": 100}, True)
    book.end()
    book.end()
    assert book.pending() is None


def test_of_an_endpoint_that_is_gone_nothing_is_written(tmp_path):
    Generations(Home(str(tmp_path)), "shop").add("traffic", "ann", "", {}, {})
    Generations(Home(str(tmp_path)), "shop").begin(Promotion("blue", Part(), "ann", ""))
    assert not (tmp_path / "endpoints").exists()


def test_a_damaged_history_is_told(tmp_path):
    folder = tmp_path / "endpoints" / "shop"
    folder.mkdir(parents=True)
    (folder / "history.json").write_text('[{"number": "x"}]')
    with pytest.raises(SandboxError, match="E004"):
        Generations(Home(str(tmp_path)), "shop").read()
    (folder / "promotion.json").write_text('{"deployment": 1}')
    with pytest.raises(SandboxError, match="E004"):
        Generations(Home(str(tmp_path)), "shop").pending()


def test_a_name_on_a_host_tells_the_image_and_is_a_name():
    assert generations.name_of("blue", IMAGE) == "blue-01234567"
    assert generations.name_of("Blue", IMAGE) == "blue-01234567"
    long = generations.name_of("a-very-long-name-for-a-deployment", IMAGE)
    assert (len(long) <= 32, "--" in long) == (True, False)


def test_parts_name_images_references_and_digests():
    sealed = ManagedDeployment(
        "blue", "shop", properties={"sandbox.sealed": IMAGE}, environment_variables={"KEY": "${{x}}", "NONE": None}
    )
    plain = ManagedDeployment("green", "shop", environment_variables={"A": "b"})
    known = {"blue": DeploymentState(sealed), "green": DeploymentState(plain)}
    state = EndpointState(Endpoint("shop"), 1, deployments=known)
    found = generations.parts(state, {"blue": 50, "green": 50}, {IMAGE: "r@1"})
    assert found == {"blue": Part(IMAGE, "r@1", {"KEY": "${{x}}", "NONE": ""}), "green": Part()}


BUNDLE = Bundle(
    {"name": "shop", "auth_mode": "key"}, "blue", IMAGE, "ann@laptop", "r@1", {"KEY": "${{x}}"},
    (Sample("usual", b"{}", [1.5]),), Pace((10, 100), 0.5, 2.0),
)  # fmt: skip


def test_a_bundle_travels_whole():
    assert bundle.from_mapping(json.loads(json.dumps(bundle.as_mapping(BUNDLE)))) == BUNDLE


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"image": "shop:latest"},
        {"samples": [{"name": "x"}]},
        {"pace": {}},
        {"deployment": ""},
        {"references": ["KEY"]},
        {"endpoint": {}},
        {"endpoint": {"name": "../../locks"}},
        {"deployment": "../blue"},
    ],
)
def test_what_is_no_bundle_is_refused(change):
    with pytest.raises(SandboxError) as raised:
        bundle.from_mapping({**bundle.as_mapping(BUNDLE), **change})
    assert raised.value.code == "E189"
    with pytest.raises(SandboxError, match="E189"):
        bundle.from_mapping([])


@pytest.mark.parametrize("steps", [(), (0, 100), (50, 50), (50, 10), (101,)])
def test_steps_that_do_not_grow_are_refused(steps):
    with pytest.raises(UsageError, match="E191"):
        Pace(steps)


@pytest.mark.parametrize("more", [{"pause_s": -1}, {"pause_s": 1e9}, {"most_errors": 101}, {"most_errors": -1}])
def test_a_pace_that_cannot_be_is_refused(more):
    with pytest.raises(UsageError, match="E191"):
        Pace(**more)
