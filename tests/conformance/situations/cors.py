"""Cross-origin requests (S113-S116)."""

from tests.conformance.case import Case, Fact, Situation, ask, get, post, script

ORIGIN, METHODS, HEADERS = "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"
A, B, OTHER = ("Origin", "http://a.test"), ("Origin", "https://B.test"), ("Origin", "http://evil.test")


def allowed(origin: str | None, vary: str | None = "Origin", **more: Fact) -> dict[str, Fact]:
    return {ORIGIN: origin, "Vary": vary, **more}


def preflight(*origin: tuple[str, str], asked: str = "x-a, content-type") -> bytes:
    return ask(
        "OPTIONS",
        "/score",
        [*origin, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", asked)],
    )


LIST = (
    Case("match", "S114", post("x", headers=[A]), facts=allowed("http://a.test", status="200 OK")),
    Case("match-other", "S114", post("x", headers=[B]), facts=allowed("https://B.test")),
    Case("match-case", "S114", post("x", headers=[("Origin", "HTTP://A.test")]), facts=allowed("HTTP://A.test")),
    Case("no-match", "S114", post("x", headers=[OTHER]), facts=allowed(None, None, status="200 OK")),
    Case("no-origin", "S114", post("x"), facts=allowed("http://a.test")),
    Case("null-origin", "S114", post("x", headers=[("Origin", "null")]), facts=allowed(None, None)),
    Case("empty-origin", "S114", post("x", headers=[("Origin", "")])),
    Case("longer-origin", "S114", post("x", headers=[("Origin", "http://a.test.evil")]), facts=allowed(None, None)),
    Case(
        "preflight",
        "S114",
        preflight(A),
        facts=allowed(
            "http://a.test",
            status="200 OK",
            **{
                METHODS: "GET, POST",
                HEADERS: "content-type, x-a",
                "body": "",
            },
        ),
    ),
    Case("preflight-no-match", "S114", preflight(OTHER), facts=allowed(None, None, **{METHODS: None})),
    Case("preflight-no-origin", "S114", preflight()),
    Case("preflight-odd-headers", "S114", preflight(A, asked="X-B,, x-a ,X-B")),
    Case("preflight-put", "S114", ask("OPTIONS", "/score", [A, ("Access-Control-Request-Method", "PUT")])),
    Case("preflight-health", "S113", ask("OPTIONS", "/", [A, ("Access-Control-Request-Method", "GET")])),
    Case("preflight-swagger", "S113", ask("OPTIONS", "/swagger.json", [A, ("Access-Control-Request-Method", "GET")])),
    Case("options-plain", "S114", ask("OPTIONS", "/score", [A])),
    Case("health", "S113", get("/", [A]), facts=allowed("http://a.test")),
    Case("swagger", "S113", get("/swagger.json", [A]), facts=allowed("http://a.test")),
    Case("error", "S113", post(b"\xff", headers=[A]), facts=allowed("http://a.test", status="400 BAD REQUEST")),
    Case("404", "S45", get("/nothing", [A]), facts=allowed(None, None)),
    Case("405", "S45", ask("PUT", "/score", [A]), facts=allowed(None, None)),
    Case(
        "long-id",
        "S54",
        post("x", headers=[A, ("x-request-id", "x" * 101)]),
        facts={"status": "431 REQUEST HEADER FIELDS TOO LARGE"},
    ),
)
STAR = (
    Case("origin", "S114", post("x", headers=[A])),
    Case("no-origin", "S114", post("x"), facts=allowed("*", None)),
    Case("preflight", "S114", preflight(A), facts={ORIGIN: "http://a.test", METHODS: "GET, POST"}),
)
REGEX = (
    Case("inside", "S115", post("x", headers=[("Origin", "http://x.ok.test")]), facts=allowed("http://x.ok.test")),
    Case(
        "behind",
        "S115",
        post("x", headers=[("Origin", "http://x.ok.test.evil")]),
        facts=allowed("http://x.ok.test.evil"),
    ),
    Case("outside", "S115", post("x", headers=[A]), facts=allowed(None, None)),
    Case("no-origin", "S114 S115", post("x")),
)
RAW = """
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse
MINE = {"Access-Control-Allow-Origin": "http://mine.test"}
def init(): pass
@rawhttp
def run(request):
    if request.method == "OPTIONS":
        return AMLResponse("", 204, MINE | {"Access-Control-Allow-Methods": "PUT"})
    return AMLResponse("x", 200, MINE)
"""
WITH_RAW = (
    Case("post", "S67 S113", post("x", headers=[A])),
    Case("preflight", "S67 S113", preflight(A)),
    Case("no-origin", "S67 S113", post("x")),
)
FLAGS = ("--entry_script", "score.py", "--port", "{port}", "--access_control_allow_origins")
ECHO = {"score.py": script("echo")}

SITUATIONS = (
    Situation(
        "cors",
        "S113",
        ECHO,
        LIST,
        flags=(*FLAGS, "https://b.test , http://a.test"),
        logs=(
            r"I azmlinfsrv - Enabling CORS for the following origins: https://b\.test, http://a\.test",
            r"CORS for the specified origins: Enabling CORS for https://b\.test , http://a\.test",
        ),
    ),
    Situation("cors-env", "S113", ECHO, LIST[:4], environment={"AML_CORS_ORIGINS": "http://a.test,https://b.test"}),
    Situation("cors-star", "S114", ECHO, STAR, flags=(*FLAGS, "*")),
    Situation("cors-regex", "S115", ECHO, REGEX, flags=(*FLAGS, r".*\.ok\.test")),
    Situation("cors-raw", "S67", {"score.py": RAW}, WITH_RAW, flags=(*FLAGS, "http://a.test")),
    Situation("cors-raw-off", "S67", {"score.py": RAW}, WITH_RAW),
    Situation("cors-blank", "S113", ECHO, (Case("origin", "S113", post("x", headers=[A])),), flags=(*FLAGS, "")),
    Situation(
        "cors-comma",
        "S113",
        ECHO,
        (
            Case("origin", "S113", post("x", headers=[A])),
            Case("no-origin", "S113", post("x")),
        ),
        flags=(*FLAGS, "http://a.test,"),
    ),
)
