"""JSON bodies for a decorated run(): what is accepted, what is refused and how (S68-S75)."""

from tests.conformance.case import Case, ask, get, post, post_json
from tests.conformance.situations import facts

EMPTY = "POST body is empty. Expecting a JSON dictionary."
NOT_OBJECT = "POST body should be a JSON dictionary."
WRONG_TYPE = "Expects Content-Type to be application/json"
UNSUPPORTED = "415 UNSUPPORTED MEDIA TYPE"
BAD = "400 BAD REQUEST"


def swagger(*versions: str) -> tuple[Case, ...]:
    return tuple(
        Case(
            f"swagger-{version}", "S107 S108 S110", get(f"/swagger.json?version={version}"), facts={"status": "200 OK"}
        )
        for version in versions
    )


ROWS = {"data": [[1, 2, 3], [4, 5, 6]]}
ANSWER = {"type": "ndarray", "dtype": "float64", "shape": [2, 3], "sum": [6.0, 15.0]}
NUMPY = (
    Case("good", "S70 S73", post_json(ROWS), facts=facts.good(ANSWER)),
    Case("noct", "S68", post('{"data": [[1, 2, 3]]}', None), facts=facts.bad(UNSUPPORTED, WRONG_TYPE)),
    Case("textct", "S68", post('{"data": [[1, 2, 3]]}', "text/plain"), facts=facts.bad(UNSUPPORTED, WRONG_TYPE)),
    Case(
        "formct", "S68", post("data=1", "application/x-www-form-urlencoded"), facts=facts.bad(UNSUPPORTED, WRONG_TYPE)
    ),
    Case("plusjson", "S68", post('{"data": [[1, 2, 3]]}', "application/vnd.a+json"), facts={"status": "200 OK"}),
    Case(
        "charset", "S68", post('{"data": [[1, 2, 3]]}', "Application/JSON; charset=UTF-8"), facts={"status": "200 OK"}
    ),
    Case("empty", "S69", post(""), facts=facts.bad(BAD, EMPTY)),
    Case(
        "bad-json",
        "S69",
        post("{'a': 1}"),
        facts=facts.bad(
            BAD,
            (
                "POST body could not be decoded as JSON: Expecting property name enclosed in double quotes: "
                "line 1 column 2 (char 1)"
            ),
        ),
    ),
    Case("cut-json", "S69", post('{"data": [1'), facts={"status": BAD}),
    Case("blank", "S69", post("  "), facts={"status": BAD}),
    Case("list", "S69", post("[1]"), facts=facts.bad(BAD, NOT_OBJECT)),
    Case("number", "S69", post("1"), facts=facts.bad(BAD, NOT_OBJECT)),
    Case("json-null", "S69", post("null"), facts=facts.bad(BAD, NOT_OBJECT)),
    Case("missing", "S70", post("{}"), facts=facts.bad(BAD, "A value is not provided for the 'data' parameter.")),
    Case("extra", "S70", post_json(ROWS | {"more": 1}), facts=facts.good(ANSWER)),
    Case(
        "duplicate-key", "S74", post('{"data": [[9, 9, 9]], "data": [[1, 2, 3], [4, 5, 6]]}'), facts=facts.good(ANSWER)
    ),
    Case("nan", "S70", post('{"data": [[NaN, 1, Infinity]]}'), facts={"status": "200 OK"}),
    Case(
        "query-ignored",
        "S71",
        ask("POST", "/score?data=[[1,1,1]]", [("Content-Type", facts.JSON)], post_json(ROWS).split(b"\r\n\r\n")[1]),
        facts=facts.good(ANSWER),
    ),
    Case("get", "S68 S71", get("/score?data=[[1,2,3],[4,5,6]]"), facts=facts.good(ANSWER)),
    Case(
        "get-missing", "S71", get("/score"), facts=facts.bad(BAD, "A value is not provided for the 'data' parameter.")
    ),
    Case("get-wrong", "S71 S72", get("/score?data=x"), facts=facts.script_failed()),
    Case("head", "S42", ask("HEAD", "/score"), facts={"status": "405 METHOD NOT ALLOWED", "Content-Length": "33"}),
    Case("options", "S43", ask("OPTIONS", "/score"), facts={"status": "200 OK", "body": "", "Allow": None}),
    Case("wrong-type", "S72", post_json({"data": "text"}), facts=facts.script_failed()),
    Case("wrong-shape", "S72 S73", post_json({"data": [[1, 2]]}), facts=facts.script_failed()),
    Case("ragged", "S72", post_json({"data": [[1, 2, 3], [1]]}), facts=facts.script_failed()),
    Case("null", "S72", post_json({"data": None}), facts=facts.script_failed()),
    Case("utf16", "S74", post('{"data": [[1, 2, 3], [4, 5, 6]]}'.encode("utf-16")), facts=facts.good(ANSWER)),
    Case("utf32", "S74", post('{"data": [[1, 2, 3], [4, 5, 6]]}'.encode("utf-32-le")), facts=facts.good(ANSWER)),
    Case("bom", "S74", post('{"data": [[1, 2, 3], [4, 5, 6]]}'.encode("utf-8-sig")), facts=facts.good(ANSWER)),
    Case("badutf8", "S75", post(b'{"data": "\xff"}'), facts=facts.internal()),
    Case("surrogate", "S74", post('{"data": "\\ud800"}'), facts=facts.script_failed()),
    Case(
        "deep",
        "S75",
        post('{"data": ' + "[" * 100000 + "]" * 100000 + "}"),
        facts={"status": "500 INTERNAL SERVER ERROR"},
    ),
    *swagger("2", "3", "3.1"),
)
