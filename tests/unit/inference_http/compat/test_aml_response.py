import datetime as dt
import http
import json

import pytest
from flask import Response

from inference_http.compat.aml_response import AMLResponse, use_strict_json
from inference_http.user import eventloop
from inference_http.user.errors import UnencodableResult

HTML = ("Content-Type", "text/html; charset=utf-8")
JSON = ("Content-Type", "application/json")
FINE = ("x-ms-run-function-failed", "False")


def sent(*args, **kwargs):
    response = AMLResponse(*args, **kwargs)
    return response.status, list(response.headers), response.get_data()


# --- As the reference does: these are its own answers, measured ------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "status", "headers", "body"),
    [
        (("x", 200), "200 OK", [HTML, ("Content-Length", "1"), FINE], b"x"),
        ((b"x", 201), "201 CREATED", [HTML, ("Content-Length", "1"), FINE], b"x"),
        ((bytearray(b"zz"), 200), "200 OK", [HTML, ("Content-Length", "2"), FINE], b"zz"),
        ((["a", "b"], 200), "200 OK", [HTML, FINE], b"ab"),
        (((b"a", b"b"), 200), "200 OK", [HTML, FINE], b"ab"),
        (({"a": 1, "b": 2}, 200), "200 OK", [HTML, FINE], b"ab"),
        ((None, 404), "404 NOT FOUND", [JSON, ("Content-Length", "2"), FINE], b"{}"),
        (("", 200), "200 OK", [HTML, ("Content-Length", "0"), FINE], b""),
        (("x", None), "200 OK", [HTML, ("Content-Length", "1"), FINE], b"x"),
        (("x", "201 Made"), "201 Made", [HTML, ("Content-Length", "1"), FINE], b"x"),
        (("x", 333), "333 UNKNOWN", [HTML, ("Content-Length", "1"), FINE], b"x"),
        (("x", 200, {}, True), "200 OK", [JSON, ("Content-Length", "3"), FINE], b'"x"'),
        (("x", 500), "500 INTERNAL SERVER ERROR", [HTML, ("Content-Length", "1"), FINE], b"x"),
        (
            ("x", 200, {"Content-Type": "text/plain"}),
            "200 OK",
            [("Content-Length", "1"), FINE, ("Content-Type", "text/plain")],
            b"x",
        ),
        (
            ("x", 500, {"x-ms-run-function-failed": "False"}),
            "500 INTERNAL SERVER ERROR",
            [HTML, ("Content-Length", "1"), FINE, FINE],
            b"x",
        ),
    ],
)
def test_same_as_the_reference(args, status, headers, body):
    assert sent(*args) == (status, headers, body)


def test_run_function_failed_by_name_and_by_position():
    for response in (AMLResponse("x", 200, {}, False, True), AMLResponse("x", 200, run_function_failed=True)):
        assert response.headers["x-ms-run-function-failed"] == "True"


def test_json_is_written_with_pythons_defaults():
    assert sent({"a": [1, float("nan")], "é": None}, 200, json_str=True)[2] == b'{"a": [1, NaN], "\\u00e9": null}'


def test_is_a_flask_response_and_its_arguments_may_be_named():
    response = AMLResponse(message="x", status_code=200, response_headers={"A": "b"}, json_str=False)
    assert isinstance(response, Response)
    assert response.headers["A"] == "b"


def test_generator_is_not_touched_before_it_is_sent():
    log = []

    def pieces():
        log.append("begun")
        yield "a"
        yield b"b"

    response = AMLResponse(pieces(), 200)
    assert log == []
    assert response.is_streamed
    assert response.get_data() == b"ab"


