"""What requests become before an MLflow model sees them; where inference-schema converts for Azure, it is the judge."""

import copy
import importlib.util
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

import templates


def loaded():
    spec = importlib.util.spec_from_file_location("mlflow_payload", templates.path("mlflow/mlflow_payload.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


payload = loaded()
Reader, Refused = payload.Reader, payload.Refused

COLUMNS = [
    {"type": "double", "name": "age", "required": True},
    {"type": "long", "name": "n", "required": True},
    {"type": "string", "name": "city", "required": False},
]
TENSOR = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]
TENSORS = [
    {"type": "tensor", "name": "a", "tensor-spec": {"dtype": "int64", "shape": [-1]}},
    {"type": "tensor", "name": "b", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}},
]
PARAMS = [
    {"name": "top", "type": "long", "default": 3, "shape": None},
    {"name": "heat", "type": "double", "default": 0.5, "shape": None},
    {"name": "stop", "type": "string", "default": ["x"], "shape": [-1]},
]


def refusal(reader, data, **more):
    with pytest.raises(Refused) as found:
        reader.request(json.dumps({"input_data": data, **more}))
    return str(found.value)


def table(columns, *rows, **more):
    return {"columns": columns, "data": [list(row) for row in rows], **more}


# --- The request -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "POST body is empty. Expecting a JSON dictionary."),
        ("{", "POST body could not be decoded as JSON: Expecting property name"),
        ("[" * 100_000, "POST body could not be decoded as JSON: it is nested too deeply"),
        ("[1]", "POST body should be a JSON dictionary."),
        ("{}", "A value is not provided for the 'input_data' parameter."),
        ('{"inputs": [1]}', "A value is not provided for the 'input_data' parameter. 'inputs' is for `mlflow models"),
    ],
)
def test_a_body_that_is_no_request_is_refused_as_azures_server_does(body, message):
    with pytest.raises(Refused) as found:
        Reader(COLUMNS).request(body)
    assert str(found.value).startswith(message)


def test_params_come_beside_the_data():
    data, params = Reader(TENSOR, PARAMS).request('{"input_data": [[1, 2]], "params": {"top": 1, "other": "kept"}}')
    assert (data.shape, params) == ((1, 2), {"top": 1, "other": "kept"})
    assert Reader(TENSOR, PARAMS).request('{"input_data": [[1, 2]]}')[1] is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([1], "params: an object of names and values is expected, not a list"),
        ({"top": "many"}, 'params.top: "many" is no long'),
        ({"top": 1.5}, "params.top: 1.5 is no long"),
        ({"top": True}, "params.top: true is no long"),
        ({"heat": "x" * 90}, f'params.heat: "{"x" * 59}... is no double'),
        ({"stop": "x"}, "params.stop: a list of string is expected, not a text"),
        ({"stop": ["x", 1]}, "params.stop: 1 is no string"),
    ],
)
def test_a_parameter_of_another_type_is_named(params, message):
    assert refusal(Reader(TENSOR, PARAMS), [[1, 2]], params=params) == message


def test_a_whole_number_is_a_double():
    assert Reader(TENSOR, PARAMS).parameters({"heat": 1}) == {"heat": 1}


# --- Columns ---------------------------------------------------------------------------------------------------------


def test_a_table_becomes_a_data_frame_of_the_signatures_types():
    frame = Reader(COLUMNS).data(table(["age", "n", "city"], [1, 2, "x"], [2.5, 3, None]))
    assert [str(kind) for kind in frame.dtypes] == ["float64", "int64", "object"]
    assert frame.age.tolist() == [1.0, 2.5]
    assert Reader(COLUMNS).data(table(["age", "n"], [1, 2], index=["first"])).index.tolist() == ["first"]


