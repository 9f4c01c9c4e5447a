"""Request ids and TraceId (S53-S56)."""

from tests.conformance.case import Case, Fact, ask, get, post
from tests.conformance.situations import facts

LONG, LIMIT = "x" * 101, "x" * 100
TOO_LONG = "431 REQUEST HEADER FIELDS TOO LARGE"
RID_TEXT = "x-request-id must not exceed 100 characters"
OTHER_TEXT = "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"


def ids(request: str | None, legacy: str | None, client: str | None) -> dict[str, Fact]:
    """Expected id headers; "A" is a new id."""
    named = {"x-request-id": request, "x-ms-request-id": legacy, "x-ms-client-request-id": client}
    return {name: facts.ID if value == "A" else value for name, value in named.items()}


_R, _L, _C = ("x-request-id", "r-1"), ("x-ms-request-id", "l-1"), ("x-ms-client-request-id", "c-1")
IDS = (
    Case("ids-none", "S53", post("x"), facts=ids("A", "<new id 1>", None)),
    Case("ids-r", "S53", post("x", headers=[_R]), facts=ids("r-1", "r-1", None)),
    Case(
        "ids-l",
        "S53 S56",
        post("x", headers=[_L]),
        facts=ids("A", "l-1", "l-1"),
        logs=(r"W azmlinfsrv - x-ms-request-id header has been deprecated .*",),
    ),
    Case("ids-c", "S53", post("x", headers=[_C]), facts=ids("A", "c-1", "c-1")),
    Case("ids-rl", "S53", post("x", headers=[_R, _L]), facts=ids("r-1", "l-1", "l-1")),
    Case("ids-lc", "S53", post("x", headers=[_L, _C]), facts=ids("A", "l-1", "c-1")),
    Case("ids-rc", "S53", post("x", headers=[_R, _C]), facts=ids("r-1", "c-1", "c-1")),
    Case("ids-rlc", "S53", post("x", headers=[_R, _L, _C]), facts=ids("r-1", "l-1", "c-1")),
    Case("ids-case", "S53", post("x", headers=[("X-Request-ID", "r-1")]), facts=ids("r-1", "r-1", None)),
    Case(
        "ids-twice", "S51 S53", post("x", headers=[_R, ("x-request-id", "r-2")]), facts=ids("r-1,r-2", "r-1,r-2", None)
    ),
    Case(
        "ids-limit",
        "S54",
        post("x", headers=[("x-request-id", LIMIT), ("x-ms-client-request-id", LIMIT)]),
        facts=ids(LIMIT, LIMIT, LIMIT),
    ),
    Case(
        "ids-long-r",
        "S54",
        post("x", headers=[("x-request-id", LONG)]),
        facts=facts.bad(TOO_LONG, RID_TEXT) | ids(None, None, None),
    ),
    Case(
        "ids-long-l",
        "S54",
        post("x", headers=[("x-ms-request-id", LONG)]),
        facts=facts.bad(TOO_LONG, OTHER_TEXT) | ids("A", None, None),
    ),
    Case(
        "ids-long-c",
        "S54",
        post("x", headers=[_R, ("x-ms-client-request-id", LONG)]),
        facts=facts.bad(TOO_LONG, OTHER_TEXT) | ids("r-1", None, None),
    ),
    Case(
        "ids-long-all",
        "S54",
        post("x", headers=[(name, LONG) for name, _ in (_R, _L, _C)]),
        facts=facts.bad(TOO_LONG, RID_TEXT),
    ),
    Case(
        "ids-long-options",
        "S54",
        ask("OPTIONS", "/score", [("x-request-id", LONG)]),
        facts=facts.bad(TOO_LONG, RID_TEXT),
    ),
    Case(
        "ids-long-swagger", "S54", get("/swagger.json", [("x-request-id", LONG)]), facts=facts.bad(TOO_LONG, RID_TEXT)
    ),
    Case(
        "ids-long-404",
        "S54",
        get("/nothing", [("x-request-id", LONG)]),
        facts=facts.bad("404 NOT FOUND", facts.NOT_FOUND),
    ),
    Case(
        "ids-on-404",
        "S45",
        get("/nothing", [_R, _L, _C, ("TraceId", "t")]),
        facts=facts.bad("404 NOT FOUND", facts.NOT_FOUND, **facts.NO_IDS)
        | {"TraceId": None, "x-ms-server-version": None},
    ),
    Case(
        "ids-on-405",
        "S45",
        ask("PUT", "/score", [_R]),
        facts=facts.bad("405 METHOD NOT ALLOWED", facts.NOT_ALLOWED, **facts.NO_IDS),
    ),
    Case("ids-rid-empty", "S55", post("x", headers=[("x-request-id", "")]), facts=facts.echoed("x") | facts.NO_IDS),
    Case("ids-rid-blank", "S55", post("x", headers=[("x-request-id", "   ")]), facts=facts.echoed("x") | facts.NO_IDS),
    Case(
        "ids-others-empty",
        "S55",
        post("x", headers=[("x-ms-request-id", ""), ("x-ms-client-request-id", "")]),
        facts=ids("A", "<new id 1>", None),
    ),
    Case(
        "ids-odd-text",
        "S55",
        post("x", headers=[("x-request-id", "a b;<c>\"'%0a{}")]),
        facts={"x-request-id": "a b;<c>\"'%0a{}"},
    ),
    Case("ids-latin", "S55", post("x", headers=[("x-request-id", b"\xe9")]), facts={"x-request-id": "é"}),
    Case("trace", "S56", post("x", headers=[("TraceId", "t-1")]), facts={"TraceId": "t-1"}),
    Case("trace-case", "S56", post("x", headers=[("traceid", "t-1")]), facts={"TraceId": "t-1"}),
    Case("trace-empty", "S56", post("x", headers=[("TraceId", "")]), facts={"TraceId": ""}),
    Case("trace-long", "S56", post("x", headers=[("TraceId", "t" * 500)]), facts={"TraceId": "t" * 500}),
    Case("trace-dash", "S56", post("x", headers=[("trace-id", "t-1")]), facts={"TraceId": None, "trace-id": None}),
    Case("trace-health", "S56", get("/", [("TraceId", "t-1")]), facts={"TraceId": "t-1"}),
)
