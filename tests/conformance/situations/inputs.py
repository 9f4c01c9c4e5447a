"""Other shapes of input: @rawhttp (S64-S67), request_headers and further parameters (S62, S63)."""

import re

from tests.conformance.case import Case, Situation, ask, get, post, script
from tests.conformance.situations import facts

MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nfile\r\n--b--\r\n"
)


def do(name: str, body: bytes = b'{"a": 1}', content_type: str = "application/json") -> bytes:
    return ask("POST", f"/score?do={name}", [("Content-Type", content_type)], body)


RAW = (
    Case("get", "S65 S67", get("/score?a=1&a=2&b=%C3%A9"), facts={"status": "200 OK"}),
    Case("post", "S65", post('{"a": 1}'), facts={"status": "200 OK", "Content-Type": facts.JSON}),
    Case("post-empty", "S65", post(b"", None), facts={"status": "200 OK"}),
    Case("post-form", "S65", post("a=1&a=2&b=%C3%A9", "application/x-www-form-urlencoded"), facts={"status": "200 OK"}),
    Case("post-multipart", "S65", post(MULTIPART, "multipart/form-data; boundary=b"), facts={"status": "200 OK"}),
    Case("post-binary", "S65", post(bytes(range(256)), "application/octet-stream"), facts={"status": "200 OK"}),
    Case(
        "post-chunked",
        "S65 S50",
        ask("POST", "/score", [("Transfer-Encoding", "chunked")]).replace(b"Content-Length: 0\r\n", b"")
        + b"3\r\nabc\r\n0\r\n\r\n",
        facts={"status": "200 OK"},
    ),
    Case("cookies", "S65", get("/score", [("Cookie", 'a=1; b="x y"; c')]), facts={"status": "200 OK"}),
    Case(
        "headers",
        "S51 S65",
        get(
            "/score",
            [
                ("X-One", "1"),
                ("x-two", "a"),
                ("X-Two", "b"),
                ("under_score", "dropped"),
                ("X-Empty", ""),
                ("X-Latin", b"\xe9"),
                ("Accept", "*/*"),
                ("Authorization", "Bearer t"),
                ("X-Forwarded-For", "10.0.0.1"),
                ("X-Forwarded-Proto", "https"),
            ],
        ),
        facts={"status": "200 OK"},
    ),
    Case("no-host", "S52", b"GET /score HTTP/1.1\r\n\r\n"),
    Case("absolute-form", "S40", get("http://else.test:81/score?a=1")),
    Case("double-slash", "S40", get("//score")),
    Case("encoded-query", "S65", get("/score?a=%41%zz&b=%ff")),
    Case(
        "head", "S36 S67", ask("HEAD", "/score"), facts={"status": "200 OK", "body": "", "x-ms-run-fn-exec-ms": "<ms>"}
    ),
    Case(
        "options",
        "S43 S67",
        ask("OPTIONS", "/score", [("Origin", "http://a.test")]),
        facts={
            "status": "200 OK",
            "body": re.compile(r'\{"method": "OPTIONS".*'),
            "x-ms-run-fn-exec-ms": "<ms>",
        },
    ),
    Case("put", "S67", ask("PUT", "/score"), facts=facts.bad("405 METHOD NOT ALLOWED", facts.NOT_ALLOWED)),
    Case(
        "kinds",
        "S65",
        do("kinds"),
        facts=facts.good(
            {
                "type": "LocalProxy",
                "flask": True,
                "aml": False,
                "same": True,
                "endpoint is there": True,
                "subclass": True,
            }
        ),
    ),
    Case("stream", "S65", do("stream"), facts=facts.good({"stream": '{"a": 1}'})),
    Case("once-more", "S65", do("once_more"), facts=facts.good(dict.fromkeys(("first", "again", "data"), '{"a": 1}'))),
    Case("json", "S65", do("json"), facts=facts.good({"json": {"a": 1}})),
    Case("json-bad", "S66", do("json", b"{"), facts=facts.script_failed()),
    Case("json-type", "S66", do("json", b"{}", "text/plain"), facts=facts.script_failed()),
    Case("json-quiet", "S65", do("quiet_json", b"{"), facts=facts.good({"json": None, "forced": None})),
    Case(
        "response",
        "S65 S82",
        do("response", b"x"),
        facts={"status": "201 CREATED", "X-Mine": "1", "body": '{"got": "x"}'},
    ),
    Case("thread", "S65", do("thread"), facts=facts.good(["RuntimeError"])),
    Case("globals", "S65", do("globals"), facts=facts.good({"g": 1, "app": True, "url": "/score"})),
    Case("swagger", "S109", get("/swagger.json"), facts={"status": "200 OK"}),
    Case("health", "S35", get("/"), facts={"status": "200 OK", "body": "Healthy"}),
)