def test_columns_may_come_in_any_order_and_more_of_them():
    assert list(Reader(COLUMNS).data(table(["n", "age", "new"], [2, 1, 0])).columns) == ["n", "age", "new"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[1, 2]], "input_data: an object with columns, index and data is expected, not a list"),
        (None, "input_data: an object with columns, index and data is expected, not null"),
        ({"age": [1], "n": [2]}, "input_data.columns: a list is expected; there is 'age', 'n'"),
        ({"columns": "age", "data": []}, "input_data.columns: a list is expected; it is a text"),
        ({"columns": ["age"], "data": {}}, "input_data.data: a list is expected; it is an object"),
        (table(["age", "n"], [1, 2], rows=1), "input_data.rows: not known; a table has columns, index and data"),
        (table([["age"], "n"], [1, 2]), "input_data.columns: names are expected, not a list"),
        (table(["age", "n", "age"], [1, 2, 3]), "input_data.columns: 'age' stands there twice"),
        ({"columns": ["age", "n"], "data": [[1, 2], 3]}, "input_data.data[1]: a row is a list of values, not a number"),
        (table(["age", "n"], [1, 2], [3]), "input_data.data[1]: 1 values for 2 columns"),
        (
            table(["age", "n"], [1, 2], index=[1, 2]),
            "input_data.index: a list of 1 is expected, one for each row of data",
        ),
        (table(["age", "city"], [1, "x"]), "input_data.columns: 'n' is missing; the model takes: age, n, city"),
        (table(["age", "n"], [1, 2], ["old", 3]), "input_data.data[1][0]: \"old\" in column 'age', which is double"),
        (table(["n", "age"], [None, 3]), "input_data.data[0][0]: null in column 'n', which is long"),
        (table(["n", "age"], [{}, 3]), "input_data.data[0][0]: {} in column 'n', which is long"),
    ],
)
def test_what_is_no_table_of_the_model_is_named(data, message):
    assert refusal(Reader(COLUMNS), data) == message


NAMES = ["age", "n", "city", "yes", "small", "when", "made_at"]
VALUES = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**53), 2**53),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(-1e300, 1e300) | st.integers(-1000, 1000),
    "string": st.text(max_size=5) | st.none(),
    "datetime": st.datetimes().map(lambda time: time.replace(microsecond=0).isoformat()),
}
ODD = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.sampled_from(["", "1", "x", "2024-01-01"])


@st.composite
def tables(draw, *, odd):
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    inputs = [{"name": name, "type": draw(st.sampled_from(sorted(VALUES))), "required": True} for name in names]
    cells = [ODD if odd else VALUES[one["type"]] for one in inputs]
    rows = draw(st.lists(st.tuples(*cells).map(list), min_size=1, max_size=3))
    return inputs, {"columns": names, "data": rows}


def by_inference_schema(inputs, data):
    """As Azure's script does: a sample of the signature's types, the package converts."""
    types = {one["name"]: payload.PANDAS_TYPES.get(one["type"], object) for one in inputs}
    sample = pd.DataFrame(columns=list(types)).astype(types)
    return PandasParameterType(sample, enforce_shape=False, orient="split").deserialize_input(copy.deepcopy(data))


@settings(max_examples=50)  # pandas takes 50 ms for each
@given(tables(odd=False))
def test_a_table_is_converted_as_inference_schema_converts_it(found):
    agree(*found)


@settings(max_examples=50)  # pandas takes 50 ms for each
@given(tables(odd=True))
def test_what_inference_schema_cannot_convert_is_refused_and_nothing_else(found):
    agree(*found)


def agree(inputs, data):
    try:
        expected = by_inference_schema(inputs, data)
    except Exception:
        assert refusal(Reader(inputs), data).startswith("input_data")
    else:
        pd.testing.assert_frame_equal(Reader(inputs).data(copy.deepcopy(data)), expected)


# --- Tensors ---------------------------------------------------------------------------------------------------------


def test_a_list_becomes_the_array_of_the_signature():
    array = Reader(TENSOR).data([[1, 2], [3, 4.5]])
    assert (array.dtype, array.tolist()) == (np.float32, [[1, 2], [3, 4.5]])


def test_an_object_becomes_named_arrays_and_what_the_model_does_not_know_is_left_out():
    found = Reader(TENSORS).data({"a": [1], "b": [[1, 2]], "c": 1})
    assert {name: (one.dtype, one.tolist()) for name, one in found.items()} == {
        "a": (np.int64, [1]),
        "b": (np.float64, [[1.0, 2.0]]),
    }


@pytest.mark.parametrize(
    ("inputs", "data", "message"),
    [
        (TENSOR, {"columns": []}, "input_data: a list is expected, nested for each further dimension, not an object"),
        (TENSOR, [[1, "x"]], "input_data: not an array of float32: could not convert string to float: 'x'"),
        (TENSOR, [[1, 2], [3]], "input_data: not an array of float32: setting an array element with a sequence"),
        (TENSOR, [1, 2], "input_data: the shape is [2], the model takes [-1, 2] (-1 is any number)"),
        (TENSOR, [[1, 2, 3]], "input_data: the shape is [1, 3], the model takes [-1, 2] (-1 is any number)"),
        (TENSORS, [1], "input_data: an object of named tensors is expected (a, b), not a list"),
        (TENSORS, {"a": [1]}, "input_data.b: missing; the model takes the tensors a, b"),
        (
            TENSORS,
            {"a": [1], "b": 1},
            "input_data.b: a list is expected, nested for each further dimension, not a number",
        ),
    ],
)
def test_what_is_no_tensor_of_the_model_is_named(inputs, data, message):
    assert refusal(Reader(inputs), data).startswith(message)


