"""Turn requests into what an MLflow model takes, by Azure's rules.

What `input_data` may be is what Azure's own script takes, and no more: a payload that is answered here is answered
there. With a signature its kind decides (columns, tensor, named tensors), without one the shape of the value does.
What does not fit is answered with 400 and the name of the field.
"""

import io
import json

import numpy as np

PANDAS_TYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "datetime": "datetime64[ns]",
}  # the rest are objects
NUMBER = (int, float)
JSON_TYPES = {"boolean": bool, "integer": int, "long": int, "float": NUMBER, "double": NUMBER, "string": str}
OTHER_SERVERS = {"dataframe_split", "dataframe_records", "inputs", "instances"}  # of `mlflow models serve`
LANGUAGE = {"transformers", "langchain", "openai"}  # Azure hands texts and messages on to these as they are


class Refused(ValueError):
    """The request does not fit the model: the client is told why."""


class Reader:
    """Turns requests into what the model takes.

    ``inputs`` and ``params`` are the signature as MLmodel has it, None where there is none; ``table`` says that the
    example which was logged is one: a table without index is then recognised.
    """

    def __init__(self, inputs=None, params=None, flavors=(), *, table=False):
        self.inputs = inputs
        self.table = table or bool(inputs)
        self.params = {one["name"]: one for one in params or ()}
        self.kind = _kind(inputs)
        self.language = bool(LANGUAGE & set(flavors))
        self.as_it_is = "hftransformersv2" in flavors

    def request(self, body):
        """Read a request's body; return what predict() gets: data and params."""
        if not body:
            raise Refused("POST body is empty. Expecting a JSON dictionary.")
        try:
            given = json.loads(body)
        except RecursionError:
            raise Refused("POST body could not be decoded as JSON: it is nested too deeply") from None
        except ValueError as error:
            raise Refused(f"POST body could not be decoded as JSON: {error}") from None
        if not isinstance(given, dict):
            raise Refused("POST body should be a JSON dictionary.")
        if "input_data" not in given:
            other = next((f" {name!r} is for `mlflow models serve`." for name in given if name in OTHER_SERVERS), "")
            raise Refused(f"A value is not provided for the 'input_data' parameter.{other}")
        data, params = given["input_data"], given.get("params")
        if params is None and self.language and isinstance(data, dict) and "parameters" in data:
            data = dict(data)  # the payload of an older flavour, which Azure still takes
            params = data.pop("parameters")
            data = data["input_string"] if set(data) == {"input_string"} else data
        return self.data(data), self.parameters(params)

    def data(self, value):
        """Turn the value of ``input_data`` into what the model takes."""
        if self.as_it_is:
            return value
        if self.kind == "columns" and (_is_frame(value) or not self.language):
            return _frame(value, self.inputs)
        if self.kind == "tensor":
            return _tensor(value, self.inputs[0]["tensor-spec"], "input_data")
        if self.kind == "tensors":
            return _tensors(value, self.inputs)
        return (_language if self.language else _by_shape)(value, index=not self.table)

    def parameters(self, value):
        """Check the value of ``params``; names that the signature does not have are MLflow's business."""
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Refused(f"params: an object of names and values is expected, not {_named(value)}")
        for name, one in value.items():
            if name in self.params:
                _parameter(one, self.params[name], f"params.{name}")
        return value


def _kind(inputs):
    """Tell what a signature takes: columns, tensor, tensors; "" for everything else, where MLflow alone judges."""
    if not inputs:
        return ""
    if all(one.get("type") == "tensor" for one in inputs):
        return "tensors" if inputs[0].get("name") is not None else "tensor"
    plain = all(
        one.get("name") is not None and (one["type"] in PANDAS_TYPES or one["type"] in {"string", "binary"})
        for one in inputs
    )
    return "columns" if plain else ""


def _is_frame(value):
    return isinstance(value, dict) and "columns" in value and "data" in value


# --- Columns ---------------------------------------------------------------------------------------------------------


def _frame(value, inputs):
    """Make the DataFrame of a signature with named columns, as inference-schema does for Azure (orient "split")."""
    import pandas as pd

    _check_split(value)
    given = {str(name) for name in value["columns"]}
    needed = [str(one["name"]) for one in inputs if one.get("required", True)]
    missing = [name for name in needed if name not in given]
    if missing:
        names = ", ".join(repr(name) for name in missing)
        every = ", ".join(str(one["name"]) for one in inputs)
        raise Refused(f"input_data.columns: {names} is missing; the model takes: {every}")
    types = {str(one["name"]): PANDAS_TYPES.get(one["type"], "object") for one in inputs}
    frame = _read(value, pd)
    wanted = {column: types.get(str(column), "object") for column in frame.columns}
    try:
        return frame.astype(wanted)
    except (TypeError, ValueError, OverflowError) as error:
        raise _misfit(value, inputs, frame, wanted, error) from None


