"""pandas in, and an optional plain parameter."""

import pandas as pd
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

SAMPLE = pd.DataFrame({"age": [30], "name": ["a"]})


def init():
    pass


@input_schema("frame", PandasParameterType(SAMPLE))
@input_schema("method", StandardPythonParameterType("predict"), optional=True)
@output_schema(PandasParameterType(pd.DataFrame({"score": [0.5]})))
def run(frame, method=None):
    return {"columns": list(frame.columns), "rows": frame.to_dict("records"), "method": method}