@given(
    st.sampled_from(["float32", "float64", "int32", "int64", "bool"]),
    st.lists(st.lists(ODD, min_size=2, max_size=2), min_size=1, max_size=3),
)
def test_a_tensor_is_converted_as_inference_schema_converts_it(dtype, rows):
    kind = NumpyParameterType(np.zeros((1, 2), dtype), enforce_shape=False)
    reader = Reader([{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1, 2]}}])
    try:
        expected = kind.deserialize_input(copy.deepcopy(rows))
    except Exception:
        assert refusal(reader, rows).startswith(f"input_data: not an array of {dtype}")
    else:
        np.testing.assert_array_equal(reader.data(rows), expected)


# --- No signature ----------------------------------------------------------------------------------------------------


def test_without_a_signature_the_shape_of_the_value_decides():
    assert Reader().data([[1, 2]]).tolist() == [[1, 2]]
    frame = Reader().data({"columns": ["a"], "index": [0], "data": [[1]]})
    assert isinstance(frame, pd.DataFrame)
    assert frame.a.tolist() == [1]
    assert {name: one.tolist() for name, one in Reader().data({"a": [1], "b": 2}).items()} == {"a": [1], "b": 2}
    assert Reader().data("[1, 2]").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (table(["a"], [1]), "input_data.index: missing; without it and without a signature, Azure takes no table"),
        (table(["a"], [1, 2], index=[0]), "input_data.data[0]: 2 values for 1 columns"),
        ("no JSON", "input_data: a text is expected to be JSON; send a list or an object"),
        (5, "input_data: a list or an object is expected, not a number"),
        ([[1], [2, 3]], "input_data: not an array: setting an array element with a sequence"),
        ({"a": [[1], [2, 3]]}, "input_data.a: not an array: setting an array element with a sequence"),
    ],
)
def test_without_a_signature_what_azure_would_misread_is_refused(data, message):
    assert refusal(Reader(), data).startswith(message)


def test_an_example_that_is_a_table_lets_the_index_be_left_out():
    assert Reader(table=True).data(table(["a"], [1])).a.tolist() == [1]


@pytest.mark.parametrize(
    "inputs", [[{"type": "array", "items": {"type": "string"}, "name": "tags"}], [{"type": "string"}]]
)
def test_a_signature_of_lists_or_of_nameless_columns_is_left_to_mlflow(inputs):
    assert Reader(inputs).data(["a", "b"]).tolist() == ["a", "b"]
    assert Reader(inputs).data(table(["tags"], [["a", "b"]])).tags.tolist() == [["a", "b"]]


# --- Language models -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    ["a text", ["a", "b"], [{"role": "user", "content": "x"}], {"question": "x", "context": ["y", "z"]}, 5, None],
)
def test_language_models_get_texts_and_messages_as_they_are(data):
    assert Reader([{"type": "string"}], flavors=["transformers"]).data(data) == data


def test_language_models_get_arrays_and_tables_as_others_do():
    reader = Reader(flavors=["langchain"])
    assert reader.data([[1, 2]]).tolist() == [[1, 2]]
    assert reader.data("[1, 2]").tolist() == [1, 2]
    assert reader.data({"a": [1]})["a"].tolist() == [1]
    columns = Reader([{"type": "string", "name": "q", "required": True}], flavors=["openai"])
    assert columns.data({"q": "x"}) == {"q": "x"}
    assert columns.data(table(["q"], ["x"])).q.tolist() == ["x"]


def test_parameters_inside_the_data_are_taken_as_azure_still_does():
    body = {"input_data": {"input_string": ["a"], "parameters": {"top": 1}}}
    assert Reader(flavors=["transformers"]).request(json.dumps(body)) == (["a"], {"top": 1})
    assert Reader(flavors=["hftransformersv2"]).request(json.dumps(body)) == (body["input_data"], None)


def test_a_number_that_is_none_passes_as_json_reads_it():
    frame = Reader(COLUMNS).request('{"input_data": {"columns": ["age", "n"], "data": [[NaN, 1]]}}')[0]
    assert math.isnan(frame.age[0])
