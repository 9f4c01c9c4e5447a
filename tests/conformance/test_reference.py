"""The reference does what the specification says of it: the facts that our server is measured by are facts."""

import re

import pytest

from tests.conformance.case import Case, Fact, Situation
from tests.conformance.play import Observed
from tests.conformance.situations import cases
from tests.conformance.stage import Stage

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]
ALL = cases()


def _wrong(aspect: str, fact: Fact, observed: Observed) -> str | None:
    found = observed.aspects.get(aspect, observed.aspects.get(f"header {aspect}"))
    if fact is None:
        right = found is None
    elif isinstance(fact, str):
        right = found == fact
    else:
        right = found is not None and fact.fullmatch(found) is not None
    return None if right else f"{aspect}\n    the specification: {fact!r}\n    the reference:     {found!r}"


@pytest.mark.parametrize(("situation", "case"), ALL, ids=[f"{situation.name}/{case.name}" for situation, case in ALL])
def test_the_reference_is_as_specified(stage: Stage, situation: Situation, case: Case) -> None:
    record = stage.record("ref", situation.name)
    assert not record.problem, record.problem
    observed = record.cases[case.name]
    wrong = [text for aspect, fact in case.facts.items() if (text := _wrong(aspect, fact, observed))]
    wrong += [
        f"log\n    expected a line: {pattern}\n    among:\n" + "\n".join(observed.log)
        for pattern in case.logs
        if not any(re.fullmatch(pattern, line) for line in observed.log)
    ]
    if case.name == "start":
        wrong += [f"output\n    expected: {text}" for text in situation.says if not observed.prints(text)]
    assert not wrong, f"{situation.name}/{case.name} ({case.spec})\n" + "\n".join(wrong)
