import logging
import time

import pytest

from inference_http.scoring import ids
from inference_http.scoring.streaming import StreamBroken
from tests.support.routes import Serve

FAILED = "x-ms-run-function-failed"
EXEC = "x-ms-run-fn-exec-ms"


@pytest.fixture
def serve(tmp_path, fresh_imports):
    return Serve(tmp_path)


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("pieces", "content_type", "body"),
    [
        (["a", "é"], "text/plain; charset=utf-8", "aé".encode()),
        ([b"a", b"", b"\xff"], "application/octet-stream", b"a\xff"),
        ([bytearray(b"a"), memoryview(b"b")], "application/octet-stream", b"ab"),
        ([{"n": 1}, [2], 3, None], "application/x-ndjson", b'{"n": 1}\n[2]\n3\nnull\n'),
        ([{"n": 1}, "text", b"bytes"], "application/x-ndjson", b'{"n": 1}\ntextbytes'),
        ([], "application/x-ndjson", b""),
    ],
)
def test_a_generator_is_sent_piece_by_piece(serve, pieces, content_type, body):
    served = serve("PIECES = []\ndef run(data):\n    yield from PIECES\n")
    served.script.module.PIECES.extend(pieces)
    reply = served.ask()
    assert (reply.status, reply["Content-Type"], reply.body) == (200, content_type, body)
    assert reply[FAILED] == "False"
    assert reply["Content-Length"] is None
    assert reply[EXEC] is not None
    assert reply["x-request-id"]


@pytest.mark.parametrize(
    "source",
    [
        "def run(data):\n    return (str(n) for n in range(3))",
        "def run(data):\n    return map(str, range(3))",
        "def run(data):\n    return iter(['0', '1', '2'])",
        "async def run(data):\n    for n in range(3):\n        yield str(n)",
        """
        from inference_schema.schema_decorators import input_schema
        from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as T

        @input_schema("data", T(1))
        def run(data):
            return (str(n) for n in range(3))
        """,
    ],
)
def test_every_kind_of_iterator_is_a_stream(serve, source):
    assert serve(source).ask(body={"data": 1}).text == "012"


def test_numpy_pieces_are_lines(serve):
    served = serve("import numpy as np\ndef run(data):\n    yield from np.arange(3)\n")
    assert served.ask().text == "0\n1\n2\n"


@pytest.mark.parametrize(
    "result",
    [
        "AMLResponse((str(n) for n in range(3)), 200, {'Content-Type': 'text/x'})",
        "Response((piece for piece in ['0', b'1', bytearray(b'2')]), content_type='text/x')",
    ],
)
def test_a_response_may_hold_a_generator(serve, result):
    served = serve(
        f"""
        from azureml_inference_server_http.api.aml_response import AMLResponse
        from werkzeug import Response

        def run(data):
            return {result}
        """
    )
    reply = served.ask()
    assert (reply.status, reply.text, reply["Content-Type"]) == (200, "012", "text/x")
    assert reply[EXEC] is not None
    assert reply["x-request-id"]


def test_the_context_lasts_as_long_as_the_stream(serve):
    served = serve(
        """
        import flask
        from azureml.contrib.services.aml_request import rawhttp

        @rawhttp
        def run(request):
            @flask.stream_with_context
            def pieces():
                yield "a"
                yield flask.request.args["q"]
            return flask.Response(pieces())
        """
    )
    assert served.ask(path="/score?q=b").text == "ab"


def test_the_request_id_is_known_in_every_piece(serve):
    served = serve(
        "from inference_http.scoring import ids\ndef run(data):\n    for _ in range(2):\n        yield ids.current()\n"
    )
    assert served.ask(headers={"x-request-id": "r"}).text == "rr"
    assert ids.current() == ""


def test_a_generator_that_fails_at_once_is_an_ordinary_error(serve, caplog):
    served = serve("def run(data):\n    raise ValueError('first')\n    yield\n")
    reply = served.ask()
    assert (reply.status, reply[FAILED], reply[EXEC]) == (500, "True", None)
    assert reply.json["error"]["message"] == "first"
    assert reply.json["error"]["line"] == 2
    assert "ValueError: first" in errors(caplog)[0]


def test_abort_works_in_the_first_piece(serve):
    reply = serve("from werkzeug.exceptions import abort\ndef run(data):\n    abort(409, 'taken')\n    yield\n").ask()
    assert (reply.status, reply.message, reply[FAILED]) == (409, "taken", "False")


