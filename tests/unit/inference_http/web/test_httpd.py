"""Httpd with real sockets in this process: who reads, when connections are handed over, how many may wait."""

import contextlib
import socket
import threading
import time

import pytest

from inference_http.config.settings import Settings
from inference_http.web.channel import HALF_CLOSE_S
from inference_http.web.httpd import SWEEP_S, Httpd

PATIENCE_S = 10.0


class Uncounted:
    """In the place of the worker's shared memory."""

    def observe(self, *_): ...
    def in_flight(self, *_): ...
    def waiting(self, *_): ...
    def heartbeat(self): ...


@contextlib.contextmanager
def serving(run, **options):
    """An Httpd whose scoring thread is one of this process; gives it and its address."""

    def application(environ, start_response):
        body = run() if environ["PATH_INFO"] == "/score" else b"ok"
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    httpd = Httpd(Settings(host="127.0.0.1", **options), application, [listening], Uncounted())
    httpd.start()
    httpd.accept()
    scoring = threading.Thread(target=lambda: httpd.run_scoring(debugged=False))
    scoring.start()
    try:
        yield httpd, address
    finally:
        httpd.retire(None, lambda: None, httpd.dispatcher.stop)
        scoring.join(PATIENCE_S)
        assert not scoring.is_alive()
        for listener in httpd._listeners:  # a worker's end closes it
            listener.trigger.close()


def connect(address):
    client = socket.create_connection(address, timeout=PATIENCE_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def ask(client, path="/score"):
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += client.recv(65536)
    return int(answer[9:12])


def test_an_idle_connection_is_handed_over_before_it_could_ask_again():
    """What waits for a hand-over is not read: a pause there is a pause for its client, at each reload."""
    waits = []
    for _ in range(5):
        with serving(lambda: b"x") as (httpd, address), connect(address) as client:
            assert ask(client) == 200
            given, began = threading.Event(), time.monotonic()
            httpd.retire(lambda _, given=given: given.set() or True, lambda: None, httpd.dispatcher.stop)
            assert given.wait(PATIENCE_S)
            waits.append(time.monotonic() - began)
    assert min(waits) < SWEEP_S / 2


def test_probes_are_answered_while_run_takes_its_time():
    begun, go_on = threading.Event(), threading.Event()

    def run():
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return b"x"

    with serving(run) as (_, address), connect(address) as scoring, connect(address) as probe:
        time.sleep(0.3)  # nothing has come for so long that the thread that stands by rests
        scoring.sendall(b"GET /score HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(PATIENCE_S)
        try:
            assert ask(probe, "/") == 200
        finally:
            go_on.set()
        assert scoring.recv(65536)[9:12] == b"200"


@pytest.mark.parametrize("clients", [1, 2])
def test_as_many_may_wait_as_was_said_beside_the_one_that_runs(clients):
    def answers(address):
        with connect(address) as client:
            found.extend(ask(client) for _ in range(300))

    found = []
    with serving(lambda: b"x", max_waiting=1) as (_, address):
        threads = [threading.Thread(target=answers, args=(address,)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [200] * 300 * clients


def test_a_scoring_request_behind_a_probe_on_one_connection_does_not_wait():
    with serving(lambda: b"x") as (_, address), connect(address) as client:
        slowest = 0.0
        for _ in range(300):
            began = time.monotonic()
            assert ask(client, "/") == 200
            assert ask(client) == 200
            slowest = max(slowest, time.monotonic() - began)
    assert slowest < 1.0


def test_who_stops_sending_after_two_requests_gets_two_answers_however_long_the_first_takes():
    """Its end is seen late, as nothing is read while a request waits: that does not make it a client that gave up."""

    def run():
        time.sleep(HALF_CLOSE_S * 1.2)
        return b"x"

    with serving(run) as (_, address), connect(address) as client:
        client.sendall(b"GET /score HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        client.shutdown(socket.SHUT_WR)
        answers = b""
        while piece := client.recv(65536):
            answers += piece
    assert answers.count(b"HTTP/1.1 200 OK") == 2
