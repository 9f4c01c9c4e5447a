import pytest

from inference_http.user.errors import SignatureError

INIT = "def init(): pass\n"
RAW = "from azureml.contrib.services.aml_request import rawhttp\n" + INIT
SCHEMA = """
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as P
def init(): pass
"""


def refused(folder, text):
    with pytest.raises(SignatureError) as caught:
        folder.load(text)
    return caught.value


@pytest.mark.parametrize(
    ("definition", "parameter", "names", "wants_headers"),
    [
        ("def run(data)", "data", ["data"], False),
        ("def run(anything, x=1, *, y=2)", "anything", ["anything", "x", "y"], False),
        ("def run(request_headers, data)", "data", ["data"], True),
        ("def run(data, *, request_headers)", "data", ["data"], True),
        ("def run(data, request_headers=None)", "data", ["data"], True),
        ("def run(*, data)", "data", ["data"], False),
        ("async def run(data)", "data", ["data"], False),
    ],
)
def test_undecorated_run(folder, definition, parameter, names, wants_headers):
    found = folder.load(f"{INIT}{definition}: pass\n")
    assert found.kind == "text"
    assert found.parameter == parameter
    assert [one.name for one in found.parameters] == names
    assert found.wants_headers is wants_headers
    assert found.schema is None


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("def run(): pass", "run() needs to accept an argument for input data."),
        (
            "def run(request_headers): pass",
            'run() needs to accept an argument other than "request_headers".',
        ),
        ("def run(*args): pass", "run() cannot accept positional-only arguments, *args, or **kwargs."),
        ("def run(data, **more): pass", "run() cannot accept positional-only arguments, *args, or **kwargs."),
        ("def run(data, /): pass", "run() cannot accept positional-only arguments, *args, or **kwargs."),
        ("run = 5", "run is a value of type int, not a function."),
        ("run = None", "run is a value of type NoneType, not a function."),
        (
            "def run(data, rows): pass",
            "run() gets one argument, the request's body as text, as 'data'; nothing could be passed as 'rows'.",
        ),
        (
            "def run(data, *, x, y, z=1): pass",
            "run() gets one argument, the request's body as text, as 'data'; nothing could be passed as 'x', 'y'.",
        ),
    ],
)
def test_run_that_no_request_could_call(folder, definition, message):
    error = refused(folder, f"{INIT}\n{definition}\n")
    assert error.failure.message == message
    assert (error.failure.file, error.failure.line) == (str(folder.path / "score.py"), 3)
    assert error.failure.code == definition


@pytest.mark.parametrize(("name", "text"), [("run", INIT), ("init", "def run(data): pass\n")])
def test_missing_function(folder, name, text):
    error = refused(folder, "import json\n" + text)
    path = folder.path / "score.py"
    assert error.failure.message == f"User script at {path} does not have a {name}() function defined."
    assert error.hints == [f"It defines {'init' if name == 'run' else 'run'}()."]


def test_empty_script(folder):
    assert refused(folder, "x = 1\n").hints == ["It defines no function at all."]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("def init(model): pass", "init() is called without arguments, but is defined as init(model)."),
        ("init = 'model'", "init is a value of type str, not a function."),
    ],
)
def test_init_that_cannot_be_called(folder, definition, message):
    assert refused(folder, f"{definition}\ndef run(data): pass\n").failure.message == message


def test_run_of_a_driver_module_that_is_none(folder):
    folder({"inner.py": "x = 1\nrun = 'no'\n"})
    error = refused(folder, INIT + "import inner as driver_module\ndef run(data): pass\n")
    assert (error.failure.file, error.failure.line) == (str(folder.path / "inner.py"), 2)


@pytest.mark.parametrize("definition", ["def init(model=None): pass", "def init(*args): pass", "init = dict"])
def test_init_that_can_be_called_without_arguments(folder, definition):
    assert folder.load(f"{definition}\ndef run(data): pass\n").kind == "text"


def test_run_may_be_a_method_or_an_object(folder):
    loaded = folder.load(
        """
        class Model:
            def init(self): pass
            def run(self, data): return data
            def __call__(self, rows): return rows
        model = Model()
        init, run = model.init, model.run
        """
    )
    assert (loaded.kind, loaded.parameter) == ("text", "data")
    loaded = folder.load("class Model:\n    def __call__(self, rows): return rows\ndef init(): pass\nrun = Model()\n")
    assert loaded.parameter == "rows"


# --- @rawhttp --------------------------------------------------------------------------------------------------------


WRAPS = """
import functools
def log(function):
    @functools.wraps(function)
    def inner(*args): return function(*args)
    return inner
@log
@rawhttp
def run(request): pass
"""
CLOSES_OVER = """
def log(function):
    def inner(request): return function(request)
    return inner
@log
@rawhttp
def run(request): pass
"""


