"""Requests whose end can be read in two ways: the server reads one end, or refuses and closes; nothing gets past it."""

import pytest

from tests.conformance import wire
from tests.conformance.launch import Server
from tests.fuzz.watchful import answers, is_well

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(120)]
SCRIPT = "def init(): pass\ndef run(data): return {'got': data}\n"
FLAGS = ("--request-timeout", "1")
HIDDEN = wire.build("POST", "/score", body=b"HIDDEN")


def shape(*fields: bytes, body: bytes) -> bytes:
    return b"\r\n".join((b"POST /score HTTP/1.1", b"Host: h", *fields)) + b"\r\n\r\n" + body


EMPTY_CHUNKS = b"0\r\n\r\n"
SHAPES = {
    "length and chunked": shape(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=EMPTY_CHUNKS + HIDDEN),
    "chunked and length": shape(b"Transfer-Encoding: chunked", b"Content-Length: 300", body=EMPTY_CHUNKS + HIDDEN),
    "two lengths": shape(b"Content-Length: 0", b"Content-Length: 90", body=HIDDEN),
    "two lengths, first longer": shape(b"Content-Length: 90", b"Content-Length: 0", body=HIDDEN),
    "length list": shape(b"Content-Length: 0, 90", body=HIDDEN),
    "length with plus": shape(b"Content-Length: +0", body=HIDDEN),
    "length with underscore": shape(b"Content-Length: 9_0", body=HIDDEN),
    "length in hex": shape(b"Content-Length: 0x0", body=HIDDEN),
    "length in other digits": shape(b"Content-Length: \xd9\xa0", body=HIDDEN),
    "length with blank before colon": shape(b"Content-Length : 0", body=HIDDEN),
    "coding with blank before colon": shape(
        b"Content-Length: 5", b"Transfer-Encoding : chunked", body=EMPTY_CHUNKS + HIDDEN
    ),
    "coding with tab": shape(b"Content-Length: 5", b"Transfer-Encoding:\tchunked", body=EMPTY_CHUNKS + HIDDEN),
    "coding with vertical tab": shape(b"Transfer-Encoding: \x0bchunked", body=EMPTY_CHUNKS + HIDDEN),
    "coding twice": shape(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=EMPTY_CHUNKS + HIDDEN),
    "coding unknown": shape(b"Transfer-Encoding: xchunked", body=EMPTY_CHUNKS + HIDDEN),
    "coding unknown with length": shape(
        b"Content-Length: 5", b"Transfer-Encoding: xchunked", body=EMPTY_CHUNKS + HIDDEN
    ),
    "coding folded": shape(b"Transfer-Encoding:\r\n chunked", body=EMPTY_CHUNKS + HIDDEN),
    "coding quoted": shape(b'Transfer-Encoding: "chunked"', body=EMPTY_CHUNKS + HIDDEN),
    "coding not last": shape(b"Transfer-Encoding: chunked, gzip", body=EMPTY_CHUNKS + HIDDEN),
    "coding after bare line feed": shape(
        b"X: y\nTransfer-Encoding: chunked", b"Content-Length: 5", body=EMPTY_CHUNKS + HIDDEN
    ),
    "coding after bare return": shape(
        b"X: y\rTransfer-Encoding: chunked", b"Content-Length: 5", body=EMPTY_CHUNKS + HIDDEN
    ),
    "coding with nul": shape(b"Transfer-Encoding: chunked\x00", body=EMPTY_CHUNKS + HIDDEN),
    "coding in 1.0": shape(b"Transfer-Encoding: chunked", body=EMPTY_CHUNKS + HIDDEN).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "field before coding without colon": shape(b"X", b"Transfer-Encoding: chunked", body=EMPTY_CHUNKS + HIDDEN),
    "first field folded": shape(body=b"").replace(b"Host: h", b" Transfer-Encoding: chunked\r\nHost: h")
    + EMPTY_CHUNKS
    + HIDDEN,
    "chunk size in other words": shape(b"Transfer-Encoding: chunked", body=b"0x0\r\n\r\n" + HIDDEN),
    "chunk size negative": shape(b"Transfer-Encoding: chunked", body=b"-0\r\n\r\n" + HIDDEN),
    "chunk size with plus": shape(b"Transfer-Encoding: chunked", body=b"+0\r\n\r\n" + HIDDEN),
    "chunk size with underscore": shape(b"Transfer-Encoding: chunked", body=b"0_0\r\n\r\n" + HIDDEN),
    "chunk size with blank": shape(b"Transfer-Encoding: chunked", body=b" 0 \r\n\r\n" + HIDDEN),
    "chunk size empty": shape(b"Transfer-Encoding: chunked", body=b"\r\n\r\n" + HIDDEN),
    "chunk extension with line feed": shape(b"Transfer-Encoding: chunked", body=b"5;a\nabcde\r\n0\r\n\r\n" + HIDDEN),
    "chunk without its end": shape(b"Transfer-Encoding: chunked", body=b"3\r\nabcXX0\r\n\r\n" + HIDDEN),
    "chunks with bare line feeds": shape(b"Transfer-Encoding: chunked", body=b"0\n\n" + HIDDEN),
    "trailer that is a length": shape(b"Transfer-Encoding: chunked", body=b"0\r\nContent-Length: 90\r\n\r\n"),
    "get with body": b"GET /score HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "head with body": b"HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "unknown path with body": shape(b"Content-Length: %d" % len(HIDDEN), body=HIDDEN).replace(b"/score", b"/none", 1),
    "method not allowed, with body": shape(b"Content-Length: %d" % len(HIDDEN), body=HIDDEN).replace(
        b"POST", b"PUT", 1
    ),
    "id too long, with body": shape(b"x-request-id: " + b"r" * 101, b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
    "expect refused": shape(b"Expect: nonsense", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
    "upgrade": shape(b"Connection: upgrade", b"Upgrade: h2c", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
    "line feeds only": b"POST /score HTTP/1.1\nHost: h\nContent-Length: %d\n\n" % len(HIDDEN) + HIDDEN,
    "lengths that agree": shape(b"Content-Length: %d" % len(HIDDEN), b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
}


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_hides_in_a_body(server: Server, name: str) -> None:
    """At most one answer is for the outer request; the hidden one is never run as a request of its own.

    A second answer may only be the refusal of what followed, and after a refusal the connection ends.
    """
    found = answers(server.port, SHAPES[name])
    assert not any(answer.body == b'{"got": "HIDDEN"}' for answer in found), found
    assert 1 <= len(found) <= 2, found
    for answer in found[1:]:
        assert answer.status in {400, 501}, found
    assert all(answer.status < 500 or answer.status == 501 for answer in found), found
    is_well(server)


@pytest.mark.parametrize("name", ["length and chunked", "two lengths", "coding unknown", "chunk size negative"])
def test_a_refusal_ends_the_connection(server: Server, name: str) -> None:
    found = answers(server.port, SHAPES[name], close="open")
    assert [answer.status // 100 for answer in found] in ([4], [5]), found
    assert found[-1].header("Connection") == "close"


def test_a_whole_request_after_a_whole_request_is_answered(server: Server) -> None:
    """What is no smuggling at all must still work: two good requests in one segment."""
    found = answers(server.port, shape(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n") + HIDDEN)
    assert [answer.body for answer in found] == [b'{"got": "abc"}', b'{"got": "HIDDEN"}']
