"""The allow-list itself: no entry that nothing needs, none without words, and docs/differences.md made from it."""

import re
from pathlib import Path

import pytest

from tests.conformance import page
from tests.conformance.allowed import Difference
from tests.conformance.allowed.table import CHAPTERS, ENTRIES
from tests.conformance.judge import judge
from tests.conformance.situations import SITUATIONS, cases
from tests.conformance.stage import Stage

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]
ALL = [difference for chapter in CHAPTERS.values() for difference in chapter]
ROOT = Path(__file__).resolve().parents[2]


def test_every_entry_is_needed(stage: Stage) -> None:
    """All situations are played for this, whatever else was chosen."""
    stage.announce(list(SITUATIONS))
    used = set()
    for situation, case in cases():
        reference, ours = stage.record("ref", situation.name), stage.record("our", situation.name)
        assert not reference.problem, reference.problem
        assert not ours.problem, ours.problem
        name = f"{situation.name}/{case.name}"
        used |= judge(reference.cases[case.name], ours.cases[case.name], ENTRIES, name).used
    stale = [entry for entry in ENTRIES if entry not in used]
    assert stale == []


@pytest.mark.parametrize("difference", ALL, ids=lambda difference: difference.title)
def test_every_difference_has_its_number_and_its_reason(difference: Difference) -> None:
    assert re.fullmatch(r"S\d+( S\d+)*", difference.spec)
    assert all((difference.title, difference.reference, difference.ours, difference.why))
    assert bool(difference.entries) != bool(difference.shown_by)


@pytest.mark.parametrize("difference", [one for one in ALL if one.shown_by], ids=lambda difference: difference.title)
def test_what_the_comparison_cannot_show_is_shown_by_a_test(difference: Difference) -> None:
    file, _, function = difference.shown_by.partition("::")
    assert re.search(rf"^ *def {function}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), difference.shown_by


def test_titles_are_unique() -> None:
    titles = [difference.title for difference in ALL]
    assert sorted(set(titles)) == sorted(titles)


def test_the_page_is_made_from_the_table() -> None:
    assert page.PAGE.read_text("utf-8") == page.render(), "run: python -m tests.conformance.page"
