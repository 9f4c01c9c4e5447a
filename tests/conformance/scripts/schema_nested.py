"""Parameter types nested in a dict: the shape that Azure's AutoML scripts use."""

import numpy as np
import pandas as pd
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

DATA = PandasParameterType(pd.DataFrame({"age": pd.Series([30], dtype="int64")}), enforce_shape=False)
METHOD = StandardPythonParameterType("predict")


def init():
    pass


@input_schema("Inputs", StandardPythonParameterType({"data": DATA, "weights": NumpyParameterType(np.array([1, 2]))}))
@input_schema("GlobalParameters", StandardPythonParameterType({"method": METHOD}), convert_to_provided_type=False)
@output_schema(StandardPythonParameterType({"Results": NumpyParameterType(np.array([0]))}))
def run(Inputs, GlobalParameters={"method": "predict"}):  # noqa: N803, B006  (the names Azure gives)
    return {
        "ages": Inputs["data"]["age"].tolist(),
        "weights": Inputs["weights"].tolist(),
        "method": GlobalParameters,
    }
