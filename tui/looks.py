"""What is seen at one moment: immutable snapshots that feeds publish and screens draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Word = Literal["ready", "starting", "updating", "deleting", "degraded", "stopped", "failed", "interrupted"]

# State in a sign, a word and a class of colours: the word alone is enough for whoever sees no colours.
SIGNS: Mapping[Word, tuple[str, str]] = {
    "ready": ("●", "good"),
    "starting": ("◐", "busy"),
    "updating": ("◐", "busy"),
    "deleting": ("◌", "busy"),
    "degraded": ("▲", "warn"),
    "stopped": ("○", "dim"),
    "failed": ("✖", "bad"),
    "interrupted": ("▲", "warn"),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as the command line tells it, and the user's failing line where there is one."""

    code: str
    what: str
    why: str = ""
    fix: str = ""
    log: tuple[str, ...] = ()
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a deployment did in the last seconds; None where nothing is known or nothing was asked."""

    rps: float | None = None
    p50: float | None = None  # milliseconds
    p95: float | None = None
    errors: float | None = None  # percent
    copies: float | None = None  # mirrored requests a second
    cpu: float | None = None  # percent of one core
    memory: int | None = None  # bytes
    gpu: float | None = None  # percent of one GPU's time
    gpu_memory: int | None = None  # bytes on all GPUs


@dataclass(frozen=True, slots=True)
class Row:
    """A deployment."""

    endpoint: str
    name: str
    word: Word
    live: int
    mirror: int
    wanted: int
    running: int
    revision: str = ""
    development: bool = False
    serves: bool = True  # can be given traffic
    numbers: Numbers = Numbers()
    trouble: Trouble | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What names it."""
        return (self.endpoint, self.name)


@dataclass(frozen=True, slots=True)
class Group:
    """An endpoint with its deployments."""

    name: str
    word: Word
    port: int
    url: str
    auth: str
    rows: tuple[Row, ...] = ()
    trouble: Trouble | None = None  # of the endpoint as a whole: damaged files, lost keys, a port that is taken

    @property
    def live(self) -> dict[str, int]:
        """Percent of the traffic by deployment."""
        return {row.name: row.live for row in self.rows}

    @property
    def mirror(self) -> dict[str, int]:
        """Percent that is copied, of those that receive copies."""
        return {row.name: row.mirror for row in self.rows if row.mirror}


@dataclass(frozen=True, slots=True)
class Note:
    """A line of the journal, or what was done from here with the command that does the same."""

    at: str  # ISO 8601
    endpoint: str
    text: str
    command: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job."""

    name: str
    text: str
    state: Literal["working", "done", "failed"]
    seconds: float = 0.0
    lines: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """Work that goes on in a process of its own, whether somebody looks or not."""

    id: str
    title: str
    command: str
    state: Literal["working", "done", "failed", "cancelled", "lost"]
    began: str
    seconds: float = 0.0
    steps: tuple[Step, ...] = ()
    trouble: Trouble | None = None
    endpoint: str = ""
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Everything at one moment; ``at`` is monotonic seconds. ``trouble`` says why it could not be looked at since."""

    at: float
    gateway: int | None = None  # its process
    agent: int | None = None
    groups: tuple[Group, ...] = ()
    notes: tuple[Note, ...] = ()
    jobs: tuple[Job, ...] = ()
    series: Mapping[tuple[str, str], tuple[Numbers, ...]] = field(default_factory=dict)
    trouble: Trouble | None = None

    def group(self, name: str | None) -> Group | None:
        """Return an endpoint."""
        return next((group for group in self.groups if group.name == name), None)

    def row(self, endpoint: str | None, name: str | None) -> Row | None:
        """Return a deployment."""
        group = self.group(endpoint)
        return next((row for row in group.rows if row.name == name), None) if group else None

    @property
    def rows(self) -> tuple[Row, ...]:
        """All deployments."""
        return tuple(row for group in self.groups for row in group.rows)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log."""

    endpoint: str
    deployment: str
    text: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Capture:
    """What was kept of a request and its answers. ``copy_*``: what the deployment said that was sent a copy."""

    body: str
    answer: str
    copy_to: str = ""
    copy_status: int = 0
    copy_answer: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that was answered. ``capture``: what was kept of it, where somebody keeps requests."""

    at: str
    endpoint: str
    deployment: str
    method: str
    path: str
    status: int
    ms: int
    received: int
    sent: int
    id: str
    details: str
    capture: Capture | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answered."""

    status: int
    seconds: float
    headers: Sequence[tuple[str, str]]
    body: str

    def header(self, name: str) -> str:
        """Return a header's value, "" where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class About:
    """What is asked about one deployment when somebody looks at it alone."""

    code: str = ""  # the developer's folder
    script: str = ""
    runs_from: str = ""  # where the copy of the code lies that runs
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    model: str = ""
    instance_type: str = ""
    debug_port: int | None = None
    busy: bool = False  # it is being changed
    debugging: bool = False  # switched into debug mode, from which it can be switched back
    waits: bool = False  # its script is loaded only when a debugger has attached
    instances: tuple[Mapping[str, Any], ...] = ()
    trouble: Trouble | None = None
    samples: tuple[tuple[str, str], ...] = ()  # name, request body
