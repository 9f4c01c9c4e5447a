"""Paths, methods, ids, health."""

from tests.conformance.allowed import ANY, Aspect, Difference, Line

# Answers of the reference that no route of its own gave: 404, and 405 before any code of the server.
UNROUTED = ("*/40[45]*", "echo/dot-segments", "echo/path-not-utf8", "echo/metrics", "raw/put")

CHAPTER = (
    Difference(
        "S55",
        "An empty x-request-id counts as not sent",
        "The answer has no ids at all.",
        "A new id, as for a request without one.",
        "Empty x-ms ids are treated so too.",
        tuple(
            Aspect(f"echo/ids-rid-{name}", f"header {header}", None, "<new id 1>")
            for name in ("empty", "blank")
            for header in ("x-request-id", "x-ms-request-id")
        ),
    ),
    Difference(
        "S45",
        "Ids and CORS on every answer",
        "404 and 405 carry neither ids, TraceId, server version nor CORS headers.",
        "They do, as every answer does.",
        "The requests that go wrong are those one wants to find again; a browser must be able to read the error.",
        (
            *(
                Aspect(glob, f"header {name}", None, ANY)
                for glob in (*UNROUTED, "echo/ids-on-40*")
                for name in ("x-request-id", "x-ms-request-id", "x-ms-server-version")
            ),
            *(Aspect("echo/ids-on-404", f"header {name}", None, ANY) for name in ("x-ms-client-request-id", "TraceId")),
            Aspect("echo/ids-long-404", "header x-ms-server-version", None, ANY),
            Line("echo/ids-on-404", "our", r"W azmlinfsrv - x-ms-request-id header has been deprecated.*"),
            Aspect("cors*/40?", "header Access-Control-Allow-Origin", None, r"http://a\.test"),
            Aspect("cors*/40?", "header Vary", None, "Origin"),
        ),
    ),
    Difference(
        "S41 S42",
        "405 says what is allowed",
        "No `Allow` header.",
        "`Allow` with the route's methods, on HEAD /score too.",
        "RFC 9110 requires it, and it tells what to do instead.",
        (
            Aspect("*/405*", "header Allow", None, r"[A-Z, ]+"),
            Aspect("*/ids-on-405", "header Allow", None, r"[A-Z, ]+"),
            Aspect("raw/put", "header Allow", None, "GET, HEAD, OPTIONS, POST"),
            Aspect("*/head*", "header Allow", None, "GET, OPTIONS, POST"),
        ),
    ),
    Difference(
        "S138",
        "GET /metrics",
        "404.",
        "Counters and histograms as Prometheus text.",
        "Rates, errors and latencies can be watched while developing.",
        (
            Aspect("echo/metrics", "status", "404 NOT FOUND", "200 OK"),
            Aspect("echo/metrics", "body", ANY, r"# HELP .*"),
            Aspect(
                "echo/metrics", "header Content-Type", "application/json", r"text/plain; version=0\.0\.4; charset=utf-8"
            ),
            Aspect("echo/metrics", "header x-ms-run-function-failed", "False", None),
        ),
    ),
)
