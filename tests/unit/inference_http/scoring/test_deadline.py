"""Scoring timeouts: both stages, in the main thread and in others, streams, races, signals and forks."""

import contextlib
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference_http.scoring import interrupt
from inference_http.scoring.deadline import Deadlines
from inference_http.user.errors import RunTimeout, ScoringTimeout

PROMPT_S = 1.0  # what a busy machine may add to one wait; the best of several stays below 0.01


@pytest.fixture
def make():
    made = []

    def build(limit_ms=50, hard_limit_s=0.0, grace_ms=100, on_stuck=None):
        stuck = [] if on_stuck is None else None
        deadlines = Deadlines(limit_ms, hard_limit_s, grace_ms, on_stuck or stuck.append)
        deadlines.stuck = stuck
        made.append(deadlines)
        return deadlines

    yield build
    for deadlines in made:
        deadlines.close()
    signal.signal(signal.SIGURG, signal.SIG_DFL)


@pytest.fixture
def untraced():
    """No coverage where exceptions strike: one that strikes within the tracer leaves the tracer's lock taken."""
    before, before_in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    yield
    threading.settrace(before_in_threads)
    sys.settrace(before)


def timed(call, function, *args):
    """Seconds until RunTimeout."""
    started = time.monotonic()
    with pytest.raises(RunTimeout):
        call.run(function, *args)
    return time.monotonic() - started


def in_thread(function, *args):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()


def spin(seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return "finished"


def spin_over_exceptions(seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(Exception):
            spin(0.001)


def read_silent_socket():
    a, b = socket.socketpair()
    with a, b:
        a.recv(1)


def wait_for_lock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


BLOCKING = {
    "sleep": lambda: time.sleep(10),
    "socket": read_silent_socket,
    "lock": wait_for_lock,
    "queue": lambda: queue.SimpleQueue().get(),
    "event": lambda: threading.Event().wait(),
    "loop": spin,
    "except-exception": spin_over_exceptions,
}


@pytest.mark.usefixtures("untraced")
class TestMainThread:
    @pytest.mark.parametrize("function", BLOCKING.values(), ids=BLOCKING.keys())
    def test_everything_ends_at_the_limit(self, make, function):
        deadlines = make(50, 0, 60_000)
        delays = []
        while not delays or (min(delays) > 0.01 and len(delays) < 40):  # a busy machine may need more tries
            call = deadlines.open()
            delays.append(timed(call, function) - 0.05)
            call.finish()
        assert 0 <= min(delays) <= 0.01
        assert deadlines.stuck == []
        assert deadlines.overruns == len(delays)

    def test_the_error_names_the_limit(self, make):
        with pytest.raises(RunTimeout, match="Scoring timeout after 20 ms") as caught:
            make(20).open().run(time.sleep, 5)
        assert caught.value.limit_ms == 20

    def test_a_result_in_time_is_returned(self, make):
        call = make().open("ids")
        assert call.run(divmod, 7, 2) == (3, 1)
        assert (call.state, call.context, call.overrun) == ("open", "ids", None)
        call.finish()
        assert call.state == "done"

    def test_an_own_exception_passes(self, make):
        call = make().open()
        with pytest.raises(ZeroDivisionError):
            call.run(divmod, 1, 0)
        assert call.state == "open"

    def test_own_timeout_error_is_not_the_limit(self, make):
        def run():
            raise TimeoutError("database")

        with pytest.raises(TimeoutError, match="database"):
            make().open().run(run)

    def test_the_next_call_has_the_whole_limit(self, make):
        deadlines = make(400)
        timed(deadlines.open(), spin)
        assert deadlines.open().run(spin, 0.2) == "finished"

    def test_a_handler_of_the_script_is_left_alone(self, make):
        seen = []
        signal.signal(signal.SIGURG, lambda *_: seen.append(1))
        assert timed(make().open(), spin) < 0.05 + PROMPT_S
        assert seen == []
        assert not interrupt.listening()

    def test_a_handler_installed_during_the_call_is_left_alone(self, make):
        seen = []

        def run():
            signal.signal(signal.SIGURG, lambda *_: seen.append(1))
            spin()

        assert timed(make().open(), run) < 0.05 + PROMPT_S
        assert seen == []

    def test_a_masked_signal_is_replaced(self, make):
        deadlines = make()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])
        try:
            assert timed(deadlines.open(), spin) < 0.05 + PROMPT_S
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGURG])  # delivers it: too late
        assert deadlines.open().run(spin, 0.01) == "finished"

    def test_without_signals_the_loop_still_ends(self, make, monkeypatch):
        monkeypatch.setattr(interrupt, "listen", lambda: False)
        assert timed(make().open(), spin) < 0.05 + PROMPT_S

    def test_a_stray_signal_does_nothing(self, make):
        call = make(5000).open()

        def run():
            assert interrupt.listening()
            signal.raise_signal(signal.SIGURG)
            return "unharmed"

        assert call.run(run) == "unharmed"


