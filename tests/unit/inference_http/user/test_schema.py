"""The schema of exactly one run function, and whose fault a failed conversion is."""

import datetime as dt
import functools
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.schema_util import __functions_schema__, __versions__, get_input_schema, get_output_schema

from inference_http.user.errors import BadInput
from inference_http.user.schema import ALL_VERSIONS, Schema, inspect


@pytest.fixture(autouse=True)
def empty_registry():
    """Each test declares functions of the same names, as no single process of the server does."""
    kept = dict(__functions_schema__), dict(__versions__)
    __functions_schema__.clear()
    __versions__.clear()
    yield
    __functions_schema__.update(kept[0])
    __versions__.update(kept[1])


def standard(sample):
    return StandardPythonParameterType(sample)


def found(run) -> Schema:
    schema = inspect(run)
    assert schema is not None
    return schema


def refusal(run, **arguments) -> str | None:
    """What the client would read after run(**arguments) failed; None when the script is to blame."""
    try:
        run(**arguments)
    except Exception as error:
        bad = found(run).blame(error, arguments)
        assert bad is None or isinstance(bad, BadInput)
        return None if bad is None else str(bad)
    raise AssertionError("run() did not fail")


# --- Which functions are decorated ---------------------------------------------------------------------------------


def test_an_undecorated_function_has_no_schema():
    def run(data):
        return data

    assert inspect(run) is None


