"""run() returns (or raises) what the request's body names."""

import base64
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import sys
import typing
import uuid

import flask
import numpy as np
import pandas as pd
import werkzeug


class Colour(enum.IntEnum):
    RED = 3


class Pair(typing.NamedTuple):
    a: int
    b: int


class Name(str):
    __slots__ = ()


class Broken(Exception):
    def __str__(self):
        raise RuntimeError("no text")


@dataclasses.dataclass
class Point:
    x: int
    y: float


def init():
    pass


def cycle():
    value = []
    value.append(value)
    return value


def deep(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def chained():
    try:
        {}["missing"]
    except KeyError as error:
        raise ValueError("bad input: é") from error


def recurse():
    return recurse()


def jsonify():
    return flask.jsonify({"b": 1, "a": [1, 2]})


def cookies():
    response = flask.make_response("ok")
    response.set_cookie("a", "1", max_age=60, path="/")
    response.set_cookie("b", "x y")
    return response


def many_headers():
    response = flask.Response("x")
    response.headers.add("X-Twice", "1")
    response.headers.add("X-Twice", "2, 3")
    response.headers["x-lower"] = "é"
    return response


def failed_header():
    return flask.Response("x", headers={"x-ms-run-function-failed": "mine"})


async def coroutine():
    return {"awaited": True}


def generator():
    yield {"n": 1}
    yield {"n": 2}


def raising(error):
    raise error


RESULTS = {
    "none": lambda: None,
    "true": lambda: True,
    "int": lambda: 1,
    "bigint": lambda: 10**40,
    "float": lambda: 0.1,
    "floats": lambda: [1e16, 1e-7, 1.0, -0.0, 5e-324, 1.7976931348623157e308],
    "nan": lambda: [float("nan"), float("inf"), -float("inf")],
    "str": lambda: "plain",
    "unicode": lambda: {"é": "日本 😀 \u2028 \x00 \x7f"},
    "surrogate": lambda: "\ud800",
    "json-text": lambda: json.dumps({"a": 1}),
    "empty-str": lambda: "",
    "list": lambda: [1, [2, [3]]],
    "tuple": lambda: ({"a": 1}, 201),
    "dict": lambda: {"b": 1, "a": {"c": None}},
    "keys": lambda: {0: "a", 2.5: "b", None: "c", True: "d", "s": "e"},
    "namedtuple": lambda: Pair(1, 2),
    "ordered": lambda: collections.OrderedDict([("z", 1), ("a", 2)]),
    "intenum": lambda: {"colour": Colour.RED},
    "str-subclass": lambda: Name("sub"),
    "np-float64": lambda: np.float64(0.5),
    "deep": lambda: deep(200),
    "flask": lambda: flask.Response("text"),
    "flask-bytes": lambda: flask.Response(b"\x00\xff", mimetype="application/octet-stream"),
    "flask-500": lambda: flask.Response("bad", status=503),
    "flask-404": lambda: flask.Response("none", status=404),
    "flask-204": lambda: flask.Response("", status=204),
    "flask-304": lambda: flask.Response("", status=304),
    "flask-status-text": lambda: flask.Response("x", status="299 Odd Words"),
    "flask-empty": lambda: flask.Response(),
    "flask-headers": many_headers,
    "flask-failed": failed_header,
    "flask-cookies": cookies,
    "flask-redirect": lambda: flask.redirect("/elsewhere?a=1"),
    "flask-jsonify": jsonify,
    "flask-etag": lambda: flask.Response("x", headers={"ETag": '"abc"', "Cache-Control": "no-store"}),
    "flask-date": lambda: flask.Response("x", headers={"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"}),
    "flask-content-length": lambda: flask.Response("abc", headers={"Content-Length": "3"}),
    "unserial-bytes": lambda: b"raw",
    "unserial-set": lambda: {1},
    "unserial-datetime": lambda: dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc),
    "unserial-date": lambda: {"day": dt.date(2024, 1, 2)},
    "unserial-decimal": lambda: decimal.Decimal("1.10"),
    "unserial-uuid": lambda: uuid.UUID(int=5),
    "unserial-ndarray": lambda: np.arange(4).reshape(2, 2),
    "unserial-int64": lambda: np.int64(7),
    "unserial-float32": lambda: np.float32(0.5),
    "unserial-bool": lambda: np.bool_(True),
    "unserial-frame": lambda: pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
    "unserial-series": lambda: pd.Series([1, 2], name="s"),
    "unserial-dataclass": lambda: Point(1, 2.0),
    "unserial-nested": lambda: {"scores": [0.1, 0.2, 0.3, object()]},
    "unserial-generator": generator,
    "unserial-coroutine": coroutine,
    "unserial-werkzeug": lambda: werkzeug.Response("w"),
    "unserial-tuple-keys": lambda: {(1, 2): 3},
    "unserial-cycle": cycle,
    "unserial-class": lambda: Point,
    "valueerror": lambda: raising(ValueError("expected 12 features, got 11")),
    "chained": chained,
    "broken-str": lambda: raising(Broken()),
    "recursion": recurse,
    "keyerror": lambda: {}["absent"],
    "abort": lambda: flask.abort(418),
    "abort-400": lambda: flask.abort(400, "my words"),
    "http-exception": lambda: raising(werkzeug.exceptions.NotFound("nothing here")),
    "sysexit": lambda: sys.exit(5),
    "interrupt": lambda: raising(KeyboardInterrupt()),
    "baseexception": lambda: raising(BaseException("base")),
    "generatorexit": lambda: raising(GeneratorExit()),
    "timeouterror": lambda: raising(TimeoutError("the database was slow")),
    "stopiteration": lambda: raising(StopIteration()),
    "b64": lambda: base64.b64encode(b"x").decode(),
}


def run(name):
    return RESULTS[name]()
