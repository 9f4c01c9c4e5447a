"""The allow-list: every difference between the two servers that is wanted, with its S-number and its reason.

A table, read by three: the comparison (what may differ), the stale test (an entry nothing uses must go) and
docs/differences.md (what users are told). One module for each chapter of that page.
"""

from collections.abc import Callable
from dataclasses import dataclass

ANY = r".*"


@dataclass(frozen=True)
class Aspect:
    """One aspect of an answer may differ: ``cases`` is a glob over situation/case, ``name`` a glob over aspects.

    ``reference`` and ``ours`` are patterns for all of the value; None means that the aspect is absent there. ``rest``
    is asked whether the two values are equal but for the difference that this entry is about.
    """

    cases: str
    name: str
    reference: str | None
    ours: str | None
    rest: Callable[[str, str], bool] | None = None


@dataclass(frozen=True)
class Line:
    """A log record that only one side writes (``side`` "ref" or "our"), or, with ``becomes``, one to be read so."""

    cases: str
    side: str
    pattern: str
    becomes: str | None = None


Entry = Aspect | Line


@dataclass(frozen=True)
class Difference:
    """What users are told about a difference, and the entries that allow it in the comparison.

    ``shown_by`` names a test of ours (FILE::FUNCTION) for what the comparison cannot show.
    """

    spec: str
    title: str
    reference: str
    ours: str
    why: str
    entries: tuple[Entry, ...]
    shown_by: str = ""