@pytest.mark.parametrize(
    "definition",
    [
        WRAPS,
        CLOSES_OVER,
        "@rawhttp\ndef run(request): pass",
        "@rawhttp\nasync def run(request): pass",
        "import functools\n@rawhttp\ndef both(request, x): pass\nrun = functools.partial(both, x=1)",
        "class M:\n    def run(self, request): pass\nrun = rawhttp(M().run)",
        "class M:\n    @rawhttp\n    def run(self, request): pass\nrun = M().run",
        "@rawhttp\nclass M:\n    def __call__(self, request): pass\nrun = M()",
        "run = rawhttp(lambda request: None)",
    ],
)
def test_rawhttp_on_run_however_it_got_there(folder, definition):
    loaded = folder.load(RAW + definition)
    assert (loaded.kind, loaded.parameter) == ("raw", "request")


@pytest.mark.parametrize("module", ["azureml.contrib.services", "azureml_inference_server_http.api"])
def test_rawhttp_of_either_name(folder, module):
    text = f"from {module}.aml_request import rawhttp\n{INIT}@rawhttp\ndef run(request): pass\n"
    assert folder.load(text).kind == "raw"


def test_rawhttp_on_another_function_changes_nothing_and_is_told(folder, caplog):
    loaded = folder.load(RAW + "@rawhttp\ndef other(request): pass\ndef run(data): return other(data)\n")
    assert loaded.kind == "text"
    told = "@rawhttp is on other() and not on run(): it changes nothing there. Put it on run() to use it."
    assert told in caplog.messages


def test_function_that_closes_over_a_raw_one_with_other_arguments_is_not_raw(folder):
    text = "def make(f):\n    def run(data): return f(data, 1)\n    return run\n@rawhttp\ndef other(request, x): pass\n"
    assert folder.load(RAW + text + "run = make(other)\n").kind == "text"


def test_raw_driver_hands_the_request_to_the_script_behind_it(folder):
    folder({"inner.py": INIT + "def run(request): return request\n"})
    text = "import inner as driver_module\n@rawhttp\ndef run(request): return driver_module.run(request)\n"
    loaded = folder.load(RAW + text)
    assert (loaded.kind, loaded.driver) == ("raw", str(folder.path / "inner.py"))


def test_raw_run_with_a_second_required_argument(folder):
    error = refused(folder, RAW + "@rawhttp\ndef run(request, model): pass\n")
    assert error.failure.message == (
        "run() gets one argument, the request, as 'request'; nothing could be passed as 'model'."
    )


def test_how_raw_is_called_is_logged(folder, caplog):
    caplog.set_level("INFO")
    folder.load(RAW + "@rawhttp\ndef run(request): pass\n")
    assert "run() is decorated with @rawhttp. Server will invoke it with the flask request object." in caplog.messages


# --- @input_schema ---------------------------------------------------------------------------------------------------


def test_schema_takes_all_parameters_by_name(folder, caplog):
    caplog.set_level("INFO")
    loaded = folder.load(
        SCHEMA + "@input_schema('data', P([1]))\n@output_schema(P([1]))\ndef run(data, x, request_headers, y=1): pass\n"
    )
    assert (loaded.kind, loaded.parameter, loaded.wants_headers) == ("schema", None, True)
    assert [one.name for one in loaded.parameters] == ["data", "x", "y"]
    assert loaded.schema is not None
    assert (
        "run() is decorated with @input_schema. Server will invoke it with the following arguments: data, x, y."
        in caplog.messages
    )


def test_output_schema_alone_counts(folder):
    assert folder.load(SCHEMA + "@output_schema(P([1]))\ndef run(data): pass\n").kind == "schema"


def test_async_run_below_a_schema_is_async(folder):
    assert folder.load(SCHEMA + "@input_schema('data', P([1]))\nasync def run(data): pass\n").is_async is True


def test_function_that_closes_over_a_decorated_one_is_not_decorated(folder):
    text = "def make(f):\n    def run(rows): return f(rows)\n    return run\n"
    text += "@input_schema('data', P([1]))\ndef other(data): pass\nrun = make(other)\n"
    assert folder.load(SCHEMA + text).kind == "text"


def test_raw_and_schema_exclude_each_other(folder):
    text = "from azureml.contrib.services.aml_request import rawhttp\n"
    for order in ("@rawhttp\n@input_schema('data', P([1]))\n", "@input_schema('data', P([1]))\n@rawhttp\n"):
        error = refused(folder, SCHEMA + text + order + "def run(data): pass\n")
        assert error.failure.message == "run() cannot be decorated with both @rawhttp and @input_schema"
