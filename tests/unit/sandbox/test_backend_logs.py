"""Logs: their end, their growth, and their rotation under processes that go on writing."""

import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from sandbox.backend import logs, rotation
from sandbox.backend.protocol import Instance, LogLine

WRITER = """
import os, sys, time
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for number in range(int(sys.argv[2])):
    os.write(log, b"%08d " % number + b"x" * 90 + b"\\n")
    if number % 20 == 0:
        time.sleep(0.001)
"""


@pytest.fixture
def log(tmp_path):
    return str(tmp_path / "log")


def instance(log, index=0, started=0.0):
    return Instance("shop", "blue", "r1", index, "id", 1, 1, "running", None, started, log)


def put(path, *lines):
    with open(path, "a") as file:
        file.writelines(f"{line}\n" for line in lines)


# --- The end of a log ------------------------------------------------------------------------------------------------


def test_the_last_lines_are_taken_from_as_many_parts_as_it_takes(log):
    put(f"{log}.2", "a", "b")
    put(f"{log}.1", "c", "d")
    put(log, "e", "f")
    assert logs.tail(log, 1) == ["f"]
    assert logs.tail(log, 2) == ["e", "f"]
    assert logs.tail(log, 3) == ["d", "e", "f"]
    assert logs.tail(log, 99) == ["a", "b", "c", "d", "e", "f"]
    assert logs.tail(log, 0) == []


def test_a_log_that_is_not_there_is_empty(log):
    assert logs.tail(log, 10) == []


def test_a_line_without_end_and_bytes_that_are_no_text_are_shown(log):
    with open(log, "wb") as file:
        file.write(b"one\n\ntwo\xff")
    assert logs.tail(log, 10) == ["one", "", "two\ufffd"]


def test_long_lines_are_read_whole(log, monkeypatch):
    monkeypatch.setattr(logs, "BLOCK", 7)
    put(log, "first", "x" * 50, "last")
    assert logs.tail(log, 2) == ["x" * 50, "last"]


# --- Rotation --------------------------------------------------------------------------------------------------------


def test_a_large_log_is_cut_and_three_older_parts_are_kept(log):
    for number in range(6):
        put(log, str(number) * 50)
        assert rotation.rotate(log, largest=40)
        assert os.stat(log).st_size == 0
    assert [os.path.basename(part) for part in rotation.parts(log)] == ["log.3", "log.2", "log.1", "log"]
    assert logs.tail(log, 99) == [str(number) * 50 for number in (3, 4, 5)]
    assert os.stat(f"{log}.1").st_mode & 0o777 == 0o600


def test_a_small_log_stays_as_it_is(log):
    put(log, "x")
    assert not rotation.rotate(log)
    assert rotation.parts(log) == [log]
    assert not rotation.rotate(f"{log}-that-is-not-there")


def test_each_run_has_a_part_of_its_own(log):
    rotation.set_aside(log)
    put(log, "first run")
    rotation.set_aside(log)
    assert not os.path.exists(log)
    put(log, "second run")
    assert logs.tail(log, 9) == ["first run", "second run"]


def test_a_process_goes_on_writing_while_many_rotate_and_one_follows(log):
    stop, found, rotated = threading.Event(), [], []

    def rotate():
        while not stop.is_set():
            rotated.append(rotation.rotate(log, largest=300_000))
            stop.wait(0.01)

    def follow():
        found.extend(line.text for line in logs.follow(lambda: [] if stop.is_set() else [instance(log)], 0))

    put(log)
    threads = [threading.Thread(target=call) for call in (follow, rotate, rotate)]
    for thread in threads:
        thread.start()
    try:
        subprocess.run([sys.executable, "-c", WRITER, log, "20000"], check=True, timeout=60)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    numbers = [int(line[:8]) for line in found]
    assert rotated.count(True) >= 3
    assert numbers == sorted(set(numbers)), "no line twice, none out of order"
    assert all(len(line) == 99 for line in found), "no line is torn"
    # A cut loses what is written in its microseconds; here, with other threads of this process in between, in more.
    assert len(numbers) > 19_000


