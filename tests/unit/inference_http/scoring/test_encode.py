import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_http.scoring.encode import encode
from inference_http.user.errors import UnencodableResult

NAN = float("nan")
ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Box:
    label: str
    score: np.float32


class Slot:
    __slots__ = ("x",)


Pair = collections.namedtuple("Pair", "left right")  # noqa: PYI024


@given(PLAIN)
def test_what_json_can_write_is_written_by_it(value):
    expected = b"{}" if value is None else json.dumps(value).encode()
    assert encode(value, strict=False) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "{}"),
        ((1, "a"), '[1, "a"]'),
        ({7: 1, None: 2, 2.5: 3, True: 4}, '{"7": 1, "null": 2, "2.5": 3, "true": 4}'),
        ("é\n", '"\\u00e9\\n"'),
        ([NAN, float("inf")], "[NaN, Infinity]"),
        (np.float64(1.5), "1.5"),
        (Pair(1, 2), "[1, 2]"),
        (Level.HIGH, "3"),
    ],
)
def test_what_the_reference_sends(value, expected):
    assert encode(value, strict=False).decode() == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.float16(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.array([0.5], dtype=np.longdouble), [0.5]),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(5), 5),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([b"ab"]), ["YWI="]),
        (np.array([1, "a", None], dtype=object), [1, "a", None]),
        (np.array([(1, 0.5)], dtype=[("a", int), ("b", float)]), [[1, 0.5]]),
        (np.ma.array([1, 2], mask=[False, True]), [1, None]),
        (np.datetime64("2024-05-06T07:08:09.123456789"), "2024-05-06T07:08:09.123456"),
        (np.array(["2024-05-06", "NaT"], dtype="datetime64[ns]"), ["2024-05-06T00:00:00", None]),
        (np.timedelta64(1500, "ms"), 1.5),
        ({np.int64(1): np.array([1])}, {"1": [1]}),
        ({"scores": [np.float32(0.5), {"x": np.int8(1)}]}, {"scores": [0.5, {"x": 1}]}),
        (pd.Series([1, 2]), [1, 2]),
        (pd.Series(["a", None], dtype="string"), ["a", None]),
        (pd.Series(pd.to_datetime(["2024-05-06"]).tz_localize("UTC")), ["2024-05-06T00:00:00+00:00"]),
        (pd.Index(["a"]), ["a"]),
        (pd.Categorical(["a", "b"]), ["a", "b"]),
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        (pd.DataFrame({"t": [pd.Timestamp("2024-05-06"), pd.NaT]}), [{"t": "2024-05-06T00:00:00"}, {"t": None}]),
        ([pd.NA, pd.NaT, pd.Timedelta(seconds=2)], [None, None, 2.0]),
        (pd.Period("2024-05", freq="M"), "2024-05"),
        ({pd.Timestamp("2024-05-06"): 1}, {"2024-05-06T00:00:00": 1}),
        (dt.datetime(2024, 5, 6, 7, 8, tzinfo=dt.timezone.utc), "2024-05-06T07:08:00+00:00"),
        (dt.date(2024, 5, 6), "2024-05-06"),
        (dt.time(7, 8), "07:08:00"),
        (dt.timedelta(seconds=90), 90.0),
        (decimal.Decimal("1.50"), 1.5),
        (decimal.Decimal(7), 7),
        (decimal.Decimal("1E+3"), 1000),
        ([ID, {ID: 1}], [str(ID), {str(ID): 1}]),
        (b"ab", "YWI="),
        (bytearray(b"ab"), "YWI="),
        (memoryview(b"ab"), "YWI="),
        ({2, 1, 3}, [1, 2, 3]),
        (frozenset({"a"}), ["a"]),
        (Colour.RED, "red"),
        ({Colour.RED: 1, decimal.Decimal(2): 2}, {"red": 1, "2": 2}),
        (Box("cat", np.float32(0.25)), {"label": "cat", "score": 0.25}),
        (array.array("d", [1.5]), [1.5]),
    ],
)
def test_values_of_models_encode(value, expected):
    assert json.loads(encode(value, strict=False)) == expected
    assert json.loads(encode(value, strict=True)) == expected


def test_a_set_of_things_without_an_order_encodes():
    assert sorted(json.loads(encode({1, "a"}, strict=False)), key=str) == [1, "a"]


def loop():
    inner = {}
    inner["again"] = [inner]
    return inner


def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "path", "type_name"),
    [
        (Slot(), "$", "Slot"),
        ({"scores": [1, 2, 3, Slot()]}, "$.scores[3]", "Slot"),
        ({"a b": {"c": Slot()}}, "$['a b'].c", "Slot"),
        ({1: (0, Slot())}, "$[1][1]", "Slot"),
        ({"model": {(1, 2): 3}}, "$.model[(1, 2)]", "tuple"),
        ({b"k": 3}, "$[b'k']", "bytes"),
        ([np.array([1 + 2j])], "$[0][0]", "complex"),
        ([int], "$[0]", "type"),
        ([np.ndarray], "$[0]", "type"),
        ([Box], "$[0]", "type"),
        ({"g": (x for x in "ab")}, "$.g", "generator"),
        (loop(), "$.again[0]", "dict"),
        ([1 << 20_000], "$[0]", "int"),
        (deep(), "$", "list"),
    ],
)
def test_what_cannot_be_encoded_is_named_by_its_path(value, path, type_name):
    with pytest.raises(UnencodableResult) as caught:
        encode(value, strict=False)
    assert (caught.value.path, caught.value.type_name) == (path, type_name)
    assert path in str(caught.value) or path == "$"


def test_a_long_key_is_cut_in_the_path():
    with pytest.raises(UnencodableResult) as caught:
        encode({"x y" * 100: Slot()}, strict=False)
    assert len(caught.value.path) < 80


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (NAN, "$"),
        ({"scores": [1.0, math.inf]}, "$.scores[1]"),
        ({"a": np.array([[0.0, NAN]])}, "$.a[0][1]"),
        ([decimal.Decimal("NaN")], "$[0]"),
    ],
)
def test_strict_refuses_what_is_not_json(value, path):
    with pytest.raises(UnencodableResult) as caught:
        encode(value, strict=True)
    assert caught.value.path == path
    assert "--strict-json" in str(caught.value)
    assert b"NaN" in encode(value, strict=False) or b"Infinity" in encode(value, strict=False)


def test_a_value_whose_own_code_fails_is_the_scripts_fault():
    class Broken:
        def tolist(self):
            raise RuntimeError("no data")

    with pytest.raises(UnencodableResult) as caught:
        encode([Broken()], strict=False)
    assert caught.value.path == "$[0]"


def test_a_decimal_with_a_huge_exponent_takes_no_time():
    assert encode([decimal.Decimal("1e999999"), decimal.Decimal("12e2")], strict=False) == b"[Infinity, 1200]"


class Unlookable(dict):
    def items(self):
        raise KeyError("not mine")

    __iter__ = keys = values = items


class Nameless(type):
    def __getattribute__(cls, name):
        if name == "__name__":
            raise KeyError(name)
        return type.__getattribute__(cls, name)


@pytest.mark.parametrize("value", [Unlookable(a=1), Nameless("N", (), {})()])
def test_a_value_whose_own_code_raises_is_the_scripts_fault(value):
    with pytest.raises(UnencodableResult):
        encode({"in": [value]}, strict=False)
