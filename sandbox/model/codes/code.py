"""One row of the table of errors."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a number stands for and what usually helps."""

    title: str
    meaning: str
    remedy: str
