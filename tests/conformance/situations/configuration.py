"""Configuration that reaches a serving script: config.json, environment, exports (S17-S33, S48, S132, S134)."""

import json

from tests.conformance.case import Case, Situation, get, post
from tests.conformance.situations import facts
from tests.conformance.situations.world import WORLD, contains, env, one, returns

FILE = {
    "SERVICE_NAME": "from file",
    "AZUREML_MODEL_DIR": "file-models",
    "SCORING_TIMEOUT_MS": "7000",
    "UNKNOWN_KEY": 1,
    "SERVICE_VERSION": None,
}
CONFIG_FLAGS = ("--config_file", "conf/c.json", "--port", "{port}")
TITLE = Case("title", "S26", get("/swagger.json"), facts={"body": contains('"from file"', '"1.0"')})


def config(**keys: object) -> str:
    return json.dumps(keys)


SITUATIONS = (
    one(
        "config-entry",
        "S17 S25",
        {"conf/c.json": config(AZUREML_ENTRY_SCRIPT="code/own.py"), "code/own.py": returns("__file__")},
        facts.good("<root>/code/own.py"),
        flags=CONFIG_FLAGS,
    ),
    one(
        "config-main",
        "S19",
        {"conf/c.json": config(SERVICE_NAME="x"), "main.py": returns("[__name__, __file__]")},
        facts.good(["main", "<root>/main.py"]),
        flags=CONFIG_FLAGS,
    ),
    Situation(
        "config-file",
        "S26 S31",
        {"conf/c.json": config(**FILE), "score.py": WORLD},
        (env(), TITLE),
        flags=("--entry_script", "score.py", *CONFIG_FLAGS),
        logs=("I azmlinfsrv - Scoring timeout is set to 7000",),
    ),
    Situation(
        "config-root",
        "S25 S28",
        {"config.json": config(**FILE, AML_CORS_ORIGINS="http://a.test"), "score.py": WORLD},
        (
            TITLE,
            Case(
                "cors",
                "S28",
                post("cwd", headers=[("Origin", "http://a.test")]),
                facts={"Access-Control-Allow-Origin": None},
            ),
        ),
    ),
    Situation(
        "config-beside",
        "S25",
        {"code/config.json": config(**FILE), "code/score.py": WORLD},
        (TITLE,),
        flags=("--entry_script", "code/score.py", "--port", "{port}"),
    ),
    Situation(
        "config-precedence",
        "S27",
        {"config.json": config(**FILE, service_version="lower"), "score.py": WORLD},
        (Case("title", "S27", get("/swagger.json"), facts={"body": contains('"from env"', '"1.0"')}),),
        environment={"service_name": "from env"},
    ),
    Situation(
        "config-only-one",
        "S25",
        {"config.json": config(SERVICE_VERSION="9"), "conf/c.json": config(**FILE), "score.py": WORLD},
        (TITLE,),
        flags=("--entry_script", "score.py", *CONFIG_FLAGS),
    ),
    Situation(
        "config-empty",
        "S25",
        {"config.json": "", "code/config.json": config(**FILE), "code/score.py": WORLD},
        (TITLE,),
        flags=("--entry_script", "code/score.py", "--port", "{port}"),
    ),
    Situation(
        "cli-noconfig",
        "S25",
        {"score.py": WORLD},
        serves=True,
        flags=("--entry_script", "score.py", "--config_file", "gone.json", "--port", "{port}"),
    ),
    Situation(
        "version-off",
        "S48",
        {"score.py": WORLD},
        (Case("post", "S48", post("cwd"), facts={"x-ms-server-version": None}),),
        environment={"SERVER_VERSION_LOG_RESPONSE_ENABLED": "false"},
    ),
    Situation(
        "version-on",
        "S48",
        {"score.py": WORLD},
        (Case("post", "S48", post("cwd"), facts={"x-ms-server-version": facts.VERSION}),),
        environment={"SERVER_VERSION_LOG_RESPONSE_ENABLED": "TRUE"},
    ),
    Situation(
        "version-odd",
        "S48",
        {"score.py": WORLD},
        (Case("post", "S48", post("cwd"), facts={"x-ms-server-version": None}),),
        environment={"SERVER_VERSION_LOG_RESPONSE_ENABLED": "yes"},
    ),
    Situation(
        "debug-info",
        "S33",
        {"score.py": WORLD},
        environment={"AML_DBG_MODEL_INFO": "1"},
        logs=(r"W azmlinfsrv - The debuggability features have been removed\..*",),
    ),
    Situation(
        "insights-bad-key",
        "S134",
        {"score.py": WORLD},
        (env(body=contains('"AML_APP_INSIGHTS_ENABLED": "false"')),),
        flags=("--entry_script", "score.py", "--port", "{port}", "--appinsights_instrumentation_key", "no-uuid"),
        logs=(
            r"Invalid Application Insights instrumentation key provided\.",
            r"Application Insights has been disabled\.",
            "Application Insights Key: AppInsights key provided",
        ),
    ),
    Situation(
        "insights-other-value",
        "S134",
        {"score.py": WORLD},
        (env(body=contains('"AML_APP_INSIGHTS_ENABLED": "false"')),),
        environment={"AML_APP_INSIGHTS_ENABLED": "yes", "AML_APP_INSIGHTS_KEY": "00000000-0000-4000-8000-000000000000"},
    ),
    Situation(
        "model-files",
        "S132",
        {"score.py": WORLD, "models/a.pkl": "x"},
        (Case("post", "S132", post("cwd"), facts={"status": "200 OK"}),),
        flags=("--entry_script", "score.py", "--port", "{port}", "--model_dir", "models"),
        logs=(r"E .*",),
    ),
    Situation(
        "gunicorn-arguments",
        "S33",
        {"score.py": WORLD},
        (
            Case(
                "post",
                "S33",
                post("cwd", headers=[(f"X-{number}", "1") for number in range(9)]),
                facts=facts.html("431 Request Header Fields Too Large"),
            ),
        ),
        environment={"GUNICORN_CMD_ARGS": "--limit-request-fields 9"},
    ),
)
