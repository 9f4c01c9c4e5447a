"""run() returns streams of the kind that the request's body names."""

import flask
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


def pieces():
    yield b"first "
    yield b"second "
    yield b"x" * 5000


def texts():
    yield "un "
    yield "deux é"


def printing():
    print("before the piece")
    yield b"piece"
    print("after the piece")


def failing():
    yield b"good "
    raise ValueError("in the middle")


def failing_at_once():
    raise ValueError("before the first piece")
    yield b""


def holes():
    yield b""
    yield b"a"
    yield b""
    yield b"b"


def seeing_request():
    yield flask.request.method
    yield flask.request.path


def closing():
    try:
        yield b"open"
    finally:
        print("closed")


STREAMS = {
    "aml": lambda: AMLResponse(pieces(), 200),
    "flask": lambda: flask.Response(pieces(), mimetype="text/event-stream"),
    "texts": lambda: flask.Response(texts()),
    "printing": lambda: flask.Response(printing()),
    "list": lambda: flask.Response([b"a", b"b"]),
    "holes": lambda: flask.Response(holes()),
    "empty": lambda: flask.Response(iter(())),
    "context": lambda: flask.Response(flask.stream_with_context(seeing_request())),
    "status": lambda: flask.Response(pieces(), status=206, headers={"X-Part": "1"}),
    "failing": lambda: flask.Response(failing()),
    "failing-at-once": lambda: flask.Response(failing_at_once()),
    "known-length": lambda: flask.Response(texts(), headers={"Content-Length": "10"}),
    "closing": lambda: flask.Response(closing()),
    "not-bytes": lambda: flask.Response(iter([1])),
}


def run(name):
    return STREAMS[name]()