# --- Following several -----------------------------------------------------------------------------------------------

A = "2026-01-02 03:04:05,{:03d} I [9] azmlinfsrv - {}"
J = '{{"time": "2026-01-02T03:04:05.{:03d}Z", "level": "INFO", "message": "{}"}}'


def collect(select, lines=10):
    return [(line.index, line.text) for line in logs.follow(select, lines)]


def once(*instances):
    """Say that they are there, and the next time that they are gone."""
    answers = [list(instances), []]
    return lambda: answers.pop(0)


def test_lines_of_several_instances_come_in_the_order_of_time(tmp_path):
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    put(one, A.format(1, "a"), "of a", A.format(3, "c"))
    put(two, J.format(2, "b"), J.format(4, "d"))
    found = collect(once(instance(one), instance(two, 1)))
    assert found == [
        (0, A.format(1, "a")),
        (0, "of a"),
        (1, J.format(2, "b")),
        (0, A.format(3, "c")),
        (1, J.format(4, "d")),
    ]


def test_lines_without_a_time_at_the_beginning_count_from_the_start_of_the_instance(tmp_path):
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    put(one, "Server Settings", A.format(3, "c"))
    put(two, A.format(1, "a"))
    first = instance(one, 0, started=1767323045.5)  # 2026-01-02 03:04:05,500
    assert next(text for _, text in collect(once(first, instance(two, 1)))) == A.format(1, "a")


def test_what_comes_later_is_heard_and_new_instances_from_their_first_line(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "SELECT_S", 0)
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    put(one, *"abc")
    present = [instance(one)]
    stream = logs.follow(lambda: list(present), 2)
    assert [next(stream).text, next(stream).text] == ["b", "c"]
    with open(one, "a") as file:
        file.write("half")
    put(two, "new one")
    present.append(instance(two, 1))
    assert next(stream) == replace(next_line("new one"), index=1)
    put(one, " and whole")
    assert next(stream).text == "half and whole"
    rotation.set_aside(one)  # started anew
    put(one, "second run")
    assert next(stream).text == "second run"
    put(two, "last words")
    present.clear()
    assert [line.text for line in stream] == ["last words"], "what is left is told before the end"


def next_line(text):
    return logs.LogLine("shop", "blue", 0, text)


def test_the_end_of_a_run_is_told_although_the_next_one_has_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "SELECT_S", 0)
    log = str(tmp_path / "log")
    put(log, "a")
    present = [instance(log)]
    stream = logs.follow(lambda: list(present), 9)
    assert next(stream).text == "a"
    put(log, "died")
    rotation.set_aside(log)
    put(log, "again")
    assert [next(stream).text, next(stream).text] == ["died", "again"]
    stream.close()


def test_a_folder_that_is_removed_meanwhile_ends_quietly(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "SELECT_S", 0)
    folder = tmp_path / "gone"
    folder.mkdir()
    log = str(folder / "log")
    put(log, "a")
    answers = [[instance(log)], [instance(log)], []]
    stream = logs.follow(lambda: answers.pop(0), 9)
    assert next(stream).text == "a"
    os.unlink(log)
    os.unlink(f"{log}.lock")
    os.rmdir(folder)
    assert list(stream) == []


def test_several_logs_are_one_in_the_order_of_time():
    def log(name, *texts):
        return [LogLine("shop", name, 0, text) for text in texts]

    blue = log("blue", "no time yet", "2026-01-02 10:00:00,100 I one", "  of it", "2026-01-02 10:00:02,000 I three")
    green = log("green", "2026-01-02 10:00:01,000 I two", '{"time": "2026-01-02T10:00:03.500Z", "message": "four"}')
    began = logs.moment("2026-01-02T09:59:59.000Z")
    found = [line.text for line in logs.merged([(green, began), (blue, began)])]
    assert [text.split()[-1] for text in found] == ["yet", "one", "it", "two", "three", '"four"}']
