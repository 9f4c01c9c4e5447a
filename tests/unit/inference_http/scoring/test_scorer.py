import gc
import logging
import re
import threading
import time

import pytest

from inference_http.scoring import ids
from tests.support.routes import Serve

FAILED = "x-ms-run-function-failed"
EXEC = "x-ms-run-fn-exec-ms"
SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
SERVER_FAILED = "An unexpected internal error occurred. Check the logs for more info."


@pytest.fixture
def serve(tmp_path, fresh_imports):
    return Serve(tmp_path)


@pytest.fixture
def results(serve):
    """Serves run() as the expression given, with some imports at hand."""

    def make(expression, **settings):
        return serve(
            f"""
            import datetime, decimal, uuid
            import numpy as np
            def run(data):
                return {expression}
            """,
            **settings,
        )

    return make


def error_log(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


# --- Results ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "body"),
    [
        ("None", "{}"),
        ("{}", "{}"),
        ("[1, 'é', None, True]", '[1, "\\u00e9", null, true]'),
        ("({'a': 1}, 201)", '[{"a": 1}, 201]'),
        ("{1: 2, None: 3}", '{"1": 2, "null": 3}'),
        ("'text'", '"text"'),
        ("float('nan')", "NaN"),
        ("[np.float32(0.5), np.arange(2)]", "[0.5, [0, 1]]"),
        ("b'ab'", '"YWI="'),
        ("decimal.Decimal('1.5')", "1.5"),
    ],
)
def test_a_result_is_sent_as_json(results, expression, body):
    reply = results(expression).ask(body="x")
    assert (reply.status_line, reply.text) == ("200 OK", body)
    assert re.fullmatch(r"\d+\.\d{3}", reply[EXEC])


def test_the_headers_of_a_result_in_their_order(results):
    reply = results("1").ask(headers={"x-ms-client-request-id": "c", "TraceId": "t", "x-request-id": "r"})
    assert reply.normal()[1] == [
        ("Content-Type", "application/json"),
        ("Content-Length", "1"),
        (FAILED, "False"),
        (EXEC, "MS"),
        ("x-ms-server-version", "inference-http/0.1.0"),
        ("x-request-id", "r"),
        ("x-ms-request-id", "c"),
        ("x-ms-client-request-id", "c"),
        ("TraceId", "t"),
    ]


def test_the_server_version_can_be_left_out(results):
    assert results("1", server_version_header=None).ask()["x-ms-server-version"] is None
    assert results("1", server_version_header="mine/2").ask()["x-ms-server-version"] == "mine/2"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("{'scores': [1, 2, 3, object()]}", "object at $.scores[3]"),
        ("object()", "object at $"),
        ("{(1, 2): 3}", "a key of type tuple at $[(1, 2)]"),
        ("1j", "complex at $"),
    ],
)
def test_a_result_without_json_form_is_the_scripts_fault(results, caplog, expression, text):
    reply = results(expression).ask()
    assert (reply.status, reply.message) == (500, SCRIPT_FAILED)
    assert reply[FAILED] == "True"
    assert reply[EXEC] is None
    error = reply.json["error"]
    assert text in error["message"]
    assert error["type"] == "UnencodableResult"
    assert error["code"] == "def run(data):"
    assert error["line"] == 4
    assert text in error_log(caplog)[0]


def test_strict_json_refuses_what_is_not_json(results):
    reply = results("{'a': [1, float('nan')]}", strict_json=True).ask()
    assert reply.status == 500
    assert "nan at $.a[1]" in reply.json["error"]["message"]


# --- Errors ----------------------------------------------------------------------------------------------------------


def test_a_failing_run_tells_its_own_line(serve, caplog):
    served = serve(
        """
        def run(data):
            rows = []
            return rows[3]
        """
    )
    reply = served.ask(body="x")
    assert (reply.status, reply.message, reply[FAILED], reply[EXEC]) == (500, SCRIPT_FAILED, "True", None)
    error = reply.json["error"]
    assert error["type"] == "IndexError"
    assert error["message"] == "list index out of range"
    assert error["file"] == served.script.path
    assert (error["line"], error["code"]) == (4, "return rows[3]")
    assert "score.py" in error["traceback"]
    assert "inference_http" not in error["traceback"]
    text = error_log(caplog)[0]
    assert text.startswith(f"Encountered Exception: {served.script.path}:4: IndexError: list index out of range\n")
    assert "site-packages" not in text


