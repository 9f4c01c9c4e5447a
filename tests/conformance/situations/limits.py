"""What the web servers themselves accept and refuse (S49-S52), on connections of their own."""

from collections.abc import Mapping

from tests.conformance import wire
from tests.conformance.case import Case, Situation, post, script
from tests.conformance.launch import Server
from tests.conformance.situations import facts


def refused(name: str, request: bytes, status: str, spec: str = "S52") -> Case:
    return Case(name, spec, request, facts=facts.html(status))


def head(*lines: bytes, body: bytes = b"x") -> bytes:
    return b"\r\n".join((b"POST /score HTTP/1.1", b"Host: a", *lines)) + b"\r\n\r\n" + body


def keep_alive(server: Server) -> Mapping[str, str]:
    """Two requests on one connection: is the second one answered?"""
    with server.connect() as connection:
        connection.send(post("one"))
        first = connection.receive()
        connection.send(post("two"))
        try:
            second = str(connection.receive().status)
        except wire.NoAnswer:
            second = "no answer"
    return {"first": str(first.status), "second": second, "connection": first.header("Connection") or ""}


def pipelined(server: Server) -> Mapping[str, str]:
    with server.connect() as connection:
        connection.send(post("one") + post("two") + post("three"))
        bodies: list[str] = []
        try:
            while len(bodies) < 3:
                bodies.append(connection.receive().body.decode())
        except (wire.NoAnswer, wire.Malformed):
            bodies.append("end")
    return {"answers": "\n".join(bodies)}


def slowly(server: Server) -> Mapping[str, str]:
    """The bytes of one request, sent in three pieces."""
    import time

    request = post("slow")
    with server.connect() as connection:
        for piece in (request[:10], request[10:60], request[60:]):
            connection.send(piece)
            time.sleep(0.05)
        return {"status": str(connection.receive().status)}


def half_closed(server: Server) -> Mapping[str, str]:
    """The client says that it will send no more; its request still deserves its answer."""
    with server.connect() as connection:
        connection.send(post("half"))
        connection.half_close()
        return {"body": connection.receive().body.decode()}


CASES = (
    Case(
        "uri-4000", "S52", b"GET /score?a=" + b"x" * 4000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", facts={"status": "200 OK"}
    ),
    refused("uri-4095", b"GET /" + b"x" * 4082 + b" HTTP/1.1\r\nHost: a\r\n\r\n", "414 URI Too Long"),
    refused("uri-100000", b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", "414 URI Too Long"),
    Case("header-8000", "S52", head(b"X: " + b"x" * 8000, b"Content-Length: 1"), facts={"status": "200 OK"}),
    refused("header-9000", head(b"X: " + b"x" * 9000, b"Content-Length: 1"), "431 Request Header Fields Too Large"),
    refused("header-300000", head(b"X: " + b"x" * 300000, b"Content-Length: 1"), "431 Request Header Fields Too Large"),
    Case(
        "headers-90",
        "S52",
        head(*(b"X-%d: 1" % n for n in range(90)), b"Content-Length: 1"),
        facts={"status": "200 OK"},
    ),
    refused(
        "headers-101",
        head(*(b"X-%d: 1" % n for n in range(101)), b"Content-Length: 1"),
        "431 Request Header Fields Too Large",
    ),
    refused("no-version", b"GET /\r\n\r\n", "400 Bad Request"),
    refused("garbage", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400 Bad Request"),
    refused("version-9", b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", "400 Bad Request"),
    refused("space-before-colon", head(b"X : 1", b"Content-Length: 1"), "400 Bad Request"),
    refused("folded-header", head(b"X: 1", b" folded", b"Content-Length: 1"), "400 Bad Request"),
    refused("no-colon", head(b"nothing", b"Content-Length: 1"), "400 Bad Request"),
    refused("nul-in-header", head(b"X: a\x00b", b"Content-Length: 1"), "400 Bad Request"),
    refused("nul-in-path", b"GET /sc\x00ore HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request"),
    refused("length-word", head(b"Content-Length: one"), "400 Bad Request"),
    refused("length-negative", head(b"Content-Length: -1"), "400 Bad Request"),
    refused("length-plus", head(b"Content-Length: +1"), "400 Bad Request"),
    refused("length-twice", head(b"Content-Length: 1", b"Content-Length: 2"), "400 Bad Request"),
    refused("length-list", head(b"Content-Length: 1, 1"), "400 Bad Request"),
    refused(
        "length-and-chunked",
        head(b"Content-Length: 1", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        "400 Bad Request",
    ),
    refused("chunked-twice", head(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), "400 Bad Request"),
    refused("chunked-not-last", head(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"), "400 Bad Request"),
    refused("coding-unknown", head(b"Transfer-Encoding: nonsense", body=b"0\r\n\r\n"), "501 Bad Request"),
    Case(
        "chunk-size-word",
        "S52",
        head(b"Transfer-Encoding: chunked", body=b"x\r\nabc\r\n0\r\n\r\n"),
        facts=facts.internal(),
    ),
    Case("keep-alive", "S49", play=keep_alive, facts={"first": "200", "second": "no answer", "connection": "close"}),
    Case("pipelined", "S49", play=pipelined),
    Case("slowly", "S52", play=slowly, facts={"status": "200"}),
    Case("half-closed", "S52", play=half_closed),
    Case("after-all", "S52", post("x"), facts=facts.echoed("x")),
)

SITUATIONS = (Situation("wire", "S52", {"score.py": script("echo")}, CASES, marks=False),)
