"""A model's signature and input example as an OpenAPI document and a request to try; Azure shows the same."""

import json
import math
import os
from collections.abc import Sequence
from typing import Any, Final

from sandbox.mlflow.mlmodel import MlflowModel, Spec

Json = dict[str, Any]

_LARGEST = 1000  # values of an example; an image's tensor would fill the page
_PRIMITIVES: Final[dict[str, tuple[Json, Any]]] = {
    "boolean": ({"type": "boolean"}, True),
    "integer": ({"type": "integer", "format": "int32"}, 1),
    "long": ({"type": "integer", "format": "int64"}, 1),
    "float": ({"type": "number", "format": "float"}, 1.0),
    "double": ({"type": "number", "format": "double"}, 1.0),
    "string": ({"type": "string"}, "text"),
    "binary": ({"type": "string", "format": "byte"}, "dGV4dA=="),
    "datetime": ({"type": "string", "format": "date-time"}, "2024-01-01T00:00:00"),
}
_TENSOR_TYPES: Final = (  # beginning of the dtype's name, schema, example
    ("bool", {"type": "boolean"}, False),
    ("int64", {"type": "integer", "format": "int64"}, 0),
    ("int", {"type": "integer", "format": "int32"}, 0),
    ("uint", {"type": "integer", "format": "int64"}, 0),
    ("float64", {"type": "number", "format": "double"}, 0.0),
    ("float", {"type": "number", "format": "float"}, 0.0),
)


def sample(model: MlflowModel) -> Json | None:
    """Return a request's body to try: of the model's own example, else of its signature; None where neither says."""
    body = _of_example(model)
    if body is None and (data := _of_signature(model.inputs)) is not None:
        body = {"input_data": data}
    if body is not None and model.params and "params" not in body:
        body["params"] = {one["name"]: _value_of_param(one) for one in model.params if "name" in one}
    return body


def documents(model: MlflowModel, title: str) -> dict[str, Json]:
    """Return the files that the server answers ``/swagger.json`` with: name and content."""
    request: Json = {"type": "object", "required": ["input_data"], "properties": {"input_data": _input(model.inputs)}}
    if model.params:
        params = {one["name"]: _schema_of_param(one) for one in model.params if "name" in one}
        request["properties"]["params"] = {"type": "object", "properties": params}
    example = sample(model)
    request["example"] = example if example is not None else {}
    answer = _output(model.outputs)
    documents = {"swagger2.json": _swagger_2(title, request, answer)}
    for name, number in (("swagger3.json", "3.0.3"), ("swagger3.1.json", "3.1.0")):
        documents[name] = _openapi_3(title, number, request, answer)
    return documents


# --- The example -----------------------------------------------------------------------------------------------------


def _of_example(model: MlflowModel) -> Json | None:
    """Return the example that was logged, in Azure's words: MLflow's own server uses others."""
    for key in ("serving_input_path", "artifact_path"):
        name = model.example.get(key)
        found = _json(os.path.join(model.folder, name)) if isinstance(name, str) else None
        if found is None:
            continue
        params = found.get("params") if isinstance(found, dict) else None
        for word in ("dataframe_split", "inputs"):
            if isinstance(found, dict) and word in found:
                found = found[word]
        if _count(found) > _LARGEST:
            return None
        if isinstance(found, dict) and {"columns", "data"} <= set(found):
            index = found.get("index", list(range(len(found["data"]))))
            found = {"columns": found["columns"], "index": index, "data": found["data"]}
        return {"input_data": found} | ({"params": params} if isinstance(params, dict) else {})
    return None


def _json(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError, RecursionError):
        return None  # the signature says enough


def _count(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_count(one) for one in value.values())
    return sum(_count(one) for one in value) if isinstance(value, list) else 1


def _of_signature(inputs: Sequence[Spec] | None) -> Any:
    if not inputs:
        return None
    if all(one.get("type") == "tensor" for one in inputs):
        tensors = [(one.get("name"), _zeros(one["tensor-spec"])) for one in inputs]
        if any(value is None for _, value in tensors):
            return None
        return tensors[0][1] if tensors[0][0] is None else dict(tensors)
    known = [_PRIMITIVES.get(str(one.get("type"))) for one in inputs]
    if None in known:
        return None
    row = [entry[1] for entry in known if entry]
    if inputs[0].get("name") is None:
        return row if len(inputs) == 1 else [row]
    return {"columns": [one["name"] for one in inputs], "index": [0], "data": [row]}


def _zeros(spec: Spec) -> Any:
    shape = [1 if side < 0 else side for side in spec.get("shape", [])]
    if math.prod(shape) > _LARGEST:
        return None
    value: Any = _tensor_type(str(spec.get("dtype")))[1]
    for side in reversed(shape):
        value = [value] * side
    return value


def _value_of_param(spec: Spec) -> Any:
    if spec.get("default") is not None:
        return spec["default"]
    value = _PRIMITIVES.get(_kind_of_param(spec), ({}, None))[1]
    return [value] if spec.get("shape") else value


def _kind_of_param(spec: Spec) -> str:
    return str(spec.get("type") or spec.get("dtype"))


# --- Schemas ---------------------------------------------------------------------------------------------------------


