import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_http.scoring import payload
from tests.support.routes import Serve

ECHO = "def run(data):\n    return {'type': type(data).__name__, 'data': data}\n"
TWO = """
    from inference_schema.schema_decorators import input_schema
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as T

    @input_schema("a", T(1))
    @input_schema("b", T("x"))
    def run(a, b="y", extra=7):
        return [a, b, extra]
    """
MULTIPART = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n'
JSON = {"content_type": "application/json"}


@pytest.fixture
def serve(tmp_path, fresh_imports):
    return Serve(tmp_path)


@pytest.fixture
def echo(serve):
    return serve(ECHO)


@pytest.fixture
def two(serve):
    return serve(TWO)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", None),
        (b"", "application/json"),
        (b'{"a": 1}', "application/json"),
        (b"{not json", "application/json"),
        ("é☃".encode(), "text/plain"),
        (b"\xef\xbb\xbf{}", "application/json"),
        (b"a=1&b=2", "application/x-www-form-urlencoded"),
        (b"%zz&&&=", "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=B"),
        (b"no multipart at all", "multipart/form-data; boundary=B"),
        (b"a\r\nb\x00c", "application/octet-stream"),
    ],
)
def test_the_body_reaches_run_as_it_was_sent(echo, body, content_type):
    reply = echo.ask(body=body, content_type=content_type)
    assert reply.json == {"type": "str", "data": body.decode()}
    assert reply.status == 200


def test_a_query_is_ignored_with_a_body(echo):
    assert echo.ask(path="/score?a=1", body="x").json["data"] == "x"


def test_a_chunked_body_is_read_to_its_end(echo):
    reply = echo.ask(
        body=b"abc", headers={"Transfer-Encoding": "chunked"}, environ_overrides={"wsgi.input_terminated": 1}
    )
    assert reply.json["data"] == "abc"


def test_a_body_of_unknown_length_is_not_read(echo):
    assert echo.ask(body=b"abc", environ_overrides={"CONTENT_LENGTH": ""}).json["data"] == ""


def test_bytes_that_are_no_text_are_a_bad_request(echo):
    reply = echo.ask(body=b"a\xff")
    assert reply.status == 400
    assert reply.message == (
        "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"
    )
    assert reply["x-ms-run-function-failed"] == "False"
    assert reply["x-ms-run-fn-exec-ms"] is None


def test_a_compressed_body_is_not_unpacked(echo):
    assert echo.ask(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}).status == 400


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("a=1", {"a": 1}),
        ("a=", {"a": ""}),
        ("a", {"a": ""}),
        ("a=01&b=x&c=null&d=true", {"a": "01", "b": "x", "c": None, "d": True}),
        ("a=[1,2]&b=%7B%22x%22%3A1%7D", {"a": [1, 2], "b": {"x": 1}}),
        ("a=1&b=2&a=x", {"a": [1, "x"], "b": 2}),
        ("a=1;b=2", {"a": "1;b=2"}),
        ("a=%FF", {"a": "%FF"}),
        ("a=1e400", {"a": float("inf")}),
        ("a+b=c+d", {"a b": "c d"}),
        ("a=%C3%A9", {"a": "é"}),
        ("a=" + "[" * 5000, {"a": "[" * 5000}),
        ("a=" + "1" * 5000, {"a": "1" * 5000}),
    ],
)
def test_a_get_gives_its_query_as_json_text(echo, query, expected):
    reply = echo.ask("GET", "/score", query_string=query)
    assert reply.status == 200
    assert reply.json["type"] == "str"
    assert json.loads(reply.json["data"]) == expected


def test_raw_bytes_in_a_query(echo):
    def ask(query):
        return echo.ask("GET", environ_overrides={"QUERY_STRING": query.decode("latin-1")})

    assert json.loads(ask("a=é".encode()).json["data"]) == {"a": "é"}
    assert json.loads(ask(b"a=\xff&b=1").json["data"]) == {"a": "%FF", "b": 1}


def test_a_get_ignores_its_body(echo):
    assert echo.ask("GET", body=b"x").json["data"] == "{}"


@given(st.binary(max_size=60))
def test_any_query_can_be_read(raw):
    found = payload.query_values(raw.decode("latin-1"))
    assert json.loads(json.dumps(found)) is not None


