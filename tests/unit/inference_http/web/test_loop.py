"""Who waits for the network: the scoring thread while it has nothing to do, else the one that stands by."""

import logging
import os
import select
import signal
import threading
import time

import pytest

from inference_http.web import loop as module
from inference_http.web.loop import Loop

LONG_S = 20.0  # far longer than a test: only being woken ends such a wait
PATIENCE_S = 10.0


class Network:
    """A pipe in the place of connections; remembers which thread waited for it, and how long it was told to wait."""

    def __init__(self):
        self.read, self.write = os.pipe()
        self.waits = []
        self.waiting_now = None
        self.going_on = True
        self.loop = Loop(self.wait, LONG_S, lambda: os.write(self.write, b"x"))

    def wait(self, longest_s):
        self.waiting_now = threading.current_thread().name
        self.waits.append((self.waiting_now, longest_s))
        if select.select([self.read], [], [], longest_s)[0]:
            os.read(self.read, 100)
        self.waiting_now = None
        return self.going_on

    def waited_for_by(self, name):
        deadline = time.monotonic() + PATIENCE_S
        while self.waiting_now != name:
            assert time.monotonic() < deadline, self.waiting_now
            time.sleep(0.001)

    def end(self):
        self.going_on = False
        self.loop.call(lambda: None)
        deadline = time.monotonic() + PATIENCE_S
        while any(thread.name == "inference-http loop" for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        os.close(self.read)
        os.close(self.write)


@pytest.fixture
def network():
    made = Network()
    made.loop.start()
    yield made
    made.end()


STAND_IN = "inference-http loop"
ME = threading.main_thread().name


def called(network):
    """Let something be called on the loop's thread; return which thread it was."""
    found, done = [], threading.Event()

    def what():
        found.append(threading.current_thread().name)
        done.set()

    network.loop.call(what)
    assert done.wait(PATIENCE_S)
    return found[0]


def test_the_one_that_stands_by_waits_until_somebody_scores(network):
    network.waited_for_by(STAND_IN)
    assert called(network) == STAND_IN


def test_the_scoring_thread_takes_over_at_once_and_waits_itself(network):
    network.waited_for_by(STAND_IN)
    began = time.monotonic()
    threading.Timer(0.05, lambda: network.loop.call(lambda: None)).start()
    network.loop.turn(lambda: True)
    assert time.monotonic() - began < PATIENCE_S, "the other wait was ended"
    assert network.waits[-1] == (ME, LONG_S)


def test_while_it_scores_for_long_the_other_one_waits(network):
    for _ in range(3):
        threading.Timer(0.01, lambda: network.loop.call(lambda: None)).start()
        network.loop.turn(lambda: True)
        assert network.waits[-1][0] == ME
        network.waited_for_by(STAND_IN)  # which is this thread's run()
        assert called(network) == STAND_IN


def test_the_one_that_stands_by_rests_while_nothing_comes_and_is_woken_by_work(network):
    busy = threading.Event()

    def come():
        time.sleep(module.STAND_IN_S * module.REST_AFTER * 4)
        busy.set()
        network.loop.call(lambda: None)

    threading.Thread(target=come).start()
    network.loop.turn(lambda: not busy.is_set())
    network.waited_for_by(STAND_IN)


def test_what_is_there_is_answered_before_the_network_is_looked_at_again(network):
    network.loop.turn(lambda: False)
    assert network.waits[-1] == (ME, 0), "only a look"
    before = len(network.waits)
    network.loop.turn(lambda: False)
    assert [name for name, _ in network.waits[before:] if name == ME] == []
    time.sleep(module.LOOK_S)
    network.loop.turn(lambda: False)
    assert (ME, 0) in network.waits[before:]


def test_a_wait_that_fails_is_told_and_done_again(network, caplog):
    failed = threading.Event()

    def fail(longest_s):
        network.loop._wait = network.wait
        failed.set()
        raise OSError("too many open files")

    with caplog.at_level(logging.ERROR, "azmlinfsrv"):
        network.loop._wait = fail
        assert called(network) == STAND_IN
        assert failed.wait(PATIENCE_S)
        network.waited_for_by(STAND_IN)
    assert "too many open files" in caplog.text


def test_a_call_that_fails_is_told_and_the_next_ones_are_made(network, caplog):
    def fail():
        raise ValueError("nobody there")

    with caplog.at_level(logging.ERROR, "azmlinfsrv"):
        network.loop.call(fail)
        assert called(network) == STAND_IN
    assert "nobody there" in caplog.text


def test_a_signals_handler_may_ask_for_a_call_wherever_it_strikes(network):
    """Every few microseconds of a busy loop: a lock on the way would be taken twice by one thread."""
    calls = []
    before = signal.signal(signal.SIGUSR1, lambda *_: network.loop.call(lambda: calls.append(1)))
    ended = threading.Event()

    def strike():
        while not ended.is_set():
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.0002)

    striking = threading.Thread(target=strike)
    try:
        striking.start()
        deadline = time.monotonic() + PATIENCE_S
        while len(calls) < 200:
            assert time.monotonic() < deadline
            network.loop.turn(lambda: True)
    finally:
        ended.set()
        striking.join()
        signal.signal(signal.SIGUSR1, before)
