"""What the screens ask for. ``tui.box`` asks the sandbox; tests answer with what they like."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tui.looks import About, Answer, Line, Look, Request


@dataclass(frozen=True, slots=True)
class Order:
    """Work for a process of its own: a verb of ``tui.work`` with its arguments, and the command that does the same."""

    verb: str
    title: str
    command: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    endpoint: str = ""
    deployment: str = ""


class Source(Protocol):
    """Each method may take its time and is called in a thread; all raise ``SandboxError``."""

    place: str

    def look(self) -> Look:
        """Look at everything."""

    def about(self, endpoint: str, deployment: str) -> About:
        """Look at one deployment closely."""

    def follow(
        self, endpoint: str | None, deployment: str | None, lines: int, ended: Callable[[], bool]
    ) -> Iterator[Line]:
        """Give lines of logs until nobody wants them any more."""

    def requests(self, after: int) -> tuple[Sequence[Request], int]:
        """Give the requests since a position, and the position to go on from; negative: the newest."""

    def hosts(self) -> Sequence[str]:
        """Give the names of the hosts that something can be promoted to."""

    def attach(self, endpoint: str, deployment: str) -> str:
        """Give the entry of launch.json by which VS Code attaches to a deployment in debug mode."""

    def set_traffic(
        self,
        endpoint: str,
        live: Mapping[str, int],
        mirror: Mapping[str, int],
        seen: tuple[Mapping[str, int], Mapping[str, int]],
    ) -> None:
        """Change who gets which share, unless the shares are others than ``seen`` (live, mirror) by now."""

    def invoke(self, endpoint: str, deployment: str | None, data: str) -> Answer:
        """Send one request."""

    def begin(self, order: Order) -> str:
        """Begin work in a process of its own; return its id."""

    def again(self, job: str) -> str:
        """Begin the same work once more; return its id."""

    def cancel(self, job: str) -> None:
        """Let a job stop."""
