"""numpy in, numpy described out."""

import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0, 3.0]])))
@output_schema(NumpyParameterType(np.array([1.5])))
def run(data):
    return {
        "type": type(data).__name__,
        "dtype": str(data.dtype),
        "shape": data.shape,
        "sum": data.sum(axis=1).tolist(),
    }
