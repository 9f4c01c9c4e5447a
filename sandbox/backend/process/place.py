"""The folder of one instance: its record, the lock that tells whether it runs, its log.

``record.json`` is what was asked for, written before the process is made. ``alive.lock`` is locked by the process from
before its first moment to its end, by the kernel's hand; in it stands what the process says of itself, which counts
only while the lock is held. So a starter that is killed at any moment leaves nothing that cannot be found, and a
process number that has been given to somebody else is never taken for the instance.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sandbox import files
from sandbox.model.errors import SandboxError

PAUSE_S = 0.005
PROBED_S = 1.0  # somebody who looks whether the lock is held has it for microseconds


@dataclass(frozen=True, slots=True)
class Record:
    """What was started. No variables: they may be secrets. ``boot`` and ``oom_kills`` are the machine's, then.

    ``cgroup`` is the control group that limits its memory.
    """

    id: str
    port: int
    started: float
    boot: str
    oom_kills: int
    gpus: tuple[str, ...] = ()
    cores: tuple[int, ...] = ()
    cgroup: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the process wrote of itself: who it is, and at its end the exit code."""

    id: str = ""
    pid: int | None = None
    began: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one instance is kept; ``root`` is the folder of all of them."""

    root: str
    endpoint: str
    deployment: str
    revision: str
    index: int

    def __post_init__(self) -> None:
        for name in (self.endpoint, self.deployment, self.revision):
            if name in ("", ".", "..") or "/" in name or "\0" in name:
                message = f"{name!r} cannot name a folder"
                raise ValueError(message)

    @property
    def folder(self) -> str:
        """Its folder."""
        return os.path.join(self.root, self.endpoint, self.deployment, self.revision, str(self.index))

    @property
    def name(self) -> str:
        """Its name for people."""
        return f"{self.endpoint}/{self.deployment}/{self.index}"

    @property
    def log(self) -> str:
        """The newest part of its log."""
        return os.path.join(self.folder, "log")

    @property
    def alive(self) -> str:
        """The lock of the process."""
        return os.path.join(self.folder, "alive.lock")

    @property
    def _record(self) -> str:
        return os.path.join(self.folder, "record.json")

    # --- The record --------------------------------------------------------------------------------------------------

    def write(self, record: Record) -> None:
        """Remember what is about to be started."""
        files.write_json(self._record, asdict(record))

    def read(self) -> Record | None:
        """Return what was started last, None where nothing was or it was stopped.

        Raises:
            SandboxError: E004, the file is not what we wrote.
        """
        try:
            found = files.read_json(self._record)
            return (
                None
                if found is None
                else Record(**{**found, "gpus": tuple(found["gpus"]), "cores": tuple(found["cores"])})
            )
        except NotADirectoryError:
            return None
        except (TypeError, KeyError) as error:
            raise SandboxError("E004", f"{self._record} is damaged", str(error), "remove it") from None

    def forget(self) -> None:
        """Remove the record, and with it the instance from the list."""
        for path in (self._record, self._asked):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    @property
    def _asked(self) -> str:
        return os.path.join(self.folder, "asked-to-end")

    def asked_to_end(self, record: Record) -> bool:
        """Tell whether somebody has asked this run of it to end."""
        try:
            with open(self._asked, encoding="utf-8") as file:
                return file.read() == record.id
        except FileNotFoundError:
            return False

    def ask_to_end(self, record: Record) -> None:
        """Remember that it is asked to end."""
        with open(os.open(self._asked, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(record.id)

    # --- The lock of the process -------------------------------------------------------------------------------------

    def lives(self) -> bool:
        """Tell whether the process runs, or is being started."""
        try:
            descriptor = os.open(self.alive, os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:  # shared: two who look at the same time must not take each other for the process
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    @contextlib.contextmanager
    def born(self) -> Iterator[int]:
        """Lock it for a process that is about to be made, and give the descriptor that the process shall inherit."""
        descriptor = os.open(self.alive, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + PROBED_S
            while not _taken(descriptor):
                if time.monotonic() > deadline:
                    raise SandboxError("E086", f"{self.name} runs already", f"{self.alive} is locked", "stop it first")
                time.sleep(PAUSE_S)
            os.ftruncate(descriptor, 0)
            yield descriptor
        finally:
            os.close(descriptor)  # our copy: the process has its own

    def said(self) -> Said:
        """Return what the process has written of itself."""
        try:
            with open(self.alive, encoding="utf-8") as file:
                found: dict[str, Any] = json.load(file)
            return Said(**found)
        except (OSError, ValueError, TypeError):  # nothing yet
            return Said()

    def say_end(self, said: Said, code: int) -> None:
        """Keep the exit code that only the parent of the process has seen."""
        with open(self.alive, "r+", encoding="utf-8") as file:
            file.write(json.dumps({**asdict(said), "exit_code": code}).ljust(256))

    # --- The lock of those who start and stop it ---------------------------------------------------------------------

    @contextlib.contextmanager
    def mine(self, limit_s: float) -> Iterator[None]:
        """Let nobody else start or stop it meanwhile.

        Raises:
            SandboxError: E005, somebody has held the lock for ``limit_s`` seconds.
        """
        path, deadline = os.path.join(self.folder, "control.lock"), time.monotonic() + limit_s
        while True:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    if _taken(descriptor) and os.path.samestat(os.fstat(descriptor), os.stat(path)):
                        yield  # samestat: whoever held it before may have removed the folder
                        return
                finally:
                    os.close(descriptor)
            if time.monotonic() > deadline:
                what = f"{self.name} is being started or stopped by another command"
                raise SandboxError("E005", what, f"{path} is locked", "try again")
            time.sleep(PAUSE_S)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
