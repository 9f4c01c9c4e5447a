import json
import logging
import re

import pytest

from inference_http.scoring import ids
from tests.support.routes import UUID, Serve

FAILED = "x-ms-run-function-failed"
EXEC = "x-ms-run-fn-exec-ms"
ORIGIN = "Access-Control-Allow-Origin"


@pytest.fixture
def served(tmp_path, fresh_imports):
    return Serve(tmp_path)("def run(data):\n    return 1\n")


@pytest.fixture
def shared(tmp_path, fresh_imports):
    return Serve(tmp_path)("def run(data):\n    return 1\n", cors_origins=("https://b.test", "https://a.test"))


def names(reply):
    return [name for name, _ in reply.headers]


def test_health(served):
    reply = served.ask("GET", "/?anything=1")
    assert (reply.status_line, reply.text, reply["Content-Type"]) == ("200 OK", "Healthy", "text/html; charset=utf-8")
    assert names(reply) == ["Content-Type", "Content-Length", "x-ms-server-version", "x-request-id", "x-ms-request-id"]


def test_head_of_health(served):
    reply = served.ask("HEAD", "/")
    assert (reply.status, reply.body, reply["Content-Length"]) == (200, b"", "7")


@pytest.mark.parametrize("path", ["/", "/swagger.json", "/metrics"])
def test_options(served, path):
    reply = served.ask("OPTIONS", path)
    assert (reply.status, reply.body, reply["Allow"]) == (200, b"", "GET, HEAD, OPTIONS")
    assert reply["Content-Type"] == "text/html; charset=utf-8"
    assert reply[FAILED] is None


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/", "GET, HEAD, OPTIONS"),
        ("/swagger.json", "GET, HEAD, OPTIONS"),
        ("/metrics", "GET, HEAD, OPTIONS"),
        ("/score", "GET, OPTIONS, POST"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_other_methods_are_refused_with_those_that_are_not(served, path, allow, method):
    reply = served.ask(method, path)
    assert (reply.status, reply.message) == (405, "The method is not allowed for the requested URL.")
    assert reply.all("Allow") == [allow]
    assert (reply["Content-Type"], reply[FAILED]) == ("application/json", "False")


@pytest.mark.parametrize(
    "path", ["/nothing", "/score/", "/Score", "/score/x", "/static/app.py", "/%2e%2e/etc", "/score%00"]
)
def test_anything_else_is_not_found(served, path):
    reply = served.ask("GET", path, headers={"x-request-id": "r", "x-ms-client-request-id": "c", "TraceId": "t"})
    assert (reply.status_line, reply[FAILED]) == ("404 NOT FOUND", "False")
    assert reply.message == (
        "The requested URL was not found on the server."
        " If you entered the URL manually please check your spelling and try again."
    )
    assert names(reply) == [
        "Content-Type",
        "Content-Length",
        FAILED,
        "x-ms-server-version",
        "x-request-id",
        "x-ms-request-id",
        "x-ms-client-request-id",
        "TraceId",
    ]


def test_slashes_in_front_do_not_matter(served):
    assert served.ask("POST", "/score", environ_overrides={"PATH_INFO": "//score"}).json == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("OPTIONS", "/"),
        ("GET", "/swagger.json"),
        ("POST", "/score"),
        ("OPTIONS", "/score"),
        ("GET", "/x"),
    ],
)
def test_ids_are_on_every_answer(served, method, path):
    generated = served.ask(method, path)
    assert UUID.match(generated["x-request-id"])
    assert generated["x-ms-request-id"] == generated["x-request-id"]
    sent = served.ask(method, path, headers={"X-Request-ID": "r", "x-ms-request-id": "l", "traceid": ""})
    assert (sent["x-request-id"], sent["x-ms-request-id"], sent["x-ms-client-request-id"]) == ("r", "l", "l")
    assert sent["TraceId"] == ""


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/swagger.json"), ("POST", "/score"), ("OPTIONS", "/score")]
)
def test_long_ids_are_refused(served, method, path, caplog):
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        long = served.ask(method, path, headers={"x-request-id": "r" * 101, "TraceId": "t"})
        other = served.ask(method, path, headers={"x-request-id": "r", "x-ms-client-request-id": "c" * 101})
    assert (long.status, long.message) == (431, "x-request-id must not exceed 100 characters")
    assert names(long) == ["Content-Type", "Content-Length", FAILED, "x-ms-server-version", "TraceId"]
    assert (other.status, other[FAILED]) == (431, "False")
    assert other.message == "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"
    assert (other["x-request-id"], other["x-ms-request-id"]) == ("r", None)
    lines = [(record.name, record.getMessage().split()[:3]) for record in caplog.records if " 431 " in record.message]
    assert set(map(str, lines)) == {str(("azmlinfsrv.access", [method, path, "431"]))}
    assert len(lines) == 4, "one for each request, on both routes"


