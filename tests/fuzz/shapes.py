"""Bytes that are almost HTTP, made by hypothesis."""

from hypothesis import strategies as st

TARGETS = (
    b"/score",
    b"/",
    b"/swagger.json",
    b"/metrics",
    b"//score",
    b"*",
    b"/score?a=1",
    b"/score?",
    b"/score#x",
    b"?",
    b"",
    b"http://h/score",
    b"http://h:99999/score",
    b"http://[::1/score",
    b"http:///score",
    b"http://",
    b"HTTP://H/",
    b"/%zz",
    b"/%00",
    b"/%2e%2e/%2fscore",
    b"/sc\x00ore",
    b"/\xff\xfe",
    b"/a b",
    b"h:443",
    b"\\score",
    b"/score\t",
    b"/" + b"x" * 5000,
)
METHODS = (
    b"GET",
    b"POST",
    b"OPTIONS",
    b"PUT",
    b"CONNECT",
    b"TRACE",
    b"get",
    b"G\x00T",
    b"",
    b"P OST",
    b"\xff",
    b"PRI",
    b"M" * 300,
)
VERSIONS = (
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"HTTP/1.",
    b"HTTP/11",
    b"http/1.1",
    b"HTTP/1.1 x",
    b"",
    b"HTTP/-1.1",
    b"HTTP/1.1\x00",
    b"HTTPS/1.1",
)
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"")
FIELDS = (
    b"Host: h",
    b"Host:",
    b"Host: a, b",
    b"Host: h\r\nHost: i",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: upgrade",
    b"Upgrade: websocket",
    b"Upgrade: h2c",
    b"Expect: 100-continue",
    b"Expect: x",
    b"Expect:",
    b"Content-Length: 3",
    b"Content-Length: 0",
    b"Content-Length: 3\r\nContent-Length: 3",
    b"Content-Length: 5, 5",
    b"Content-Length: -1",
    b"Content-Length: +3",
    b"Content-Length: 0x3",
    b"Content-Length: 3 ",
    b"Content-Length: 3.0",
    b"Content-Length:",
    b"Content-Length: \xb2",
    b"Content-Length: 3;a",
    b"Content-Length: 99999999999999999999",
    b"Content-Length : 3",
    b"Content_Length: 3",
    b" Content-Length: 3",
    b"content-length: 03",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    b"Transfer-Encoding:",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding : chunked",
    b"Transfer_Encoding: chunked",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: xchunked",
    b"X",
    b":",
    b": x",
    b"X:",
    b"X: \x00",
    b"X: a\rb",
    b"X: a\nb",
    b"\x00: x",
    b"X\xff: y",
    b"X: " + b"y" * 9000,
    b"X Y: z",
    b" folded",
    b"\tfolded",
    b"X: \xff\xfe",
    b'Cookie: a="',
    b"x-request-id: " + b"r" * 101,
    b"x-request-id: \x07",
    b"TraceId: \x01",
    b"Origin: \x00",
    b"Content-Type: \xff",
    b'Content-Type: application/json; charset="',
    b"Range: bytes=0-",
    b"If-None-Match: *",
    b"Accept-Encoding: gzip;q=x",
    b'Forwarded: for="',
    b"X-Forwarded-For: a, b",
    b"Trailer: X",
    b"Content-Type: multipart/form-data; boundary=",
    b"Content-Encoding: gzip",
    b"Authorization: Basic !!!",
    b"Date: x",
)
BODIES = (
    b"",
    b"abc",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"3\r\nabc\r\n",
    b"3\nabc\n0\n\n",
    b"ffffffffffffffffffff\r\nx",
    b"-1\r\nx\r\n0\r\n\r\n",
    b"0x3\r\nabc\r\n0\r\n\r\n",
    b"3;a=b\r\nabc\r\n0\r\n\r\n",
    b"3 \r\nabc\r\n0\r\n\r\n",
    b"3\r\nabcd\r\n0\r\n\r\n",
    b"0\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"0\r\n\x00\r\n\r\n",
    b"\r\n\r\n",
    b"\x00" * 50,
    b"GET / HTTP/1.1\r\n\r\n",
    b"3\r\nabc0\r\n\r\n",
)

_odd = st.binary(max_size=20)
_method = st.sampled_from(METHODS[:2]) | st.sampled_from(METHODS) | _odd
_target = st.sampled_from(TARGETS[:1]) | st.sampled_from(TARGETS) | _odd
_version = st.sampled_from(VERSIONS[:1]) | st.sampled_from(VERSIONS) | _odd
_blank = st.sampled_from([b" ", b" ", b" ", b"  ", b"\t", b"", b"\x0b"])
_end = st.sampled_from(ENDS[:1]) | st.sampled_from(ENDS)
_field = st.sampled_from(FIELDS) | _odd
_body = st.sampled_from(BODIES) | st.binary(max_size=60)

first_lines = st.builds(lambda *parts: b"".join(parts), _method, _blank, _target, _blank, _version, _end)
fields = st.lists(st.builds(lambda field, end: field + end, _field, _end), max_size=6).map(b"".join)
messages = st.builds(lambda line, rest, end, body: line + rest + end + body, first_lines, fields, _end, _body)
garbage = st.binary(max_size=300)
good = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /score HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ]
)
conversations = st.lists(good | messages, min_size=1, max_size=4).map(b"".join) | garbage


def changed(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """``data`` with bytes replaced, removed or inserted at some places."""
    result = bytearray(data)
    for place, length, new in edits:
        at = place % (len(result) + 1)
        result[at : at + length] = new
    return bytes(result)


edits = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 4), st.binary(max_size=4)), min_size=1, max_size=5)
mutations = st.builds(changed, st.lists(good, min_size=1, max_size=2).map(b"".join), edits)
