"""All chapters of the allow-list in the order of docs/differences.md."""

from tests.conformance.allowed import Difference

CHAPTERS: dict[str, tuple[Difference, ...]] = {}
ENTRIES = tuple(entry for chapter in CHAPTERS.values() for difference in chapter for entry in difference.entries)