def test_opaque_errors_tell_no_more_than_the_reference(results):
    reply = results("1 / 0", errors="opaque").ask()
    assert reply.json == {"message": SCRIPT_FAILED}
    assert results("object()", errors="opaque").ask().json == {"message": SCRIPT_FAILED}


@pytest.mark.parametrize(
    "error",
    ["SystemExit(3)", "SystemExit(0)", "KeyboardInterrupt()", "GeneratorExit()", "BaseException('x')", "MemoryError()"],
)
def test_nothing_that_run_raises_ends_the_server(serve, error):
    served = serve(f"def run(data):\n    if data == 'ok':\n        return 1\n    raise {error}\n")
    reply = served.ask(body="x")
    assert (reply.status, reply.message, reply[FAILED]) == (500, SCRIPT_FAILED, "True")
    assert reply.json["error"]["type"] == error.split("(")[0]
    assert served.ask(body="ok").json == 1


def test_the_scripts_own_timeout_error_is_its_own(serve):
    reply = serve("def run(data):\n    raise TimeoutError('database')\n").ask()
    assert reply.message == SCRIPT_FAILED
    assert reply.json["error"]["message"] == "database"


def test_a_mistake_of_the_server_is_not_the_scripts(results, caplog):
    served = results("1")
    served.scorer._open = None
    reply = served.ask()
    assert (reply.status, reply.json, reply[FAILED]) == (500, {"message": SERVER_FAILED}, "False")
    assert reply["x-request-id"]
    assert "inside the server" in error_log(caplog)[0]


ABORT = "import flask\ndef run(data):\n    {}\n"


@pytest.mark.parametrize(
    ("call", "status", "message", "failed"),
    [
        ("flask.abort(418, 'short and stout')", 418, "short and stout", "False"),
        ("flask.abort(404)", 404, "The requested URL was not found on the server.", "False"),
        ("flask.abort(422, {'field': 'age'})", 422, {"field": "age"}, "False"),
        ("flask.abort(422, {1, 2})", 422, "{1, 2}", "False"),
        ("flask.abort(503, 'later')", 503, "later", "True"),
        ("from werkzeug.exceptions import Conflict; raise Conflict('taken')", 409, "taken", "False"),
    ],
)
def test_abort_is_honoured(serve, call, status, message, failed):
    reply = serve(ABORT.format(call)).ask()
    assert (reply.status, reply[FAILED]) == (status, failed)
    assert reply.message == message or reply.message.startswith(str(message))
    assert reply["Content-Type"] == "application/json"
    assert reply[EXEC] is None
    assert reply["x-request-id"]


def test_abort_keeps_its_headers(serve):
    call = "from werkzeug.exceptions import TooManyRequests; raise TooManyRequests('slow', retry_after=7)"
    assert serve(ABORT.format(call)).ask()["Retry-After"] == "7"


def test_abort_with_a_response_sends_it(serve):
    reply = serve(ABORT.format("flask.abort(flask.Response('own', 402))")).ask()
    assert (reply.status, reply.text, reply[EXEC]) == (402, "own", None)
    assert reply["x-request-id"]


RAW = """
    from azureml.contrib.services.aml_request import rawhttp

    @rawhttp
    def run(request):
        {}
    """


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("return request.json", {"body": b"{bad", "content_type": "application/json"}),
        ("return request.json", {"body": b"{}", "content_type": "text/plain"}),
        ("return request.form['missing']", {}),
    ],
)
def test_a_request_that_flask_cannot_read_is_the_scripts_fault(serve, code, more):
    reply = serve(RAW.format(code)).ask(**more)
    assert (reply.status, reply[FAILED], reply.message) == (500, "True", SCRIPT_FAILED)


# --- @rawhttp --------------------------------------------------------------------------------------------------------


def test_a_raw_run_gets_flasks_request(serve):
    code = """import flask
        return {
            "type": isinstance(request, flask.Request), "method": request.method, "args": request.args.to_dict(),
            "data": request.get_data().decode(), "again": flask.request.data.decode(), "path": request.full_path,
            "header": request.headers.get("X-A"), "cookie": request.cookies.get("c"), "json": request.json,
        }"""
    reply = serve(RAW.format(code)).ask(path="/score?q=1", body={"k": [1]}, headers={"X-A": "a", "Cookie": "c=d"})
    assert reply.json == {
        "type": True,
        "method": "POST",
        "args": {"q": "1"},
        "data": '{"k": [1]}',
        "again": '{"k": [1]}',
        "path": "/score?q=1",
        "header": "a",
        "cookie": "d",
        "json": {"k": [1]},
    }


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_raw_run_gets_every_method(serve, method):
    reply = serve(RAW.format("return request.method")).ask(method)
    assert (reply.status, reply.json) == (200, method)
    assert reply[EXEC] is not None


