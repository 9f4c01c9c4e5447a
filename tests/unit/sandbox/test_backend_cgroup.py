"""Limits of memory by control groups. A folder stands for the kernel's tree: few test machines hand one to us."""

import pytest

from sandbox.backend.process import cgroup


@pytest.fixture
def tree(tmp_path):
    """A tree as systemd makes it: memory is handed down to user@1000.service and not below app.slice."""
    mount = tmp_path / "mount"
    path = mount
    for name in ("", "user.slice", "user@1000.service", "app.slice", "terminal.scope"):
        path /= name
        path.mkdir()
        (path / "cgroup.procs").write_text("")
        (path / "cgroup.subtree_control").write_text("memory pids\n" if name.startswith("user") else "cpu\n")
    (mount / "cgroup.controllers").write_text("cpu memory pids\n")
    own = tmp_path / "own"
    own.write_text("1:name=x:/other\n0::/user.slice/user@1000.service/app.slice/terminal.scope\n")
    return mount, own


def test_the_nearest_group_that_hands_memory_down_is_used(tree):
    mount, own = tree
    assert cgroup.place(str(mount), str(own)) == str(mount / "user.slice" / "user@1000.service")


def test_without_control_groups_of_version_2_there_is_no_place(tree, tmp_path):
    mount, own = tree
    (mount / "cgroup.controllers").unlink()
    assert cgroup.place(str(mount), str(own)) is None
    assert cgroup.place(str(tmp_path / "nowhere"), str(tmp_path / "nothing")) is None


def test_where_nothing_hands_memory_down_there_is_no_place(tree):
    mount, own = tree
    for name in ("user.slice", "user.slice/user@1000.service"):
        (mount / name / "cgroup.subtree_control").write_text("pids\n")
    assert cgroup.place(str(mount), str(own)) is None
    own.write_text("0::/\n")
    assert cgroup.place(str(mount), str(own)) is None
    own.write_text("4:memory:/version/one\n")
    assert cgroup.place(str(mount), str(own)) is None


def test_a_group_that_cannot_be_written_is_no_place(tree):
    mount, own = tree
    (mount / "user.slice" / "user@1000.service" / "cgroup.procs").unlink()  # root may write everything that is there
    assert cgroup.place(str(mount), str(own)) is None


def test_a_group_gets_its_limit_and_tells_who_was_killed_by_it(tmp_path):
    group = tmp_path / "endpoint-sandbox-1"
    cgroup.make(str(group), 7 * 2**30)
    assert (group / "memory.max").read_text() == "7516192768"
    assert (group / "memory.swap.max").read_text() == "0"
    assert cgroup.oom_kills(str(group)) == 0
    (group / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\n")
    assert cgroup.oom_kills(str(group)) == 2


def test_what_cannot_be_made_or_removed_harms_nobody(tmp_path):
    cgroup.make(str(tmp_path / "no" / "such"), 1)
    assert not (tmp_path / "no").exists()
    cgroup.remove(str(tmp_path / "no"))
    (tmp_path / "made").mkdir()
    cgroup.remove(str(tmp_path / "made"))
    assert not (tmp_path / "made").exists()
