"""One worker as the supervisor sees it, and what the rules about workers ask of the world around them."""

import enum
import signal
from dataclasses import dataclass, field
from typing import Any, Protocol

from inference_http.process.control import Message


class State(enum.Enum):
    """Life of a worker."""

    STARTING = "starting"
    READY = "ready"  # loaded; waits for its turn
    SERVING = "serving"
    STOPPING = "stopping"  # told to stop accepting
    DRAINING = "draining"  # accepts nothing; finishes what it has
    GONE = "gone"


@dataclass(eq=False)
class Member:
    """One worker as the supervisor sees it."""

    number: int
    generation: int
    since: float  # monotonic; when it entered its state
    state: State = State.STARTING
    pid: int | None = None
    phase: str = "starting"
    report: dict[str, Any] = field(default_factory=dict)
    predecessor: "Member | None" = None  # who has to stop accepting before this one may begin
    successor: bool = False  # somebody is about to take over from this one
    kill_at: float | None = None
    aborted: bool = False


class Outside(Protocol):
    """What the fleet asks of the supervisor."""

    def now(self) -> float:
        """Monotonic seconds."""

    def start(self, member: Member) -> None:
        """Make the process of this member."""

    def tell(self, member: Member, op: str, **fields: Any) -> None:
        """Send it a message."""

    def kill(self, member: Member, number: int) -> None:
        """Send it a signal."""

    def served(self, member: Member) -> int:
        """How many requests it has answered or begun."""

    def beat(self, member: Member) -> float | None:
        """When its loop was last seen alive (monotonic), None when unknown."""

    def took_over(self, member: Member) -> None:
        """It serves now."""

    def start_failed(self, member: Member, message: Message) -> None:
        """Its code does not load; older workers keep serving, if there are any."""

    def lost(self, member: Member) -> None:
        """It ended, or hung, without having been told to."""

    def give_up(self, cause: str) -> None:
        """Nobody serves and nobody can be started."""


def cause_of(code: int | None) -> str:
    """Words for an exit code; negative: minus the signal that killed, None: nobody knows."""
    if code is None:
        return "cause unknown"
    if code >= 0:
        return f"exit code {code}" + (" (something called os._exit or sys.exit)" if code < 3 else "")
    name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
    hint = {"SIGKILL": " (out of memory?)", "SIGSEGV": " (a crash in native code; its traceback is above)"}
    return f"killed by {name}{hint.get(name, '')}"
