import logging
import re

import pytest

from tests.support.routes import Serve

FAILED = "x-ms-run-function-failed"
EXEC = "x-ms-run-fn-exec-ms"


@pytest.fixture
def serve(tmp_path, fresh_imports):
    return Serve(tmp_path)


@pytest.fixture
def results(serve):
    """Serves a run() that returns the expression given."""

    def make(expression, **settings):
        return serve(
            f"""
            from azureml_inference_server_http.api.aml_response import AMLResponse
            from werkzeug import Response

            def run(data):
                return {expression}
            """,
            **settings,
        )

    return make


def test_a_response_is_sent_as_it_is(results):
    reply = results("AMLResponse('hi', 201, {'Content-Type': 'text/x', 'X-A': 'a, b'})").ask(headers={"TraceId": "t"})
    assert (reply.status_line, reply.text) == ("201 CREATED", "hi")
    assert reply["Content-Type"] == "text/x"
    assert reply.all("X-A") == ["a, b"]
    assert reply.all(FAILED) == ["False"]
    assert re.fullmatch(r"\d+\.\d{3}", reply[EXEC])
    assert reply["TraceId"] == "t"
    assert reply["Content-Length"] == "2"


@pytest.mark.parametrize(
    ("status", "line"), [("333", "333 UNKNOWN"), ("'201 Made'", "201 Made"), ("404", "404 NOT FOUND")]
)
def test_any_status_can_be_sent(results, status, line):
    reply = results(f"AMLResponse('x', {status})").ask()
    assert (reply.status_line, reply[FAILED]) == (line, "False")


def test_no_content_sends_none(results):
    reply = results("AMLResponse('x', 204)").ask()
    assert (reply.status, reply.body, reply["Content-Length"]) == (204, b"", None)


def test_a_response_of_500_has_failed(results):
    assert results("AMLResponse('x', 503)").ask().all(FAILED) == ["True"]


def test_ids_are_the_servers_and_version_and_trace_are_added(results):
    headers = {"x-request-id": "mine", "X-Ms-Request-Id": "mine", "x-ms-server-version": "mine", "TraceId": "mine"}
    reply = results(f"AMLResponse('x', 200, {headers})").ask(headers={"x-request-id": "r", "TraceId": "t"})
    sent = [(name.lower(), value) for name, value in reply.headers]
    assert [value for name, value in sent if name == "x-request-id"] == ["r"]
    assert [value for name, value in sent if name == "x-ms-request-id"] == ["r"]
    assert [value for name, value in sent if name == "x-ms-server-version"] == ["mine", "inference-http/0.1.0"]
    assert [value for name, value in sent if name == "traceid"] == ["mine", "t"]


def test_a_response_kept_by_the_script_can_be_returned_again(serve):
    served = serve(
        """
        from azureml_inference_server_http.api.aml_response import AMLResponse
        KEPT = AMLResponse("x", 200)

        def run(data):
            return KEPT
        """
    )
    for _ in range(3):
        reply = served.ask(headers={"TraceId": "t"})
        assert len(reply.all(EXEC)) == len(reply.all("TraceId")) == len(reply.all("x-ms-server-version")) == 1


def test_a_plain_flask_response_has_no_verdict(serve):
    served = serve("import flask\ndef run(data):\n    return flask.Response('x')\n")
    reply = served.ask()
    assert reply.all(FAILED) == []
    assert reply["Content-Type"] == "text/html; charset=utf-8"


def test_a_werkzeug_response_is_a_response(serve):
    served = serve("from werkzeug import Response\ndef run(data):\n    return Response('x', 202)\n")
    assert (served.ask().status, served.ask().text) == (202, "x")


@pytest.mark.parametrize("body", ["5", "[1, 2]", "(x for x in [1])", "['a', 1]"])
def test_a_response_whose_body_cannot_be_sent(serve, body):
    served = serve(f"from werkzeug import Response\ndef run(data):\n    return Response({body})\n")
    reply = served.ask()
    assert (reply.status, reply[FAILED]) == (500, "True")
    assert "int: use str or bytes" in reply.json["error"]["message"]


def test_a_mapping_as_body_sends_its_keys(serve):
    served = serve("from werkzeug import Response\ndef run(data):\n    return Response({'a': 1, 'b': 2})\n")
    assert served.ask().text == "ab"


