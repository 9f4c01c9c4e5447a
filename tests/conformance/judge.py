"""Which differences between two observations are on the allow-list, and which are not."""

import difflib
import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.conformance.allowed import Aspect, Entry, Line
from tests.conformance.play import Observed

_RECORD = re.compile(r"(?:stderr: )?[DIWEC] [\w.]+ - |MINE |API ")  # the last two: the formats of situations/logs.py
_ANSWERED = re.compile(r" \d{3} <ms>ms (?:\d+|N/A)$")
_LONG = re.compile(r"(?:stderr: )?[WEC] [\w.]+ - ")


@dataclass
class Verdict:
    """``unlisted``: readable texts, empty if the sides agree; ``used``: the entries that were needed."""

    unlisted: list[str] = field(default_factory=list)
    used: set[Entry] = field(default_factory=set)


def judge(reference: Observed, ours: Observed, allowed: Iterable[Entry], *names: str) -> Verdict:
    """Compare what both sides showed in a case; entries for any of its names (situation/case) apply."""
    entries = [entry for entry in allowed if any(fnmatch.fnmatchcase(name, entry.cases) for name in names)]
    verdict = Verdict()
    _aspects(reference, ours, [entry for entry in entries if isinstance(entry, Aspect)], verdict)
    if "started" in ours.aspects and ours.aspects != reference.aspects:
        return verdict  # nothing was served, so there is nothing more to compare
    lines = [entry for entry in entries if isinstance(entry, Line)]
    left = _records(reference.log, "ref", lines, verdict)
    right = _records(ours.log, "our", lines, verdict)
    if _content(reference) != _content(ours):
        left, right = _without_answer(left), _without_answer(right)
    if names[0].endswith("/start"):
        left, right = sorted(left), sorted(right)  # lines that do not depend on each other may come in any order
    if left != right:
        diff = difflib.unified_diff(left, right, "log of the reference", "log of ours", lineterm="", n=1)
        verdict.unlisted.append("log\n    " + "\n    ".join(diff))
    return verdict


def _aspects(reference: Observed, ours: Observed, entries: list[Aspect], verdict: Verdict) -> None:
    names = {**reference.aspects, **ours.aspects}
    for aspect in ["started"] if "started" in names else names:
        there, here = reference.aspects.get(aspect), ours.aspects.get(aspect)
        if there == here:
            continue
        fitting = [entry for entry in entries if _fits(entry, aspect, there, here)]
        verdict.used.update(fitting[:1])
        if not fitting:
            verdict.unlisted.append(f"{aspect}\n    reference: {_shown(there)}\n    ours:      {_shown(here)}")


def _fits(entry: Aspect, aspect: str, there: str | None, here: str | None) -> bool:
    if not fnmatch.fnmatchcase(aspect, entry.name):
        return False
    if not (_matches(entry.reference, there) and _matches(entry.ours, here)):
        return False
    return entry.rest is None or (there is not None and here is not None and entry.rest(there, here))


def _matches(pattern: str | None, value: str | None) -> bool:
    if pattern is None or value is None:
        return pattern is value
    return re.fullmatch(pattern, value, re.DOTALL) is not None


def _shown(value: str | None) -> str:
    return "(absent)" if value is None else repr(value) if len(value) < 1500 else f"{value[:1500]!r}..."


def _records(lines: list[str], side: str, entries: list[Line], verdict: Verdict) -> list[str]:
    """Log records without those that are allowed to be there; others rewritten as an entry says."""
    kept = []
    ordered = sorted(entries, key=lambda entry: entry.becomes is None)  # rewritten first, dropped by what they then are
    for record in _joined(lines):
        text: str | None = record
        for entry in ordered:
            if text is not None and entry.side == side and re.fullmatch(entry.pattern, text, re.DOTALL):
                verdict.used.add(entry)
                text = re.sub(entry.pattern, entry.becomes, text, flags=re.DOTALL) if entry.becomes else None
        if text is not None:
            kept.append(text)
    return kept


def _content(observed: Observed) -> dict[str, str]:
    return {name: value for name, value in observed.aspects.items() if not name.startswith("header ")}


def _without_answer(records: list[str]) -> list[str]:
    """Lines that only repeat what the answer is: status and length of the body, and that there was an exception."""
    kept = [record for record in records if not record.startswith("E azmlinfsrv - Encountered Exception")]
    return [_ANSWERED.sub("", record) for record in kept]


def _joined(lines: list[str]) -> list[str]:
    """A warning or an error and the lines below it (a traceback) are one record."""
    records: list[str] = []
    for line in lines:
        if records and not _RECORD.match(line) and _LONG.match(records[-1]):
            records[-1] += "\n" + line
        else:
            records.append(line)
    return records
