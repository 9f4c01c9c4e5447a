"""Routes, methods, health and the default swagger document (S35-S45, S104-S109)."""

from tests.conformance.case import Case, Fact, ask, get
from tests.conformance.situations import facts
from tests.conformance.situations.ids import LONG, RID_TEXT, TOO_LONG, ids


def health(**more: Fact) -> dict[str, Fact]:
    return {"status": "200 OK", "Content-Type": facts.HTML, "x-ms-run-function-failed": None, **more}


def missing(method: str, target: str) -> Case:
    return Case(
        f"404-{target.strip('/').replace('/', '-') or 'root'}-{method.lower()}",
        "S40 S45",
        ask(method, target),
        facts=facts.bad("404 NOT FOUND", facts.NOT_FOUND, **facts.NO_IDS) | ({"body": ""} if method == "HEAD" else {}),
    )


def not_allowed(method: str, target: str) -> Case:
    return Case(
        f"405-{method.lower()}-{target.strip('/') or 'root'}",
        "S41 S45",
        ask(method, target),
        facts=facts.bad("405 METHOD NOT ALLOWED", facts.NOT_ALLOWED, Allow=None, **facts.NO_IDS),
    )


ROUTES = (
    Case("health", "S35", get("/"), facts=health(body="Healthy", **ids("A", "<new id 1>", None))),
    Case("health-query", "S35 S119", get("/?a=1"), facts=health(body="Healthy")),
    Case("health-head", "S35", ask("HEAD", "/"), facts=health(body="", **{"Content-Length": "7"})),
    Case("health-options", "S35", ask("OPTIONS", "/"), facts=health(body="", Allow="GET, HEAD, OPTIONS")),
    Case("health-ids", "S54", get("/", [("x-request-id", "r")]), facts=health(body="Healthy", **ids("r", "r", None))),
    Case("health-ids-long", "S54", get("/", [("x-request-id", LONG)]), facts=facts.bad(TOO_LONG, RID_TEXT)),
    *(
        missing("GET", target)
        for target in ("/nothing", "/score/", "/Score", "/swagger.json/", "/score/x", "/score.json")
    ),
    missing("POST", "/nothing"),
    missing("HEAD", "/nothing"),
    missing("OPTIONS", "/nothing"),
    missing("DELETE", "/nothing"),
    *(not_allowed(method, "/score") for method in ("PUT", "DELETE", "PATCH", "TRACE", "FOO")),
    *(not_allowed(method, "/") for method in ("POST", "PUT")),
    *(not_allowed(method, "/swagger.json") for method in ("POST", "DELETE")),
    Case("double-slash", "S40", ask("POST", "//score", body=b"x"), facts=facts.echoed("x")),
    Case("absolute-form", "S40", ask("POST", "http://else.test/score", body=b"x"), facts=facts.echoed("x")),
    Case("dot-segments", "S40", get("/a/../score")),
    Case("encoded-path", "S40", get("/%73core?a=1"), facts=facts.echoed('{"a": 1}')),
    Case("encoded-slash", "S40", get("/%2Fscore")),
    Case("path-not-utf8", "S40", get("/%ff")),
    Case(
        "head-score",
        "S36 S42",
        ask("HEAD", "/score"),
        facts=facts.bad("405 METHOD NOT ALLOWED", "", **ids("A", "<new id 1>", None))
        | {"body": "", "Content-Length": "33"},
    ),
    Case(
        "options-score",
        "S43",
        ask("OPTIONS", "/score"),
        facts={
            "status": "200 OK",
            "body": "",
            "Content-Type": facts.HTML,
            "x-ms-run-function-failed": "False",
            "x-ms-run-fn-exec-ms": None,
            "Allow": None,
            **ids("A", "<new id 1>", None),
        },
    ),
    Case("lowercase-method", "S41", ask("post", "/score", body=b"x")),
    Case(
        "swagger-default",
        "S37 S104 S107 S109",
        get("/swagger.json"),
        facts={"status": "200 OK", "Content-Type": facts.JSON},
    ),
    *(
        Case(f"swagger-{version}", "S104", get(f"/swagger.json?version={version}"), facts={"status": "200 OK"})
        for version in ("2", "2.0", "3", "3.0", "3.1", "2&version=3", "3&version=2")
    ),
    *(
        Case(
            f"swagger-bad-{number}",
            "S105",
            get(f"/swagger.json?version={version}"),
            facts=facts.bad(
                "404 NOT FOUND", f"Swagger version [{text}] is not valid. Supported versions: [2, 3, 3.1]."
            ),
        )
        for number, (version, text) in enumerate(
            [("4", "4"), ("", ""), ("v2", "v2"), ("%C3%A9", "é"), ("3.10", "3.10")]
        )
    ),
    Case("swagger-parameter-case", "S104", get("/swagger.json?Version=9"), facts={"status": "200 OK"}),
    Case("swagger-head", "S37", ask("HEAD", "/swagger.json"), facts={"status": "200 OK", "body": ""}),
    Case(
        "swagger-options",
        "S37",
        ask("OPTIONS", "/swagger.json"),
        facts={"status": "200 OK", "Allow": "GET, HEAD, OPTIONS"},
    ),
    Case("metrics", "S138", get("/metrics"), facts=facts.bad("404 NOT FOUND", facts.NOT_FOUND)),
)
