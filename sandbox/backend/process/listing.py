"""The processes of this user as the system shows them: from /proc, elsewhere from ``ps``."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MARK = "ENDPOINT_SANDBOX_INSTANCE"
# Environments stand behind the command where -E (macOS) or e (Linux, for the tests) asks for them.
PS = ("ps", "-axwwE") if sys.platform == "darwin" else ("ps", "axeww")
_COLUMNS = "pid=,pgid=,uid=,stat=,lstart=,command="
_MARKED = re.compile(rf"(?:^| ){MARK}=(\S+)")
_ENDED = frozenset("ZX")


@dataclass(frozen=True, slots=True)
class Seen:
    """A process. ``began`` is in the system's own words; ``mark`` is empty where there is none.

    ``session`` is the process group where the system does not tell the session: that of a leader is the same.
    """

    pid: int
    session: int
    began: str
    mark: str


def has_proc() -> bool:
    """Tell whether the system shows processes as files."""
    return os.path.exists("/proc/self/stat")


def everybody() -> Iterator[Seen]:
    """Give the processes of this user but this one; zombies are none any more."""
    if not has_proc():
        yield from from_ps()
        return
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            seen = from_proc(int(name))
            if seen is not None:
                yield seen


def one(pid: int) -> Seen | None:
    """Return a process of this user; None where there is none."""
    if has_proc():
        return from_proc(pid)
    return next((seen for seen in from_ps() if seen.pid == pid), None)


def from_proc(pid: int) -> Seen | None:
    """Return what the files of a process tell."""
    folder = f"/proc/{pid}"
    try:
        if os.stat(folder).st_uid != os.getuid():
            return None
        with open(f"{folder}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        if fields[0] in _ENDED:
            return None
        environment = _environment(folder)
    except OSError:
        return None
    return Seen(pid, int(fields[3]), fields[19], _mark_in(environment))


def from_ps(words: Sequence[str] = PS) -> Iterator[Seen]:
    """Give what ``ps`` tells of this user's processes but this one."""
    import subprocess  # here: commands that only look need none

    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    done = subprocess.run([*words, "-o", _COLUMNS], capture_output=True, env=environment, check=False)
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        fields = line.split(None, 9)
        if len(fields) < 10 or int(fields[2]) != os.getuid() or fields[3][0] in _ENDED or int(fields[0]) == os.getpid():
            continue
        found = _MARKED.search(fields[9])
        yield Seen(int(fields[0]), int(fields[1]), " ".join(fields[4:9]), found[1] if found else "")


def _environment(folder: str) -> bytes:
    try:
        with open(f"{folder}/environ", "rb") as raw:
            return raw.read()
    except PermissionError:  # a program that hides it, such as ssh-agent
        return b""


def _mark_in(environment: bytes) -> str:
    prefix = MARK.encode() + b"="
    for entry in environment.split(b"\0"):
        if entry.startswith(prefix):
            return entry[len(prefix) :].decode("utf-8", "replace")
    return ""