SENT = [("X-One", "1"), ("x-two", "a"), ("X-TWO", "b"), ("under_score", "no"), ("X-Empty", ""), ("x-request-id", "r")]
TITLED = {"Host": "conformance.test", "X-Empty": "", "X-One": "1", "X-Request-Id": "r", "X-Two": "a,b"}
HEADERS = (
    Case(
        "post", "S51 S63", post("x", headers=SENT), facts=facts.good({"type": "dict", "headers": TITLED, "data": "x"})
    ),
    Case(
        "get",
        "S51 S63",
        get("/score?a=1", SENT),
        facts=facts.good({"type": "dict", "headers": TITLED, "data": '{"a": 1}'}),
    ),
    Case("cookie-twice", "S51", post("x", headers=[("Cookie", "a=1"), ("Cookie", "b=2")])),
    Case("latin", "S63", post("x", headers=[("X-Latin", b"\xe9\xff")])),
    Case("utf8", "S63", post("x", headers=[("X-Utf8", "日")])),
    Case("blanks", "S63", post("x", headers=[("X-Blank", "  a\t b  ")])),
    Case(
        "proxy",
        "S63",
        post("x", headers=[("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("Via", "1.1 p")]),
    ),
    Case("hop-by-hop", "S63", post("x", headers=[("Connection", "x-one"), ("X-One", "1"), ("TE", "trailers")])),
)

KEYWORD_ONLY = """
def init(): pass
def run(data, *, request_headers, extra="kept"):
    return [data, request_headers["X-One"], extra]
"""
FIRST = """
def init(): pass
def run(request_headers, data, other=5):
    return [data, sorted(request_headers), other]
"""
RAW_HEADERS = """
from azureml_inference_server_http.api.aml_request import rawhttp
def init(): pass
@rawhttp
def run(request, request_headers):
    return [request.method, request_headers["X-One"]]
"""
TWO = """
def init(): pass
def run(data, second):
    return data
"""
HELPER = """
from azureml_inference_server_http.api.aml_request import rawhttp
@rawhttp
def other(request): return 1
def init(): pass
def run(data):
    return type(data).__name__
"""
ANNOTATED = """
import functools
class Scorer:
    def __call__(self, data: dict) -> str:
        return type(data).__name__
def init(): pass
run = Scorer()
"""
LAMBDA = """
import functools
init = lambda: None
run = functools.partial(lambda first, data: [first, data], "first")
"""
ONE = [("X-One", "1")]

SITUATIONS = (
    Situation(
        "raw",
        "S65",
        {"score.py": script("raw")},
        RAW,
        logs=(r"I azmlinfsrv\.user_script - run\(\) is decorated with @rawhttp\. .* with the flask request object\.",),
    ),
    Situation("headers", "S63", {"score.py": script("headers")}, HEADERS),
    Situation(
        "headers-kwonly",
        "S63",
        {"score.py": KEYWORD_ONLY},
        (
            Case("post", "S63", post("x", headers=ONE), facts=facts.good(["x", "1", "kept"])),
            Case("absent", "S63 S84", post("x"), facts=facts.script_failed()),
        ),
    ),
    Situation(
        "headers-first",
        "S63",
        {"score.py": FIRST},
        (
            Case(
                "post",
                "S63",
                post("x", headers=ONE),
                facts=facts.good(["x", ["Content-Length", "Content-Type", "Host", "X-One"], 5]),
            ),
        ),
    ),
    Situation(
        "headers-raw",
        "S63 S65",
        {"score.py": RAW_HEADERS},
        (Case("post", "S63 S65", post("x", headers=ONE), facts=facts.good(["POST", "1"])),),
    ),
    Situation("two-args", "S62", {"score.py": TWO}, (Case("post", "S62", post("x"), facts=facts.script_failed()),)),
    Situation(
        "raw-helper", "S64", {"score.py": HELPER}, (Case("post", "S64", post("x"), facts=facts.good("LocalProxy")),)
    ),
    Situation(
        "callable-object", "S58", {"score.py": ANNOTATED}, (Case("post", "S58", post("x"), facts=facts.good("str")),)
    ),
    Situation(
        "partial", "S58", {"score.py": LAMBDA}, (Case("post", "S58", post("x"), facts=facts.good(["first", "x"])),)
    ),
)
