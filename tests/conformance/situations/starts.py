"""Starts that fail, and what the command line says (S2-S8, S22, S32, S78, S124, S126)."""

import atexit
import json
import socket

from tests.conformance.case import Situation

RUN = "def run(data): return 1\n"
INIT = "def init(): pass\n"
SCHEMA = """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Standard
"""
RAW = "from azureml_inference_server_http.api.aml_request import rawhttp\n"


def broken(name: str, spec: str, text: str, *says: str) -> Situation:
    """A script that must end the start with exit code 3 (S126); both sides must print the given patterns."""
    return Situation(f"bad-{name}", spec, {"score.py": text}, serves=False, facts={"exit": "3"}, says=says)


SCRIPTS = (
    broken("norun", "S22", INIT, r"score\.py.*run\(\)"),
    broken("noinit", "S22", RUN, r"score\.py.*init\(\)"),
    broken("empty", "S22", "", r"score\.py"),
    broken("syntax", "S124", "def init(): pass\ndef run(data) return 1\n", r'score\.py", line 2', "SyntaxError"),
    broken(
        "import", "S124", "import no_such_module_at_all\n" + INIT + RUN, "ModuleNotFoundError", "no_such_module_at_all"
    ),
    broken(
        "importraise",
        "S124",
        INIT + RUN + "raise ValueError('at import é')\n",
        "ValueError: at import é",
        r'score\.py", line 3',
    ),
    broken("importexit", "S126", INIT + RUN + "import sys\nsys.exit(0)\n", "SystemExit"),
    broken(
        "initraise",
        "S124",
        "def init():\n    open('no-such-model.pkl')\n" + RUN,
        "User's init function failed",
        "no-such-model",
    ),
    broken("initexit", "S126", "import sys\ndef init(): sys.exit(0)\n" + RUN, "SystemExit"),
    broken("initargs", "S24", "def init(needed): pass\n" + RUN, "needed"),
    broken("initnotcallable", "S24", "init = 5\n" + RUN),
    broken("varargs", "S78", INIT + "def run(*args): return 1\n", r"\*args"),
    broken("kwargs", "S78", INIT + "def run(data, **more): return 1\n", r"\*\*kwargs"),
    broken("posonly", "S78", INIT + "def run(data, /): return 1\n", "positional-only"),
    broken("noparam", "S78", INIT + "def run(): return 1\n", "argument"),
    broken("onlyheaders", "S78", INIT + "def run(request_headers): return 1\n", "request_headers"),
    broken("notcallable", "S78", INIT + "run = 5\n"),
    broken(
        "both",
        "S78",
        RAW + SCHEMA + INIT + "@rawhttp\n@input_schema('a', Standard(1))\ndef run(a): return 1\n",
        "@rawhttp",
        "@input_schema",
    ),
    Situation("bad-nofile", "S126", {}, serves=False, facts={"exit": "3"}, says=(r"score\.py",)),
    Situation("bad-folder", "S126", {"score.py/x": ""}, serves=False, facts={"exit": "3"}),
    Situation(
        "bad-notutf8",
        "S124",
        {"score.py": "# coding: nonsense\n" + INIT + RUN},
        serves=False,
        facts={"exit": "3"},
        says=("SyntaxError",),
    ),
    Situation(
        "bad-modeltree",
        "S124",
        {
            "score.py": "def init():\n    raise ValueError('look')\n" + RUN,
            "models/a/b.pkl": "x",
            "models/c.txt": "y",
        },
        serves=False,
        facts={"exit": "3"},
        flags=("--entry_script", "score.py", "--port", "{port}", "--model_dir", "models"),
        says=("b\\.pkl", "c\\.txt", "ValueError: look"),
    ),
    Situation(
        "bad-modeltree-long",
        "S124",
        {
            "score.py": "def init():\n    open('models/none')\n" + RUN,
            **{f"models/f{number:03}": "x" for number in range(250)},
        },
        serves=False,
        facts={"exit": "3"},
        flags=("--entry_script", "score.py", "--port", "{port}", "--model_dir", "models"),
        says=("f150", "200 lines"),
    ),
)


