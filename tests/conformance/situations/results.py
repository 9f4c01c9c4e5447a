"""What run() returns or raises (S79-S88), AMLResponse (S93-S99) and streams (S100-S102)."""

from tests.conformance.case import Case, Fact, Situation, get, post, script
from tests.conformance.situations import facts

PLAIN: dict[str, object] = {
    "none": {},
    "true": True,
    "int": 1,
    "bigint": 10**40,
    "float": 0.1,
    "floats": [1e16, 1e-7, 1.0, -0.0, 5e-324, 1.7976931348623157e308],
    "nan": [float("nan"), float("inf"), -float("inf")],
    "str": "plain",
    "unicode": {"é": "日本 😀 \u2028 \x00 \x7f"},
    "surrogate": "\ud800",
    "json-text": '{"a": 1}',
    "empty-str": "",
    "list": [1, [2, [3]]],
    "tuple": [{"a": 1}, 201],
    "dict": {"b": 1, "a": {"c": None}},
    "keys": {"0": "a", "2.5": "b", "null": "c", "true": "d", "s": "e"},
    "namedtuple": [1, 2],
    "ordered": {"z": 1, "a": 2},
    "intenum": {"colour": 3},
    "str-subclass": "sub",
    "np-float64": 0.5,
    "b64": "eA==",
}
UNENCODABLE = (
    "bytes",
    "set",
    "datetime",
    "date",
    "decimal",
    "uuid",
    "ndarray",
    "int64",
    "float32",
    "bool",
    "frame",
    "series",
    "dataclass",
    "nested",
    "generator",
    "coroutine",
    "werkzeug",
    "tuple-keys",
    "cycle",
    "class",
)
FLASK: dict[str, dict[str, Fact]] = {
    "flask": {"status": "200 OK", "body": "text", "Content-Type": facts.HTML, "x-ms-run-function-failed": None},
    "flask-bytes": {"Content-Type": "application/octet-stream", "body": "\x00\\xff"},
    "flask-500": {"status": "503 SERVICE UNAVAILABLE", "body": "bad", "x-ms-run-function-failed": "True"},
    "flask-404": {"status": "404 NOT FOUND", "body": "none", "x-ms-run-function-failed": None},
    "flask-204": {"status": "204 NO CONTENT", "body": ""},
    "flask-304": {"status": "304 NOT MODIFIED", "body": ""},
    "flask-status-text": {"status": "299 Odd Words"},
    "flask-empty": {"status": "200 OK", "body": ""},
    "flask-headers": {"X-Twice": "1 | 2, 3"},
    "flask-failed": {"x-ms-run-function-failed": "mine"},
    "flask-cookies": {"Set-Cookie": 'a=1; Expires=<date>; Max-Age=60; Path=/ | b="x y"; Path=/'},
    "flask-redirect": {"status": "302 FOUND", "Location": "/elsewhere?a=1"},
    "flask-jsonify": {"body": '{"a":[1,2],"b":1}\n', "Content-Type": facts.JSON},
    "flask-etag": {"ETag": '"abc"', "Cache-Control": "no-store"},
    "flask-date": {"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"},
    "flask-content-length": {"body": "abc"},
}
TIMEOUT = "Scoring timeout after 3600000 ms"
RAISED = (
    "valueerror",
    "chained",
    "broken-str",
    "recursion",
    "keyerror",
    "abort",
    "abort-400",
    "http-exception",
    "stopiteration",
)
OPAQUE = ("valueerror", "chained", "broken-str", "recursion", "keyerror", "stopiteration")
FATAL = ("sysexit", "interrupt", "baseexception", "generatorexit")

RESULTS = (
    *(Case(name, "S79 S81", post(name), facts=facts.good(value)) for name, value in PLAIN.items()),
    *(Case(f"unserial-{name}", "S83", post(f"unserial-{name}"), facts=facts.internal()) for name in UNENCODABLE),
    *(
        Case(
            name,
            "S82",
            post(name),
            facts={"x-ms-run-fn-exec-ms": "<ms>", "x-request-id": facts.ID, **known},
            logs=(r"I azmlinfsrv - run\(\) output is HTTP Response",),
        )
        for name, known in FLASK.items()
    ),
    *(
        Case(
            name,
            "S84 S85 S120",
            post(name),
            facts=facts.script_failed(),
            logs=("E azmlinfsrv - Encountered Exception: .*",),
        )
        for name in RAISED
    ),
    *(Case(name, "S86", post(name), facts=facts.html("500 Internal Server Error")) for name in FATAL),
    Case("timeouterror", "S88", post("timeouterror"), facts=facts.bad("500 INTERNAL SERVER ERROR", TIMEOUT, "True")),
    Case("deep", "S79", post("deep"), facts={"status": "200 OK"}),
    Case("after-all", "S86", get("/"), facts={"status": "200 OK", "body": "Healthy"}),
)

