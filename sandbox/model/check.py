"""One line of what a doctor says."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["good", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Check:
    """``missing`` is something that would be of use, ``broken`` something that nothing works without."""

    name: str
    verdict: Verdict
    detail: str
    fix: str = ""
