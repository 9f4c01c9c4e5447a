"""What instances use, as kernel and engine count it: processor time, and the memory that they alone need."""

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Used:
    """``cpu_s`` only grows while it runs. ``memory_bytes`` is None where it was not asked for."""

    cpu_s: float = 0.0
    memory_bytes: int | None = None

    def __add__(self, other: "Used") -> "Used":
        both = [each for each in (self.memory_bytes, other.memory_bytes) if each is not None]
        return Used(self.cpu_s + other.cpu_s, sum(both) if both else None)


def of_sessions(sessions: Collection[int], *, memory: bool) -> dict[int, Used]:
    """Return what all processes of each session use together; nothing where there is no /proc.

    Args:
        sessions: processes that lead one, as each instance does.
        memory: to count the memory of a process takes the kernel about a millisecond.
    """
    found: dict[int, Used] = {}
    for pid, session, cpu_s in _processes(frozenset(sessions)):
        with contextlib.suppress(OSError, ValueError):
            found[session] = found.get(session, Used()) + Used(cpu_s, _memory(pid) if memory else None)
    return found


def of_leaders(leaders: Mapping[str, int], *, memory: bool) -> dict[str, Used]:
    """Return the same by the names that the leaders have here."""
    found = of_sessions(leaders.values(), memory=memory)
    return {name: found[pid] for name, pid in leaders.items() if pid in found}


def session_of(pid: int) -> int:
    """Return the session of a process; 0 where it is gone."""
    try:
        return _stat(str(pid))[0]
    except (OSError, ValueError, IndexError):
        return 0


def container_of(pid: int, containers: Collection[str]) -> str | None:
    """Return which of these containers (their ids) a process of this machine is in; None: none of them."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
            path = file.read()
    except OSError:
        return None
    return next((each for each in containers if each in path), None)


def of_statistics(said: Mapping[str, Any]) -> Used | None:
    """Return what a container uses, from the engine's statistics; None where it does not run. Pure.

    Files that the kernel keeps in memory while there is room do not count, as in ``docker stats``.
    """
    total = said.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage")
    memory = said.get("memory_stats", {})
    if not total or "usage" not in memory:
        return None
    details = memory.get("stats", {})
    cached = details.get("inactive_file", details.get("total_inactive_file", 0))
    return Used(total / 1e9, max(0, memory["usage"] - cached))


def _processes(sessions: frozenset[int]) -> Iterator[tuple[str, int, float]]:
    if not sessions or not os.path.isdir("/proc/self"):
        return
    tick = os.sysconf("SC_CLK_TCK")
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                session, ticks = _stat(name)
                if session in sessions:
                    yield name, session, ticks / tick


def _stat(pid: str) -> tuple[int, int]:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[3]), int(fields[11]) + int(fields[12])


def _memory(pid: str) -> int:
    """Return what a process alone adds, in bytes: pages that several share count for each in part."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
