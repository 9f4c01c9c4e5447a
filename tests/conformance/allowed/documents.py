"""Swagger documents and CORS."""

from tests.conformance.allowed import ANY, Aspect, Difference, Line, rest

SWAGGER = ("*/swagger*", "*/title", "*/document*", "*/version-*")
DOCUMENT = r'\{"(swagger|openapi)": .*'

CHAPTER = (
    Difference(
        "S108 S110",
        "The documents tell all",
        "GET /score is missing, the `version` parameter is an integer out of 2 and 3, request_headers is listed as "
        "an input.",
        "GET /score is described, the versions are 2, 3 and 3.1, request_headers is no input.",
        "Clients made from the document match the server.",
        (
            *(Aspect(glob, "body", DOCUMENT, DOCUMENT, rest.swagger) for glob in SWAGGER),
            Aspect("echo/swagger-head", "header Content-Length", r"\d+", r"\d+"),
            *(
                Line(case, side, r"(I azmlinfsrv - \w+ /swagger\.json 200 <ms>ms) \d+", r"\1")
                for case in ("echo/swagger-head", "health-port/other-port")
                for side in ("ref", "our")
            ),
        ),
    ),
    Difference(
        "S44",
        "SERVICE_PATH_PREFIX=/ is no prefix",
        "Paths beginning with `//`.",
        "The paths without a prefix.",
        "`//score` is another host's path for a client.",
        (Aspect("swagger-slash/document*", "body", DOCUMENT, DOCUMENT, rest.swagger_prefix),),
    ),
    Difference(
        "S112",
        "A quote in SERVICE_NAME is text",
        "The start fails with a traceback.",
        "It is written as JSON.",
        "Names have quotes.",
        (
            Aspect("swagger-quote/start", "exit", "3", "serves"),
            Line("swagger-quote/start", "ref", ANY),
            Line("swagger-quote/start", "our", ANY),
        ),
    ),
    Difference(
        "S115",
        "A pattern for origins matches the whole origin",
        "An entry with a special character is an unanchored regular expression: `.*\\.ok\\.test` admits "
        "x.ok.test.evil.",
        "It must match from end to end; entries without special characters are compared literally.",
        "A list of allowed origins must not allow others.",
        (
            Aspect("cors-regex/behind", "header Access-Control-Allow-Origin", ANY, None),
            Aspect("cors-regex/behind", "header Vary", "Origin", None),
        ),
    ),
    Difference(
        "S113",
        "An empty entry in the list of origins is none",
        "`http://a.test,` has an empty origin as its first entry, which is then sent.",
        "Empty entries are dropped.",
        "A comma at the end is a slip.",
        (
            Aspect("cors-comma/no-origin", "header Access-Control-Allow-Origin", None, r"http://a\.test"),
            Aspect("cors-comma/*", "header Vary", "Origin", None),
            Line("cors*/start", "ref", r"(CORS for the specified origins): .*", r"\1"),
            Line("cors*/start", "our", r"(CORS for the specified origins): .*", r"\1"),
            Line("cors-comma/start", "ref", r"I azmlinfsrv - Enabling CORS for .*", "enabled"),
            Line("cors-comma/start", "our", r"I azmlinfsrv - Enabling CORS for .*", "enabled"),
        ),
    ),
    Difference(
        "S28",
        "AML_ keys of config.json are read",
        "Documented for the file, and never read from it.",
        "AML_CORS_ORIGINS and the others work in the file too.",
        "As documented.",
        (Aspect("config-root/*", "header Access-Control-Allow-Origin", None, r"http://a\.test"),),
    ),
)
