"""What an undecorated run() is given: queries, bodies, forms, framings (S50, S52, S58-S61, S119)."""

import gzip
import json

from tests.conformance.case import Case, ask, get, post
from tests.conformance.situations import facts


def query(name: str, text: str, value: object, spec: str = "S61") -> Case:
    return Case(f"get-{name}", spec, get(f"/score?{text}"), facts=facts.echoed(json.dumps(value)))


QUERIES = (
    Case("get-none", "S61", get("/score"), facts=facts.echoed("{}")),
    query("mark-only", "", {}),
    query("int", "a=1", {"a": 1}),
    query("list", "a=[1,2]", {"a": [1, 2]}),
    query("text", "a=b", {"a": "b"}),
    query("quoted", "a=%22b%22", {"a": "b"}),
    query("object", "a=%7B%22b%22:1%7D", {"a": {"b": 1}}),
    query("null", "a=null&b=true&c=false", {"a": None, "b": True, "c": False}),
    query("empty-value", "a=", {"a": ""}),
    query("no-equals", "a", {"a": ""}),
    query("repeated", "a=1&b=2&a=x", {"a": [1, "x"], "b": 2}),
    query("zero-one", "a=01", {"a": "01"}),
    query("not-finite", "a=NaN&b=Infinity&c=1e400", {"a": float("nan"), "b": float("inf"), "c": float("inf")}),
    query("plus", "a=b+c%2B", {"a": "b c+"}),
    query("utf8", "%C3%A9=%E6%97%A5", {"é": "日"}),
    query("not-utf8", "a=%FF", {"a": "%FF"}),
    query("semicolon", "a=1;b=2", {"a": "1;b=2"}),
    query("empty-key", "=1", {"": 1}),
    query("ampersands", "&&a=1&&", {"a": 1}),
    query("equals-in-value", "a=b=c", {"a": "b=c"}),
    query("spaces-in-json", "a=%20[1,%202]%20", {"a": [1, 2]}),
    query("percent", "a=100%", {"a": "100%"}),
    query("big-number", "a=123456789012345678901234567890", {"a": 123456789012345678901234567890}),
    Case("get-body", "S61", ask("GET", "/score?a=1", body=b"hello"), facts=facts.echoed('{"a": 1}')),
    Case("get-raw-utf8", "S61", ask("GET", b"/score?a=\xc3\xa9".decode("latin-1"))),
)


def body(
    name: str, data: bytes, expected: str, content_type: str | None = "application/json", spec: str = "S58"
) -> Case:
    return Case(f"post-{name}", spec, post(data, content_type), facts=facts.echoed(expected))


BODIES = (
    body("json", b'{"a": 1}', '{"a": 1}'),
    body("empty", b"", ""),
    body("invalid-json", b"{not", "{not"),
    body("text", b"plain", "plain", "text/plain"),
    body("no-type", b"plain", "plain", None),
    body("odd-type", b"plain", "plain", "nonsense"),
    body("octets", b"plain", "plain", "application/octet-stream"),
    body("latin-type", "é".encode(), "é", "text/plain; charset=latin-1"),
    body("bom", b"\xef\xbb\xbf{}", "\ufeff{}"),
    body("nul", b"a\x00b", "a\x00b"),
    body("crlf", b"a\r\nb\n", "a\r\nb\n"),
    body("unicode", "日本 😀".encode(), "日本 😀"),
    body("large", b"x" * 300_000, "x" * 300_000),
    Case("post-query", "S58", ask("POST", "/score?a=1", body=b"x"), facts=facts.echoed("x")),
    *(
        Case(
            f"post-badutf8-{name}",
            "S59",
            post(data),
            facts=facts.bad("400 BAD REQUEST", f"Input cannot be decoded as UTF-8: {why}"),
        )
        for name, data, why in [
            ("start", b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
            ("cut", b"\xc3", "'utf-8' codec can't decode byte 0xc3 in position 0: unexpected end of data"),
            ("range", b"\xed\xa0\x80", "'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte"),
        ]
    ),
    Case("form-post", "S60", post("a=1&b=2", "application/x-www-form-urlencoded"), facts=facts.echoed("")),
    Case("form-json", "S60", post('{"a": 1}', "application/x-www-form-urlencoded"), facts=facts.echoed("")),
    Case(
        "form-charset", "S60", post("a=1", "application/x-www-form-urlencoded; charset=utf-8"), facts=facts.echoed("")
    ),
    Case(
        "form-multipart",
        "S60",
        post(
            '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n', "multipart/form-data; boundary=b"
        ),
        facts=facts.echoed(""),
    ),
    Case("form-notutf8", "S59 S60", post(b"a=\xff", "application/x-www-form-urlencoded"), facts=facts.echoed("")),
    Case("form-multipart-broken", "S60", post("no boundary", "multipart/form-data")),
    Case(
        "post-chunked",
        "S50",
        ask("POST", "/score", [("Transfer-Encoding", "chunked")]).replace(b"Content-Length: 0\r\n", b"")
        + b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\n\r\n",
        facts=facts.echoed("abcdefg"),
    ),
    Case(
        "post-chunked-trailer",
        "S50",
        ask("POST", "/score", [("Transfer-Encoding", "chunked")]).replace(b"Content-Length: 0\r\n", b"")
        + b"3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n",
        facts=facts.echoed("abc"),
    ),
    Case(
        "post-chunked-empty",
        "S50",
        ask("POST", "/score", [("Transfer-Encoding", "chunked")]).replace(b"Content-Length: 0\r\n", b"") + b"0\r\n\r\n",
        facts=facts.echoed(""),
    ),
    Case(
        "post-gzip",
        "S50 S59",
        post(gzip.compress(b"{}", mtime=0), headers=[("Content-Encoding", "gzip")]),
        facts=facts.bad(
            "400 BAD REQUEST",
            "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0x8b in position 1: invalid start byte",
        ),
    ),
    Case("post-expect", "S50", post("x", headers=[("Expect", "100-continue")]), facts=facts.echoed("x")),
    Case("post-no-length", "S50", b"POST /score HTTP/1.1\r\nHost: a\r\n\r\n", facts=facts.echoed("")),
    Case(
        "post-http10",
        "S52",
        b"POST /score HTTP/1.0\r\nContent-Length: 1\r\n\r\nx",
        facts=facts.echoed("x") | {"version": "HTTP/1.0"},
    ),
    Case("post-no-host", "S52", b"POST /score HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", facts=facts.echoed("x")),
    Case(
        "request-log",
        "S119",
        post("xyz", headers=[("x-request-id", "shown?")]),
        logs=(r"I azmlinfsrv - POST /score 200 <ms>ms \d+",),
    ),
    Case(
        "request-log-query",
        "S119",
        get("/score?a=1&b=%20"),
        logs=(r"I azmlinfsrv - GET /score\?a=1&b=%20 200 <ms>ms \d+",),
    ),
)
