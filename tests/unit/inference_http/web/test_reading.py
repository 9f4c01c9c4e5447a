"""What the parser accepts, refuses and makes of repeated headers."""

import pytest
from waitress.adjustments import Adjustments

from inference_http.web.reading import Request

ADJUSTMENTS = Adjustments()


def read(*lines: bytes, body: bytes = b"") -> Request:
    request = Request(ADJUSTMENTS)
    data = b"\r\n".join(lines) + b"\r\n\r\n" + body
    while data and not request.completed:
        data = data[request.received(data) :]
    return request


def post(*fields: bytes, body: bytes = b"") -> Request:
    return read(b"POST /score HTTP/1.1", b"Host: h", *fields, body=body)


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 5"),
        (b"Transfer-Encoding: chunked, chunked",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding:\r\n chunked",),
        (b"X: 1\r\n folded",),
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: 5, 5",),
        (b"Content-Length: " + b"9" * 5000,),
    ],
)
def test_ambiguous_requests_are_refused(fields):
    assert post(*fields, body=b"0\r\n\r\n").error.code == 400


@pytest.mark.parametrize(
    "line",
    [
        b"GET /",
        b"GET / HTTP/9.9",
        b"GET / HTTP/2.0",
        b"GET / HTTP/0.9",
        b"GET /sc\x00ore HTTP/1.1",
        b"GET http://[::1/score HTTP/1.1",
    ],
)
def test_request_lines_that_are_not_http_1_are_refused(line):
    assert read(line).error.code == 400


def test_a_coding_in_http_1_0_is_refused():
    assert read(b"POST / HTTP/1.0", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n").error.code == 400


def test_an_unknown_coding_is_not_implemented():
    assert post(b"Transfer-Encoding: gzip").error.code == 501


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b"\tchunked "])
def test_a_chunked_body_is_read(coding):
    request = post(b"Transfer-Encoding:" + coding, body=b"3\r\nabc\r\n0\r\n\r\n")
    assert (request.error, request.get_body_stream().read()) == (None, b"abc")


def test_repeated_headers_are_joined_without_a_blank():
    request = post(b"X-A: 1", b"x-a:  2 ", b"Cookie: a=1", b"Cookie: b=2", b"X-B: 1, 2", b"X_A: 3", b"X-A: ")
    headers = request.headers
    assert (headers["X_A"], headers["COOKIE"], headers["X_B"]) == ("1,2,", "a=1,b=2", "1, 2")


def test_a_request_refused_early_has_what_its_answer_needs():
    request = read(b"nonsense")
    assert (request.error.code, request.command, request.path, request.query) == (400, "", "", "")


def test_a_client_that_expects_to_be_told_to_go_on_without_a_body_is_not_told():
    assert read(b"GET / HTTP/1.1", b"Expect: 100-continue").expect_continue is False
    assert post(b"Expect: 100-continue", b"Content-Length: 1").expect_continue is True


@pytest.mark.parametrize("field", [b"X", b"X: 1\r\n folded", b"Content-Length: " + b"9" * 5000])
def test_a_refused_head_is_still_known_as_one(field):
    request = read(b"HEAD / HTTP/1.1", field)
    assert (request.error.code, request.command) == (400, "HEAD")


def test_a_head_with_headers_beyond_the_limit_is_still_known_as_one():
    request = read(b"HEAD / HTTP/1.1", b"X: " + b"y" * 300_000)
    assert (request.error.code, request.command) == (431, "HEAD")
