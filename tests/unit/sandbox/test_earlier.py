"""The ends of the logs of revisions that are gone: bounded, and of the newest revisions alone."""

import errno

import pytest

from sandbox import files
from sandbox.ops import earlier


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shop" / "blue"


def revision(folder, number, *texts):
    """A revision with the logs of its instances; return what is kept of it."""
    for index, text in enumerate(texts):
        (folder / number / str(index)).mkdir(parents=True)
        (folder / number / str(index) / "log").write_text(text)
    earlier.keep(str(folder), number)
    return [folder / earlier.FOLDER / f"{number}-{index}.log" for index in range(len(texts))]


def test_the_last_lines_of_each_instance_are_kept(folder):
    (folder / "7" / "1").mkdir(parents=True)
    (folder / "7" / "1" / "log.1").write_text("older\n")  # it was started again
    (folder / "7" / "1" / "log").write_text("newer\n")
    many = "".join(f"{number}\n" for number in range(earlier.LINES + 7))
    kept = revision(folder, "7", many)[0].read_text().splitlines()
    assert (len(kept), kept[0], kept[-1]) == (earlier.LINES, "7", str(earlier.LINES + 6))
    assert (folder / earlier.FOLDER / "7-1.log").read_text() == "older\nnewer\n"


@pytest.mark.parametrize("line", ["x" * 1000, "x" * 3 * earlier.BYTES])
def test_long_lines_do_not_make_it_large(folder, line):
    kept = revision(folder, "1", f"first\n{line}\n" + f"{line}\n" * (4000 if len(line) == 1000 else 0))[0].read_text()
    assert earlier.BYTES - len(line) <= len(kept) <= earlier.BYTES
    assert set(kept) == {"x", "\n"}
    assert {len(each) for each in kept.splitlines()} == {min(len(line), earlier.BYTES - 1)}


def test_the_newest_three_are_remembered_and_those_without_a_line_do_not_count(folder):
    for number in ("8", "9", "10", "12"):
        revision(folder, number, f"{number}\n")
    revision(folder, "11", "")
    (folder / "13").mkdir()
    (folder / "notes").mkdir()
    assert sorted(path.name for path in (folder / earlier.FOLDER).iterdir()) == ["10-0.log", "12-0.log", "9-0.log"]
    assert sorted(earlier.find(str(folder))) == ["10", "12", "8", "9"], "8 is still there itself"
    assert earlier.find(str(folder / "none")) == {}


def test_what_was_kept_before_a_kill_is_left_as_it_is(folder):
    path = revision(folder, "1", "one\ntwo\n")[0]
    (folder / "1" / "0" / "log").write_text("half of it is removed\n")
    earlier.keep(str(folder), "1")
    assert path.read_text() == "one\ntwo\n"


def test_a_full_disk_keeps_no_revision_from_going(folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(files, "write", full)
    assert not revision(folder, "1", "one\n")[0].exists()
