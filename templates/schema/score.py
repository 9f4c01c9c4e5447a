"""Typed input: the samples below check and convert the request, and describe it in /swagger.json.

Needs:     pip install inference-schema
Serve it:  inference-http --entry_script score.py
Ask it:    curl http://127.0.0.1:5001/score -H 'Content-Type: application/json' -d @sample-request.json
"""

import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    """Nothing to load here: the weights stand in the script."""
    global weights
    weights = np.array([0.5, -0.25, 2.0])


@input_schema("points", NumpyParameterType(np.array([[1.0, 2.0, 3.0]])))
@input_schema("threshold", StandardPythonParameterType(1.5))
@output_schema(StandardPythonParameterType({"scores": [1.0], "above": [True]}))
def run(points, threshold):
    """`points` arrives as an array of shape (N, 3), `threshold` as a float."""
    scores = points @ weights
    return {"scores": scores.tolist(), "above": (scores > threshold).tolist()}