# --- Better than the reference ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["Wed, 21 Oct 2026 07:28:00 GMT", "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/", "a, b,c"]
)
def test_value_is_never_split_at_commas(value):
    assert AMLResponse("x", 200, {"X": value}).headers.getlist("X") == [value]


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (5, ["5"]),
        (1.5, ["1.5"]),
        (True, ["True"]),
        (b"caf\xe9", ["café"]),
        (["a", 1], ["a", "1"]),
        (("a=1", "b=2"), ["a=1", "b=2"]),
        (None, []),
    ],
)
def test_value_of_any_type(value, lines):
    assert AMLResponse("x", 200, {"X": value}).headers.getlist("X") == lines


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
@pytest.mark.parametrize("kwargs", [{}, {"json_str": True}, {"message": None}])
def test_content_type_replaces_the_default_in_any_spelling(name, kwargs):
    given = {"message": "x", "status_code": 200, "response_headers": {name: "image/png"}} | kwargs
    response = AMLResponse(**given)
    assert [pair for pair in response.headers if pair[0].lower() == "content-type"] == [(name, "image/png")]
    assert response.mimetype == "image/png"


def test_content_length_that_contradicts_the_body_is_left_out():
    assert AMLResponse("x", 200, {"content-length": "55"}).headers.getlist("Content-Length") == ["1"]
    assert AMLResponse(iter(["x"]), 200, {"Content-Length": "1"}).headers.getlist("Content-Length") == ["1"]


@pytest.mark.parametrize("headers", [None, {}, []])
def test_no_headers(headers):
    assert sent("x", 200, headers) == sent("x", 200)


def test_headers_as_pairs():
    assert AMLResponse("x", 200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]).headers.getlist("Set-Cookie") == [
        "a=1",
        "b=2",
    ]


@pytest.mark.parametrize("body", [5, 1.5, True, object(), [1, 2], [None], {1: "a"}, {"a"} | {1}])
def test_body_that_cannot_be_sent_is_an_error_where_it_is_made(body):
    with pytest.raises(TypeError, match=r"AMLResponse cannot send .* json_str=True"):
        AMLResponse(body, 200)


@pytest.mark.parametrize("status", [99, 1000, True, -200, "abc", "20 Text", ""])
def test_status_that_cannot_be_sent(status):
    with pytest.raises(ValueError, match="AMLResponse: status_code"):
        AMLResponse("x", status)


@pytest.mark.parametrize("status", [200.0, [200], b"200"])
def test_status_of_a_wrong_type(status):
    with pytest.raises(TypeError, match="AMLResponse: status_code must be an int"):
        AMLResponse("x", status)


def test_status_of_an_int_like_type():
    numpy = pytest.importorskip("numpy")
    assert AMLResponse("x", numpy.int64(202)).status_code == 202
    assert AMLResponse("x", http.HTTPStatus.ACCEPTED).status_code == 202


def test_json_of_what_plain_json_does_not_know():
    numpy = pytest.importorskip("numpy")
    body = AMLResponse({"at": dt.date(2026, 1, 2), "scores": numpy.array([1.5])}, 200, json_str=True).get_data()
    assert json.loads(body) == {"at": "2026-01-02", "scores": [1.5]}
    with pytest.raises(UnencodableResult, match=r"\$\.a"):
        AMLResponse({"a": object()}, 200, json_str=True)


def test_memory_and_asynchronous_bodies():
    async def pieces():
        yield "a"
        yield "b"

    assert AMLResponse(memoryview(b"ab"), 200).get_data() == b"ab"
    try:
        assert AMLResponse(pieces(), 200).get_data() == b"ab"
    finally:
        eventloop.close()


def test_line_break_in_a_header_is_refused():
    with pytest.raises(ValueError, match="newline"):
        AMLResponse("x", 200, {"X": "a\r\nSet-Cookie: b"})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_strict_json_holds_here_too(number):
    numpy = pytest.importorskip("numpy")
    use_strict_json(on=True)
    try:
        with pytest.raises(UnencodableResult, match=r"\$\.a\[1\]: JSON has no such number"):
            AMLResponse({"a": [1, number]}, 200, json_str=True)
        assert sent({"a": [1, numpy.float32(2)]}, 200, json_str=True)[2] == b'{"a": [1, 2.0]}'
    finally:
        use_strict_json(on=False)
