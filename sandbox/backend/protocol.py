"""What a backend does: it runs instances, tells which there are, and ends them. What they are for it does not know."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sandbox.backend.usage import Used
from sandbox.model.container import Container
from sandbox.model.errors import SandboxError


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """One instance to run.

    ``python`` is the absolute path of the interpreter, ``python_path`` the folders that it searches after its own.
    ``variables`` reach the script as they are and win over everything; they may be secrets. ``cpus`` counts cores,
    ``memory_bytes`` bytes, None meaning as much as there is. ``arguments`` are further flags of the server.
    ``container``: run it in one; ``python`` and ``python_path`` are then none of ours.
    """

    endpoint: str
    deployment: str
    revision: str
    index: int
    python: str
    app_root: str
    python_path: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    cpus: float | None = None
    memory_bytes: int | None = None
    gpus: int = 0
    arguments: tuple[str, ...] = ()
    container: Container | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance as it was found a moment ago.

    ``id`` is new with each start. ``pid`` is None until the process has said which it is (milliseconds) and after
    its end. ``port`` is on 127.0.0.1. ``exit_code`` is minus the signal for a killed process, and None where nobody
    has seen the end. ``started`` is Unix time, ``log`` the path of the log's newest part. ``backend`` runs it;
    ``probe_port`` is where it is asked whether it is ready, None: ``port``. ``socket``: path of the socket by which
    one is reached that has no port (0).
    """

    endpoint: str
    deployment: str
    revision: str
    index: int
    id: str
    pid: int | None
    port: int
    state: Literal["starting", "running", "exited"]
    exit_code: int | None
    started: float
    log: str
    gpus: tuple[str, ...] = ()
    backend: Literal["process", "docker"] = "process"
    probe_port: int | None = None
    socket: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an instance does not serve.

    ``kind``: the user's ``script`` does not load; the ``port`` was taken; the process was ``killed``, by whoever, or
    for want of ``memory``; the machine was started anew (``reboot``); it ends again and again (``loop``); it has
    ``ended`` in another way.
    ``summary`` is one line; ``file`` and ``line`` (from 1) are the user's own failing line, where there is one;
    ``traceback`` are the lines of the user's traceback, ``log`` the last lines of the log.
    """

    kind: Literal["script", "port", "killed", "memory", "reboot", "loop", "ended"]
    summary: str
    file: str | None = None
    line: int | None = None
    traceback: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer to one probe. ``detail`` says why it is not ready.

    ``failure`` is there when waiting will not help: the instance has ended or, with ``--reload``, its newest code does
    not load, while older code may be ``ready``.
    """

    ready: bool
    detail: str
    failure: Failure | None = None


PROBE_S = 2.0  # Azure's default
STOPPED = Readiness(False, "it has been stopped", Failure("ended", "it has been stopped by somebody else"))


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an instance's log, without its line end."""

    endpoint: str
    deployment: str
    index: int
    text: str


class Unreachable(SandboxError):
    """What runs instances cannot be reached now (E110 to E113): nobody can tell which there are."""


class Backend(Protocol):
    """Each method may be called by several processes at once, and again after a crash in the middle of it."""

    name: str

    def start(self, spec: InstanceSpec) -> Instance:
        """Start an instance and return without waiting until it is ready; one that runs already is returned as it is.

        Raises:
            SandboxError: E085 or E086, it cannot be started; E005, somebody else is at it.
        """

    def instances(self, endpoint: str | None = None) -> list[Instance]:
        """Return what was started and not stopped, as it is now, also what has ended by itself."""

    def ready(self, instance: Instance, limit_s: float = PROBE_S) -> Readiness:
        """Ask once whether it serves, and wait ``limit_s`` seconds at most."""

    def failure(self, instance: Instance) -> Failure | None:
        """Say why an instance has ended; None while it runs."""

    def stop(self, instance: Instance, grace_s: float) -> None:
        """End it: requests get ``grace_s`` seconds to finish. Nothing of it is left but its log.

        Raises:
            SandboxError: E087, a process cannot be ended.
        """

    def remove(self, endpoint: str, deployment: str, revision: str) -> None:
        """Remove what is remembered of these instances, logs included; one that runs is ended first."""

    def end_strays(self) -> list[str]:
        """End what was started for this home and is in no record of it (somebody removed them); return the names."""

    def limits(self, spec: InstanceSpec) -> list[str]:
        """Say in sentences which of the asked-for cores, memory and GPUs are enforced here, and which are not."""

    def usage(self, instances: Sequence[Instance], *, memory: bool = True) -> dict[str, Used]:
        """Return what those that run use, by id. ``memory``: that as well, which takes longer."""

    def tail(self, instance: Instance, lines: int) -> list[str]:
        """Return the last lines of its log, older parts included."""

    def follow(self, select: Callable[[], Sequence[Instance]], lines: int) -> Iterator[LogLine]:
        """Give the last ``lines`` lines of each instance in the order of time, then new ones as they come.

        ``select`` is asked again and again, so that new instances are heard; the end comes when it returns none.
        """
