"""Where a script finds itself: module, paths, environment, imports, configuration that reaches it (S1-S34, S91)."""

import re
from typing import Any

from tests.conformance.case import Case, Fact, Situation, post, script
from tests.conformance.situations import facts

WORLD = script("world")
ASK = {name: post(name) for name in ("env", "module", "paths", "threads", "cwd", "argv")}


def contains(*texts: str) -> re.Pattern[str]:
    """A body that has all of the texts, in any order."""
    return re.compile("".join(f"(?=.*{re.escape(text)})" for text in texts) + ".*", re.DOTALL)


def env(**more: Fact) -> Case:
    return Case("env", "S10", ASK["env"], facts=more)


WORLD_CASES = (
    env(
        body=contains(
            '"AML_APP_INSIGHTS_ENABLED": "false"',
            '"AML_APP_ROOT": "<root>"',
            '"AZUREML_ENTRY_SCRIPT": "<root>/score.py"',
            '"AZUREML_MODEL_DIR": "models"',
            '"HEALTH_PORT": "<port>"',
            '"SERVER_PORT": "<port>"',
            '"TRANSPORT_PROTOCOL": "grpc"',
            '"WORKER_COUNT": "1"',
            '"HTTP_X_MS_SERVER_VERSION": "azmlinfsrv/1.5.1"',
        )
    ),
    Case(
        "module",
        "S16 S18",
        ASK["module"],
        facts=facts.good(
            {
                "name": "entry_module",
                "file": "<root>/score.py",
                "cwd": "<root>",
                "print": "print",
                "module": "entry_module",
                "in sys.modules": False,
            }
        ),
    ),
    Case("paths", "S20", ASK["paths"]),
    Case(
        "threads", "S130", ASK["threads"], facts=facts.good({"init on main thread": True, "run on main thread": True})
    ),
    Case("cwd", "S16", ASK["cwd"], facts=facts.good("<root>")),
)
STATEMENTS = (
    "from azureml.contrib.services.aml_request import rawhttp, AMLRequest",
    "from azureml.contrib.services.aml_response import AMLResponse",
    "from azureml.contrib.services.aml_request import *",
    "from azureml.contrib.services.aml_response import *",
    "import azureml.contrib.services.aml_request",
    "import azureml.contrib.services.aml_request as request",
    "from azureml.contrib.services import aml_request",
    "from azureml.contrib.services import aml_response as response",
    "import azureml.contrib.services",
    "import azureml",
    "from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp",
    "from azureml_inference_server_http.api.aml_response import AMLResponse",
    "from azureml_inference_server_http.api import aml_request, aml_response",
    "import azureml_inference_server_http.api.aml_request",
    "import azureml_inference_server_http as server; v = server.__version__",
    "from azureml_inference_server_http.log_config import AMLLogFormatter, RootAccessFilter",
    "from azureml_inference_server_http.server.user_script import UserScript",
    "from azureml.core import Model",
    "import inference_schema",
    "import entry_module",
)
UNKNOWN_MODULE = "import azureml.contrib.services.aml_request", "from azureml.contrib.services import aml_request"
IMPORTS = tuple(
    Case(
        f"{number:02} {statement[:70]}",
        "S91 S92",
        post(statement),
        facts=({"body": contains("ModuleNotFoundError")} if statement in UNKNOWN_MODULE else {"status": "200 OK"}),
    )
    for number, statement in enumerate(STATEMENTS)
)

RETURNS = "def init(): pass\ndef run(data): return {}\n"


def returns(expression: str, before: str = "") -> str:
    return before + RETURNS.format(expression)


def one(name: str, spec: str, files: dict[str, str], known: dict[str, Fact], **more: Any) -> Situation:
    """A situation of one POST."""
    return Situation(name, spec, files, (Case("post", spec, post("x"), facts=known),), **more)