def test_the_package_is_never_imported_when_the_script_did_not():
    code = (
        "import sys; from inference_http.user import schema\n"
        "assert schema.inspect(lambda data: data) is None\n"
        "assert not [name for name in sys.modules if name.startswith(('inference_schema', 'wrapt', 'numpy'))]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_stacked_decorators_give_each_parameter():
    @input_schema("a", standard(1))
    @input_schema("b", standard("x"), optional=True)
    @output_schema(standard([1]))
    def run(a, b="y"):
        return [a, b]

    schema = found(run)
    assert [(field.name, field.optional) for field in schema.fields] == [("a", False), ("b", True)]
    assert schema.input_swagger() == get_input_schema(run)
    assert schema.output_swagger() == get_output_schema(run)


@pytest.mark.parametrize("order", ["out-in", "in-out"])
def test_output_schema_stands_on_either_side(order):
    def run(a):
        return a

    decorators = [input_schema("a", standard(1)), output_schema(standard("x"))]
    for decorator in decorators if order == "out-in" else reversed(decorators):
        run = decorator(run)
    schema = found(run)
    assert schema.input_swagger()["properties"] == {"a": {"type": "integer", "format": "int64"}}
    assert schema.output_swagger() == {"type": "string", "example": "x"}


def test_output_schema_alone_is_decorated():
    @output_schema(standard("x"))
    def run(anything):
        return anything

    schema = found(run)
    assert schema.input_swagger() == {"type": "object"} == get_input_schema(run)
    assert schema.output_swagger() == {"type": "string", "example": "x"}
    assert schema.versions() == ALL_VERSIONS


def test_input_schema_alone_leaves_the_output_open():
    @input_schema("a", standard(1))
    def run(a):
        return a

    assert found(run).output_swagger() == {"type": "object"} == get_output_schema(run)


def test_a_decorated_namesake_does_not_decorate():
    class Model:
        @input_schema("data", standard(1))
        def run(self, data):
            return data

    def run(data):
        return Model().run(data)

    run.__qualname__ = "run"
    assert inspect(run) is None
    assert found(Model().run).fields[0].name == "data"


def test_a_namesake_adds_no_parameters():
    def declared(name, sample):
        def run(a, other):
            return a, other

        return input_schema(name, standard(sample))(run)

    declared("other", "x")
    run = declared("a", 1)
    assert get_input_schema(run)["properties"]["other"] == {"type": "string"}
    assert found(run).input_swagger() == {
        "type": "object",
        "properties": {"a": {"type": "integer", "format": "int64"}, "other": {}},
        "example": {"a": 1, "other": ""},
    }


def test_closing_over_a_decorated_function_is_not_decoration():
    @input_schema("rows", standard([1]))
    def predict(rows):
        return rows

    def run(data):
        return predict(rows=json.loads(data))

    assert inspect(run) is None


def test_a_recursive_closure_ends():
    def run(data):
        return data or run(1)

    assert inspect(run) is None


def test_an_unfilled_closure_cell_is_passed_over():
    def make():
        def run(data):
            return later(data)

        schema = inspect(run)
        later = len
        return schema, later

    assert make()[0] is None


@pytest.mark.parametrize("wraps", [True, False])
def test_the_users_own_decorator_above_is_looked_through(wraps):
    def logged(function):
        def inner(data):
            return function(data=data)

        return functools.wraps(function)(inner) if wraps else inner

    @logged
    @input_schema("data", standard(1))
    def run(data):
        return data

    assert [field.name for field in found(run).fields] == ["data"]
    assert refusal(run, data="x") is not None


def test_the_users_own_decorator_in_between_is_looked_through():
    def logged(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            return function(*args, **kwargs)

        return inner

    @input_schema("a", standard(1))
    @logged
    @input_schema("b", standard(1))
    def run(a, b):
        return a + b

    assert [field.name for field in found(run).fields] == ["a", "b"]
    assert "'b'" in (refusal(run, a=1, b="x") or "")


def test_methods_callables_and_partials_are_looked_through():
    class Model:
        @input_schema("data", standard(1))
        def run(self, data):
            return data

        @input_schema("data", standard(1))
        def __call__(self, data):
            return data

    @input_schema("data", standard(1))
    def run(data, scale):
        return data * scale

    model = Model()
    for candidate in (model.run, model, functools.partial(run, scale=2)):
        assert found(candidate).input_swagger()["properties"] == {"data": {"type": "integer", "format": "int64"}}


def test_an_object_that_wraps_without_end_is_given_up():
    class Endless:
        def __init__(self):
            self.__wrapped__ = None

        def __getattribute__(self, name):
            return Endless() if name == "__wrapped__" else object.__getattribute__(self, name)

        def __call__(self, data):
            return data

    assert inspect(Endless()) is None


# --- Whose fault it is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "value", "message"),
    [
        (1, "abc", "expected an integer, got a string."),
        (1, None, "expected an integer, got null."),
        (1, 1.5, "expected an integer, got a floating-point number."),
        (1.5, "1", "expected a number, got a string."),
        ("x", 1, "expected a string, got an integer."),
        (True, "true", "expected true or false, got a string."),
        (b"x", 1, "expected base64 text, got an integer."),
        (b"x", "a", "expected base64 text, got a string ("),
        ([1], {"a": 1}, "expected an array, got an object."),
        ({"a": 1}, [1], "expected an object, got an array."),
        (
            dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc),
            "no date",
            "expected a date and time as text, got a string (",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_the_clients(sample, value, message):
    @input_schema("field", standard(sample))
    def run(field):
        return field

    expected = f"The value of the 'field' parameter is not valid: {message}"
    assert (refusal(run, field=value) or "")[: len(expected)] == expected


def test_a_wrong_array_is_the_clients_and_says_dtype_and_shape():
    @input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
    def run(data):
        return data

    said = "The value of the 'data' parameter is not valid: expected an array of float64 with the shape (*, 2), got "
    assert refusal(run, data=[[1, 2, 3]]) == (
        f"{said}an array (Invalid input array: array has size 3 on dimension #1, while expected value is 2)."
    )
    assert refusal(run, data=[["a", "b"]]) == f"{said}an array (could not convert string to float: 'a')."
    assert refusal(run, data=None) == f"{said}null (Invalid input format: expected an array of items)."


def test_a_wrong_table_is_the_clients_and_names_the_columns():
    @input_schema("rows", PandasParameterType(pd.DataFrame({"a": [1], "b": ["x"]})))
    def run(rows):
        return rows

    message = refusal(run, rows=[{"a": 1}]) or ""
    assert message.startswith(
        "The value of the 'rows' parameter is not valid: expected a table (records) with the columns a, b, got an array"
    )
    assert "data frame has size 1 on dimension #1" in message


def test_the_path_leads_to_the_nested_value():
    @input_schema("rows", standard([standard({"age": standard(1), "tags": standard([standard("x")])})]))
    def run(rows):
        return rows

    good = {"age": 1, "tags": ["a"]}
    assert "'rows[1].age' parameter is not valid: expected an integer, got a string" in (
        refusal(run, rows=[good, {"age": "x", "tags": []}]) or ""
    )
    assert "'rows[0].tags[2]'" in (refusal(run, rows=[{"age": 1, "tags": ["a", "b", 3]}]) or "")


def test_a_huge_value_does_not_fill_the_answer():
    @input_schema("data", NumpyParameterType(np.array([1.0])))
    def run(data):
        return data

    assert len(refusal(run, data=["x" * 100_000]) or "") < 500


def test_an_error_of_the_users_function_is_not_the_clients():
    @input_schema("data", standard(1))
    def run(data):
        raise ValueError("mine")

    assert refusal(run, data=1) is None


def test_a_conversion_that_run_itself_asked_for_is_not_the_clients():
    @input_schema("inner", standard(1))
    def helper(inner):
        return inner

    @input_schema("data", standard(1))
    def run(data):
        return helper(inner=str(data))

    assert refusal(run, data=1) is None


def test_a_default_that_does_not_fit_is_the_scripts_fault():
    @input_schema("a", standard(1))
    def run(a=None):
        return a

    with pytest.raises(ValueError, match="Invalid input data type") as caught:
        run(a=None)
    assert found(run).blame(caught.value, {}) is None
    assert found(run).blame(caught.value, {"a"}) is not None
    (warning,) = found(run).warnings()
    assert warning.startswith("run()'s parameter 'a' has the default None, which its sample cannot take")
    assert warning.endswith("Write @input_schema('a', ..., optional=True).")


def test_optional_keeps_its_meaning():
    @input_schema("a", NumpyParameterType(np.array([1.0, 2.0])), optional=True)
    def run(a=None):
        return a

    assert run(a=None) is None
    assert run(a=[]) == []
    assert run(a=[1, 2]).dtype == np.float64
    assert found(run).warnings() == []
    assert refusal(run, a=["x"]) is not None


def test_without_conversion_nothing_is_refused():
    @input_schema("a", standard(1), convert_to_provided_type=False)
    def run(a):
        return a

    assert run(a="x") == "x"
    assert [field.converts for field in found(run).fields] == [False]


def test_types_of_the_users_own_are_covered():
    class Point:
        def __init__(self, x):
            self.x = x

    class PointType(AbstractParameterType):
        def deserialize_input(self, input_data):
            return Point(input_data["x"])

        def input_to_swagger(self):
            return {"type": "object", "example": {"x": 1}}

    @input_schema("point", PointType(Point(1)))
    def run(point):
        return point.x

    assert run(point={"x": 3}) == 3
    assert refusal(run, point={}) == (
        "The value of the 'point' parameter is not valid: expected what PointType takes, got an object"
        " ('x' is missing)."
    )


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()])
def test_what_no_client_can_mend_is_never_the_clients(error):
    class Failing(AbstractParameterType):
        def deserialize_input(self, input_data):
            raise error

        def input_to_swagger(self):
            return {"type": "object", "example": {}}

    @input_schema("a", Failing(1.5))
    def run(a):
        return a

    with pytest.raises(type(error)) as caught:
        run(a="x")
    assert found(run).blame(caught.value, {"a"}) is None


def test_a_date_sample_that_the_package_cannot_convert_is_not_the_clients_fault():
    @input_schema("day", standard(dt.date(2020, 1, 2)))
    def run(day):
        return day

    if hasattr(dt.date, "strptime"):  # since Python 3.14
        assert run(day="2020-01-02") == dt.date(2020, 1, 2)
        assert found(run).warnings() == []
    else:
        assert refusal(run, day="2020-01-02") is None
        assert "inference-schema cannot convert the date sample of the parameter 'day'" in found(run).warnings()[0]


def test_a_schema_for_a_parameter_that_is_not_there_is_warned_about(caplog):
    @input_schema("dat", standard(1))
    def run(data):
        return data

    (warning,) = found(run).warnings()
    assert warning.startswith("@input_schema names the parameter 'dat', which run() does not have: every request")
    assert warning.endswith("run() has: data.")
    assert caplog.messages == [warning]
    assert refusal(run, data=1) is None


# --- Swagger -------------------------------------------------------------------------------------------------------


def test_request_headers_are_not_an_input():
    @input_schema("a", standard(1))
    def run(request_headers, a, rest=5, *, only=1):
        return a

    assert found(run).input_swagger() == {
        "type": "object",
        "properties": {"a": {"type": "integer", "format": "int64"}, "rest": {}},
        "example": {"a": 1, "rest": ""},
    }


@pytest.mark.parametrize(
    "sample",
    [
        standard({"a": standard([1, 2]), "b": b"x"}),
        standard([]),
        NumpyParameterType(np.array([[1, 2]], dtype="int32")),
        NumpyParameterType(np.array([(1, 2.0)], dtype=[("x", "int8"), ("y", "float32")])),
        PandasParameterType(pd.DataFrame({"a": [1], "when": [pd.Timestamp(0)]})),
        PandasParameterType(pd.DataFrame({"a": [1]}), orient="split"),
    ],
)
def test_one_decorated_function_is_described_as_the_package_does(sample):
    @input_schema("data", sample)
    @output_schema(sample)
    def run(data):
        return data

    schema = found(run)
    assert schema.input_swagger() == get_input_schema(run)
    assert schema.output_swagger() == get_output_schema(run)


def test_the_documents_are_copies():
    @input_schema("a", standard({"x": 1}))
    @output_schema(standard({"y": 1}))
    def run(a):
        return a

    schema = found(run)
    for make in (schema.input_swagger, schema.output_swagger):
        make()["properties"].clear()
        assert make()["properties"]


def test_a_mixed_list_cannot_be_described_in_swagger_2():
    @input_schema("a", standard([1, "x"]))
    def mixed_input(a):
        return a

    @input_schema("a", standard(1))
    @output_schema(standard([1, "x"]))
    def mixed_output(a):
        return a

    assert found(mixed_input).versions() == found(mixed_output).versions() == {"3.0", "3.1"}