@pytest.mark.parametrize(
    "source",
    [
        "def run(data, request_headers):\n    return request_headers",
        "def run(request_headers, data):\n    return request_headers",
        "def run(data, *, request_headers):\n    return request_headers",
    ],
)
def test_request_headers_are_a_plain_dict(serve, source):
    reply = serve(source).ask(body="x", headers={"x-MY-header": "a, b", "Cookie": "c=d"}, content_type="text/plain")
    assert reply.json == {
        "Host": "localhost",
        "X-My-Header": "a, b",
        "Cookie": "c=d",
        "Content-Type": "text/plain",
        "Content-Length": "1",
    }


def test_further_parameters_keep_their_defaults(serve):
    assert serve("def run(data, scale=3):\n    return [data, scale]").ask(body="x").json == ["x", 3]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/jsonx", "application", "x/json", "a/b+json"])
def test_a_schema_asks_for_json(two, content_type):
    reply = two.ask(body=b'{"a": 1}', content_type=content_type)
    assert (reply.status, reply.message) == (415, "Expects Content-Type to be application/json")
    assert reply["x-ms-run-function-failed"] == "False"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json;q=1"],
)
def test_every_kind_of_json_type_will_do(two, content_type):
    assert two.ask(body=b'{"a": 1}', content_type=content_type).json == [1, "y", 7]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "POST body is empty. Expecting a JSON dictionary."),
        (b"{", "POST body could not be decoded as JSON: Expecting property name enclosed in double quotes: "),
        (b"[1]", "POST body should be a JSON dictionary."),
        (b"null", "POST body should be a JSON dictionary."),
        (b"{}", "A value is not provided for the 'a' parameter."),
        (b'{"a": "\xff"}', "POST body could not be decoded as JSON: 'utf-8' codec can't decode byte 0xff"),
        (b"[" * 100_000, "POST body could not be decoded as JSON: it is nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "POST body could not be decoded as JSON: Exceeds the limit"),
        (b'{"a": "text"}', "The value of the 'a' parameter is not valid: expected an integer, got a string."),
        (b'{"a": null}', "The value of the 'a' parameter is not valid: expected an integer, got null."),
    ],
)
def test_a_schema_refuses_what_does_not_fit(two, body, message):
    reply = two.ask(body=body, **JSON)
    assert reply.status == 400
    assert reply.message.startswith(message)
    assert reply["x-ms-run-function-failed"] == "False"
    assert reply["x-ms-run-fn-exec-ms"] is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": 1, "b": "z", "extra": 0}', [1, "z", 0]),
        (b'{"a": 1, "other": 2}', [1, "y", 7]),
        (b'{"a": 1, "a": 2}', [2, "y", 7]),
        ('{"a": 1}'.encode("utf-16"), [1, "y", 7]),
        ('{"a": 1}'.encode("utf-32-le"), [1, "y", 7]),
        (b'\xef\xbb\xbf{"a": 1}', [1, "y", 7]),
    ],
)
def test_a_schema_takes_its_parameters_by_name(two, body, expected):
    assert two.ask(path="/score?a=5", body=body, **JSON).json == expected


def test_a_schema_takes_a_query_too(two):
    assert two.ask("GET", "/score?a=3&b=q").json == [3, "q", 7]
    assert two.ask("GET", "/score?a=3&b=4").status == 400


def test_a_schema_with_request_headers(serve):
    served = serve(TWO.replace("extra=7", "*, request_headers").replace("a, b, extra", "a, b, request_headers['X-A']"))
    body = {"a": 1, "request_headers": {"X-A": "forged"}}
    assert served.ask(body=body, headers={"X-A": "sent"}).json == [1, "y", "sent"]


def test_an_output_schema_alone_counts_as_decorated(serve):
    served = serve(
        """
        from inference_schema.schema_decorators import output_schema
        from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as T

        @output_schema(T([1]))
        def run(a):
            return [a]
        """
    )
    assert served.ask(body={"a": {"x": None}}).json == [{"x": None}]
    assert served.ask(body="x").status == 415


def test_a_mistake_in_a_decorated_run_is_not_the_clients(serve):
    reply = serve(TWO.replace("return [a, b, extra]", "return int(b)")).ask(body={"a": 1})
    assert reply.status == 500
    assert reply["x-ms-run-function-failed"] == "True"


def test_a_decorated_run_is_not_called_for_options_and_head(two):
    options = two.ask("OPTIONS")
    assert (options.status, options.body, options["x-ms-run-function-failed"]) == (200, b"", "False")
    assert (two.ask("HEAD").status, two.ask("HEAD")["Allow"]) == (405, "GET, OPTIONS, POST")
