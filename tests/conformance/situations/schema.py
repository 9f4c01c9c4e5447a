"""Decorated run(): @input_schema and @output_schema of the inference-schema package (S68-S77, S104-S110)."""

import re

from tests.conformance.case import Case, Fact, Situation, get, post, post_json, script
from tests.conformance.situations import facts
from tests.conformance.situations.schema_bodies import BAD, NUMPY, UNSUPPORTED, WRONG_TYPE, swagger

KEPT = {
    "count": ["int", "1"],
    "ratio": ["float", "1.0"],
    "name": ["str", "d"],
    "flag": ["bool", "False"],
    "blob": ["bytes", "b'abc'"],
    "items": ["tuple", "(1,)"],
    "table": ["NoneType", "None"],
    "when": ["datetime", "2024-01-02 03:04:05"],
    "plain": ["str", "kept"],
}
WHEN = "2025-06-07 08:09:10,000011"
GIVEN = {
    "count": 7,
    "ratio": 2,
    "name": "é",
    "flag": True,
    "blob": "AAE=",
    "items": [1, "a"],
    "table": {"a": 2, "b": "y"},
    "when": WHEN,
    "plain": [1],
}
TYPED = {
    "count": ["int", "7"],
    "ratio": ["int", "2"],
    "name": ["str", "é"],
    "flag": ["bool", "True"],
    "blob": ["bytes", "b'\\x00\\x01'"],
    "items": ["list", "[1, 'a']"],
    "table": ["dict", "{'a': 2, 'b': 'y'}"],
    "when": ["datetime", "2025-06-07 08:09:10.000011"],
    "plain": ["list", "[1]"],
}


def given(**changed: object) -> bytes:
    return post_json(GIVEN | changed)


TYPES = (
    Case("given", "S70 S73", given(), facts=facts.good(TYPED)),
    Case("extra-headers-key", "S70", given(request_headers={"a": 1}), facts=facts.good(TYPED)),
    Case("defaults", "S70 S73", post("{}")),
    *(
        Case(f"wrong-{name}-{type(value).__name__}", "S72 S73", given(**{name: value}))
        for name, value in [
            ("count", "7"),
            ("count", 7.5),
            ("count", True),
            ("count", None),
            ("ratio", "x"),
            ("ratio", True),
            ("name", 5),
            ("flag", 1),
            ("flag", "true"),
            ("blob", 5),
            ("blob", "not base64!"),
            ("items", {"a": 1}),
            ("items", "ab"),
            ("table", [1]),
            ("table", {"a": 1}),
            ("table", {"a": "text", "b": 1}),
            ("table", {"a": 1, "b": "x", "c": 1}),
            ("when", 5),
            ("when", "yesterday"),
            ("when", "2024-01-02T03:04:05"),
        ]
    ),
    *swagger("2", "3", "3.1"),
)

FRAME = [{"age": 3, "name": "x"}, {"age": 4, "name": "y"}]
PANDAS = (
    Case(
        "records",
        "S73",
        post_json({"frame": FRAME}),
        facts=facts.good({"columns": ["age", "name"], "rows": FRAME, "method": None}),
    ),
    Case("optional", "S73", post_json({"frame": FRAME, "method": "proba"}), facts={"status": "200 OK"}),
    Case("optional-null", "S73", post_json({"frame": FRAME, "method": None}), facts={"status": "200 OK"}),
    Case("optional-wrong", "S72 S73", post_json({"frame": FRAME, "method": 5}), facts=facts.script_failed()),
    Case("no-rows", "S73", post_json({"frame": []})),
    Case("wrong-columns", "S72 S73", post_json({"frame": [{"age": 1}]}), facts=facts.script_failed()),
    Case("wrong-cell", "S72 S73", post_json({"frame": [{"age": "old", "name": "x"}]})),
    Case("split", "S72 S73", post_json({"frame": {"columns": ["age", "name"], "data": [[1, "x"]]}})),
    *swagger("2", "3", "3.1"),
)
NESTED = (
    Case(
        "good",
        "S73",
        post_json({"Inputs": {"data": [{"age": 1}], "weights": [3, 4]}, "GlobalParameters": {"method": "p"}}),
        facts=facts.good({"ages": [1], "weights": [3, 4], "method": {"method": "p"}}),
    ),
    Case(
        "default", "S73", post_json({"Inputs": {"data": [{"age": 1}], "weights": [3, 4]}}), facts={"status": "200 OK"}
    ),
    Case("missing-nested", "S72", post_json({"Inputs": {"data": [{"age": 1}]}})),
    Case(
        "wrong-nested",
        "S72",
        post_json({"Inputs": {"data": [{"age": 1}], "weights": "x"}}),
        facts=facts.script_failed(),
    ),
    *swagger("2", "3", "3.1"),
)

