"""Counters in shared memory: threads, processes, retirement, and processes killed at any moment."""

import contextlib
import logging
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from inference_http.telemetry import board_file, cells, resident
from inference_http.telemetry.board import Board


@pytest.fixture
def board():
    with contextlib.closing(Board.create(4)) as board:
        yield board


def counted(board):
    """Requests by code, number of latencies, their sum."""
    sums = board.view().sums
    return sums.requests, sum(sums.buckets), sums.seconds


def in_child(function):
    """Run a function in a forked process; its pid."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    return pid


def exit_code(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class TestSlot:
    def test_counts_by_code_and_by_latency(self, board):
        slot = board.slot(2)
        for code, seconds in [(200, 0.0005), (200, 0.0006), (500, 61.0), (200, 0.0)]:
            slot.observe(code, seconds)
        sums = board.view().sums
        assert sums.requests == {200: 3, 500: 1}
        assert sums.buckets == [2, 1, *[0] * 14, 1]
        assert sums.seconds == pytest.approx(61.0011)
        assert slot.served() == 4

    def test_codes_beyond_the_table_are_counted_together(self, board):
        slot = board.slot(0)
        for code in [*range(200, 240), 0, -7, 239]:
            slot.observe(code, 0.001)
        requests = board.view().sums.requests
        assert requests == {**dict.fromkeys(range(200, 231), 1), cells.OTHER: 12}
        assert slot.served() == 43

    def test_a_code_out_of_range_alone(self, board):
        board.slot(0).observe(0, 0.001)
        assert board.view().sums.requests == {cells.OTHER: 1}

    def test_gauges(self, board):
        slot = board.slot(1)
        slot.in_flight(+1)
        slot.in_flight(+1)
        slot.in_flight(-1)
        slot.waiting(7)
        slot.set("init_seconds", 1.5)
        assert (slot.get("in_flight"), slot.get("waiting"), slot.get("init_seconds")) == (1, 7, 1.5)
        assert slot.served() == 1
        assert board.view().workers == []  # nobody's heart has beaten

    def test_heartbeat(self, board):
        slot = board.slot(1)
        assert slot.beat() == 0
        before = time.monotonic(), time.time()
        slot.heartbeat()
        first = slot.beat()
        assert before[0] <= first <= time.monotonic()
        (worker,) = board.view().workers
        assert (worker.slot, worker.numbers["pid"]) == (1, os.getpid())
        assert before[1] <= worker.numbers["started"] <= time.time()
        assert worker.numbers["resident_bytes"] > 1_000_000
        slot.heartbeat()
        assert slot.beat() > first
        assert board.view().workers[0].numbers["started"] == worker.numbers["started"]

    @pytest.mark.parametrize(
        ("version", "seen"), [("", ""), ("a1b2", "a1b2"), ("0123456789abcdefXYZ", "0123456789abcdef"), ("ü", "?")]
    )
    def test_version(self, board, version, seen):
        board.slot(0).set_version(version)
        assert board.slot(0).version() == seen

    def test_threads_lose_nothing(self, board):
        slot = board.slot(0)

        def work():
            for _ in range(3000):
                slot.in_flight(+1)
                slot.observe(200, 0.002)
                slot.in_flight(-1)

        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(before)
        requests, count, seconds = counted(board)
        assert (requests, count) == ({200: 12000}, 12000)
        assert seconds == pytest.approx(24)
        assert slot.get("in_flight") == 0

    def test_cost(self, board):
        slot = board.slot(0)

        def sample():
            started = time.perf_counter()
            for _ in range(2000):
                slot.observe(200, 0.0012)
            return (time.perf_counter() - started) / 2000

        assert min(sample() for _ in range(10)) < 5e-6  # 0.4 us when nothing disturbs

    def test_an_unknown_slot_is_refused(self, board):
        for index in (-1, 4):
            with pytest.raises(IndexError, match="made for 4 workers"):
                board.slot(index)


class TestFile:
    def test_is_private_and_removed_by_its_creator_only(self):
        board = Board.create(2)
        status = os.stat(board.handle)
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert status.st_size == cells.CELL * cells.slot_at(2, 2)
        assert os.path.dirname(board.handle) == tempfile.gettempdir()
        Board.open(board.handle).close()
        assert exit_code(in_child(board.close)) == 0
        assert os.path.exists(board.handle)
        board.close()
        board.close()
        assert not os.path.exists(board.handle)

    def test_what_a_killed_server_left_is_removed_by_the_next(self, monkeypatch, tmp_path):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        living = Board.create(1)
        left = tmp_path / "inference-http-left.metrics"
        recent = tmp_path / "inference-http-recent.metrics"
        other = tmp_path / "other.metrics"
        link = tmp_path / "inference-http-link.metrics"
        for file in (left, recent, other):
            file.write_bytes(b"")
        link.symlink_to(other)
        for path in (left, other, living.handle):
            os.utime(path, (1e9, 1e9))
        Board.create(1).close()
        assert {path.name for path in tmp_path.iterdir()} == {
            os.path.basename(living.handle),
            recent.name,
            other.name,
            link.name,
        }
        living.close()

    def test_a_closed_board_is_refused(self):
        board = Board.create(1)
        slot = board.slot(0)
        board.close()
        with pytest.raises(ValueError, match="released"):
            slot.observe(200, 0.1)

    @pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"x" * 100])
    def test_another_file_is_refused(self, tmp_path, content):
        file = tmp_path / "other"
        file.write_bytes(content)
        with pytest.raises(ValueError, match="no metrics board of this version"):
            Board.open(str(file))

    def test_a_truncated_board_is_refused(self, board, tmp_path):
        file = tmp_path / "copy"
        with open(board.handle, "rb") as original:
            file.write_bytes(original.read()[:-8])
        with pytest.raises(ValueError, match="no metrics board"):
            Board.open(str(file))

    def test_a_missing_file_does_not_keep_a_worker_from_counting(self, tmp_path, caplog):
        with caplog.at_level(logging.WARNING):
            board = Board.open(str(tmp_path / "gone"))
        assert "single workers only" in caplog.text
        with contextlib.closing(board):
            board.slot(200).observe(200, 0.1)
            assert counted(board)[0] == {200: 1}

    @pytest.mark.parametrize("failing", ["mkstemp", "mmap"])
    def test_no_temporary_file(self, monkeypatch, caplog, tmp_path, failing):
        def fail(*_):
            raise OSError("Read-only file system")

        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        if failing == "mkstemp":
            monkeypatch.setattr(tempfile, "mkstemp", lambda **_: fail())
        else:
            real = board_file.mmap.mmap
            monkeypatch.setattr(board_file.mmap, "mmap", lambda fd, size: real(fd, size) if fd == -1 else fail())
        with caplog.at_level(logging.WARNING):
            board = Board.create(3)
        assert "Read-only file system" in caplog.text
        assert board.handle == ""
        assert list(tmp_path.iterdir()) == []
        board.slot(2).observe(200, 0.1)
        board.retire(2)
        assert counted(board)[0] == {200: 1}
        board.close()
        other = Board.open("")
        other.slot(2).observe(200, 0.1)
        other.close()


class TestProcesses:
    def test_a_forked_worker_counts_in_the_same_memory(self, board):
        assert exit_code(in_child(lambda: board.slot(0).observe(200, 0.1))) == 0
        assert counted(board)[0] == {200: 1}

    def test_a_spawned_worker_counts_in_the_same_memory(self, board):
        script = (
            "import sys; from inference_http.telemetry.metrics import Board; board = Board.open(sys.argv[1])\n"
            "slot = board.slot(3); slot.heartbeat(); slot.observe(503, 0.1); board.close()"
        )
        subprocess.run([sys.executable, "-c", script, board.handle], check=True, timeout=60)
        assert counted(board)[0] == {503: 1}
        assert board.slot(3).get("pid") not in (0, os.getpid())
        assert abs(board.slot(3).beat() - time.monotonic()) < 60  # one clock for all processes

    def test_opening_needs_neither_flask_nor_waitress(self):
        script = (
            "import sys, inference_http.telemetry.metrics\n"
            "assert not {'flask', 'waitress', 'werkzeug', 'ctypes'} & sys.modules.keys(), sys.modules.keys()"
        )
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


class TestRetire:
    def test_keeps_the_counters_and_frees_the_slot(self, board):
        slot = board.slot(1)
        slot.heartbeat()
        slot.in_flight(+1)
        slot.set_version("old")
        slot.observe(200, 0.1)
        board.slot(0).observe(404, 0.2)
        before = counted(board)
        board.retire(1)
        assert counted(board) == before == ({200: 1, 404: 1}, 2, pytest.approx(0.3))
        assert board.view().workers == []
        fresh = board.slot(1)
        assert (fresh.served(), fresh.beat(), fresh.version(), fresh.get("in_flight")) == (0, 0, "", 0)
        fresh.observe(200, 0.1)
        assert counted(board)[0] == {200: 2, 404: 1}

    def test_many_generations(self, board):
        for number in range(50):
            board.slot(number % 4).observe(200 + number % 3, 0.01)
            board.retire(number % 4)
            board.retire(number % 4)
        assert counted(board) == ({200: 17, 201: 17, 202: 16}, 50, pytest.approx(0.5))

    def test_more_codes_than_the_table_holds(self, board):
        for index, first in enumerate((200, 300)):
            for code in range(first, first + 31):
                board.slot(index).observe(code, 0.1)
            board.retire(index)
        requests, count, _ = counted(board)
        assert count == sum(requests.values()) == 62
        assert requests[cells.OTHER] == 31

    def test_numbers_of_the_server(self, board):
        board.add("worker_restarts")
        board.add("worker_restarts", 2)
        board.set("reload_broken", 1)
        assert board.view().numbers == {
            "worker_restarts": 3,
            "reloads_ok": 0,
            "reloads_failed": 0,
            "reload_broken": 1,
        }

    def test_killed_between_any_two_writes(self, board):
        """``retire`` dies after 0, 1, 2 ... writes: every reader sees the same sums, and it can be repeated."""
        writes = 0
        finished = False
        while not finished:
            board.slot(0).observe(200, 0.25)
            board.slot(1).observe(500, 0.25)
            expected = counted(board)
            dying = Board.open(board.handle)
            dying.integers = Mortal(dying.integers, writes)
            dying.floats = Mortal(dying.floats, writes, dying.integers)
            try:
                dying.retire(0)
                finished = True
            except Killed:
                writes += 1
            assert counted(board) == expected, f"after {writes} writes"
            board.retire(0)
            assert counted(board) == expected, f"repeated after {writes} writes"
            assert board.slot(0).served() == 0
        assert writes > 10


class Killed(Exception):
    pass


class Mortal:
    """Cells that allow a number of writes, shared with ``other``, and then raise."""

    def __init__(self, view, writes, other=None):
        self.view = view
        self.left = other.left if other else [writes]

    def __getitem__(self, at):
        return self.view[at]

    def __setitem__(self, at, value):
        if self.left[0] == 0:
            raise Killed
        self.left[0] -= 1
        self.view[at] = value


class TestKilled:
    def test_workers_killed_at_any_time(self, board):
        """Their counts stay, at most the one that was being counted is half there, and nothing ever goes down."""
        rng = random.Random(1)
        seen = Seen(board)
        slot = board.slot(0)
        for _ in range(15):
            with killed_after(lambda: slot.observe(200, 0.001)):
                seen.look(rng.uniform(0.01, 0.04))
            seen.look()
            board.retire(0)
            seen.look()
        requests, count, seconds = counted(board)
        assert count > 1000
        assert 0 <= requests[200] - count <= 15
        assert seconds == pytest.approx(count * 0.001, abs=0.02)

    def test_a_supervisor_killed_at_any_time(self):
        """Workers count and are retired; a reader never sees a count go down, and can go on with what it finds."""
        rng = random.Random(2)
        for _ in range(10):
            with contextlib.closing(Board.create(3)) as board:
                seen = Seen(board)
                with killed_after(lambda board=board: supervise(board)):
                    seen.look(rng.uniform(0.05, 0.15))
                seen.look()
                before = counted(board)
                for index in range(3):
                    board.retire(index)
                    seen.look()
                assert counted(board) == (before[0], before[1], pytest.approx(before[2]))
                assert abs(before[0][200] - before[1]) <= 1
                assert before[1] > 100


class Seen:
    """A reader to whom no counter may ever go down."""

    def __init__(self, board):
        self.board = board
        self.requests = self.count = 0
        self.seconds = 0.0

    def look(self, seconds=0.0):
        end = time.monotonic() + seconds
        while True:
            requests, count, sum_ = counted(self.board)
            assert (requests.get(200, 0) >= self.requests, count >= self.count) == (True, True)
            assert sum_ >= self.seconds - 1e-6  # another order of adding
            self.requests, self.count, self.seconds = requests.get(200, 0), count, sum_
            if time.monotonic() >= end:
                return


@contextlib.contextmanager
def killed_after(function):
    """A child that calls a function over and over, until the block ends with its sudden death."""
    parent = os.getpid()

    def endless():
        while os.getppid() == parent:
            function()

    pid = in_child(endless)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        assert exit_code(pid) == -signal.SIGKILL


def supervise(board):
    for index in range(3):
        slot = board.slot(index)
        for _ in range(20):
            slot.observe(200, 0.001)
        board.retire(index)


class TestResident:
    def test_on_this_system(self):
        before = resident.resident_bytes()
        block = bytearray(os.urandom(1) * 50_000_000)
        assert resident.resident_bytes() - before > 40_000_000
        del block

    def test_without_proc(self, monkeypatch):
        def refuse(*_args, **_kwargs):
            raise FileNotFoundError

        monkeypatch.setattr("builtins.open", refuse)
        assert resident.resident_bytes() > 1_000_000