@pytest.mark.usefixtures("untraced")
class TestOtherThreads:
    @pytest.mark.parametrize("function", [spin, spin_over_exceptions])
    def test_python_code_ends_at_the_limit(self, make, function):
        assert 0.05 <= in_thread(timed, make().open(), function) < 0.05 + PROMPT_S

    def test_a_sleep_is_answered_for_after_the_grace(self, make):
        answered = threading.Event()
        seen = []

        def on_stuck(call):
            seen.append((time.monotonic(), call.state, call.overrun, call.context, threading.current_thread().name))
            answered.set()

        deadlines = make(on_stuck=on_stuck)
        call = deadlines.open("ids")
        started = time.monotonic()
        elapsed = in_thread(timed, call, time.sleep, 0.8)
        assert elapsed >= 0.8  # the exception was raised when the sleep returned
        assert [row[1:] for row in seen] == [("stuck", "scoring", "ids", "inference-http deadlines")]
        assert 0.15 <= seen[0][0] - started < 0.15 + PROMPT_S
        call.finish()
        assert call.state == "done"

    def test_many_at_once_each_end_at_their_own_time(self, make):
        deadlines = make(300, 0, 5000)

        def one(number):
            time.sleep(number * 0.005)
            call = deadlines.open()
            return call.run(time.sleep, 0.1) if number % 2 else timed(call, time.sleep, 0.32)

        with ThreadPoolExecutor(60) as pool:
            results = list(pool.map(one, range(60)))
        assert results[1::2] == [None] * 30
        assert all(0.32 <= seconds < 0.32 + PROMPT_S for seconds in results[::2])
        assert deadlines.overruns == 30
        assert deadlines.stuck == []


@pytest.mark.usefixtures("untraced")
class TestSecondStage:
    @pytest.mark.parametrize("where", ["main", "other"])
    def test_a_script_that_swallows_everything(self, make, where):
        def stubborn():
            end = time.monotonic() + 0.8
            while time.monotonic() < end:
                try:  # noqa: SIM105
                    time.sleep(0.001)
                except:  # noqa: E722, PERF203
                    pass
            return "survived"

        deadlines = make()
        call = deadlines.open()
        assert (call.run(stubborn) if where == "main" else in_thread(call.run, stubborn)) == "survived"
        assert deadlines.stuck == [call]
        assert call.overrun == "scoring"
        assert deadlines.overruns == 1

    def test_hard_limit_within_the_grace(self, make):
        moments = []
        deadlines = make(50, 0.1, 10_000, on_stuck=lambda _: moments.append(time.monotonic()))
        started = time.monotonic()
        in_thread(timed, deadlines.open(), time.sleep, 0.6)
        assert 0.1 <= moments[0] - started < 0.1 + PROMPT_S


class TestHardLimit:
    def test_hard_limit_answers_at_once(self, make):
        deadlines = make(limit_ms=0, hard_limit_s=0.05)
        call = deadlines.open()
        assert call.run(spin, 0.4) == "finished"
        assert deadlines.stuck == [call]
        assert (call.overrun, call.limit_ms) == ("worker", 0)
        assert deadlines.overruns == 0

    def test_a_failing_answer_does_not_end_the_watch(self, make, caplog):
        def on_stuck(_):
            raise OSError("connection gone")

        deadlines = make(0, 0.03, on_stuck=on_stuck)
        with caplog.at_level(logging.ERROR):
            for _ in range(2):
                deadlines.open().run(spin, 0.3)
        assert [record.exc_info[1].args for record in caplog.records] == [("connection gone",)] * 2