HEAD = """
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Standard
def init(): pass
"""
MULTI = (
    HEAD
    + """
@input_schema("a", Standard(1))
@input_schema("b", Standard("x"))
def run(a, b, c, d=4): return [a, b, c, d]
"""
)
ONLY_3 = "Swagger version [2] is not supported for the scoring script. Supported swagger versions: [3, 3.1]."
MIXED = (
    HEAD
    + """
@input_schema("items", Standard([1, "a"]))
@output_schema(Standard({"total": 1}))
def run(items): return items
"""
)
OUT_ONLY = (
    HEAD
    + """
@output_schema(Standard({"total": 1}))
def run(data): return data
"""
)
ASKED = (
    HEAD
    + """
@input_schema("a", Standard(1))
def run(a, request_headers): return [a, request_headers["X-One"]]
"""
)
DATE = (
    HEAD
    + """
import datetime
@input_schema("day", Standard(datetime.date(2024, 1, 2)))
def run(day): return str(day)
"""
)


def lacking(name: str) -> dict[str, Fact]:
    return facts.bad(BAD, f"A value is not provided for the {name!r} parameter.")


SITUATIONS = (
    Situation(
        "schema",
        "S76",
        {"score.py": script("schema_numpy")},
        NUMPY,
        logs=(r"I azmlinfsrv\.user_script - run\(\) is decorated with @input_schema\..* .* data\.",),
    ),
    Situation(
        "schema-types",
        "S73",
        {"score.py": script("schema_types")},
        TYPES,
        logs=(r".*following arguments: count, ratio, name, flag, blob, items, table, when, plain\.",),
    ),
    Situation("schema-pandas", "S73", {"score.py": script("schema_pandas")}, PANDAS),
    Situation("schema-nested", "S73", {"score.py": script("schema_nested")}, NESTED),
    Situation(
        "schema-multi",
        "S70",
        {"score.py": MULTI},
        (
            Case("all", "S70", post_json({"a": 1, "b": "y", "c": [3]}), facts=facts.good([1, "y", [3], 4])),
            Case(
                "default-given", "S70", post_json({"a": 1, "b": "y", "c": 0, "d": 0}), facts=facts.good([1, "y", 0, 0])
            ),
            Case("no-a", "S70", post_json({"b": "y", "c": 3}), facts=lacking("a")),
            Case("no-b-no-c", "S70", post_json({"a": 1}), facts=lacking("b")),
            Case("no-c", "S70", post_json({"a": 1, "b": "y"}), facts=lacking("c")),
            Case("get", "S71", get("/score?a=1&b=%22y%22&c=1&c=2"), facts=facts.good([1, "y", [1, 2], 4])),
            Case("get-text", "S71", get("/score?a=1&b=y&c=z"), facts=facts.good([1, "y", "z", 4])),
            *swagger("2", "3", "3.1"),
        ),
    ),
    Situation(
        "schema-mixed",
        "S105 S106",
        {"score.py": MIXED},
        (
            Case(
                "swagger-default",
                "S105",
                get("/swagger.json"),
                facts=facts.bad(
                    "404 NOT FOUND",
                    ONLY_3,
                ),
            ),
            Case("swagger-2.0", "S105", get("/swagger.json?version=2.0"), facts={"status": "404 NOT FOUND"}),
            Case(
                "swagger-4",
                "S105",
                get("/swagger.json?version=4"),
                facts=facts.bad("404 NOT FOUND", "Swagger version [4] is not valid. Supported versions: [3, 3.1]."),
            ),
            Case("post", "S73", post_json({"items": [1, "b"]}), facts=facts.good([1, "b"])),
            *swagger("3", "3.1"),
        ),
        logs=(r".* Swaggers are prepared for versions \[3, 3\.1\] and skipped for versions \[2\]\.",),
    ),
    Situation(
        "schema-outonly",
        "S76 S110",
        {"score.py": OUT_ONLY},
        (
            Case("object", "S76", post_json({"data": [1]}), facts=facts.good([1])),
            Case("missing", "S76", post("{}"), facts=lacking("data")),
            Case("noct", "S76", post("{}", None), facts=facts.bad(UNSUPPORTED, WRONG_TYPE)),
            *swagger("2", "3"),
        ),
    ),
    Situation(
        "schema-headers",
        "S70 S110",
        {"score.py": ASKED},
        (
            Case(
                "post",
                "S70",
                post_json({"a": 1, "request_headers": "mine"}, headers=[("X-One", "1")]),
                facts=facts.good([1, "1"]),
            ),
            Case("swagger", "S110", get("/swagger.json"), facts={"body": re.compile(r".*request_headers.*")}),
        ),
    ),
    Situation(
        "schema-date",
        "S73",
        {"score.py": DATE},
        (
            Case("post", "S73", post_json({"day": "2024-01-02"}), facts=facts.script_failed()),
            *swagger("2"),
        ),
    ),
)