def test_a_first_piece_without_json_form_is_an_ordinary_error(serve):
    reply = serve("def run(data):\n    yield {'a': [object()]}\n").ask()
    assert reply.status == 500
    assert "object at $.a[0]" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("1 / 0", "score.py:3: ZeroDivisionError: division by zero"),
        ("raise SystemExit(1)", "score.py:3: SystemExit: 1"),
        ("yield object()", "object at $"),
    ],
)
def test_a_generator_that_fails_later_breaks_the_body(serve, caplog, fault, text):
    served = serve(f"def run(data):\n    yield 'head'\n    {fault}\n    yield 'tail'\n")
    reply = served.ask(headers={"x-request-id": "r"})
    assert (reply.status, reply.body) == (200, b"head")
    assert isinstance(reply.broken, StreamBroken)
    assert text in errors(caplog)[0]
    assert ids.current() == ""


def test_closing_early_runs_the_scripts_clean_up(serve):
    served = serve(
        """
        ENDED = []

        def run(data):
            if data == "ask":
                return ENDED
            def pieces():
                try:
                    while True:
                        yield "x"
                finally:
                    ENDED.append(data)
            return pieces()
        """
    )
    for application in (served.app, served.fast):
        stream = served.scorer.score(_Request("one"), ids.fresh()).body
        assert next(iter(stream)) == b"x"
        stream.close()
        stream.close()
        assert served.over(application, "POST", "/score", "ask").json[-1] == "one"
    assert served.over(served.fast, "POST", "/score", "ask").json == ["one", "one"]


def test_a_failing_clean_up_is_logged_and_goes_no_further(serve, caplog):
    served = serve("def run(data):\n    try:\n        yield 'x'\n        yield 'y'\n    finally:\n        1 / 0\n")
    stream = served.scorer.score(_Request(""), ids.fresh()).body
    next(iter(stream))
    stream.close()
    assert "ZeroDivisionError" in errors(caplog)[0]


def test_an_answer_to_head_closes_the_stream(serve):
    served = serve(
        """
        from azureml_inference_server_http.api.aml_response import AMLResponse
        from azureml_inference_server_http.api.aml_request import rawhttp
        ENDED = []

        @rawhttp
        def run(request):
            if request.method == "GET":
                return ENDED
            def pieces():
                try:
                    yield "x"
                finally:
                    ENDED.append(1)
            return AMLResponse(pieces(), 200) if request.method == "HEAD" else pieces()
        """
    )
    assert served.ask("HEAD").body == b""
    assert served.over(served.app, "GET", "/score").json == [1, 1]


ENDLESS = """
    import time

    def run(data):
        yield "head"
        while True:
            time.sleep(0.01)
            if data == "pieces":
                yield "."
    """


@pytest.mark.parametrize("data", ["pieces", "silence"])
def test_a_stream_has_the_time_limit_of_its_request(serve, caplog, data):
    served = serve(ENDLESS, scoring_timeout_ms=150)
    reply = served.ask(body=data) if data == "silence" else served.over(served.fast, "POST", "/score", data)
    assert reply.body.startswith(b"head")
    assert isinstance(reply.broken, StreamBroken)
    assert "Scoring timeout after 150 ms" in errors(caplog)[0]
    served.deadlines.close()


def test_a_first_piece_that_takes_too_long_is_an_ordinary_timeout(serve):
    served = serve("import time\ndef run(data):\n    time.sleep(5)\n    yield 1\n", scoring_timeout_ms=60)
    reply = served.ask()
    assert (reply.status, reply.message) == (500, "Scoring timeout after 60 ms")
    served.deadlines.close()


def test_the_time_that_a_client_takes_to_read_is_not_counted(serve):
    served = serve("def run(data):\n    yield from 'abc'\n", scoring_timeout_ms=60)
    received = []
    for piece in served.scorer.score(_Request(""), ids.fresh()).body:
        time.sleep(0.05)
        received.append(piece)
    assert received == [b"a", b"b", b"c"]
    served.deadlines.close()


def test_the_length_of_a_stream_is_not_available_in_the_log(serve, caplog):
    served = serve("def run(data):\n    yield 'x'\n")
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        served.ask()
    lines = [text for text in caplog.messages if text.startswith("POST /score 200 ")]
    assert len(lines) == 2
    assert all(line.endswith(" N/A") for line in lines)


class _Request:
    """A scoring request without any web framework."""

    method, query, content_type = "POST", "", "text/plain"

    def __init__(self, data):
        self._data = data

    def body(self):
        return self._data.encode()

    def headers(self):
        return {}
