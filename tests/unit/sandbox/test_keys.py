"""Keys of endpoints: made, replaced one at a time, private, whole whatever happens."""

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.gateway import description
from sandbox.home import Home
from sandbox.model.errors import SandboxError
from sandbox.store import keys

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def home(tmp_path):
    return Home(str(tmp_path / "home"))


def test_keys_are_made_once_and_kept(home):
    made = keys.make(home, "shop")
    assert keys.make(home, "Shop") == made == keys.read(home, "shop")
    assert made.primary != made.secondary
    assert made.as_azure() == {"primaryKey": made.primary, "secondaryKey": made.secondary}
    assert keys.make(home, "other") != made


def test_the_gateway_takes_what_is_made_and_both_sides_name_the_same_signs(home):
    made = keys.make(home, "shop")
    assert keys.POSSIBLE.pattern == description.KEY.pattern
    for key in (made.primary, made.secondary):
        assert description.KEY.fullmatch(key)
        assert len(key) == 64
        assert key.isalnum()


@pytest.mark.parametrize(("which", "other"), [("primary", "secondary"), ("secondary", "primary")])
def test_replacing_one_key_leaves_the_other(home, which, other):
    old = keys.make(home, "shop")
    new = keys.replace(home, "shop", which)
    assert getattr(new, which) != getattr(old, which)
    assert getattr(new, other) == getattr(old, other)
    assert keys.read(home, "shop") == new
    assert getattr(keys.replace(home, "shop", which, "a-key-of-my-own-01"), which) == "a-key-of-my-own-01"


def test_replacing_makes_both_where_there_are_none(home):
    assert keys.replace(home, "shop", "primary") == keys.read(home, "shop")


def test_given_keys_take_the_place_of_old_ones(home):
    old = keys.make(home, "shop")
    new = keys.make(home, "shop", secondary="a-key-of-my-own-01")
    assert new == keys.read(home, "shop") == keys.Keys(old.primary, "a-key-of-my-own-01")


@pytest.mark.parametrize("key", ["short", "with a blank in it 123", "x" * 513, "with\nnewline-0123456789", ""])
def test_an_impossible_key_is_refused_and_not_shown(home, key):
    old = keys.make(home, "shop")
    for act in (lambda: keys.replace(home, "shop", "primary", key), lambda: keys.make(home, "shop", primary=key)):
        with pytest.raises(SandboxError) as caught:
            act()
        assert (caught.value.code, caught.value.exit_code) == ("E095", 2)
        assert not key or key not in f"{caught.value!r} {caught.value.why} {caught.value.fix}"
    assert keys.read(home, "shop") == old


def test_no_keys_is_said_with_what_makes_some(home):
    with pytest.raises(SandboxError) as caught:
        keys.read(home, "shop")
    assert caught.value.code == "E096"
    assert caught.value.fix == "sandbox online-endpoint regenerate-keys --name shop"
    keys.make(home, "shop")
    keys.remove(home, "shop")
    keys.remove(home, "shop")
    with pytest.raises(SandboxError, match="E096"):
        keys.read(home, "shop")


@pytest.mark.parametrize("name", ["../x", "a/b", "", "a" * 33, "a.b"])
def test_a_name_never_leads_out_of_the_folder(home, name):
    for act in (keys.read, keys.make, keys.remove):
        with pytest.raises(SandboxError, match="E038"):
            act(home, name)


def test_nobody_else_can_read_them_and_printing_does_not_show_them(home):
    made = keys.make(home, "shop")
    below = [Path(home.root), *Path(home.root).rglob("*")]
    assert [path for path in below if stat.S_IMODE(os.lstat(path).st_mode) & 0o077] == []
    assert made.primary not in repr(made)
    assert made.secondary not in f"{made} {made!r}"


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"primary": 1, "secondary": 2}', '{"primary": "x", "secondary": "y"}']
)
def test_a_file_of_nonsense_counts_as_no_keys(home, content):
    keys.make(home, "shop")
    file = Path(home.secrets, "keys", "shop.json")
    file.write_text(content)
    with pytest.raises(SandboxError, match="E096"):
        keys.read(home, "shop")
    assert keys.make(home, "shop") == keys.read(home, "shop")


def test_what_a_killed_command_left_is_swept(home):
    made = keys.make(home, "shop")
    left = Path(home.secrets, "keys", "shop.json.0badcafe.draft")
    left.write_text(json.dumps({"primary": "x"}))
    keys.make(home, "other")
    assert not left.exists()
    assert keys.read(home, "shop") == made


def replace_often(root, which, times):
    for _ in range(times):
        keys.replace(Home(root), "shop", which)


def test_commands_at_once_lose_no_change(home):
    keys.make(home, "shop")
    seen = set()
    workers = [SPAWN.Process(target=replace_often, args=(home.root, which, 15)) for which in ("primary", "secondary")]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        seen.add(keys.read(home, "shop"))  # never half of anything
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    before = keys.read(home, "shop")
    assert all(description.KEY.fullmatch(each.primary) and description.KEY.fullmatch(each.secondary) for each in seen)
    assert os.listdir(Path(home.secrets, "keys")) == ["shop.json"]
    assert keys.replace(home, "shop", "primary").secondary == before.secondary


@given(st.text(max_size=40))
def test_a_key_is_possible_here_where_it_is_possible_at_the_gateway(key):
    try:
        keys._check(key, "primary")
    except SandboxError:
        assert not description.KEY.fullmatch(key)
    else:
        assert description.KEY.fullmatch(key)
