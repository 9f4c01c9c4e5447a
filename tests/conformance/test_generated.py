"""Requests nobody thought of: hypothesis makes them, both servers answer them, the answers are equal.

The examples are the same in every run. CONFORMANCE_EXAMPLES=2000 makes more of them, at random.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance import reference, requests
from tests.conformance.case import Situation, ask, get, post, post_json, script
from tests.conformance.pair import Pair

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]
WANTED = os.environ.get("CONFORMANCE_EXAMPLES")
BOUNDED = settings(
    max_examples=int(WANTED or 80), derandomize=WANTED is None, database=None, deadline=None, print_blob=False
)

LOADED = "import json\ndef init(): pass\ndef run(data): return json.loads(data)\n"
MADE = """
import json
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
def run(data):
    wanted = json.loads(data)
    return AMLResponse(wanted["body"], wanted["status"], wanted["headers"], json_str=wanted["json"])
"""
SITUATIONS = {
    "echo": Situation("echo", "S58", {"score.py": script("echo")}),
    "headers": Situation("headers", "S63", {"score.py": script("headers")}),
    "raw": Situation("raw", "S65", {"score.py": script("raw")}),
    "loaded": Situation("loaded", "S79", {"score.py": LOADED}),
    "made": Situation("made", "S93", {"score.py": MADE}),
    "schema": Situation("schema", "S73", {"score.py": script("schema_types")}),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Pair]]:
    """The pair for a situation, started when it is first asked for."""
    reference.installed()
    pairs: dict[str, Pair] = {}

    def started(name: str) -> Pair:
        if name not in pairs:
            folder: Path = tmp_path_factory.mktemp(name)
            for side in ("ref", "our"):
                (folder / side).mkdir()
            pairs[name] = Pair(SITUATIONS[name], folder)
        return pairs[name]

    yield started
    for made in pairs.values():
        made.close()


Pairs = Callable[[str], Pair]


def test_bodies(pair: Pairs) -> None:
    @BOUNDED
    @given(requests.posts(requests.bodies, requests.JSON_TYPES + requests.OTHER_TYPES))
    def agree(request: bytes) -> None:
        pair("echo").must_agree(request, "echo/generated")

    agree()


def test_form_bodies(pair: Pairs) -> None:
    @BOUNDED
    @given(requests.posts(requests.bodies, requests.FORM_TYPES))
    def agree(request: bytes) -> None:
        pair("echo").must_agree(request, "echo/form-generated")

    agree()


def test_queries(pair: Pairs) -> None:
    @BOUNDED
    @given(requests.queries)
    def agree(query: str) -> None:
        pair("echo").must_agree(get(f"/score?{query}"), "echo/generated")

    agree()


def test_headers(pair: Pairs) -> None:
    @BOUNDED
    @given(requests.headers)
    def agree(headers: list[tuple[str, bytes]]) -> None:
        pair("headers").must_agree(post("x", headers=headers), "headers/generated", "echo/ids-rid-empty")

    agree()


def test_routes(pair: Pairs) -> None:
    methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get"])
    segments = st.sampled_from(["score", "swagger.json", "", "..", ".", "SCORE", "score ", "%73core", "é", "metrics"])
    paths = st.lists(segments, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts).replace(" ", "%20"))

    @BOUNDED
    @given(methods, paths, st.sampled_from(["", "?a=1", "?version=3", "?version=9"]))
    def agree(method: str, path: str, query: str) -> None:
        if path != "/metrics":
            pair("echo").must_agree(ask(method, path + query), "echo/swagger-head", "echo/head-score")

    agree()


def test_results(pair: Pairs) -> None:
    @BOUNDED
    @given(requests.json_values)
    def agree(value: object) -> None:
        pair("loaded").must_agree(post_json(value), "results/generated")

    agree()


def test_raw_requests(pair: Pairs) -> None:
    kinds = requests.JSON_TYPES + requests.OTHER_TYPES + requests.FORM_TYPES

    @BOUNDED
    @given(requests.bodies, st.sampled_from(kinds), requests.queries, requests.headers)
    def agree(body: bytes, kind: str, query: str, headers: list[tuple[str, bytes]]) -> None:
        request = ask("POST", f"/score?{query}", [("Content-Type", kind), *headers], body)
        pair("raw").must_agree(request, "raw/generated", "echo/ids-rid-empty")

    agree()


def test_responses(pair: Pairs) -> None:
    names = st.text(requests.TOKEN, min_size=1, max_size=10).filter(lambda name: name.lower() not in requests.FRAMING)
    values = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=","), max_size=20)
    wanted = st.fixed_dictionaries(
        {
            "body": st.none() | st.text(max_size=30) | st.lists(st.text(max_size=5), max_size=3),
            "status": st.integers(200, 599),
            "headers": st.dictionaries(names, values.map(str.strip), max_size=3),
            "json": st.booleans(),
        }
    )

    @BOUNDED
    @given(wanted)
    def agree(value: dict[str, object]) -> None:
        pair("made").must_agree(post(json.dumps(value)), "amlresponse/generated")

    agree()


def test_schema_values(pair: Pairs) -> None:
    names = ("count", "ratio", "name", "flag", "blob", "items", "table", "when", "plain", "request_headers", "other")
    objects = st.dictionaries(st.sampled_from(names), requests.json_values, max_size=4)
    base = {"table": {"a": 1, "b": "x"}}

    @BOUNDED
    @given(objects, st.booleans())
    def agree(value: dict[str, object], complete: bool) -> None:
        pair("schema").must_agree(post_json((base if complete else {}) | value), "schema-types/generated")

    agree()


def test_schema_bodies(pair: Pairs) -> None:
    @BOUNDED
    @given(requests.posts(requests.bodies, requests.JSON_TYPES + requests.OTHER_TYPES + requests.FORM_TYPES))
    def agree(request: bytes) -> None:
        pair("schema").must_agree(request, "schema-types/generated")

    agree()


def test_schema_queries(pair: Pairs) -> None:
    @BOUNDED
    @given(requests.queries)
    def agree(query: str) -> None:
        request = get(f"/score?table=%7B%22a%22:1,%22b%22:%22x%22%7D&{query}")
        pair("schema").must_agree(request, "schema-types/generated")

    agree()