def test_a_raw_run_gets_head_and_sends_no_body(serve):
    reply = serve(RAW.format("return {'a': 1}")).ask("HEAD")
    assert (reply.status, reply.body, reply["Content-Length"]) == (200, b"", "8")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_raw_run_does_not_get_others(serve, method):
    reply = serve(RAW.format("return 1")).ask(method)
    assert (reply.status, reply["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")


def test_forms_and_files_of_a_raw_run(serve):
    code = "return [request.form.to_dict(), {name: file.read().decode() for name, file in request.files.items()}]"
    body = b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nhey\r\n--B--\r\n'
    served = serve(RAW.format(code))
    assert served.ask(body=body, content_type="multipart/form-data; boundary=B").json == [{}, {"f": "hey"}]
    form = b"a=" + b"x" * 600_000
    reply = served.ask(body=form, content_type="application/x-www-form-urlencoded")
    assert len(reply.json[0]["a"]) == 600_000


def test_a_raw_run_may_ask_for_headers_too(serve):
    source = RAW.format("return [request.method, request_headers['X-A']]").replace(
        "(request)", "(request, request_headers)"
    )
    assert serve(source).ask(headers={"X-A": "a"}).json == ["POST", "a"]


# --- Methods ---------------------------------------------------------------------------------------------------------


def test_options_does_not_call_run(results):
    reply = results("1 / 0").ask("OPTIONS")
    assert (reply.status, reply.body, reply["Content-Type"]) == (200, b"", "text/html; charset=utf-8")
    assert (reply[FAILED], reply[EXEC], reply["Allow"]) == ("False", None, None)
    assert reply["x-request-id"]


def test_head_is_not_allowed(results):
    reply = results("1").ask("HEAD")
    assert (reply.status, reply.body, reply["Content-Length"]) == (405, b"", "33")
    assert reply["Allow"] == "GET, OPTIONS, POST"
    assert reply["x-request-id"]


# --- Timeouts --------------------------------------------------------------------------------------------------------

SLOW = """
    import time

    def run(data):
        if data == "fast":
            return 1
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                time.sleep(0.01)
            except Exception:
                pass
        return "never"
    """


def test_a_run_that_takes_too_long_is_ended(serve, caplog):
    served = serve(SLOW, scoring_timeout_ms=100)
    started = time.monotonic()
    reply = served.ask(body="slow")
    assert time.monotonic() - started < 2
    assert (reply.status, reply.message, reply[FAILED]) == (500, "Scoring timeout after 100 ms", "True")
    assert reply[EXEC] is None
    error = reply.json["error"]
    assert (error["type"], error["message"]) == ("ScoringTimeout", "Scoring timeout after 100 ms")
    assert error["file"] == served.script.path
    assert error["line"] in range(4, 13)
    assert error["traceback"].endswith("\nScoringTimeout: Scoring timeout after 100 ms\n")
    assert "inference_http" not in error["traceback"] + error_log(caplog)[0]
    assert "Scoring timeout after 100 ms" in error_log(caplog)[0]
    assert served.ask(body="fast").json == 1
    served.deadlines.close()


def test_a_timeout_is_opaque_where_errors_are(serve):
    served = serve(SLOW, scoring_timeout_ms=50, errors="opaque")
    assert served.ask(body="slow").json == {"message": "Scoring timeout after 50 ms"}
    served.deadlines.close()


def test_zero_is_no_limit(serve):
    served = serve("import time\ndef run(data):\n    time.sleep(0.05)\n    return 1\n", scoring_timeout_ms=0)
    assert served.ask().json == 1


def test_the_answer_for_a_thread_that_is_stuck(results, caplog):
    scorer = results("1", scoring_timeout_ms=70).scorer
    answer = scorer.timeout_answer(ids.Ids("r", "r", ""))
    assert answer.status == 500
    assert answer.body == b'{"message": "Scoring timeout after 70 ms"}'
    assert ("x-request-id", "r") in answer.headers
    assert (FAILED, "True") in answer.headers
    assert error_log(caplog) == ["Encountered Exception: Scoring timeout after 70 ms"]
    assert b"after 5 ms" in scorer.timeout_answer(ids.Ids("r", "r", ""), 5).body


# --- The log ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "line"),
    [
        ("POST", "/score", "abc", r"POST /score 200 \d+\.\d{3}ms 5"),
        ("POST", "/score?a=1&b", "", r"POST /score\?a=1&b 200 \d+\.\d{3}ms 2"),
        ("GET", "/score?a=%FF", "", r"GET /score\?a=%FF 200 \d+\.\d{3}ms \d+"),
        ("OPTIONS", "/score", "", r"OPTIONS /score 200 \d+\.\d{3}ms 0"),
        ("POST", "/score", "\udcff", r"POST /score 400 \d+\.\d{3}ms \d+"),
    ],
)
def test_each_request_has_its_line(results, caplog, method, path, body, line):
    served = results("data")
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        served.ask(method, path, body.encode("utf-8", "surrogateescape"))
    lines = [text for text in caplog.messages if re.fullmatch(r"[A-Z]+ /.* \d+ .*ms .*", text)]
    assert len(lines) == 2
    for text in lines:
        assert re.fullmatch(line, text)


