"""What this machine has, and whose turn it is: cores, memory, GPUs."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

ASK_S = 10.0
Thing = TypeVar("Thing", int, str)


def cores() -> list[int]:
    """Return the numbers of the cores that this process may use; empty where processes cannot be bound to cores."""
    if not hasattr(os, "sched_setaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))


def core_count() -> int:
    """Return how many cores there are."""
    return len(cores()) or os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Return how much memory the machine has; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def gpus(shell: Mapping[str, str]) -> list[str]:
    """Return the GPUs by the numbers of the driver, of those that ``CUDA_VISIBLE_DEVICES`` of the shell leaves."""
    import shutil  # here: few ask
    import subprocess

    program = shutil.which("nvidia-smi", path=shell.get("PATH"))
    if program is None:
        return []
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    found = listed(done.stdout) if done.returncode == 0 else []
    left = shell.get("CUDA_VISIBLE_DEVICES")
    return found if left is None else [name for name in left.split(",") if name.strip() in found or "-" in name]


def listed(text: str) -> list[str]:
    """Return the numbers in what ``nvidia-smi -L`` prints (``GPU 0: NVIDIA T4 (UUID: GPU-...)``)."""
    lines = [line for line in text.splitlines() if line.startswith("GPU ")]
    return [line.removeprefix("GPU ").partition(":")[0] for line in lines]


def least_used(count: int, there: Sequence[Thing], used: Iterable[Thing]) -> tuple[Thing, ...]:
    """Choose ``count`` of what is there, those first that fewest others use; all where there are not so many."""
    uses = Counter(used)
    chosen = sorted(there, key=lambda name: (uses[name], there.index(name)))[:count]
    return tuple(sorted(chosen, key=there.index))