class TestBeginAndFinish:
    @pytest.mark.usefixtures("untraced")
    def test_raises_in_place(self, make):
        deadlines = make()
        call = deadlines.begin("ids")
        assert call.state == "run"
        with pytest.raises(ScoringTimeout):
            spin()
        assert call.state == "raised"
        call.finish()
        call.finish()
        assert call.state == "done"

    def test_nested_is_refused(self, make):
        deadlines = make()
        outer = deadlines.begin()
        with pytest.raises(RuntimeError, match="another scoring call"):
            deadlines.begin()
        with pytest.raises(RuntimeError, match="'run'"):
            outer.rebind()
        in_thread(lambda: deadlines.begin().finish())
        outer.finish()
        deadlines.begin().finish()

    @pytest.mark.usefixtures("untraced")
    def test_nested_is_refused_when_overdue_too(self, make):
        deadlines = make(10)
        outer = deadlines.begin()
        with pytest.raises(ScoringTimeout):
            spin()
        with pytest.raises(RuntimeError, match="another scoring call"):
            deadlines.begin()
        outer.finish()

    def test_a_finished_call_cannot_start_again(self, make):
        call = make().begin()
        call.finish()
        with pytest.raises(RuntimeError, match="'done'"):
            call.rebind()

    def test_no_limit_costs_one_shared_object(self, make):
        deadlines = make(limit_ms=0)
        assert deadlines.begin(1) is deadlines.begin(2) is deadlines.open(3)
        assert make(limit_ms=-5).begin().limit_ms == 0
        call = deadlines.open()
        assert call.run(divmod, 7, 2) == (3, 1)
        call.pause()
        call.rebind()
        call.finish()
        assert list(call.stream([b"a"])) == [b"a"]

    @pytest.mark.usefixtures("untraced")
    def test_cost(self, make):
        deadlines = make(5000, 300)

        def sample():
            started = time.perf_counter()
            for _ in range(2000):
                deadlines.begin(None).finish()
            return (time.perf_counter() - started) / 2000

        assert min(sample() for _ in range(10)) < 5e-6  # 0.6 us when nothing disturbs


@pytest.mark.usefixtures("untraced")
class TestSuspended:
    @pytest.mark.parametrize("where", ["main", "other"])
    def test_the_debugger_s_time_does_not_count(self, make, where):
        deadlines = make(600, 0.7)

        def run():
            time.sleep(0.2)
            deadlines.suspended = True
            time.sleep(0.8)
            deadlines.suspended = False
            return spin(0.2)

        call = deadlines.open()
        assert (call.run(run) if where == "main" else in_thread(call.run, run)) == "finished"
        assert deadlines.stuck == []
        assert deadlines.overruns == 0

    def test_limits_are_back_afterwards(self, make):
        deadlines = make()
        deadlines.suspended = True
        assert deadlines.suspended
        assert deadlines.open().run(spin, 0.08) == "finished"
        deadlines.suspended = False
        assert timed(deadlines.open(), spin) < 0.05 + PROMPT_S

    def test_the_second_stage_waits_too(self, make):
        deadlines = make(30, 0, 60)

        def run():
            end = time.monotonic() + 0.3
            while time.monotonic() < end:
                try:
                    time.sleep(0.01)
                except ScoringTimeout:  # noqa: PERF203
                    deadlines.suspended = True
            before = list(deadlines.stuck)
            deadlines.suspended = False
            time.sleep(0.15)
            return before

        call = deadlines.open()
        assert call.run(run) == []
        assert deadlines.stuck == [call]


