"""Paths, methods, ids, health."""

from tests.conformance.allowed import ANY, Aspect, Difference

# Answers of the reference that no route of its own gave: 404, and 405 before any code of the server.
UNROUTED = (
    "*/404*",
    "*/405*",
    "*/ids-on-40*",
    "*/ids-long-404",
    "echo/dot-segments",
    "echo/encoded-slash",
    "echo/path-not-utf8",
    "echo/metrics",
    "raw/put",
)
ID_HEADERS = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id", "TraceId")

CHAPTER = (
    Difference(
        "S45",
        "Ids and CORS on every answer",
        "404 and 405 carry neither ids, TraceId, server version nor CORS headers.",
        "They do, as every answer does.",
        "The requests that go wrong are those one wants to find again; a browser must be able to read the error.",
        (
            *(Aspect(glob, f"header {name}", None, ANY) for glob in UNROUTED for name in ID_HEADERS),
            *(Aspect(glob, "header x-ms-server-version", None, ANY) for glob in UNROUTED),
            Aspect("cors*/40?", "header Access-Control-Allow-Origin", None, r"http://a\.test"),
            Aspect("cors*/40?", "header Vary", None, "Origin"),
        ),
    ),
    Difference(
        "S54",
        "An id that is too long is refused on unknown paths too",
        "404, as for any id.",
        "431 as on all routes.",
        "The rule about ids does not depend on the path.",
        (
            Aspect("echo/ids-long-404", "status", "404 NOT FOUND", "431 REQUEST HEADER FIELDS TOO LARGE"),
            Aspect(
                "echo/ids-long-404",
                "body",
                r'\{"message": "The requested URL.*',
                r'\{"message": "x-request-id must not exceed.*',
            ),
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
