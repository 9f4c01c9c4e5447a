"""Whether this process may be forked with what it has loaded, and what a forked child has to put right.

Sources: the experiments in the design notes. A fork copies one thread. Locks that other threads held stay locked in the
child, pools lose their threads, random generators repeat each other.
"""

import contextlib
import os
import sys
from typing import Any

# Background threads of allocators survive a fork without harm: they hold no lock that a child could miss.
HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})


def threads() -> list[str]:
    """The names of this process's native threads; empty where the system does not tell."""
    names = []
    with contextlib.suppress(OSError):
        for entry in os.listdir("/proc/self/task"):
            with contextlib.suppress(OSError), open(f"/proc/self/task/{entry}/comm") as comm:
                names.append(comm.read().strip())
    return names


def threads_left() -> list[str]:
    """Threads that are still there after a trial fork: their library does not stop and restart them around forks."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return [name for name in threads()[1:] if name not in HARMLESS_THREADS]  # the first one is the main thread


def objections() -> list[str]:
    """Why this process must not be forked, in words for the log; empty: it may."""
    reasons = [f"a thread {name!r} keeps running across forks" for name in dict.fromkeys(threads_left())]
    if _cuda_is_up():
        reasons.append("CUDA is initialised, which a forked process cannot use")
    return reasons


def reseed() -> None:
    """Give the global random generators of loaded libraries a state of their own: a fork copies the parent's.

    Python's own generator does that itself.
    """
    for name in ("numpy.random", "torch"):
        module: Any = sys.modules.get(name)
        if module is not None:
            with contextlib.suppress(Exception):
                module.seed()


def _cuda_is_up() -> bool:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return False
    with contextlib.suppress(Exception):
        return bool(torch.cuda.is_initialized() or _bad_fork(torch))
    return False


def _bad_fork(torch: Any) -> bool:
    """Whether a forked child could not use CUDA (something called cuInit here): asked in a child."""
    pid = os.fork()
    if pid == 0:
        code = 0
        with contextlib.suppress(BaseException):
            code = int(bool(torch.cuda._is_in_bad_fork()))  # noqa: SLF001 - torch has no public question
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0