PICKLE = """
import pickle
class Mine:
    def __init__(self): self.value = 1
def init(): pass
def run(data): return pickle.loads(pickle.dumps(Mine())).value
"""
TRY_IMPORT = """
def init(): pass
def run(name):
    module = __import__(name)
    return getattr(module, "WHO", "not mine")
"""
SHADOWED = (
    "utils",
    "config",
    "routes",
    "swagger",
    "entry",
    "exceptions",
    "settings",
    "errors",
    "worker",
    "script",
    "payload",
)
DRIVER = (
    "import real as driver_module\ndef init(): driver_module.STARTED.append('outer')\ndef run(data): return 'outer'\n"
)
REAL = "STARTED = []\ndef init(): STARTED.append(0)\ndef run(data, extra=2): return ['inner', STARTED, data, extra]\n"
SITUATIONS = (
    Situation(
        "world",
        "S10 S16",
        {"score.py": WORLD, "models/m.txt": "m"},
        WORLD_CASES,
        flags=("--entry_script", "score.py", "--port", "{port}", "--model_dir", "models"),
    ),
    Situation(
        "world-module",
        "S1",
        {"work/own.py": "", "score.py": returns("__import__('own').__file__")},
        (Case("post", "S1", post("x"), facts=facts.good("<root>/work/own.py")),),
        flags=("--entry_script", "../score.py", "--port", "{port}"),
        cwd="work",
        module=True,
    ),
    Situation(
        "world-link",
        "S7",
        {"score.py": WORLD},
        (
            Case(
                "module",
                "S7",
                ASK["module"],
                facts={"body": contains('"file": "<root>/score.py"', '"cwd": "<root>/sub"')},
            ),
        ),
        flags=("--entry_script", "../sub/../score.py", "--port", "{port}"),
        cwd="sub",
    ),
    Situation(
        "world-environment",
        "S9 S10",
        {"score.py": WORLD},
        (
            env(
                body=contains(
                    '"AML_APP_ROOT": "<root>/app"',
                    '"AZUREML_MODEL_DIR": "/from/env"',
                    '"SERVER_PORT": "<port>"',
                    '"HEALTH_PORT": "<port>"',
                )
            ),
        ),
        environment={
            "AML_APP_ROOT": "{root}/app",
            "AZUREML_MODEL_DIR": "/from/env",
            "SERVER_PORT": "1",
            "HEALTH_PORT": "2",
        },
    ),
    Situation(
        "world-rest",
        "S2 S10",
        {"score.py": WORLD},
        (env(body=contains('"TRANSPORT_PROTOCOL": "rest"')),),
        flags=("--entry", "score.py", "--rest", "--po", "{port}", "--worker_count=1"),
    ),
    Situation(
        "nomodel",
        "S8",
        {"score.py": WORLD},
        (env(),),
        logs=(
            "The environment variable 'AZUREML_MODEL_DIR' has not been set.",
            "Use the --model_dir command line argument to set it.",
        ),
    ),
    Situation("imports", "S91 S92", {"score.py": script("imports")}, IMPORTS),
    one("pickle", "S18", {"score.py": PICKLE}, facts.script_failed()),
    Situation(
        "shadow",
        "S21",
        {"score.py": TRY_IMPORT, **{f"{name}.py": "WHO = 'mine'" for name in SHADOWED}},
        tuple(Case(name, "S21", post(name)) for name in SHADOWED),
    ),
    one(
        "sibling",
        "S20",
        {"code/score.py": returns("__import__('near').WHO"), "code/near.py": "WHO = 'near'"},
        facts.script_failed(),
        flags=("--entry_script", "code/score.py", "--port", "{port}"),
    ),
    one(
        "rootmod",
        "S20",
        {"code/score.py": returns("__import__('atroot').WHO"), "atroot.py": "WHO = 'root'"},
        facts.good("root"),
        flags=("--entry_script", "code/score.py", "--port", "{port}"),
    ),
    one(
        "srcdir",
        "S20",
        {"score.py": returns("__import__('insrc').WHO"), "src/deep/insrc.py": "WHO = 'source'"},
        facts.good("source"),
        environment={"AZUREML_SOURCE_DIRECTORY": "src/deep"},
    ),
    one(
        "driver",
        "S23",
        {"score.py": DRIVER, "real.py": REAL},
        facts.good(["inner", ["outer"], "x", 2]),
        logs=(
            r"I azmlinfsrv\.user_script - Found driver script at <root>/score\.py and the score script at .*/real\.py",
        ),
    ),
    one("driver-not-module", "S23", {"score.py": "driver_module = 5\n" + returns("'own'")}, facts.good("own")),
    one(
        "async-init",
        "S24",
        {"score.py": "S = []\nasync def init(): S.append(1)\ndef run(data): return S\n"},
        facts.good([]),
    ),
    one("init-result", "S24", {"score.py": "def init(): return 5\ndef run(data): return 1\n"}, facts.good(1)),
)
