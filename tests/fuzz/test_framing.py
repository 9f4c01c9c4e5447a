"""Raw bytes that are not quite HTTP: every answer is, and the server goes on."""

import os
import socket
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance import wire
from tests.conformance.launch import Server
from tests.fuzz import shapes
from tests.fuzz.watchful import SOON_S, answers, is_well, shows_nothing

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(300)]
SCRIPT = """
def init(): pass
def run(data):
    if data.startswith("big "):
        return "x" * int(data[4:])
    return {"got": data}
"""
REQUEST_TIMEOUT_S = 1
FLAGS = (
    "--request-timeout",
    str(REQUEST_TIMEOUT_S),
    "--idle-timeout",
    "3",
    "--max-body",
    "100k",
    "--max-header",
    "16k",
)
WANTED = os.environ.get("FUZZ_EXAMPLES")
BOUNDED = settings(
    max_examples=int(WANTED or 200), derandomize=WANTED is None, database=None, deadline=None, print_blob=False
)
NOT_OUR_FAULT = frozenset({501, 505})


def seems_right(server: Server, data: bytes) -> list[wire.Answer]:
    found = answers(server.port, data)
    for answer in found:
        assert answer.status < 500 or answer.status in NOT_OUR_FAULT, (data, answer)
        assert answer.complete, (data, answer)
        shows_nothing(answer.body.decode("utf-8", "replace"))
    return found


def test_conversations(server: Server) -> None:
    @BOUNDED
    @given(shapes.conversations)
    def survives(data: bytes) -> None:
        seems_right(server, data)
        is_well(server)

    survives()


def test_mutated_requests(server: Server) -> None:
    @BOUNDED
    @given(shapes.mutations)
    def survives(data: bytes) -> None:
        seems_right(server, data)
        is_well(server)

    survives()


def test_head_answers_have_no_body(server: Server) -> None:
    @BOUNDED
    @given(st.sampled_from([b"/", b"/score", b"/none", b"/swagger.json", b"/%00", b"http://h/score"]), shapes.fields)
    def survives(target: bytes, fields: bytes) -> None:
        data = b"HEAD " + target + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + fields + b"\r\n"
        assert len(seems_right(server, data)) <= 2, data  # a field may end the head early: garbage follows
        is_well(server)

    survives()


def test_cut_anywhere_and_reset(server: Server) -> None:
    """A client that leaves in the middle, with and without a reset, takes nothing with it."""
    request = b"POST /score HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    for end in range(0, len(request), 3):
        for linger in (None, struct.pack("ii", 1, 0)):
            with wire.connect(server.port) as connection:
                if linger:
                    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.send(request[:end])
    is_well(server)


def test_reset_while_the_answer_is_made(server: Server) -> None:
    for _ in range(20):
        with wire.connect(server.port) as connection:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.send(wire.build("POST", "/score", body=b"big 3000000"))
            time.sleep(0.01)
    is_well(server)


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    bodies = [f"number {number}".encode() for number in range(60)]
    found = answers(server.port, b"".join(wire.build("POST", "/score", body=body) for body in bodies))
    assert [answer.body for answer in found] == [b'{"got": "%s"}' % body for body in bodies]


def test_pipelined_health_and_scores_keep_their_order(server: Server) -> None:
    """Health is answered by another thread than run(); the order on one connection is still the order asked."""
    data = b"".join(wire.build("POST", "/score", body=b"s") + wire.build("GET", "/") for _ in range(30))
    found = [answer.body for answer in answers(server.port, data)]
    assert found == [b'{"got": "s"}', b"Healthy"] * 30


def test_a_request_in_single_bytes(server: Server) -> None:
    with wire.connect(server.port) as connection:
        for byte in wire.build("POST", "/score", [("x-request-id", "slow")], b"bytes"):
            connection.send(bytes([byte]))
        assert connection.receive().body == b'{"got": "bytes"}'


def test_slow_clients_are_let_go_and_hold_up_nobody(server: Server) -> None:
    """Unfinished heads and bodies: a probe is answered meanwhile, and after the time for a request they are ended."""
    starts = (b"", b"G", b"GET / HTTP/1.1\r\nX", wire.build("POST", "/score", body=b"12345")[:-2])
    chunked = b"POST /score HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"
    slow = [wire.Connection(server.port) for _ in range(40)]
    for number, connection in enumerate(slow):
        connection.send((*starts, chunked)[number % 5])
    is_well(server)
    end = time.monotonic() + REQUEST_TIMEOUT_S + 4
    for number, connection in enumerate(slow):
        connection.socket.settimeout(max(0.1, end - time.monotonic()))
        if not connection.ended():
            assert connection.receive().status == 408, number
        connection.close()
    is_well(server)


def test_a_slow_trickle_is_ended_too(server: Server) -> None:
    """One byte now and then keeps no request alive beyond its time."""
    with wire.connect(server.port) as connection:
        connection.send(b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
        began = time.monotonic()
        connection.socket.settimeout(0.2)
        while time.monotonic() - began < REQUEST_TIMEOUT_S + 5:
            connection.send(b"x")
            try:
                if connection.ended() or connection.receive().status == 408:
                    break
            except TimeoutError:
                continue
        assert time.monotonic() - began < REQUEST_TIMEOUT_S + 4


def test_slow_readers_hold_up_nobody(server: Server) -> None:
    """Clients that never read a large answer."""
    slow = [wire.Connection(server.port) for _ in range(10)]
    for connection in slow:
        connection.send(wire.build("POST", "/score", body=b"big 8000000"))
    is_well(server)
    answer = slow[-1].receive()
    assert len(answer.body) == 8000002
    for connection in slow:
        connection.close()
    is_well(server)


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", {431}),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", {431}),
        (b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n", {414, 431}),
        (b"x" * 1_000_000, {400, 414, 431}),
        (b"POST /score HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000, {413}),
        (b"POST /score HTTP/1.1\r\nContent-Length: 1" + b"0" * 30 + b"\r\n\r\nx", {400, 413}),
        (b"POST /score HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx", {400, 413}),
        (
            b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4000\r\n" + b"x" * 0x4000 + b"\r\n" + (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 10,
            {413},
        ),
        (b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n", {400, 408, 413}),
        (
            b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"e" * 200_000 + b"\r\nx\r\n0\r\n\r\n",
            {400, 413, 431},
        ),
        (
            b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
            {400, 413, 431},
        ),
    ],
    ids=[
        "field",
        "fields",
        "target",
        "no line end",
        "body",
        "length 1e30",
        "length of 5000 digits",
        "chunks",
        "chunk size",
        "chunk extension",
        "trailers",
    ],
)
def test_too_large(server: Server, data: bytes, statuses: set[int]) -> None:
    """A limit is an answer (or, for endless trailers, at least an end) and never memory without bound."""
    found = answers(server.port, data, close="open", timeout_s=SOON_S + 5)
    assert found, "no answer"
    assert found[0].status in statuses
    assert len(found) == 1
    is_well(server)