def test_a_query_in_the_log_stays_one_line_of_text(results, caplog):
    served = results("1")
    with caplog.at_level(logging.INFO, logger="azmlinfsrv"):
        served.ask(environ_overrides={"QUERY_STRING": "a=é☃".encode().decode("latin-1") + "\xff"})
    assert any(text.startswith("POST /score?a=é☃\\xff 200 ") for text in caplog.messages)


def test_the_request_id_is_known_while_run_runs(serve):
    served = serve(
        """
        from inference_http.scoring import ids

        def run(data):
            return ids.current()
        """
    )
    assert served.ask(headers={"x-request-id": "r"}).json == "r"
    assert ids.current() == ""


def test_a_coroutine_is_awaited(serve):
    served = serve(
        """
        import asyncio

        async def run(data):
            await asyncio.sleep(0)
            return {"got": data}
        """
    )
    assert served.ask(body="x").json == {"got": "x"}


def test_threads_may_score_at_once(serve):
    served = serve(
        """
        import threading
        from inference_http.scoring import ids
        GATE = threading.Barrier(4, timeout=10)

        def run(data):
            GATE.wait()
            return [ids.current(), data]
        """
    )
    replies = {}

    def ask(number):
        sent = {"x-request-id": f"r{number}"}
        replies[number] = served.over(served.fast, "POST", "/score", str(number), headers=sent)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, reply in replies.items():
        assert reply.json == [f"r{number}", str(number)]
        assert reply["x-request-id"] == f"r{number}"
    assert len(replies) == 4
    gc.collect()


# --- Application Insights --------------------------------------------------------------------------------------------


class Recorder:
    """Stands for insights.Insights."""

    def __init__(self):
        self.requests, self.errors, self.data = [], [], []

    def log_request(self, request, answer, ids, duration_ms, path="/score"):
        assert duration_ms >= 0
        self.requests.append((request.method, path, answer.status, answer.body, ids.request_id))

    def log_exception(self, error, ids):
        self.errors.append((type(error).__name__, ids.request_id))

    def model_data(self, script, arguments, result, ids):
        self.data.append((arguments, result, ids.request_id))


def test_insights_are_told(serve):
    recorder = Recorder()
    served = serve("def run(data):\n    return 1 / int(data)\n", insights=recorder)
    sent = {"x-request-id": "r"}
    served.ask(body="1", headers=sent)
    assert recorder.requests == [("POST", "/score", 200, b"1.0", "r")] * 2
    assert recorder.data == [({"data": "1"}, 1.0, "r")] * 2
    served.ask(body="0", headers=sent)
    assert recorder.errors == [("ZeroDivisionError", "r")] * 2
    assert [status for _, _, status, _, _ in recorder.requests] == [200, 200, 500, 500]
    assert len(recorder.data) == 2


def test_insights_see_the_body_of_a_response_and_the_documents(serve):
    recorder = Recorder()
    source = "from werkzeug import Response\ndef run(data):\n    return Response('own')\n"
    served = serve(source, insights=recorder)
    served.ask(headers={"x-request-id": "r"})
    served.ask("GET", "/swagger.json?version=9", headers={"x-request-id": "s"})
    served.ask("GET", "/")
    assert [entry[3] for entry in recorder.requests[:2]] == [b"own"] * 2
    assert [entry[:3] for entry in recorder.requests[2:]] == [("GET", "/swagger.json", 404)] * 2
