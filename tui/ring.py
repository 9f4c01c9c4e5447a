"""A bounded store of log lines, and what a filter lets through. Pure; made for 5,000 lines a second."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tui.looks import Line

MOST = 100_000  # lines
CHUNK = 10_000  # so many go at once when it is full
LONGEST = 4096  # characters of a line that are shown

Level = Literal["D", "I", "W", "E", ""]
_RECORD = re.compile(
    r"^(?P<day>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d:\d\d)[,.](?P<ms>\d{3})\S* (?:(?P<level>[A-Z])[A-Z]*) "
    r"(?:\[(?P<pid>\d+)\] )?(?P<rest>.*)$"
)
_JSON = re.compile(r'^\{"time": "(?P<day>[^T"]+)T(?P<time>\d\d:\d\d:\d\d)\.(?P<ms>\d{3})')
_JSON_LEVEL = re.compile(r'"level": "([A-Z])')
_JSON_TEXT = re.compile(r'"message": "((?:[^"\\]|\\.)*)"')
_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, read. ``level`` and ``time`` of a line that continues another are the other one's."""

    number: int
    endpoint: str
    deployment: str
    time: str
    level: Level
    text: str
    begins: bool  # False: it continues the record before
    moment: float = 0.0  # when it came, in seconds of any clock
    mark: bool = False


class Ring:
    """The newest lines. Numbers of entries grow for ever; those below ``first`` are gone."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._entries: list[Entry] = []
        self._next = 0
        self._last: dict[str, Entry] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> Sequence[Entry]:
        """All that are kept, oldest first."""
        return self._entries

    def add(self, lines: Sequence[Line], moment: float = 0.0) -> list[Entry]:
        """Take lines; return them as entries."""
        found = []
        for line in lines:
            source = f"{line.endpoint}/{line.deployment}"
            entry = read(line, self._next, self._last.get(source), moment)
            self._last[source] = entry
            self._next += 1
            found.append(entry)
        self._keep(found)
        return found

    def mark(self, text: str, moment: float = 0.0) -> Entry:
        """Put a line of our own in."""
        entry = Entry(self._next, "", "", "", "", text, begins=True, moment=moment, mark=True)
        self._next += 1
        self._keep([entry])
        return entry

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._last.clear()
        self.dropped = 0

    def _keep(self, found: list[Entry]) -> None:
        self._entries += found
        if len(self._entries) > self._most:
            cut = max(CHUNK, len(self._entries) - self._most)
            del self._entries[:cut]
            self.dropped += cut


def read(line: Line, number: int, before: Entry | None, moment: float) -> Entry:
    """Read one line of the server's log, as text or JSON; what is neither continues the record before."""
    text = clean(line.text)
    found = _RECORD.match(text)
    if found:
        level: Level = _level(found["level"])
        at = f"{found['time']}.{found['ms']}"
        return Entry(number, line.endpoint, line.deployment, at, level, found["rest"], begins=True, moment=moment)
    found = _JSON.match(text)
    if found:
        said, of_level = _JSON_TEXT.search(text), _JSON_LEVEL.search(text)
        level = _level(of_level[1]) if of_level else "I"
        at = f"{found['time']}.{found['ms']}"
        return Entry(
            number,
            line.endpoint,
            line.deployment,
            at,
            level,
            said[1] if said else text,
            begins=True,
            moment=moment,
        )
    at, level = (before.time, before.level) if before else ("", "")
    return Entry(number, line.endpoint, line.deployment, at, level, text, begins=False, moment=moment)


def _level(letter: str) -> Level:
    return {"D": "D", "W": "W", "E": "E", "C": "E", "F": "E"}.get(letter, "I")  # type: ignore[return-value]


def clean(text: str) -> str:
    """Take from a line what would repaint the screen; of a progress bar keep the last state."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
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

    def test(self) -> Callable[[Entry], bool]:
        """Return what tells whether an entry is shown."""
        matches = self.matcher()
        inverted = self.text.startswith("!")
        grave = self.grave

        def shown(entry: Entry) -> bool:
            if entry.mark:
                return True
            if grave and entry.level not in {"W", "E"}:
                return False
            return matches is None or (matches(entry.text) is None) == inverted

        return shown

    def matcher(self) -> "Callable[[str], re.Match[str] | None] | None":
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
