"""Scoring scripts with odd signatures, odd objects in place of functions, and odd things around them."""

from hypothesis import strategies as st

HEADER = """
import functools, sys, types
from azureml.contrib.services.aml_request import rawhttp
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Standard
class Broken:
    def __getattribute__(self, name): raise RuntimeError(name)
class Callable:
    def __init__(self, function=None): self.function = function
    def __call__(self, data): return data
class BadSignature:
    __signature__ = 5
    def __call__(self, data): return data
class Everything:
    def __getattr__(self, name): return self
    def __call__(self, *args, **more): return 1
class Methods:
    def run(self, data): return data
    def init(self): pass
    @classmethod
    def of_class(cls, data): return data
    @staticmethod
    def static(data): return data
def plain(function):
    return lambda *args, **more: function(*args, **more)
def kept(function):
    @functools.wraps(function)
    def inner(*args, **more): return function(*args, **more)
    return inner
def endless(function):
    function.__wrapped__ = function
    return function
def as_none(function): return None
"""
NAMES = st.sampled_from(["data", "request_headers", "a", "b", "self", "cls", "x_1", "données", "__private", "data"])
DEFAULTS = st.sampled_from(["", "", "=1", "=None", "=[]", "=Broken()", "=lambda: 1", "=..."])
NOTES = st.sampled_from(["", "", ": str", ": dict", ": 'Unknown'", ": Broken", ": list[int] | None", ": 5"])
MARKS = st.sampled_from(["", "", "", "", "*", "**", "/", "*,"])
parameter = st.builds(
    lambda mark, name, note, default: mark if mark in {"/", "*,"} else f"{mark}{name}{note}{default}",
    MARKS,
    NAMES,
    NOTES,
    DEFAULTS,
)
parameters = st.lists(parameter, max_size=4).map(", ".join)
DECORATORS = st.lists(
    st.sampled_from(
        [
            "rawhttp",
            "input_schema('data', Standard(1))",
            "input_schema('a', Standard({'k': 1}))",
            "input_schema('absent', Standard('x'))",
            "input_schema('data', Standard([1, 'a']), optional=True)",
            "output_schema(Standard({'r': 1.5}))",
            "input_schema(5, Standard(1))",
            "input_schema('data', 5)",
            "Standard",
            "plain",
            "kept",
            "endless",
            "as_none",
            "functools.lru_cache",
            "functools.cache",
            "staticmethod",
            "classmethod",
            "property",
            "functools.singledispatch",
            "functools.partial",
            "Callable",
            "types.coroutine",
        ]
    ),
    max_size=3,
)
BODIES = st.sampled_from(
    [
        "return 1",
        "return data",
        "yield 1",
        "pass",
        "raise ValueError('x')",
        "return locals()",
        "await x",
        "nonlocal q",
        "return self",
    ]
)
OBJECTS = st.sampled_from(
    [
        "None",
        "5",
        "'text'",
        "print",
        "len",
        "dict",
        "int",
        "str.upper",
        "object()",
        "type",
        "Broken()",
        "Callable()",
        "BadSignature()",
        "Everything()",
        "Methods().run",
        "Methods.run",
        "Methods.of_class",
        "Methods.static",
        "functools.partial(print)",
        "functools.partial(Callable(), 1)",
        "functools.partial(lambda a, data: data, 1)",
        "lambda data: data",
        "lambda: 1",
        "lambda *a: a",
        "lambda data, /: data",
        "types.SimpleNamespace()",
        "types.FunctionType(compile('1', 'x', 'eval'), {})",
        "sys",
        "range",
        "staticmethod(len)",
        "Exception",
        "Methods",
        "iter([])",
        "NotImplemented",
        "functools.wraps",
        "Methods().init",
    ]
)
functions = st.builds(
    lambda decorators, word, name, inside, body: (
        "".join(f"@{one}\n" for one in decorators) + f"{word} {name}({inside}):\n    {body}\n"
    ),
    DECORATORS,
    st.sampled_from(["def", "def", "def", "async def", "class"]),
    st.just("run"),
    parameters,
    BODIES,
)
runs = st.one_of(functions, functions, OBJECTS.map("run = {}\n".format))
inits = st.one_of(
    st.just("def init(): pass\n"),
    st.just("def init(): pass\n"),
    st.sampled_from(
        [
            "",
            "async def init(): pass\n",
            "def init(needed): pass\n",
            "def init(*a): raise OSError(2, 'no model', 'm.pkl')\n",
            "def init(): sys.exit(0)\n",
            "def init(): yield\n",
            "def init(): raise BaseException('b')\n",
            "def init(): 1 / 0\n",
            "def init(): raise Broken\n",
            "class init: pass\n",
            "@property\ndef init(): pass\n",
            "def init(): del sys.modules[__name__]\n",
        ]
    ),
    OBJECTS.map("init = {}\n".format),
)
EXTRAS = st.sampled_from(
    [
        "",
        "",
        "",
        "",
        "raise ValueError('at import')\n",
        "sys.exit()\n",
        "import no_such_module_here\n",
        "from sklearn import nothing_here\n",
        "__name__ = 5\n",
        "__file__ = None\n",
        "__loader__ = None\n",
        "del __file__\n",
        "driver_module = sys\n",
        "driver_module = types.ModuleType('d')\n",
        "driver_module = types.ModuleType('d')\ndriver_module.run = run\n",
        "driver_module = Everything()\n",
        "driver_module = types.ModuleType('d')\ndriver_module.run = 5\n",
        "def __getattr__(name): raise RuntimeError(name)\n",
        "def __getattr__(name): return print\n",
        "sys.modules[__name__] = Everything()\n",
        "run.__wrapped__ = run\n",
        "run.__signature__ = 5\n",
        "run.__module__ = None\n",
        "run.__defaults__ = (1, 2, 3, 4, 5)\n",
        "def broken(:\n",
        "\tx = 1\n        y\n",
        "x = " + "(" * 300 + ")" * 300 + "\n",
        "x = '" + "y" * 100000 + "'\n",
        "print('said', flush=True)\n",
        "\x00\n",
        "é = 1; ﬁ = 2\n",
        "x = '\ud800'\n",
        "class A(metaclass=5): pass\n",
        "raise Broken\n",
        "raise KeyboardInterrupt\n",
        "import score\n",
        "import entry_module\n",
        "print = None\n",
        "__builtins__ = {}\n",
    ]
)
scripts = st.builds(
    lambda init, run, extra, last: HEADER + (init + run + extra if last else extra + init + run),
    inits,
    runs,
    EXTRAS,
    st.booleans(),
)
texts = st.sampled_from(
    [
        b"",
        b"\xef\xbb\xbfdef init(): pass\ndef run(data): return data\n",
        b"# coding: nonsense\n",
        b"# coding: latin-1\nx = '\xe9'\n",
        b"\xff\xfe\x00",
        b"def init(): pass\r\ndef run(data): return 1\r\n",
        b"def init(): pass\rdef run(data): return 1\r",
        b"\x0c\x00",
        b"x" * 10**6,
    ]
)
files = scripts.map(lambda text: text.encode("utf-8", "surrogatepass")) | texts
