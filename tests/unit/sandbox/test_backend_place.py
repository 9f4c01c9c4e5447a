"""The folder of one instance: record and locks."""

import fcntl
import os
import threading
from dataclasses import replace

import pytest

from sandbox.backend.process import place as places
from sandbox.backend.process.place import Place, Record, Said
from sandbox.model.errors import SandboxError

RECORD = Record("x1", 4242, 1.5, "boot", 3, ("0",), (1, 2), "/group")


@pytest.fixture
def place(tmp_path):
    found = Place(str(tmp_path), "shop", "blue", "r1", 0)
    os.makedirs(found.folder)
    return found


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a\0b"])
def test_only_names_of_folders_are_taken(tmp_path, name):
    with pytest.raises(ValueError, match="cannot name a folder"):
        Place(str(tmp_path), "shop", name, "r1", 0)


def test_a_record_is_read_as_it_was_written(place):
    assert place.read() is None
    place.write(RECORD)
    assert place.read() == RECORD
    assert os.stat(os.path.join(place.folder, "record.json")).st_mode & 0o777 == 0o600
    place.forget()
    place.forget()
    assert place.read() is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": 1', '{"gpus": [], "cores": [], "more": 1}'])
def test_a_record_that_is_not_ours_is_named(place, text):
    with open(os.path.join(place.folder, "record.json"), "w") as file:
        file.write(text)
    with pytest.raises(SandboxError) as raised:
        place.read()
    assert raised.value.code == "E004"
    assert "record.json" in raised.value.what


def test_it_lives_as_long_as_somebody_holds_the_lock(place):
    assert not place.lives()
    with place.born() as descriptor:
        inherited = os.dup(descriptor)
        assert place.lives()
    assert place.lives()
    os.close(inherited)
    assert not place.lives()


def test_who_looks_does_not_take_others_who_look_for_the_process(place):
    with place.born():
        pass
    with open(place.alive) as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not place.lives()


def test_nothing_is_born_where_something_lives(place, monkeypatch):
    monkeypatch.setattr(places, "PROBED_S", 0.05)
    with place.born(), pytest.raises(SandboxError) as raised, place.born():
        pass
    assert raised.value.code == "E086"


def test_what_the_process_said_is_its_own_word(place):
    assert place.said() == Said()
    with place.born() as descriptor:
        assert place.said() == Said()
        os.pwrite(descriptor, b'{"id": "x1", "pid": 7, "began": "99"}'.ljust(256), 0)
    assert place.said() == Said("x1", 7, "99")
    place.say_end(place.said(), -9)
    assert place.said() == Said("x1", 7, "99", -9)
    with open(place.alive, "w") as file:
        file.write('{"id": "x1", "pi')
    assert place.said() == Said()


def test_only_one_at_a_time_starts_or_stops_it(place):
    entered = threading.Event()
    leave = threading.Event()

    def hold():
        with place.mine(5):
            entered.set()
            leave.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(10)
    with pytest.raises(SandboxError) as raised, place.mine(0.05):
        pass
    assert raised.value.code == "E005"
    leave.set()
    with place.mine(10):
        pass
    holder.join()


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(place):
    with place.mine(5):
        os.unlink(os.path.join(place.folder, "control.lock"))
        os.rmdir(place.folder)
        with replace(place).mine(5):
            assert os.path.exists(os.path.join(place.folder, "control.lock"))


def test_it_is_remembered_which_run_was_asked_to_end(place):
    assert not place.asked_to_end(RECORD)
    place.ask_to_end(RECORD)
    assert place.asked_to_end(RECORD)
    assert not place.asked_to_end(replace(RECORD, id="x2"))
    place.write(RECORD)
    place.forget()
    assert not place.asked_to_end(RECORD)