AML: dict[str, tuple[str, dict[str, Fact]]] = {
    "none": (
        "S94",
        {"status": "200 OK", "body": "{}", "Content-Type": facts.JSON, "x-ms-run-function-failed": "False"},
    ),
    "none-json": ("S94", {"body": "{}", "Content-Type": facts.JSON}),
    "text": ("S94", {"body": "text", "Content-Type": facts.HTML}),
    "bytes": ("S94", {"body": "\x00\\xff", "Content-Type": facts.HTML}),
    "json": ("S94", {"body": '{"a": [1, null]}', "Content-Type": facts.JSON}),
    "json-text": ("S94", {"body": '"text"', "Content-Type": facts.JSON}),
    "list": ("S94", {"body": "ab"}),
    "dict": ("S94", {"body": "keyother"}),
    "intbody": ("S99", facts.html("500 Internal Server Error")),
    "hdr": ("S96", {"X-One": "1", "x-two": "2"}),
    "hdrcomma": ("S96", {"X-Many": "a | b | c"}),
    "hdrcookie": ("S96", {"Set-Cookie": "a=1; Expires=Thu | 01 Jan 1970 00:00:00 GMT"}),
    "hdrint": ("S96", facts.script_failed()),
    "hdrnewline": ("S96", facts.script_failed() | {"X-Injected": None}),
    "hdrunicode": ("S96", {"X-Latin": "é"}),
    "ct": ("S97", {"Content-Type": "application/xml"}),
    "ctlower": ("S97", {"Content-Type": facts.HTML, "content-type": "application/xml"}),
    "ctjson": ("S97", {"Content-Type": "application/json | application/vnd.x+json"}),
    "rid": ("S57", {"x-request-id": facts.ID, "x-ms-request-id": "<new id 1>"}),
    "ver": ("S57", {"x-ms-server-version": f"mine | {facts.VERSION}", "TraceId": "mine"}),
    "exec": ("S80", {"x-ms-run-fn-exec-ms": "mine | <ms>"}),
    "failed": ("S95", {"status": "200 OK", "x-ms-run-function-failed": "True"}),
    "failedheader": ("S95", {"x-ms-run-function-failed": "False | perhaps"}),
    "500": ("S95", {"status": "500 INTERNAL SERVER ERROR", "body": "x", "x-ms-run-function-failed": "True"}),
    "500said": ("S95", {"status": "502 BAD GATEWAY", "x-ms-run-function-failed": "True"}),
    "404": ("S95", {"status": "404 NOT FOUND", "x-ms-run-function-failed": "False"}),
    "333": ("S98", {"status": "333 UNKNOWN"}),
    "statustext": ("S98", {"status": "201 Text"}),
    "204": ("S98", {"status": "204 NO CONTENT", "body": ""}),
    "204body": ("S98", {"status": "204 NO CONTENT", "body": ""}),
    "unserial": ("S84", facts.script_failed()),
    "mutated": ("S82", {"status": "226 IM USED", "body": "changed", "X-Later": "1"}),
    "positional": ("S93", {"status": "202 ACCEPTED", "X-A": "1", "x-ms-run-function-failed": "True"}),
    "length": ("S96", {"body": "abc"}),
}
AMLRESPONSE = tuple(Case(name, spec, post(name), facts=known) for name, (spec, known) in AML.items())

CHUNKED: dict[str, Fact] = {
    "status": "200 OK",
    "framing": "chunked",
    "end": None,
    "Content-Length": None,
    "x-ms-run-fn-exec-ms": "<ms>",
}
STREAM = (
    Case(
        "aml",
        "S100",
        post("aml"),
        facts=CHUNKED | {"chunks": "6 7 5000", "x-ms-run-function-failed": "False"},
        logs=(r"I azmlinfsrv - POST /score 200 <ms>ms N/A",),
    ),
    Case(
        "flask",
        "S100",
        post("flask"),
        facts=CHUNKED | {"chunks": "6 7 5000", "Content-Type": "text/event-stream; charset=utf-8"},
    ),
    Case("texts", "S100", post("texts"), facts=CHUNKED | {"body": "un deux é"}),
    Case(
        "printing",
        "S101",
        post("printing"),
        facts=CHUNKED,
        logs=(
            "I azmlinfsrv.print - before the piece",
            "I azmlinfsrv.print - after the piece",
        ),
    ),
    Case("list", "S100", post("list"), facts={"body": "ab", "framing": "length"}),
    Case("holes", "S100", post("holes"), facts=CHUNKED | {"body": "ab"}),
    Case("empty", "S100", post("empty"), facts=CHUNKED | {"body": ""}),
    Case("context", "S101", post("context"), facts=CHUNKED | {"body": "POST/score"}),
    Case(
        "status", "S100", post("status"), facts={"status": "206 PARTIAL CONTENT", "X-Part": "1", "framing": "chunked"}
    ),
    Case("failing", "S102", post("failing"), facts={"status": "200 OK", "body": "good ", "end": "cut"}),
    Case("failing-at-once", "S102", post("failing-at-once"), facts=facts.html("500 Internal Server Error")),
    Case("known-length", "S100", post("known-length"), facts={"body": "un deux é", "framing": "length"}),
    Case("closing", "S101", post("closing"), facts=CHUNKED | {"body": "open"}),
    Case("not-bytes", "S99 S102", post("not-bytes")),
    Case(
        "http10",
        "S100",
        post("aml").replace(b"HTTP/1.1", b"HTTP/1.0"),
        facts={"framing": "close", "Transfer-Encoding": None},
    ),
    Case("after-all", "S102", get("/"), facts={"status": "200 OK"}),
)

SITUATIONS = (
    Situation("results", "S79", {"score.py": script("results")}, RESULTS),
    Situation(
        "results-opaque",
        "S84",
        {"score.py": script("results")},
        tuple(case for case in RESULTS if case.name in OPAQUE),
        environment={"INFERENCE_HTTP_ERRORS": "opaque"},
    ),
    Situation("amlresponse", "S93", {"score.py": script("amlresponse")}, AMLRESPONSE),
    Situation("stream", "S100", {"score.py": script("stream")}, STREAM),
)