class TestStreamInTime:
    def test_only_the_script_s_time_counts(self, make):
        deadlines = make(100)
        call = deadlines.open()

        def pieces():
            for number in range(5):
                time.sleep(0.002)
                yield number

        stream = call.stream(call.run(pieces))
        seen = []
        for piece in stream:
            time.sleep(0.03)  # a slow client
            seen.append(piece)
        stream.close()
        assert seen == [0, 1, 2, 3, 4]
        assert call.state == "done"
        assert deadlines.overruns == 0

    def test_the_iterator_is_closed(self, make):
        closed = []

        def pieces():
            try:
                yield 1
            finally:
                closed.append(True)

        call = make(5000).open()
        stream = call.stream(pieces())
        assert next(stream) == 1
        stream.close()
        stream.close()
        assert closed == [True]
        assert call.state == "done"


@pytest.mark.usefixtures("untraced")
class TestStreams:
    def test_pieces_share_one_limit_over_threads(self, make):
        deadlines = make(600)

        def pieces():
            while True:
                spin(0.22)
                yield threading.get_ident()

        call = deadlines.open()
        stream = call.stream(pieces())
        assert in_thread(next, stream) == call.thread_id
        assert next(stream) == threading.get_ident() == call.thread_id
        with pytest.raises(RunTimeout):
            in_thread(next, stream)
        stream.close()
        stream.close()
        assert call.state == "done"

    def test_no_piece_after_the_limit(self, make):
        def pieces():
            while True:
                with contextlib.suppress(ScoringTimeout):
                    spin(0.5)
                yield b"piece"

        stream = make().open().stream(pieces())
        assert next(stream) == b"piece"
        with pytest.raises(RunTimeout):
            next(stream)
        stream.close()

    def test_close_has_time_to_clean_up_and_no_more(self, make):
        cleaned = []

        def pieces(seconds):
            try:
                yield b"first"
            finally:
                spin(seconds)
                cleaned.append(seconds)

        deadlines = make(500, 0, 200)
        stream = deadlines.open().stream(pieces(0.05))
        next(stream)
        stream._call._used = 0.499
        stream.close()
        assert cleaned == [0.05]
        call = deadlines.open()
        stream = call.stream(pieces(5))
        next(stream)
        with pytest.raises(RunTimeout):
            stream.close()
        assert cleaned == [0.05]
        assert call.state == "done"

    def test_an_earlier_due_time_wakes_the_watcher(self, make):
        deadlines = make(2000)
        first = deadlines.open()
        first._used = 1.95
        in_thread(deadlines.open().run, spin, 0.01)  # the watcher sleeps for two seconds now
        assert timed(first, spin) < 0.05 + PROMPT_S


@pytest.mark.usefixtures("untraced")
class TestFork:
    def test_the_child_has_its_own_watcher(self, make):
        deadlines = make()
        deadlines.open().run(spin, 0.001)
        held = deadlines.begin()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                held.finish()
                started = time.monotonic()
                try:
                    deadlines.open().run(time.sleep, 5)
                except RunTimeout:
                    code = 0 if time.monotonic() - started < 0.05 + PROMPT_S else 2
            finally:
                os._exit(code)
        held.finish()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    def test_a_script_that_forks_in_run(self, make):
        deadlines = make()

        def run():
            pid = os.fork()
            if pid == 0:
                time.sleep(0.1)  # longer than the limit, which is the parent's
                return None
            return pid

        call = deadlines.open()
        code = 1
        try:
            pid = call.run(run)
            code = 0
        finally:
            if code or pid is None:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


LIMIT_MS = 2


def race(deadlines, calls, way, seed):
    """Calls that end close to their limit; how many timed out, and how many exceptions struck after finish()."""
    hits = leaks = 0
    for number in range(calls):
        seconds = LIMIT_MS / 1000 * (0.7 + ((number * 37 + seed) % 100) / 150)
        call = None  # begin() may be struck itself
        try:
            try:
                if way == "run":
                    call = deadlines.open()
                    try:
                        call.run(spin, seconds)
                    finally:
                        call.finish()
                else:
                    call = deadlines.begin()
                    try:
                        spin(seconds)
                    finally:
                        call.finish()
            except (ScoringTimeout, RunTimeout):
                if call is not None:
                    call.finish()
                hits += 1
        except ScoringTimeout:
            leaks += 1
        try:
            for _ in range(200):  # where an exception that came too late would strike
                len("code that is not the script's")
        except ScoringTimeout:
            leaks += 1
    return hits, leaks


