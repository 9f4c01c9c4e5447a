"""The corpus shown to azure-ai-ml itself: it accepts and refuses what the corpus says it does."""

import json
import shutil

import pytest
import yaml

from sandbox.spec.load import examine
from tests.unit.sandbox.azure_loader import verdicts
from tests.unit.sandbox.cases import CASES, CORPUS
from tests.unit.sandbox.mutations import GONE, changed, spots

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def said():
    return dict(zip([case.name for case in CASES], verdicts([(case.kind, case.path) for case in CASES]), strict=True))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_azure_says_what_the_corpus_expects_of_it(case, said):
    error = said[case.name]
    assert ("accepts" if error is None else "refuses") == case.azure, error


def test_no_difference_is_listed_that_is_none():
    assert [case.name for case in CASES if case.reason and (case.azure == "accepts") == case.accepted] == []


def test_what_azure_refuses_and_we_take_comes_with_a_warning():
    wider = [case for case in CASES if case.accepted and case.azure == "refuses"]
    assert len(wider) >= 7
    assert [case.name for case in wider if not any(code.startswith("W060") for code in case.expected)] == []


# --- Each good file with each value changed ---------------------------------------------------------------------------

# What may be refused here and accepted by Azure's loader, and why: error code -> reason.
LATE = {
    "E031": "code without script, script without code: fails when sent",
    "E035": "paths of assets with a name are looked at when they are uploaded",
    "E037": "the script is looked at when it is uploaded",
    "E038": "names of deployments, and lengths, are checked when sent",
    "E039": "sums other than 0 and 100 are the service's business",
    "E041": "combinations that fail when sent",
}
# Keys where this loader is stricter on purpose: key -> reason.
STRICTER = {
    "environment_variables": "no environment variable holds a list or a mapping",
    "environment.name": "Azure drops what is no text and takes the environment for an anonymous one",
    "environment.version": "likewise",
    "api_key": "Azure takes null for three keys of azure_open_ai; leaving them out says the same",
    "api_version": "likewise",
    "open_ai_resource_id": "likewise",
    "model_mount_path": "the service wants an absolute path",
}
# Keys where nothing is said although Azure refuses.
WIDER = {"$schema": "null is as good as nothing"}


def excused(path, examined, error):
    keys = {".".join(path[:depth]) for depth in range(1, len(path) + 1) if all(isinstance(part, str) for part in path)}
    if error is None:
        codes = {problem.code for problem in examined.problems if problem.is_error}
        return codes <= LATE.keys() or bool(keys & STRICTER.keys())
    return any(problem.code == "W060" for problem in examined.problems) or bool(keys & WIDER.keys())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_changed_files_differ_only_where_a_reason_is_given(tmp_path):
    shutil.copytree(CORPUS.parent / "project", tmp_path / "project")
    (tmp_path / "cases").mkdir()
    asked = {}
    for case in (case for case in CASES if case.accepted):
        content = yaml.safe_load(case.path.read_text(encoding="utf-8"))
        for path in spots(content):
            for instead in (GONE, None, 3.7, "x", ["x"], {}):
                asked.setdefault((case.kind, json.dumps(changed(content, path, instead))), path)
    files = []
    for number, (kind, text) in enumerate(asked):
        files.append((kind, tmp_path / "cases" / f"{number}.yml"))
        files[-1][1].write_text(text)
    unexplained = []
    for (kind, file), path, error in zip(files, asked.values(), verdicts(files), strict=True):
        examined = examine(str(file), kind=kind)
        if (error is None) == bool(examined.errors) and not excused(path, examined, error):
            unexplained.append((path, file.read_text(), error, [problem.what for problem in examined.problems]))
    assert len(files) > 1000
    assert unexplained == []
