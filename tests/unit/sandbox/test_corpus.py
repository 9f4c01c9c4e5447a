"""Every file of the corpus: the findings at their places, and what the JSON Schemas say about the good ones."""

import json
import os
from importlib.resources import files

import jsonschema
import pytest
import yaml

from sandbox.model.codes import CODES
from sandbox.spec.kinds import NAMES
from sandbox.spec.load import examine
from tests.unit.sandbox.cases import CASES

SCHEMAS = {
    "endpoint": "online-endpoint.json",
    "deployment": "online-deployment.json",
    "model": "model.json",
    "environment": "environment.json",
    "connection": "connection.json",
}


def found(case):
    for problem in examine(str(case.path)).problems:
        place = problem.place
        where = "" if place.line is None else f"{place.line}:{place.column}"
        other = "" if place.file == str(case.path) else f"{os.path.basename(place.file)}:"
        yield problem.code + (f"@{other}{where}" if where else "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_finding_is_reported_at_its_place(case):
    assert tuple(found(case)) == case.expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_error_leaves_no_value_and_a_good_file_has_one(case):
    assert (examine(str(case.path)).value is not None) == case.accepted


@pytest.mark.parametrize("case", [case for case in CASES if case.accepted], ids=lambda case: case.name)
def test_the_kind_is_found_without_being_told(case):
    assert case.kind in NAMES
    assert case.kind in examine(str(case.path)).kind


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_finding_says_what_and_what_to_do(case):
    for problem in examine(str(case.path)).problems:
        assert problem.what
        assert problem.why or problem.fix or CODES[problem.code].remedy
        assert "None" not in problem.what + problem.why + problem.fix


def validator(case):
    schema = json.loads((files("sandbox.spec") / "schemas" / SCHEMAS[case.kind]).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


# The schema an editor reads knows no warnings: it underlines what Azure refuses.
UNDERLINED = {"W060", "W061"}


@pytest.mark.parametrize("case", [case for case in CASES if case.accepted], ids=lambda case: case.name)
def test_the_json_schema_takes_what_is_taken_without_a_warning(case):
    if {code.partition("@")[0] for code in case.expected} & UNDERLINED:
        return
    errors = [error.message for error in validator(case).iter_errors(yaml.safe_load(case.path.read_text()))]
    assert errors == []


STRUCTURAL = {"E030", "E031", "E032", "E033", "E034"}


def test_the_json_schema_refuses_most_of_what_can_be_seen_without_the_disk():
    structural = [
        case
        for case in CASES
        if not case.accepted
        and not case.name.startswith("yaml-")
        and {code.partition("@")[0] for code in case.expected} <= STRUCTURAL
    ]
    missed = [case.name for case in structural if validator(case).is_valid(yaml.safe_load(case.path.read_text()))]
    # A range or a pair of keys that only rules know; keys that are numbers, which JSON does not have; schemes; what
    # belongs to which type of connection.
    assert missed == [
        "connection-credentials-foreign-key",
        "connection-key-of-another-type",
        "connection-no-target",
        "connection-serp-without-key",
        "deployment-code-without-script",
        "deployment-count-negative",
        "deployment-mount-relative",
        "deployment-script-without-code",
        "deployment-timeout-long",
        "endpoint-traffic-key-number",
        "environment-build-reference",
        "environment-tags-key",
    ]
