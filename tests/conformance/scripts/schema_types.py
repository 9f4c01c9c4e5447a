"""All of inference-schema's standard types, as arguments of one run()."""

import datetime as dt

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("count", StandardPythonParameterType(3))
@input_schema("ratio", StandardPythonParameterType(0.5))
@input_schema("name", StandardPythonParameterType("x"))
@input_schema("flag", StandardPythonParameterType(True))
@input_schema("blob", StandardPythonParameterType(b"abc"))
@input_schema("items", StandardPythonParameterType([1, 2]))
@input_schema("table", StandardPythonParameterType({"a": 1, "b": "x"}))
@input_schema("when", StandardPythonParameterType(dt.datetime.fromisoformat("2024-01-02T03:04:05")))
@output_schema(StandardPythonParameterType({"count": "int"}))
def run(
    count=1,
    ratio=1.0,
    name="d",
    flag=False,
    blob="YWJj",
    items=(1,),
    table=None,
    when="2024-01-02 03:04:05,000000",
    plain="kept",
    request_headers=None,
):
    values = {"count": count, "ratio": ratio, "name": name, "flag": flag, "blob": blob, "items": items, "table": table}
    values |= {"when": when, "plain": plain}
    return {key: [type(value).__name__, str(value)] for key, value in values.items()}
