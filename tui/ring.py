"""A bounded store of log lines, and what a filter lets through. Pure; made for 5,000 lines a second."""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from tui.looks import Line

MOST = 100_000  # lines
CHUNK = 10_000  # so many go at once when it is full
LONGEST = 4096  # characters of a line that are shown
LONGEST_KEPT, LONG_KEPT = 2**20, 20  # of the newest lines that are longer, so much is kept to be read alone
LEVEL, TEXT, MOMENT, MARK = 4, 5, 7, 8  # places in an entry

Level = Literal["D", "I", "W", "E", ""]
_RECORD = re.compile(
    r"^(?P<day>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d:\d\d)[,.](?P<ms>\d{3})\S* (?:(?P<level>[A-Z])[A-Z]*) "
    r"(?:\[(?P<pid>\d+)\] )?(?P<rest>.*)$"
)
_JSON = re.compile(r'^\{"time": "(?P<day>[^T"]+)T(?P<time>\d\d:\d\d:\d\d)\.(?P<ms>\d{3})')
_JSON_LEVEL = re.compile(r'"level": "([A-Z])')
_JSON_TEXT = re.compile(r'"message": "((?:[^"\\]|\\.)*)"')
_CONTROL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


class Entry(NamedTuple):
    """One line, read. ``level`` and ``time`` of a line that continues another are the other one's."""

    number: int
    endpoint: str
    deployment: str
    time: str
    level: Level
    text: str
    begins: bool  # False: it continues the record before
    moment: float = 0.0  # when it was written, in seconds of some clock; where it does not say, as the line before
    mark: bool = False


# What the ring keeps of an entry. A plain tuple of numbers and texts, since those the garbage collector soon leaves
# alone; 100,000 objects of any other type make it stop everything for 400 ms now and then.
Record = tuple[Any, ...]
Test = Callable[[Sequence[Any]], bool]


class Ring:
    """The newest lines. Numbers of entries grow for ever; those below ``first`` are gone."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._records: list[Record] = []
        self._long: dict[int, str] = {}
        self._next = 0
        self._last: dict[str, Entry] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._records)

    @property
    def first(self) -> int:
        """The number of the oldest line that is kept."""
        return self._next - len(self._records)

    @property
    def next(self) -> int:
        """The number that the next line will have."""
        return self._next

    def at(self, number: int) -> Entry:
        """Return a line that is kept."""
        return Entry._make(self._records[number - self.first])

    def full(self, number: int) -> str:
        """Return the text of a line as it came, also where it is too long to be shown."""
        return self._long.get(number) or self.at(number).text

    @property
    def moment(self) -> float:
        """When the newest line was written."""
        return float(self._records[-1][MOMENT]) if self._records else 0.0

    def passing(self, test: Test, start: int, stop: int) -> list[int]:
        """Return the numbers of those from ``start`` to before ``stop`` that a test lets through."""
        first = self.first
        return [record[0] for record in self._records[max(0, start - first) : max(0, stop - first)] if test(record)]

    def add(self, lines: Sequence[Line]) -> range:
        """Take lines; return their numbers."""
        begin = self._next
        for line in lines:
            source = f"{line.endpoint}/{line.deployment}"
            entry = read(line, self._next, self._last.get(source), self.moment)
            self._last[source] = entry
            self._records.append(tuple(entry))
            if len(line.text) > LONGEST:
                self._long[self._next] = clean(line.text[:LONGEST_KEPT], LONGEST_KEPT)
            self._next += 1
        self._trim()
        return range(max(begin, self.first), self._next)

    def mark(self, text: str) -> range:
        """Put a line of our own in; return its number."""
        self._records.append(tuple(Entry(self._next, "", "", "", "", text, True, self.moment, True)))
        self._next += 1
        self._trim()
        return range(self._next - 1, self._next)

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._last.clear()
        self._long.clear()
        self.dropped = 0

    def _trim(self) -> None:
        if len(self._records) > self._most:
            cut = max(CHUNK, len(self._records) - self._most)
            del self._records[:cut]
            self.dropped += cut
        for number in list(self._long)[:-LONG_KEPT]:
            del self._long[number]


def read(line: Line, number: int, before: Entry | None, moment: float) -> Entry:
    """Read one line of the server's log, as text or JSON; what is neither continues the record before."""
    text = clean(line.text)
    found = _RECORD.match(text) or _JSON.match(text)
    if found is None:
        at, level = (before.time, before.level) if before else ("", "")
        written = before.moment if before else moment
        return Entry(number, line.endpoint, line.deployment, at, level, text, False, written)
    written = _minute(found["day"], found["time"][:5]) + float(f"{found['time'][6:]}.{found['ms']}")
    if found.re is _RECORD:
        of: Level = _level(found["level"])
        said = found["rest"]
    else:
        of_level, of_text = _JSON_LEVEL.search(text), _JSON_TEXT.search(text)
        of = _level(of_level[1]) if of_level else "I"
        said = of_text[1] if of_text else text
    at = f"{found['time']}.{found['ms']}"
    return Entry(number, line.endpoint, line.deployment, at, of, said, True, written)


@functools.lru_cache(64)
def _minute(day: str, minute: str) -> float:
    """Return the seconds since 1970 until a minute, as if it were UTC: only differences between lines are looked at."""
    try:
        return datetime.fromisoformat(f"{day}T{minute}+00:00").timestamp()
    except ValueError:
        return 0.0


def _level(letter: str) -> Level:
    return {"D": "D", "W": "W", "E": "E", "C": "E", "F": "E"}.get(letter, "I")  # type: ignore[return-value]


def clean(text: str, most: int = LONGEST) -> str:
    """Take from a line what would repaint the screen; of a progress bar keep the last state."""
    if len(text) > most:
        text = f"{text[:most]}…"
    if text.isprintable():
        return text
    text = text.rstrip("\r").rpartition("\r")[2]
    return _CONTROL.sub("", text.replace("\t", "    "))


@dataclass(frozen=True, slots=True)
class Filter:
    """What is shown: words, or ``/a regular expression/``; ``!`` in front means all others."""

    text: str = ""
    grave: bool = False  # warnings and errors only
    newest_s: float = 0.0  # only of the last so many seconds; 0: all

    def test(self) -> Test:
        """Return what tells whether an entry, or what the ring keeps of it, is shown."""
        matches = self.matcher()
        inverted = self.text.startswith("!")
        grave = self.grave

        def shown(entry: Sequence[Any]) -> bool:
            if entry[MARK]:
                return True
            if grave and entry[LEVEL] not in {"W", "E"}:
                return False
            return matches is None or (matches(entry[TEXT]) is None) == inverted

        return shown

    def matcher(self) -> "Callable[..., re.Match[str] | None] | None":
        """Return what finds the text in a line; None without a filter. A broken expression is taken as words."""
        text = self.text.removeprefix("!")
        if not text:
            return None
        if len(text) > 1 and text.startswith("/"):
            expression = text[1:].removesuffix("/")
            try:
                return re.compile(expression, re.IGNORECASE).search
            except re.error:
                text = expression
        return re.compile(re.escape(text), re.IGNORECASE).search
