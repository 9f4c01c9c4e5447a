"""The corpus: each file says in comments at its end what is expected of it.

``# expect:`` code@line:column of every finding, in order; code alone for one about the whole file, and
code@NAME:line:column for one in another file. Without the comment, nothing is found.
``# azure: accepts|refuses (reason)`` where Azure's loader says something else than ours: the list of deliberate
differences, each with its reason ("late": the service refuses it; "wider", "stricter": our choice).
"""

import re
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus" / "cases"


@dataclass(frozen=True)
class CorpusCase:
    path: Path
    expected: tuple[str, ...]
    azure: str  # accepts, refuses
    reason: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def kind(self) -> str:
        """The loader that a user would call: the file's name says it."""
        begin = self.name.partition("-")[0]
        return "endpoint" if begin == "yaml" else begin

    @property
    def accepted(self) -> bool:
        return not any(code.startswith("E") for code in self.expected)


def _read(path: Path) -> CorpusCase:
    text = path.read_text(encoding="utf-8")
    expect = re.search(r"(?m)^# expect: (.*)$", text)
    expected = tuple(expect[1].split()) if expect else ()
    azure = re.search(r"(?m)^# azure: (accepts|refuses) \((late|wider|stricter): (.+)\)$", text)
    same = "refuses" if any(code.startswith("E") for code in expected) else "accepts"
    return CorpusCase(path, expected, azure[1] if azure else same, azure[3] if azure else "")


CASES = [_read(path) for path in sorted(CORPUS.glob("*.yml"))]