def settings(
    name: str,
    spec: str,
    *says: str,
    code: str = "3",
    file: object = None,
    environment: dict[str, str] | None = None,
    text: str | None = None,
) -> Situation:
    files = {"score.py": INIT + RUN}
    if file is not None or text is not None:
        files["config.json"] = text if text is not None else json.dumps(file)
    return Situation(
        f"config-{name}", spec, files, serves=False, facts={"exit": code}, says=says, environment=environment or {}
    )


CONFIGS = (
    settings("badvalue", "S32", "SCORING_TIMEOUT_MS", environment={"SCORING_TIMEOUT_MS": "soon"}),
    settings("badvalue-file", "S32", "SCORING_TIMEOUT_MS", file={"SCORING_TIMEOUT_MS": [1]}),
    settings(
        "badbool",
        "S32",
        "APP_INSIGHTS_LOG_RESPONSE_ENABLED",
        environment={"APP_INSIGHTS_LOG_RESPONSE_ENABLED": "perhaps"},
    ),
    settings("baddebugport", "S133", "AZUREML_DEBUG_PORT", environment={"AZUREML_DEBUG_PORT": "x"}),
    settings("badjson", "S32", text="{not"),
    settings("list", "S32", file=[1]),
    Situation(
        "config-nomain",
        "S19",
        {"c.json": "{}", "other.py": ""},
        serves=False,
        facts={"exit": "3"},
        flags=("--config_file", "c.json", "--port", "{port}"),
        says=(r"main\.py",),
    ),
)


def cli(
    name: str, spec: str, *flags: str, code: str = "1", says: tuple[str, ...] = (), **environment: str
) -> Situation:
    return Situation(
        f"cli-{name}",
        spec,
        {"score.py": INIT + RUN},
        serves=False,
        flags=flags,
        facts={"exit": code},
        says=says,
        environment=environment,
    )


SCRIPT = ("--entry_script", "score.py")
COMMANDS = (
    cli("help", "S3", "--help", says=("--entry_script", "--model_dir", "--health_port", "--config_file")),
    cli("noargs", "S5", says=("--entry_script", "--config_file")),
    cli("env-entry", "S5", AZUREML_ENTRY_SCRIPT="score.py", code="1"),
    cli("version", "S4", "--version"),
    cli("unknown-flag", "S3", *SCRIPT, "--nothing", says=("--nothing", "--entry_script")),
    cli("no-value", "S3", "--entry_script", says=("--entry_script",)),
    cli("badport", "S6", *SCRIPT, "--port", "0"),
    cli("bigport", "S6", *SCRIPT, "--port", "65536", says=("--port",)),
    cli("wordport", "S6", *SCRIPT, "--port", "http", says=("--port",)),
    cli("badhealthport", "S6", *SCRIPT, "--health_port", "-1", says=("--health_port",)),
    cli("zeroworkers", "S6", *SCRIPT, "--worker_count", "0", says=("--worker_count",)),
    cli("wordworkers", "S6", *SCRIPT, "--worker_count", "two", says=("--worker_count",)),
    cli("positional", "S3", "score.py"),
    cli("dash-entry", "S2", "--entry-script", "score.py", "--port", "0"),
)

_taken = socket.socket()
_taken.bind(("0.0.0.0", 0))
atexit.register(_taken.close)
_taken.listen()
TAKEN = _taken.getsockname()[1]  # held for as long as the tests run

SITUATIONS = (
    Situation(
        "bad-portused",
        "S14",
        {"score.py": INIT + RUN},
        serves=False,
        facts={"exit": "1"},
        flags=(*SCRIPT, "--port", str(TAKEN)),
        says=(str(TAKEN),),
    ),
    *SCRIPTS,
    *CONFIGS,
    *COMMANDS,
)
