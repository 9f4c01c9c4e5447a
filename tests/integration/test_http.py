"""What the client of a real server sees of run()'s results: the last metre between our answers and the socket."""

import http.client
import json
import socket

import pytest

from tests.support.running import server

SCRIPT = """
import flask
from azureml.contrib.services.aml_response import AMLResponse

KEPT = AMLResponse("kept", 200, {"Set-Cookie": "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT"})


def init():
    pass


def torn():
    yield "head"
    raise ValueError("torn apart")


def run(data):
    return eval(data)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    path = tmp_path_factory.mktemp("http") / "score.py"
    path.write_text(SCRIPT)
    with server(path) as started:
        started.wait_ready()
        yield started


def raw(running, body):
    """The bytes of a whole answer."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as sock:
        head = (
            f"POST /score HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {len(body)}\r\nTraceId: t\r\n\r\n"
        )
        sock.sendall(head.encode() + body)
        received = b""
        while piece := sock.recv(65536):
            received += piece
    return received


def test_headers_are_spelled_as_the_reference_spells_them(running):
    head = raw(running, b"1").split(b"\r\n\r\n")[0].decode()
    names = [line.partition(":")[0] for line in head.split("\r\n")[1:]]
    assert {"x-request-id", "x-ms-request-id", "TraceId", "x-ms-run-function-failed", "x-ms-run-fn-exec-ms"} <= set(
        names
    )
    assert len(names) == len({name.lower() for name in names})


def test_a_stream_that_fails_is_cut_and_the_log_shows_the_scripts_line_only(running):
    with pytest.raises(http.client.IncompleteRead):
        running.score("torn()")
    running.wait_for("ValueError: torn apart")
    assert running.score("1").status == 200
    assert "streaming.py" not in running.text()


@pytest.mark.parametrize(
    ("expression", "status", "body"),
    [
        ("KEPT", 200, b"kept"),
        ("flask.Response(str(n) for n in range(3))", 200, b"012"),
        ("(n for n in range(3))", 200, b"0\n1\n2\n"),
        ("flask.Response('x', headers={'Connection': 'close', 'Content-Length': '9'})", 200, b"x"),
        ("flask.send_file(__file__)", 200, SCRIPT.encode()),
        ("flask.Response(status=204)", 204, b""),
    ],
)
def test_every_kind_of_body_arrives_whole(running, expression, status, body):
    for _ in range(2):
        reply = running.score(expression)
        assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize("expression", ["exit(3)", "flask.Response(5)", "flask.Response('x', status=99)", "object()"])
def test_what_cannot_be_sent_is_a_complete_answer(running, expression):
    reply = running.score(expression, x_request_id="r")
    assert (reply.status, reply.headers["x-request-id"]) == (500, "r")
    assert json.loads(reply.body)["error"]["file"].endswith("score.py")
    assert reply.headers["x-ms-run-function-failed"] == "True"


def test_strict_json_holds_for_aml_response_too_and_names_the_line(tmp_path):
    path = tmp_path / "score.py"
    path.write_text(SCRIPT + "\n\ndef run(data):\n    return AMLResponse([1.5, float(data)], 200, json_str=True)\n")
    with server(path, "--strict-json") as strict:
        assert strict.score("2").body == b"[1.5, 2.0]"
        reply = strict.score("nan")
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["type"], error["file"]) == (500, "UnencodableResult", str(path))
    assert "$[1]" in error["message"]
    assert error["code"] == "return AMLResponse([1.5, float(data)], 200, json_str=True)"