def test_a_callback_of_a_response_runs_once_it_is_sent(serve):
    served = serve(
        """
        from werkzeug import Response
        CLOSED = []

        def run(data):
            if data == "ask":
                return CLOSED
            response = Response("x")
            response.call_on_close(lambda: CLOSED.append(data))
            return response
        """
    )
    served.ask(body="one")
    assert served.over(served.fast, "POST", "/score", "ask").json == ["one", "one"]


def test_a_file_is_sent(serve, tmp_path):
    (tmp_path / "model.txt").write_bytes(b"weights" * 1000)
    served = serve(f"import flask\ndef run(data):\n    return flask.send_file({str(tmp_path / 'model.txt')!r})\n")
    reply = served.ask()
    assert reply.body == b"weights" * 1000
    assert reply["Content-Length"] == "7000"
    assert reply[EXEC] is not None


def test_a_response_is_said_in_the_log(results, caplog):
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        results("AMLResponse('x', 200)").ask()
    assert "run() output is HTTP Response" in caplog.messages


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("Response('x', status=99)", "the status '99 UNKNOWN': use 200 to 999"),
        ("Response('x', status=100)", "the status '100 CONTINUE'"),
        ("Response('x', status=1000)", "the status '1000 UNKNOWN'"),
        ("Response('x', status='made up')", "the status '0 made up'"),
        ("Response('x', status='200 \u2603')", "the status '200 \u2603'"),
        ("Response('x', headers={'X Y': '1'})", "the header name 'X Y'"),
        ("Response('x', headers={'': '1'})", "the header name ''"),
        ("Response('x', headers={'X': '\u2603'})", "the value '\u2603' of the header X: use Latin-1 text"),
        ("Response('x', headers={'X': 'a\\x00b'})", "of the header X"),
    ],
)
def test_what_http_has_no_room_for_is_the_scripts_fault(results, expression, reason):
    reply = results(expression).ask()
    assert (reply.status, reply[FAILED]) == (500, "True")
    assert reason in reply.json["error"]["message"]


@pytest.mark.parametrize(
    "name", ["Connection", "Transfer-Encoding", "keep-alive", "Upgrade", "Date", "Server", "Proxy-Authenticate"]
)
def test_headers_of_the_connection_are_the_servers(results, name):
    reply = results(f"Response('x', headers={{{name!r}: 'chunked', 'X-A': ' kept '}})").ask()
    assert reply.status == 200
    assert (reply[name], reply["X-A"]) == (None, "kept")


@pytest.mark.parametrize("length", ["1", "99", "many"])
def test_a_wrong_length_is_set_right(results, length):
    reply = results(f"Response('xyz', headers={{'Content-Length': {length!r}}})").ask()
    assert (reply.all("Content-Length"), reply.text) == (["3"], "xyz")


def test_the_length_in_an_answer_to_head_is_the_scripts(serve):
    source = """
        from werkzeug import Response
        from azureml.contrib.services.aml_request import rawhttp

        @rawhttp
        def run(request):
            response = Response()
            response.headers["Content-Length"] = "123"
            return response
        """
    assert serve(source).ask("HEAD")["Content-Length"] == "123"


def test_a_file_is_left_to_the_server(serve, tmp_path):
    class Wrapper:
        """As waitress's: iterable, of known length, and reading it would use it up."""

        def __init__(self, file, size=8192):
            self.file = file

        def __len__(self):
            return 7

        def __iter__(self):
            return iter(lambda: self.file.read(4), b"")

        def close(self):
            self.file.close()

    (tmp_path / "model.txt").write_bytes(b"weights")
    served = serve(f"import flask\ndef run(data):\n    return flask.send_file({str(tmp_path / 'model.txt')!r})\n")
    reply = served.ask(environ_overrides={"wsgi.file_wrapper": Wrapper})
    assert (reply.status, reply.body) == (200, b"weights")


def test_a_missing_file_is_not_found(serve, tmp_path):
    served = serve(f"import flask\ndef run(data):\n    return flask.send_from_directory({str(tmp_path)!r}, 'no.txt')\n")
    assert served.ask().status == 404
