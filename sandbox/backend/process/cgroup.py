"""Limits of memory by the kernel's control groups (version 2), where this user may make one.

That is so below ``user@UID.service`` of systemd (terminals of a desktop, editors), and for root. A group is made within
one that we are in, so that nothing lives longer or shorter than it would. Elsewhere memory is not limited, and that is
said: RLIMIT_AS counts addresses, of which numpy and torch reserve far more than they use.
"""

import contextlib
import os

MOUNT = "/sys/fs/cgroup"
OWN = "/proc/self/cgroup"


def place(mount: str = MOUNT, own: str = OWN) -> str | None:
    """Return the group in which groups with a limit of memory can be made; None where there is none."""
    if not os.path.exists(os.path.join(mount, "cgroup.controllers")):  # version 1, another system
        return None
    inside = _inside(own)
    while inside is not None:
        folder = os.path.normpath(f"{mount}/{inside}")
        procs = os.path.join(folder, "cgroup.procs")
        if "memory" in _words(os.path.join(folder, "cgroup.subtree_control")):
            return folder if os.access(folder, os.W_OK) and os.access(procs, os.W_OK) else None
        inside = os.path.dirname(inside) if inside != "/" else None
    return None


def make(folder: str, memory_bytes: int) -> None:
    """Make a group with a limit of memory. Where the system refuses, the process that cannot enter it says so."""
    with contextlib.suppress(OSError):
        os.mkdir(folder)
        _write(os.path.join(folder, "memory.max"), str(memory_bytes))
        _write(os.path.join(folder, "memory.swap.max"), "0")  # last: kernels without swap have no such file


def oom_kills(folder: str) -> int:
    """Return how many processes were killed because the group had used its memory up."""
    words = _words(os.path.join(folder, "memory.events"))
    return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0


def remove(folder: str | None) -> None:
    """Remove a group whose processes have ended, if there is one."""
    if folder:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _inside(own: str) -> str | None:
    """Return the group that this process is in, as a path below the mount."""
    try:
        with open(own, encoding="utf-8") as file:
            return next((line.strip()[3:] for line in file if line.startswith("0::/")), None)
    except OSError:
        return None


def _words(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().split()
    except OSError:
        return []


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