def test_a_long_id_does_not_hide_that_there_is_no_such_route(served):
    reply = served.ask("GET", "/x", headers={"x-request-id": "r" * 101})
    assert (reply.status, reply["x-request-id"]) == (404, None)


@pytest.mark.parametrize(
    ("query", "version"),
    [
        ("", {"swagger": "2.0"}),
        ("?version=2.0", {"swagger": "2.0"}),
        ("?version=3", {"openapi": "3.0.3"}),
        ("?version=3.1&version=2", {"openapi": "3.1.0"}),
        ("?Version=3", {"swagger": "2.0"}),
    ],
)
def test_swagger(served, caplog, query, version):
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        reply = served.ask("GET", f"/swagger.json{query}")
    assert (reply.status, reply["Content-Type"], reply[FAILED]) == (200, "application/json", "False")
    assert version.items() <= reply.json.items()
    assert reply.text == json.dumps(reply.json)
    lines = [text for text in caplog.messages if text.startswith(f"GET /swagger.json{query} 200 ")]
    assert len(lines) == 2
    assert lines[0].endswith(f"ms {len(reply.body)}")


def test_an_unknown_swagger_version(served):
    reply = served.ask("GET", "/swagger.json?version=4")
    assert (reply.status, reply[FAILED]) == (404, "False")
    assert reply.message == "Swagger version [4] is not valid. Supported versions: [2, 3, 3.1]."


def test_metrics(served, caplog):
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        reply = served.ask("GET", "/metrics")
    assert (reply.status, reply.text) == (200, "requests_total 1\n")
    assert reply["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert reply[FAILED] is None
    assert caplog.messages == []


def test_a_mistake_of_ours_is_answered_as_json(served, caplog):
    served.scorer.score = None
    reply = served.over(served.app, "POST", "/score")
    assert (reply.status, reply[FAILED]) == (500, "False")
    assert reply.json == {"message": "An unexpected internal error occurred. Check the logs for more info."}
    assert reply["x-request-id"]
    assert "Encountered Exception" in caplog.text


def test_cors_headers_are_on_every_answer(shared):
    sent = {"Origin": "https://B.test"}
    for method, path in [("GET", "/"), ("POST", "/score"), ("GET", "/swagger.json"), ("GET", "/x"), ("PUT", "/score")]:
        reply = shared.ask(method, path, headers=sent)
        assert (reply.all(ORIGIN), reply.all("Vary")) == (["https://B.test"], ["Origin"])
        assert shared.ask(method, path, headers={"Origin": "https://b.test.evil"}).all(ORIGIN) == []
        assert shared.ask(method, path).all(ORIGIN) == ["https://a.test"]


def test_a_preflight(shared):
    sent = {
        "Origin": "https://a.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "b, a",
    }
    reply = shared.ask("OPTIONS", headers=sent)
    assert (reply.status, reply.body, reply[FAILED]) == (200, b"", "False")
    assert reply["Access-Control-Allow-Methods"] == "GET, POST"
    assert reply["Access-Control-Allow-Headers"] == "a, b"


def test_a_script_that_decides_for_itself_is_left_alone(tmp_path, fresh_imports):
    source = """
        from azureml_inference_server_http.api.aml_response import AMLResponse

        def run(data):
            return AMLResponse("x", 200, {"access-control-allow-origin": "https://own.test"})
        """
    served = Serve(tmp_path)(source, cors_origins=("*",))
    reply = served.ask(headers={"Origin": "https://a.test"})
    assert [value for name, value in reply.headers if name.lower() == ORIGIN.lower()] == ["https://own.test"]


def test_without_origins_nothing_is_added(served):
    assert served.ask(headers={"Origin": "https://a.test"})[ORIGIN] is None


@pytest.mark.parametrize(
    ("method", "path", "start"),
    [
        ("GET", "/nothing?a=1", "GET /nothing?a=1 404 "),
        ("PUT", "/score", "PUT /score 405 "),
        ("BREW", "/", "BREW / 405 "),
        ("GET", "/score%0Ax", "GET /score%0Ax 404 "),
    ],
)
def test_what_is_refused_has_its_line_with_its_id(served, caplog, method, path, start):
    seen = []
    noting = caplog.filtering(lambda _: seen.append(ids.current()) or True)
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"), noting:
        served.over(served.app, method, path, headers={"x-request-id": "mine"})
    (record,) = caplog.records
    assert record.name == "azmlinfsrv.access"
    assert record.message.startswith(start)
    assert re.fullmatch(r"\d+\.\d{3}ms \d+", record.message[len(start) :])
    assert seen == ["mine"]


def test_a_refused_target_is_shown_in_part(served, caplog):
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        served.over(served.app, "GET", "/" + "x" * 9000)
    assert len(caplog.messages[0]) < 600
    assert "xxx... 404 " in caplog.messages[0]


@pytest.mark.parametrize("path", ["/", "/?detail", "/metrics"])
def test_probes_and_scrapes_leave_no_line(served, caplog, path):
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        assert served.ask("GET", path).status == 200
    assert caplog.messages == []
