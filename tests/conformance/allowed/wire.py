"""Connections, and what the web server itself accepts and refuses."""

from tests.conformance.allowed import ANY, Aspect, Difference, Line

VERSION = r"inference-http/[\w.]+"
PAGE = r"<html>.*"
JSON_MESSAGE = r'\{"message": ".*"\}'
# Requests that gunicorn refuses by itself, in HTML.
REFUSED = ("wire/*", "echo/lowercase-method", "echo/get-raw-utf8")


def everywhere(cases: tuple[str, ...], name: str, reference: str | None, ours: str | None) -> tuple[Aspect, ...]:
    return tuple(Aspect(glob, name, reference, ours) for glob in cases)


CHAPTER = (
    Difference(
        "S49",
        "Connections stay open",
        "Closes the connection after each answer (`Connection: close`); a second request on it is lost.",
        "Keeps it open, as HTTP/1.1 clients expect, and answers requests that were sent ahead, in order.",
        "A new connection for each request is most of the cost of a small one.",
        (
            Aspect("*", "header Connection", "close", None),
            Aspect("wire/keep-alive", "second", "no answer", "200"),
            Aspect("wire/keep-alive", "connection", "close", ""),
            Aspect("wire/pipelined", "answers", ".*\nend", r".*one.*\n.*two.*\n.*three.*"),
        ),
    ),
    Difference(
        "S48 S49",
        "The server names itself",
        "`Server: gunicorn` and `x-ms-server-version: azmlinfsrv/1.5.1`.",
        "`Server: inference-http` and `x-ms-server-version: inference-http/VERSION`.",
        "Whoever reads a header or a log must see which of the two servers spoke.",
        (
            Aspect("*", "header Server", "gunicorn", "inference-http"),
            Aspect("*", "header x-ms-server-version", r"azmlinfsrv/1\.5\.1", VERSION),
            Aspect("amlresponse/ver", "header x-ms-server-version", r"mine \| azm.*", rf"mine \| {VERSION}"),
            Line("*/start", "ref", r"Inferencing HTTP server version: azmlinfsrv/1\.5\.1", "version in headers"),
            Line("*/start", "our", rf"Inferencing HTTP server version: {VERSION}", "version in headers"),
            Line("*/start", "ref", r"Azure ML Inferencing HTTP server v1\.5\.1", "product and version"),
            Line("*/start", "our", r"inference-http v[\w.]+", "product and version"),
        ),
    ),
    Difference(
        "S52",
        "Refusals of the web server are answers like all others",
        "A request that is not HTTP, or beyond a limit, gets an HTML page with no header but its type and length.",
        'The same status in JSON, `{"message": ...}`, with the ids and x-ms-run-function-failed; on connections whose '
        "request line could not be read, in HTTP/1.0.",
        "A client that reads JSON errors reads all of them.",
        (
            *everywhere(REFUSED, "body", PAGE, JSON_MESSAGE),
            *everywhere(REFUSED, "header Content-Type", "text/html", "application/json"),
            *everywhere(REFUSED, "header x-ms-run-function-failed", None, "False"),
            *everywhere(REFUSED, "header x-request-id", None, ANY),
            *everywhere(REFUSED, "header x-ms-request-id", None, ANY),
            *everywhere(REFUSED, "header Date", None, "<date>"),
            *everywhere(REFUSED, "header Server", None, "inference-http"),
            *everywhere(REFUSED[:2], "version", r"HTTP/1\.1", r"HTTP/1\.0"),
        ),
    ),
    Difference(
        "S52",
        "Limits of size",
        "Request line 4094 bytes (414), one header 8190 bytes, 100 headers (431); bodies without limit.",
        "Request line and headers together 64 KiB (`--max-header`, 431), body 100 MiB (`--max-body`, 413 in JSON).",
        "One number each, to be set for what a model needs, and none without a bound.",
        (
            Aspect("wire/uri-4095", "status", "414 .*", "404 NOT FOUND"),
            Aspect("wire/uri-4095", "header x-ms-server-version", None, VERSION),
            Aspect("wire/uri-100000", "status", "414 .*", "431 .*"),
            *(
                Aspect(case, name, reference, ours)
                for case in ("wire/header-9000", "wire/headers-101")
                for name, reference, ours in (
                    ("status", "431 .*", "200 OK"),
                    ("body", PAGE, r'\{"type": "str", "data": "x"\}'),
                    ("header x-ms-server-version", None, VERSION),
                    ("header x-ms-run-fn-exec-ms", None, "<ms>"),
                )
            ),
        ),
    ),
    Difference(
        "S52",
        "Which status a malformed request gets",
        "400 for a known coding that is not the last one; 501 with the words `Bad Request`; a chunk size that is no "
        "number "
        "breaks inside the server: 500.",
        "501 Not Implemented for every coding but chunked; 400 for a bad chunk.",
        "The request is at fault, and the status says so.",
        (
            Aspect("wire/chunked-not-last", "status", "400 Bad Request", "501 Not Implemented"),
            Aspect("wire/coding-unknown", "status", "501 Bad Request", "501 Not Implemented"),
            Aspect("wire/chunk-size-word", "status", "500 INTERNAL SERVER ERROR", "400 Bad Request"),
            Aspect("wire/chunk-size-word", "header x-ms-server-version", ANY, None),
            Aspect(
                "wire/chunk-size-word",
                "body",
                r'\{"message": "An unexpected internal.*',
                r'\{"message": "Bad Request: .*',
            ),
        ),
    ),
    Difference(
        "S65",
        "X-Forwarded-Proto is not believed",
        "From a client on the same machine, `X-Forwarded-Proto: https` makes request.scheme `https`.",
        "request.scheme is `http`; the header is there for the script to read.",
        "Whoever can connect could say it.",
        (
            Aspect(
                "raw/headers", "body", r'.*"url": "https:.*"scheme": "https".*', r'.*"url": "http:.*"scheme": "http".*'
            ),
        ),
    ),
    Difference(
        "S4 S52",
        "Listens on this machine only",
        "On all interfaces (0.0.0.0), without a way to say otherwise.",
        "On 127.0.0.1; `--host 0.0.0.0` opens it. A request without Host sees that address as its host.",
        "Whoever reaches the port can run the model, and nobody is asked for a key.",
        (Aspect("raw/no-host", "body", r'.*"host": "0\.0\.0\.0:<port>".*', r'.*"host": "127\.0\.0\.1:<port>".*'),),
    ),
)
