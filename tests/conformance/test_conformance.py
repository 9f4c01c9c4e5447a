"""Our server answers, logs and ends as the reference does, but for the differences on the allow-list."""

import pytest

from tests.conformance.allowed.table import ENTRIES
from tests.conformance.case import Case, Situation
from tests.conformance.judge import judge
from tests.conformance.situations import SITUATIONS, cases
from tests.conformance.stage import Stage

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]
ALL = cases()


@pytest.mark.parametrize(("situation", "case"), ALL, ids=[f"{situation.name}/{case.name}" for situation, case in ALL])
def test_both_servers_do_the_same(stage: Stage, situation: Situation, case: Case) -> None:
    reference, ours = stage.record("ref", situation.name), stage.record("our", situation.name)
    assert not reference.problem, reference.problem
    assert not ours.problem, ours.problem
    name = f"{situation.name}/{case.name}"
    verdict = judge(reference.cases[case.name], ours.cases[case.name], ENTRIES, name)
    wrong = verdict.unlisted
    if case.name == "start":
        wrong = [
            *wrong,
            *(f"ours does not print: {text}" for text in situation.says if not ours.cases["start"].prints(text)),
        ]
    assert not wrong, f"{name} ({case.spec}) differs and the allow-list does not say why:\n" + "\n".join(wrong)


@pytest.mark.parametrize("case", SITUATIONS["results-opaque"].cases, ids=lambda case: case.name)
def test_opaque_errors_are_exactly_the_references(stage: Stage, case: Case) -> None:
    """No allow-list here: with --errors opaque an answer tells what the reference's does, and nothing of the script."""
    reference, ours = stage.record("ref", "results-opaque"), stage.record("our", "results-opaque")
    for aspect in ("status", "body", "header Content-Type", "header x-ms-run-function-failed"):
        assert ours.cases[case.name].aspects[aspect] == reference.cases[case.name].aspects[aspect]
