"""The OpenAPI documents 2.0, 3.0 and 3.1 of a scoring script, built as data.

The wording and the order of the keys are the reference's (S107-S109), so that clients generated from its documents find
the same. Two things are said that it leaves out (S108): ``GET /score``, and that 3.1 is a version too.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from inference_http import contract

Json = dict[str, Any]

VERSIONS: Final = (2, 3, 3.1)  # the values of /swagger.json?version=

_BEARER: Final = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "For example: Bearer abc123",
}
_ERROR: Final = {"type": "object", "properties": {"message": {"type": "string"}}}
_FAILED: Final = "The service failed to execute due to an error."
_HEALTHY: Final = "If service is up and running, this response will be returned with the content 'Healthy'"
_PREDICTED: Final = "The service processed the input correctly and provided a result prediction, if applicable."
_PRIMITIVES: Final = frozenset({"string", "number", "integer", "boolean"})
_BY_QUERY: Final = {
    "text": "Run web service's model on the values of the query, given to it as the text of one JSON object.",
    "schema": "Run web service's model on the values of the query. Each one is read as JSON where that is possible.",
    "raw": "Run web service's model, which reads the request itself.",
}


@dataclass(frozen=True, slots=True)
class Api:
    """What is to be described.

    ``kind`` says how run() gets its input, ``input`` and ``output`` are JSON Schemas, ``parameters`` has the names that
    run() takes from the input and whether each must be given (empty: any names).
    """

    title: str = "ML service"
    version: str = "1.0"
    prefix: str = ""
    kind: Literal["text", "raw", "schema"] = "text"
    input: Json = field(default_factory=lambda: {"type": "object", "example": {}})
    output: Json = field(default_factory=lambda: {"type": "object", "example": {}})
    parameters: dict[str, bool] = field(default_factory=dict)

    def path(self, route: str) -> str:
        """A route as clients see it; the prefix is only shown, the server does not listen on it (S44)."""
        prefix = self.prefix.strip("/")
        return f"/{prefix}{route}" if prefix else route

    def info(self) -> Json:
        """The head of each document."""
        return {
            "title": self.title,
            "description": f"API specification for the Azure Machine Learning service {self.title}",
            "version": self.version,
        }


def swagger_2(api: Api) -> Json:
    """The document of ``?version=2`` (S107)."""
    error = {"description": _FAILED, "schema": {"$ref": "#/definitions/ErrorResponse"}}

    def answers(description: str, schema: Json, **more: Any) -> Json:
        return {"200": {"description": description, "schema": schema, **more}, "default": error}

    predicted = answers(_PREDICTED, {"$ref": "#/definitions/ServiceOutput"})
    body = {
        "name": "serviceInputPayload",
        "in": "body",
        "description": "The input payload for executing the real-time machine learning service.",
        "schema": {"$ref": "#/definitions/ServiceInput"},
    }
    version = {"name": "version", "in": "query", "required": False, "type": "number", "enum": list(VERSIONS)}
    return {
        "swagger": "2.0",
        "info": api.info(),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": _BEARER},
        "paths": _paths(
            api,
            health={"responses": answers(_HEALTHY, {"type": "string"}, examples={"application/json": "Healthy"})},
            by_body={"parameters": [body], "responses": predicted},
            by_query={"parameters": _query_2(api), "responses": predicted},
            document={
                "parameters": [version],
                "responses": answers("The Swagger specification.", {"type": "string"}),
            },
        ),
        "definitions": {"ServiceInput": api.input, "ServiceOutput": api.output, "ErrorResponse": _ERROR},
    }


def openapi_3(api: Api, number: Literal["3.0.3", "3.1.0"]) -> Json:
    """The document of ``?version=3`` and ``3.1``, which differ in their number alone (S108)."""
    json_error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
    error = {"description": _FAILED, "content": json_error}

    def answers(description: str, media_type: str, schema: Json) -> Json:
        content = {media_type: {"schema": schema}}
        return {"200": {"description": description, "content": content}, "default": error}

    predicted = answers(_PREDICTED, "application/json", {"$ref": "#/components/schemas/ServiceOutput"})
    body = {
        "description": "The input payload for executing the real-time machine learning service.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceInput"}}},
    }
    version = {
        "name": "version",
        "in": "query",
        "required": False,
        "schema": {"type": "number", "enum": list(VERSIONS)},
    }
    return {
        "openapi": number,
        "info": api.info(),
        "security": [{"Bearer": []}],
        "paths": _paths(
            api,
            health={"responses": answers(_HEALTHY, "text/plain", {"type": "string", "example": "Healthy"})},
            by_body={"requestBody": body, "responses": predicted},
            by_query={"parameters": _query_3(api), "responses": predicted},
            document={
                "parameters": [version],
                "responses": answers("The Swagger specification.", "text/plain", {"type": "string"}),
            },
        ),
        "components": {
            "schemas": {"ServiceInput": api.input, "ServiceOutput": api.output, "ErrorResponse": _ERROR},
            "securitySchemes": {"Bearer": _BEARER},
        },
    }


def _paths(api: Api, *, health: Json, by_body: Json, by_query: Json, document: Json) -> Json:
    """The operations that all versions share; the arguments are what differs."""
    secured: Json = {"security": [{"Bearer": []}]}
    return {
        api.path(contract.ROUTE_HEALTH): {
            "get": {
                "operationId": "ServiceHealthCheck",
                "description": "Simple health check endpoint to ensure the service is up at any given point.",
                **health,
            }
        },
        api.path(contract.ROUTE_SCORE): {
            "post": {
                "operationId": "RunMLService",
                "description": "Run web service's model and get the prediction output",
                **secured,
                **by_body,
            },
            "get": {
                "operationId": "RunMLServiceByQuery",
                "description": _BY_QUERY[api.kind],
                **secured,
                **by_query,
            },
        },
        api.path(contract.ROUTE_SWAGGER): {
            "get": {
                "operationId": "GetSwaggerSpec",
                "description": "Get the Swagger specification.",
                **document,
            }
        },
    }


def _schema(api: Api, name: str) -> Json:
    found: Json = api.input.get("properties", {}).get(name, {})
    return found


def _query_2(api: Api) -> list[Json]:
    """Swagger 2 knows no JSON inside a query: what is no primitive is described as text. It cannot say "any names"."""
    found = []
    for name, required in api.parameters.items():
        schema = _schema(api, name)
        parameter: Json = {"name": name, "in": "query", "required": required}
        if schema.get("type") in _PRIMITIVES:
            parameter.update({key: schema[key] for key in ("type", "format") if key in schema})
        else:
            parameter.update({"type": "string", "description": "The value as JSON."})
        found.append(parameter)
    return found


def _query_3(api: Api) -> list[Json]:
    if not api.parameters:
        anything = {"type": "object", "additionalProperties": True}
        return [{"name": "values", "in": "query", "style": "form", "explode": True, "schema": anything}]
    found = []
    for name, required in api.parameters.items():
        schema = _schema(api, name)
        parameter: Json = {"name": name, "in": "query", "required": required}
        if schema.get("type") in _PRIMITIVES:
            parameter["schema"] = schema
        else:
            parameter["content"] = {"application/json": {"schema": schema}}
        found.append(parameter)
    return found
