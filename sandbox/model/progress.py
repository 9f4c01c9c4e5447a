"""What a long use case tells while it works. The command line prints it, the terminal UI draws it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Step = Literal[
    "environment", "storage", "start", "ready", "gateway", "stop", "image", "delete", "ship", "host", "test", "traffic"
]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ``done`` carries how long the step took in ``seconds``. ``line`` is output of a tool or of user code, shown
    as it came; ``note`` is for people and belongs to no step's end.
    """

    step: Step
    state: Literal["begin", "line", "note", "done", "failed"]
    text: str
    endpoint: str = ""
    deployment: str = ""
    seconds: float = 0.0


Report = Callable[[Event], None]


def quiet(event: Event) -> None:
    """Tell nobody."""