@pytest.fixture
def hurry():
    """Threads change places every 50 us instead of every 5 ms: more races."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("untraced", "hurry")
class TestRace:
    @pytest.mark.parametrize("way", ["run", "begin"])
    def test_nothing_strikes_after_finish(self, make, way):
        deadlines = make(LIMIT_MS, 0, 10_000)
        calls = 500
        with ThreadPoolExecutor(4) as pool:
            others = [pool.submit(race, deadlines, calls, way, seed) for seed in range(4)]
            results = [race(deadlines, calls, way, 50), *(other.result() for other in others)]
        hits, leaks = (sum(column) for column in zip(*results, strict=True))
        assert leaks == 0
        assert calls // 4 < hits < 5 * calls
        assert deadlines._overdue.running == set()
        assert deadlines._overdue.bound == {}
        assert deadlines._overdue._overdue == {}

    @pytest.mark.parametrize("way", ["run", "begin"])
    def test_nothing_strikes_after_finish_on_the_main_thread_alone(self, make, way):
        deadlines = make(LIMIT_MS, 0, 10_000)
        hits, leaks = race(deadlines, 500, way, 0)
        assert leaks == 0
        assert 50 < hits < 500
        assert interrupt._tokens == []

    @pytest.mark.parametrize("where", ["main", "other"])
    def test_a_call_that_ends_while_it_is_being_interrupted(self, make, monkeypatch, where):
        send = interrupt.Interruption.send

        def slow_send(interruption):
            time.sleep(0.5)
            return send(interruption)

        monkeypatch.setattr(interrupt.Interruption, "send", slow_send)
        deadlines = make(20, 0, 10_000)

        def run():
            call = deadlines.begin()
            try:
                time.sleep(0.3)  # the watcher has taken the call, and has not raised yet
                ended = time.monotonic()
            finally:
                call.finish()
            waited = time.monotonic() - ended
            spin(0.1)
            return waited

        assert 0.05 < (run() if where == "main" else in_thread(run)) < PROMPT_S
        assert deadlines.overruns == 1

    def test_the_interpreter_is_left_as_it_was(self):
        """An exception that is taken back must leave no flag up: traced functions of CPython 3.11 hang on it."""
        script = (
            "import sys, threading, time\n"
            "from inference_http.scoring.interrupt import set_asynchronous, swallow_asynchronous\n"
            "from inference_http.user.errors import ScoringTimeout\n"
            "def function(): return time.monotonic()\n"
            "for pending in (True, False):\n"
            "    try:\n"
            "        if pending: set_asynchronous(threading.get_ident(), ScoringTimeout)\n"
            "    except ScoringTimeout: pass\n"
            "    swallow_asynchronous()\n"
            "    sys.settrace(lambda *_: None)\n"
            "    function()\n"
            "    sys.settrace(None)\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


def test_closed_deadlines_limit_nothing(make):
    deadlines = make()
    deadlines.close()
    assert deadlines.open().run(spin, 0.08) == "finished"


def test_short_calls_leave_the_watcher_asleep(make, monkeypatch):
    deadlines = make(limit_ms=60_000)
    overdue = deadlines.open()._overdue
    roused = []
    rouse = overdue.rouse
    monkeypatch.setattr(overdue, "rouse", lambda: (roused.append(1), rouse()))
    for _ in range(50):
        deadlines.open().run(lambda: None)
        time.sleep(0.002)  # the watcher has looked meanwhile, and found nothing that runs
    assert len(roused) <= 2


def test_a_call_after_a_long_rest_is_ended_in_time(make, untraced):
    deadlines = make(limit_ms=50)
    for _ in range(2):
        deadlines.open().run(lambda: None)
        time.sleep(0.2)  # the watcher has looked, found nothing, and rests until it is roused
        assert timed(deadlines.open(), spin) < 0.05 + PROMPT_S
