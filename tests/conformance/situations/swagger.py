"""User swagger files and the settings that are written into the document (S44, S104-S112)."""

import json
import re

from tests.conformance.case import Case, Situation, get, script

ECHO = script("echo")
VERSIONS = ("2", "3", "3.1")


def versions() -> tuple[Case, ...]:
    return tuple(
        Case(f"version-{version}", "S111", get(f"/swagger.json?version={version}"), facts={"status": "200 OK"})
        for version in VERSIONS
    )


def user(number: int) -> str:
    return json.dumps({"mine": number, "é": [1.0, None]}, indent=2, ensure_ascii=False)


def with_environment(name: str, environment: dict[str, str], pattern: str) -> Situation:
    case = Case("document", "S44 S107", get("/swagger.json"), facts={"body": re.compile(pattern)})
    other = Case("document-3", "S44 S108", get("/swagger.json?version=3"), facts={"status": "200 OK"})
    return Situation(name, "S44 S107", {"score.py": ECHO}, (case, other), environment=environment)


SITUATIONS = (
    with_environment(
        "swagger-env",
        {
            "SERVICE_NAME": "fraud é",
            "SERVICE_VERSION": "2.5-x",
            "SERVICE_PATH_PREFIX": "/api/v1/",
            "WORKSPACE_NAME": "w",
        },
        r".*/api/v1/score.*",
    ),
    with_environment("swagger-slash", {"SERVICE_PATH_PREFIX": "/"}, r'.*"//score".*'),
    with_environment("swagger-prefix-plain", {"SERVICE_PATH_PREFIX": "deep/er"}, r'.*"/deep/er/score".*'),
    with_environment("swagger-empty-name", {"SERVICE_NAME": "", "SERVICE_VERSION": ""}, r".*"),
    Situation(
        "swagger-user",
        "S111",
        {
            "score.py": ECHO,
            "swagger.json": user(1),
            "swagger2.json": user(2),
            "swagger3.json": user(3),
            "swagger3.1.json": user(31),
        },
        (
            Case("default", "S111", get("/swagger.json"), facts={"body": '{"mine": 1, "\\u00e9": [1.0, null]}'}),
            *versions(),
        ),
        logs=(r"I azmlinfsrv\.swagger - Loaded user's swagger file for version \[2\] from <root>/swagger\.json",),
    ),
    Situation("swagger-user2", "S111", {"score.py": ECHO, "swagger2.json": user(2), "swagger3.json": "{}"}, versions()),
    Situation(
        "swagger-user-list", "S111", {"score.py": ECHO, "swagger.json": "[1, 2]", "swagger3.json": "[]"}, versions()
    ),
    Situation(
        "swagger-badfile",
        "S112 S126",
        {"score.py": ECHO, "swagger.json": "{not"},
        serves=False,
        facts={"exit": "3"},
        says=("swagger.json",),
    ),
    Situation(
        "swagger-quote",
        "S112",
        {"score.py": ECHO},
        serves=False,
        environment={"SERVICE_NAME": 'a "b"'},
        facts={"exit": "3"},
    ),
)