def _read(value, pd):
    try:
        return pd.read_json(io.StringIO(json.dumps(value)), orient="split", dtype=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(f"input_data: cannot be read as a table: {error}") from None


def _check_split(value):
    """See that a value is a table in pandas' form "split", and name the part that is not."""
    if not isinstance(value, dict):
        raise Refused(f"input_data: an object with columns, index and data is expected, not {_named(value)}")
    for key in ("columns", "data"):
        if not isinstance(value.get(key), list):
            found = (
                f"it is {_named(value[key])}"
                if key in value
                else f"there is {', '.join(map(repr, value)) or 'nothing'}"
            )
            raise Refused(f"input_data.{key}: a list is expected; {found}")
    extra = [key for key in value if key not in {"columns", "index", "data"}]
    if extra:
        raise Refused(f"input_data.{extra[0]}: not known; a table has columns, index and data")
    columns, rows, index = value["columns"], value["data"], value.get("index")
    names = [name for name in columns if not isinstance(name, str | int | float)]
    if names:
        raise Refused(f"input_data.columns: names are expected, not {_named(names[0])}")
    twice = next((name for number, name in enumerate(columns) if name in columns[:number]), None)
    if twice is not None:
        raise Refused(f"input_data.columns: {twice!r} stands there twice")
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise Refused(f"input_data.data[{number}]: a row is a list of values, not {_named(row)}")
        if len(row) != len(columns):
            raise Refused(f"input_data.data[{number}]: {len(row)} values for {len(columns)} columns")
    if index is not None and (not isinstance(index, list) or len(index) != len(rows)):
        raise Refused(f"input_data.index: a list of {len(rows)} is expected, one for each row of data")


def _misfit(value, inputs, frame, wanted, error):
    """Find the cell that cannot be what the signature says."""
    import pandas as pd

    said = {str(one["name"]): one["type"] for one in inputs}
    for place, column in enumerate(frame.columns):
        if wanted[column] == "object":
            continue
        cells = [row[place] for row in value["data"]]
        bad = next((number for number, cell in enumerate(cells) if not _fits(cell, wanted[column], pd)), None)
        if bad is not None:
            name, kind = value["columns"][place], said[str(column)]
            return Refused(f"input_data.data[{bad}][{place}]: {_shown(cells[bad])} in column {name!r}, which is {kind}")
    return Refused(f"input_data: does not fit the columns of the model: {error}")


def _fits(cell, kind, pd):
    try:
        pd.Series([cell]).astype(kind)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


# --- Tensors ---------------------------------------------------------------------------------------------------------


def _tensor(value, spec, path):
    if not isinstance(value, list):
        raise Refused(f"{path}: a list is expected, nested for each further dimension, not {_named(value)}")
    try:
        array = np.array(value, dtype=np.dtype(spec["dtype"]))
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(f"{path}: not an array of {spec['dtype']}: {error}") from None
    shape = spec["shape"]
    fits = len(shape) == array.ndim and all(want in {-1, have} for want, have in zip(shape, array.shape, strict=True))
    if not fits:
        raise Refused(f"{path}: the shape is {list(array.shape)}, the model takes {list(shape)} (-1 is any number)")
    return array


def _tensors(value, inputs):
    names = [one["name"] for one in inputs]
    if not isinstance(value, dict):
        raise Refused(f"input_data: an object of named tensors is expected ({', '.join(names)}), not {_named(value)}")
    missing = [one["name"] for one in inputs if one["name"] not in value and one.get("required", True)]
    if missing:
        raise Refused(f"input_data.{missing[0]}: missing; the model takes the tensors {', '.join(names)}")
    specs = {one["name"]: one["tensor-spec"] for one in inputs}
    return {name: _tensor(one, specs[name], f"input_data.{name}") for name, one in value.items() if name in specs}


# --- No signature, or one that only MLflow can judge -----------------------------------------------------------------


def _by_shape(value, *, index):
    """Follow Azure's script where no signature says more: a list is an array, an object a table or named tensors."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise Refused("input_data: a text is expected to be JSON; send a list or an object") from None
    if isinstance(value, list):
        return _array(value, "input_data")
    if not isinstance(value, dict):
        raise Refused(f"input_data: a list or an object is expected, not {_named(value)}")
    if _is_frame(value):
        if index and "index" not in value:
            raise Refused("input_data.index: missing; without it and without a signature, Azure takes no table")
        import pandas as pd

        _check_split(value)
        return _read(value, pd)
    return {name: _array(one, f"input_data.{name}") for name, one in value.items()}


def _language(value, *, index):
    """Hand texts, lists of texts and messages on; the rest is as for every model."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    if isinstance(value, list) and all(isinstance(one, str | dict) for one in value):
        return value
    if isinstance(value, dict) and not _is_frame(value) and all(_is_text(one) for one in value.values()):
        return value
    return _by_shape(value, index=index) if isinstance(value, list | dict) else value


def _is_text(value):
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _array(value, path):
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(f"{path}: not an array: {error}") from None


# --- Parameters, words -----------------------------------------------------------------------------------------------


def _parameter(value, spec, path):
    kind, shape = spec.get("type") or spec.get("dtype"), spec.get("shape")
    allowed = JSON_TYPES.get(kind)
    if allowed is None or (value is None and spec.get("default") is None):
        return
    if shape and not isinstance(value, list):
        raise Refused(f"{path}: a list of {kind} is expected, not {_named(value)}")
    for one in value if shape else [value]:
        if not isinstance(one, allowed) or (isinstance(one, bool) and kind != "boolean"):
            raise Refused(f"{path}: {_shown(one)} is no {kind}")


def _named(value):
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _shown(value):
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
