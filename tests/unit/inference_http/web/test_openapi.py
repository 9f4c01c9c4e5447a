"""The three documents as data: what they say, and what a client generator could trip over."""

import json

import pytest

from inference_http.web.openapi import Api, openapi_3, swagger_2


def all_documents(api: Api):
    return [swagger_2(api), openapi_3(api, "3.0.3"), openapi_3(api, "3.1.0")]


def operations(document):
    return [operation for path in document["paths"].values() for operation in path.values()]


def references(part):
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


DECLARED = Api(
    kind="schema",
    input={
        "type": "object",
        "properties": {
            "n": {"type": "integer", "format": "int64"},
            "rows": {"type": "array", "items": {"type": "object"}, "format": "pandas.DataFrame:records"},
            "rest": {},
        },
        "example": {"n": 1, "rows": [], "rest": ""},
    },
    output={"type": "string", "example": "x"},
    parameters={"n": True, "rows": True, "rest": False},
)


def test_the_default_documents_name_their_versions_and_parts_in_order():
    two, three, three_one = all_documents(Api())
    assert list(two) == [
        "swagger", "info", "schemes", "consumes", "produces", "securityDefinitions", "paths", "definitions",
    ]  # fmt: skip
    assert list(three) == ["openapi", "info", "security", "paths", "components"]
    assert (two["swagger"], three["openapi"], three_one["openapi"]) == ("2.0", "3.0.3", "3.1.0")
    assert {**three_one, "openapi": "3.0.3"} == three


def test_the_undecorated_input_and_output_are_open_objects():
    two, three, _ = all_documents(Api())
    for schemas in (two["definitions"], three["components"]["schemas"]):
        assert schemas == {
            "ServiceInput": {"type": "object", "example": {}},
            "ServiceOutput": {"type": "object", "example": {}},
            "ErrorResponse": {"type": "object", "properties": {"message": {"type": "string"}}},
        }


@pytest.mark.parametrize("api", [Api(), Api(kind="raw"), DECLARED])
def test_every_reference_leads_somewhere_and_every_operation_has_its_own_name(api):
    for document in all_documents(api):
        for reference in references(document):
            found = document
            for step in reference.removeprefix("#/").split("/"):
                found = found[step]
            assert found["type"]
        names = [operation["operationId"] for operation in operations(document)]
        assert len(set(names)) == len(names) == 4


@pytest.mark.parametrize(
    ("prefix", "score"),
    [("", "/score"), ("api", "/api/score"), ("/api/v1/", "/api/v1/score"), ("/", "/score")],
)
def test_the_prefix_stands_before_each_path(prefix, score):
    for document in all_documents(Api(prefix=prefix)):
        start = score.removesuffix("/score")
        assert list(document["paths"]) == [f"{start}/", score, f"{start}/swagger.json"]


def test_quotes_in_a_name_break_nothing():
    name = 'say "hi"\\ $SERVICE_VERSION$\n'
    for document in all_documents(Api(title=name, version='1"')):
        assert json.loads(json.dumps(document))["info"] == {
            "title": name,
            "description": f"API specification for the Azure Machine Learning service {name}",
            "version": '1"',
        }


def test_all_versions_can_be_asked_for():
    two, three, _ = all_documents(Api())
    expected = {"type": "number", "enum": [2, 3, 3.1]}
    (parameter,) = two["paths"]["/swagger.json"]["get"]["parameters"]
    assert parameter == {"name": "version", "in": "query", "required": False, **expected}
    (parameter,) = three["paths"]["/swagger.json"]["get"]["parameters"]
    assert parameter == {"name": "version", "in": "query", "required": False, "schema": expected}


def test_the_query_of_a_declared_input_is_described_by_name():
    two, three, _ = all_documents(DECLARED)
    assert two["paths"]["/score"]["get"]["parameters"] == [
        {"name": "n", "in": "query", "required": True, "type": "integer", "format": "int64"},
        {"name": "rows", "in": "query", "required": True, "type": "string", "description": "The value as JSON."},
        {"name": "rest", "in": "query", "required": False, "type": "string", "description": "The value as JSON."},
    ]
    n, rows, rest = three["paths"]["/score"]["get"]["parameters"]
    assert n == {"name": "n", "in": "query", "required": True, "schema": {"type": "integer", "format": "int64"}}
    assert rows["content"] == {"application/json": {"schema": DECLARED.input["properties"]["rows"]}}
    assert rest["content"] == {"application/json": {"schema": {}}}


@pytest.mark.parametrize("kind", ["text", "raw"])
def test_the_query_of_an_open_input_may_have_any_names(kind):
    two, three, _ = all_documents(Api(kind=kind))
    assert two["paths"]["/score"]["get"]["parameters"] == []
    (anything,) = three["paths"]["/score"]["get"]["parameters"]
    assert anything["schema"] == {"type": "object", "additionalProperties": True}


def test_get_and_post_promise_the_same_answers():
    for document in all_documents(DECLARED):
        score = document["paths"]["/score"]
        assert score["get"]["responses"] == score["post"]["responses"]
        assert score["get"]["security"] == score["post"]["security"] == [{"Bearer": []}]
