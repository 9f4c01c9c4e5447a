import io
from unittest import mock

import flask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from inference_http.scoring.answer import Answer
from inference_http.user import importing
from inference_http.web.fastroute import EnvironRequest, fast, wsgi_parts
from tests.support.routes import Serve

ECHO = "def run(data, request_headers):\n    return [data, request_headers]\n"


@pytest.fixture
def serve(tmp_path, fresh_imports):
    return Serve(tmp_path)


def contexts(served, method="POST", path="/score", **more):
    """How many Flask contexts one request to the fast route makes."""
    with mock.patch.object(served.app, "request_context", wraps=served.app.request_context) as made:
        served.over(served.fast, method, path, **more)
    return made.call_count


@pytest.mark.parametrize(
    ("method", "path", "more", "expected"),
    [
        ("POST", "/score", {}, 0),
        ("POST", "/score?a=1", {}, 0),
        ("POST", "/score", {"headers": {"Origin": "https://a.test"}}, 0),
        ("POST", "/score", {"headers": {"x-request-id": "r" * 101}}, 0),
        ("POST", "/score", {"body": b"\xff"}, 0),
        ("POST", "/score", {"headers": {"Upgrade": "websocket", "Connection": "Upgrade"}}, 1),
        ("GET", "/score", {}, 1),
        ("OPTIONS", "/score", {}, 1),
        ("POST", "/score/", {}, 1),
        ("GET", "/", {}, 1),
    ],
)
def test_only_a_post_to_score_goes_without_flask(serve, method, path, more, expected):
    assert contexts(serve("def run(data):\n    return 1\n"), method, path, **more) == expected


def test_a_handshake_is_refused_as_flask_refuses_it(serve):
    served = serve("def run(data):\n    return 1\n")
    assert served.ask(headers={"Upgrade": "websocket", "Connection": "Upgrade"}).status == 400


@pytest.mark.parametrize(
    "source",
    [
        "from flask import request\ndef run(data):\n    return request.method\n",
        "def run(data):\n    import flask\n    return flask.request.method\n",
        "from azureml.contrib.services.aml_request import rawhttp\n@rawhttp\ndef run(data):\n    return data.method\n",
    ],
)
def test_a_script_that_uses_flask_gets_flask(serve, source):
    served = serve(source)
    assert served.ask().json == "POST"
    assert contexts(served) == 1


def test_a_library_that_uses_flask_gets_flask(serve):
    served = serve("def run(data):\n    return 1\n")
    with mock.patch.object(importing, "libraries_use_flask", return_value=True):
        assert fast(served.app, served.scorer) is served.app


def test_a_module_that_is_imported_later_may_name_flask(serve, tmp_path):
    (tmp_path / "late_module.py").write_text("import flask\n")
    served = serve("def run(data):\n    import late_module\n    return 1\n")
    assert contexts(served) == 0
    assert contexts(served) == 1


def test_the_fast_route_has_no_context_of_flask(serve):
    served = serve("def run(data):\n    return look()\n")
    served.script.run.__globals__["look"] = flask.has_request_context
    assert served.over(served.fast, "POST", "/score").json is False
    assert served.over(served.app, "POST", "/score").json is True


@pytest.mark.parametrize("status", [200, 201, 204, 333, 404, 429, 431, 500, 503])
def test_status_lines_are_werkzeugs(status):
    line, headers, body = wsgi_parts(Answer(status, [("Content-Type", "x")], b"abc"), {})
    assert line == flask.Response(status=status).status
    assert headers == [("Content-Type", "x"), ("Content-Length", "3")]
    assert list(body) == [b"abc"]


def test_a_request_read_from_an_environ():
    environ = EnvironBuilder("/score?q=1", method="POST", data=b"abc", headers={"X-A": "a"}).get_environ()
    request = EnvironRequest(environ)
    assert (request.method, request.query, request.content_type) == ("POST", "q=1", "")
    assert (request.header("x-a"), request.header("X-B")) == ("a", None)
    assert request.body() == request.body() == b"abc"
    with pytest.raises(RuntimeError, match="no Flask request"):
        request.flask()


def test_the_body_is_not_read_beyond_its_length():
    stream = io.BytesIO(b"abcdef")
    environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "3", "wsgi.input": stream, "wsgi.input_terminated": True}
    assert EnvironRequest(environ).body() == b"abc"
    assert stream.read() == b"def"


names = st.sampled_from(
    ["x-request-id", "x-ms-request-id", "x-ms-client-request-id", "TraceId", "Origin", "Content-Type", "X-A", "Cookie"]
)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=120)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "HEAD", "OPTIONS"]),
    path=st.sampled_from(["/score", "/score", "/score?a=1", "/score?%ff", "//score", "/score/", "/", "/x"]),
    body=st.binary(max_size=80),
    headers=st.dictionaries(names, texts, max_size=5),
)
def test_no_request_can_tell_the_routes_apart(serve, method, path, body, headers):
    served = _echo(serve)
    served.ask(method, path, body, headers=headers)


_kept = {}


def _echo(serve):
    if serve not in _kept:
        _kept.clear()
        _kept[serve] = serve(ECHO, cors_origins=("https://a.test", "*"))
    return _kept[serve]