def _input(inputs: Sequence[Spec] | None) -> Json:
    if not inputs:
        return {}
    if inputs[0].get("type") == "tensor":
        return _tensors(inputs)
    if any(one.get("name") is None or str(one.get("type")) not in _PRIMITIVES for one in inputs):
        return {}
    names = ", ".join(f"{one['name']} ({one['type']})" for one in inputs)
    return {
        "type": "object",
        "required": ["columns", "data"],
        "description": f"Columns: {names}",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "index": {"type": "array", "items": {"type": "integer", "format": "int64"}},
            "data": {"type": "array", "items": {"type": "array", "items": {}}},
        },
        "format": "pandas.DataFrame:split",
    }


def _output(outputs: Sequence[Spec] | None) -> Json:
    if not outputs:
        return {}
    if outputs[0].get("type") == "tensor":
        return _tensors(outputs)
    if any(str(one.get("type")) not in _PRIMITIVES for one in outputs):
        return {}
    if outputs[0].get("name") is None:
        return {"type": "array", "items": _PRIMITIVES[outputs[0]["type"]][0]}
    properties = {str(one["name"]): _PRIMITIVES[one["type"]][0] for one in outputs}
    record = {"type": "object", "properties": properties}
    return {"type": "array", "items": record, "format": "pandas.DataFrame:records"}


def _tensors(specs: Sequence[Spec]) -> Json:
    found = {one.get("name"): _tensor(one.get("tensor-spec", {})) for one in specs}
    return found[None] if None in found else {"type": "object", "required": list(found), "properties": found}


def _tensor(spec: Spec) -> Json:
    schema: Json = dict(_tensor_type(str(spec.get("dtype")))[0])
    for _ in spec.get("shape", []):
        schema = {"type": "array", "items": schema}
    return {**schema, "format": "numpy.ndarray"} if spec.get("shape") else schema


def _tensor_type(dtype: str) -> tuple[Json, Any]:
    return next(
        ((schema, value) for name, schema, value in _TENSOR_TYPES if dtype.startswith(name)), ({"type": "string"}, "")
    )


def _schema_of_param(spec: Spec) -> Json:
    schema = dict(_PRIMITIVES.get(_kind_of_param(spec), ({}, None))[0])
    schema = {"type": "array", "items": schema} if spec.get("shape") else schema
    return schema if spec.get("default") is None else {**schema, "default": spec["default"]}


# --- Documents -------------------------------------------------------------------------------------------------------

_BEARER = {"type": "apiKey", "name": "Authorization", "in": "header", "description": "For example: Bearer abc123"}
_ERROR = {"type": "object", "properties": {"message": {"type": "string"}}}
_ASKED = "Run web service's model and get the prediction output"
_ANSWERED = "The service processed the input correctly and provided a result prediction, if applicable."
_FAILED = "The service failed to execute due to an error."
_HEALTH = "Simple health check endpoint to ensure the service is up at any given point."
_HEALTHY = "If service is up and running, this response will be returned with the content 'Healthy'"


def _info(title: str) -> Json:
    return {
        "title": title,
        "description": f"API specification for the Azure Machine Learning service {title}",
        "version": "1.0",
    }


def _paths(asked: Json, answered: Json, healthy: Json) -> Json:
    score = {"operationId": "RunMLService", "description": _ASKED, "security": [{"Bearer": []}], **asked}
    health = {"operationId": "ServiceHealthCheck", "description": _HEALTH, "responses": healthy}
    return {"/": {"get": health}, "/score": {"post": {**score, "responses": answered}}}


def _swagger_2(title: str, request: Json, answer: Json) -> Json:
    def answers(text: str, schema: Json) -> Json:
        error = {"description": _FAILED, "schema": {"$ref": "#/definitions/ErrorResponse"}}
        return {"200": {"description": text, "schema": schema}, "default": error}

    body = {"name": "serviceInputPayload", "in": "body", "schema": {"$ref": "#/definitions/ServiceInput"}}
    answered = answers(_ANSWERED, {"$ref": "#/definitions/ServiceOutput"})
    return {
        "swagger": "2.0",
        "info": _info(title),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": _BEARER},
        "paths": _paths({"parameters": [body]}, answered, answers(_HEALTHY, {"type": "string"})),
        "definitions": {"ServiceInput": request, "ServiceOutput": answer, "ErrorResponse": _ERROR},
    }


def _openapi_3(title: str, number: str, request: Json, answer: Json) -> Json:
    def answers(text: str, media_type: str, schema: Json) -> Json:
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
        error = {"description": _FAILED, "content": content}
        return {"200": {"description": text, "content": {media_type: {"schema": schema}}}, "default": error}

    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceInput"}}}
    answered = answers(_ANSWERED, "application/json", {"$ref": "#/components/schemas/ServiceOutput"})
    return {
        "openapi": number,
        "info": _info(title),
        "security": [{"Bearer": []}],
        "paths": _paths(
            {"requestBody": {"content": content}}, answered, answers(_HEALTHY, "text/plain", {"type": "string"})
        ),
        "components": {
            "schemas": {"ServiceInput": request, "ServiceOutput": answer, "ErrorResponse": _ERROR},
            "securitySchemes": {"Bearer": _BEARER},
        },
    }
