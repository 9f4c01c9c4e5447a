"""Lines on stdout and stderr (S117-S123)."""

import json

from tests.conformance.case import Case, Situation, post, script
from tests.conformance.situations import facts


def says(name: str, spec: str, *lines: str) -> Case:
    return Case(name, spec, post(name), facts=facts.good(name), logs=lines)


PRINTING = (
    says("plain", "S118", r"I azmlinfsrv\.print - in run"),
    says("several", "S118", r"I azmlinfsrv\.print - a\|2\|\[3\]"),
    says("empty", "S118", r"I azmlinfsrv\.print - "),
    says("newline", "S118", r"I azmlinfsrv\.print - two", "lines"),
    says("object", "S118", r"I azmlinfsrv\.print - shown"),
    says("percent", "S118", r"I azmlinfsrv\.print - 100% %s"),
    says("unicode", "S118", r"I azmlinfsrv\.print - é 日本"),
    says("thread", "S118", r"I azmlinfsrv\.print - in a thread"),
    says("written", "S118", "written"),
    says("flushed", "S118", r"I azmlinfsrv\.print - flushed"),
    says("to-stderr", "S118"),
    says("to-stdout", "S118", r"I azmlinfsrv\.print - to stdout"),
    says("original", "S118"),
    says("root-info", "S122"),
    says("root-warning", "S122"),
    says("mine-info", "S122"),
    says("mine-error", "S122"),
    says("azml-info", "S122", "I azmlinfsrv - azml info"),
    says("azml-child", "S122", r"I azmlinfsrv\.mine - child info"),
    says("azml-debug", "S117"),
    says("warn", "S122"),
)
OWN = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"mine": {"format": "MINE %(name)s %(levelname)s %(message)s"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "mine"}},
    "loggers": {"azmlinfsrv": {"level": "INFO", "handlers": ["out"], "propagate": False}},
    "root": {"level": "DEBUG", "handlers": ["out"]},
}
API = OWN | {
    "formatters": {
        "mine": {"()": "azureml_inference_server_http.log_config.AMLLogFormatter", "fmt": "API %(name)s %(message)s"}
    },
    "filters": {"quiet": {"()": "azureml_inference_server_http.log_config.RootAccessFilter"}},
}
SCRIPT = """
import logging
def init(): print("printed")
def run(data):
    logging.info("root line")
    print("in run")
    return 1
"""
POST = (
    Case(
        "post",
        "S123",
        post("x"),
        facts=facts.good(1),
        logs=("MINE azmlinfsrv.print INFO in run", "MINE root INFO root line"),
    ),
)
API_POST = (Case("post", "S92", post("x"), facts=facts.good(1), logs=("API azmlinfsrv.print in run",)),)

SITUATIONS = (
    Situation(
        "printing",
        "S118",
        {"score.py": script("printing")},
        PRINTING,
        logs=(
            r"I azmlinfsrv\.print - at import 1 None",
            r"I azmlinfsrv\.mine - child logger at import",
            r"I azmlinfsrv\.print - in init",
        ),
    ),
    Situation(
        "logging-json",
        "S123",
        {"score.py": SCRIPT, "logging.json": json.dumps(OWN)},
        POST,
        logs=("MINE azmlinfsrv.print INFO printed",),
    ),
    Situation(
        "logging-json-beside",
        "S123",
        {"code/score.py": SCRIPT, "code/logging.json": json.dumps(OWN)},
        POST,
        flags=("--entry_script", "code/score.py", "--port", "{port}"),
    ),
    Situation("logging-api", "S92 S123", {"score.py": SCRIPT, "logging.json": json.dumps(API)}, API_POST),
    Situation(
        "logging-json-bad",
        "S123 S126",
        {"score.py": SCRIPT, "logging.json": "{not"},
        serves=False,
        facts={"exit": "3"},
        says=("Invalid config file", r"JSON|Expecting"),
    ),
)
