"""The corpus shown to azure-ai-ml itself: it accepts and refuses what the corpus says it does."""

import pytest

from tests.unit.sandbox.azure_loader import verdicts
from tests.unit.sandbox.cases import CASES

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
