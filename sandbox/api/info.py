"""What the API returns about one thing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Info:
    """One endpoint or deployment: its name, and everything else as ``az ml`` prints it."""

    name: str
    said: Mapping[str, Any]

    def as_azure(self) -> dict[str, Any]:
        """Return the object that ``az ml ... show`` prints: snake_case, None left out."""
        return dict(self.said)
