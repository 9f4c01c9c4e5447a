"""What the served script of test_results.py defines: classes that break whatever looks at them."""

PRELUDE = """
import asyncio, collections, dataclasses, datetime, decimal, enum, fractions, functools, io, itertools, pathlib, sys
import types, uuid, weakref
import flask, numpy as np, pandas as pd, werkzeug
from werkzeug import exceptions as we
from azureml.contrib.services.aml_response import AMLResponse

class Boom(Exception): pass
def boom(*a, **k): raise Boom("from inside")
class BadStr(Exception):
    __str__ = boom
class BadRepr(Exception):
    __repr__ = boom
    __str__ = boom
class NotText(Exception):
    def __str__(self): return 5
class BadArgs(Exception):
    args = property(boom)
class BadClass(Exception):
    __class__ = property(boom)
class BadAttribute(Exception):
    def __getattribute__(self, name): raise Boom(name)
class LongText(Exception):
    def __str__(self): return "long é \\n" * 100000
class BadObject:
    __str__ = __repr__ = __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __getattr__ = boom
class BadDict(dict):
    items = keys = values = __iter__ = __len__ = boom
class BadList(list):
    __iter__ = __len__ = __getitem__ = boom
class BadText(str):
    encode = __str__ = __len__ = boom
class BadInt(int):
    __repr__ = __str__ = __int__ = boom
class BadFloat(float):
    __repr__ = boom
class Endless:
    def __iter__(self): return itertools.count()
class Fielded:
    __dataclass_fields__ = 5
    _fields = None
    _asdict = boom
    tolist = isoformat = item = to_dict = to_json = __json__ = boom
class Meta(type):
    def __getattribute__(cls, name):
        if name in ("__name__", "__qualname__", "__module__"): raise Boom(name)
        return type.__getattribute__(cls, name)
class Nameless(metaclass=Meta): pass
class NamelessError(Exception, metaclass=Meta): pass
@dataclasses.dataclass
class Data:
    inner: object
class Number(enum.Enum):
    ONE = 1
def noted(error, note):
    error.__notes__ = note
    return error
def linked(error):
    other = ValueError("other"); error.__context__ = other; other.__context__ = error; error.__cause__ = other
    return error
def nested(depth):
    value = 1
    for _ in range(depth): value = {"in": [value]}
    return value
def itself():
    value = {}; value["self"] = value
    return value
def then_fails(*pieces):
    yield from pieces
    raise BadStr("late")
async def awaited(value): return value
async def async_pieces():
    yield {"n": 1}
    yield b"two"
async def never(): await asyncio.wait_for(asyncio.sleep(9), 0.01)
def closes_badly():
    try: yield b"x"
    finally: boom()
"""
