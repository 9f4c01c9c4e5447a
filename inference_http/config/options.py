"""What one setting looks like from outside; ``option_table.py`` lists them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PREFIX = "INFERENCE_HTTP_"


@dataclass(frozen=True, slots=True)
class Option:
    """One setting as the outside sees it."""

    field: str  # of Settings
    flag: str | None  # as help shows it, dashes and underscores being the same; None: environment and file only
    metavar: str  # "" for a switch, which takes no value on the command line
    read: Callable[[str], Any]  # text to value; ValueError says what is wanted
    meaning: str
    group: str
    env: tuple[str, ...] = ()  # the first is the one we export; empty: INFERENCE_HTTP_<FLAG>
    inverse: bool = False  # a switch that turns the field off
    lenient: bool = False  # a bad value from the environment or the file is warned about, and the default used
    default: str = ""  # for the reader, when it is not plainly the value in Settings
    reference_flag: bool = False  # the reference has this flag, so its prefixes keep their meaning (S2)

    @property
    def switch(self) -> bool:
        """Whether the flag takes no value."""
        return self.flag is not None and not self.metavar

    @property
    def names(self) -> tuple[str, ...]:
        """The environment names, which are also the keys of config.json."""
        if self.env or self.flag is None:
            return self.env
        return (PREFIX + self.flag[2:].replace("-", "_").upper(),)

    def as_text(self, value: object) -> str:
        """Return ``value`` of the field as the text that would set it."""
        if self.inverse:
            value = not value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, tuple):
            return ",".join(str(entry) for entry in value)
        if isinstance(value, float) and value == int(value):
            return str(int(value))
        return str(value)
