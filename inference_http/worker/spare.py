"""A process forked ahead, which waits to become the next worker: a reload then does not wait for the fork.

A fork of a process with large libraries takes several milliseconds, and so does the child's first look at each page of
memory. Both are done here while nobody waits. What it becomes is decided when it is asked; until then it holds no
socket of the server's and has run nothing of the user's. It ends when its zygote does.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

from inference_http.process import control
from inference_http.process.control import Task, Wire

AFTER_S = 0.2  # of quiet in the zygote before one is made: the worker that loads now needs the processor


class Spare:
    """One process that waits."""

    def __init__(self, pid: int, wire: Wire) -> None:
        self.pid = pid
        self._wire = wire

    @classmethod
    def make(cls, become: Callable[[Task, list[int]], NoReturn], prepare: Callable[[], None]) -> "Spare":
        """Fork it. In the child: ``prepare()``, wait, then ``become(task, descriptors)``."""
        ours, theirs = control.pair()
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                prepare()
                _wait(Wire(theirs), become)
            finally:
                os._exit(1)  # nothing of the zygote's loop may run in a child
        theirs.close()
        return cls(pid, ours)

    def take(self, task: Task, descriptors: list[int]) -> bool:
        """Let it become this worker. False: it is gone, and another process has to."""
        taken = self._wire.post("become", fds=descriptors, task=task.to_json())
        self._wire.close()
        return taken

    def leave(self) -> None:
        """Let go of it in a child."""
        self._wire.close()

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._wire.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Spares:
    """The zygote's side: none or one, made a while after it was asked for."""

    def __init__(self, make: Callable[[], Spare | None], *, wanted: bool) -> None:
        self._make = make
        self._wanted = wanted
        self._at: float | None = None  # monotonic; when to make one
        self._spare: Spare | None = None

    def soon(self) -> None:
        """Have one ready for the next save, once it is quiet here."""
        if self._wanted:
            self._at = time.monotonic() + AFTER_S

    def due_s(self) -> float | None:
        """Seconds until one is to be made; None: none is."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())

    def make(self) -> None:
        """Make one if it is time."""
        if self.due_s() == 0:
            self.drop()
            self._spare = self._make()

    def take(self, task: Task, descriptors: list[int]) -> int | None:
        """Let it become this worker, whose process id this is; None: another process has to."""
        spare, self._spare = self._spare, None
        return spare.pid if spare is not None and spare.take(task, descriptors) else None

    def gone(self, pid: int) -> None:
        """This child has ended."""
        if self._spare is not None and pid == self._spare.pid:
            self.drop()

    def leave(self) -> None:
        """In a child of the zygote: it is not this process's, and ends when the zygote does."""
        if self._spare is not None:
            self._spare.leave()
            self._spare = None

    def drop(self) -> None:
        """It was forked from a process that is another now, or nobody wants it any more."""
        self._at = None
        if self._spare is not None:
            self._spare.drop()
            self._spare = None


def _wait(wire: Wire, become: Callable[[Task, list[int]], NoReturn]) -> NoReturn:
    message = wire.receive()
    wire.close()
    if message is None:
        os._exit(0)
    become(Task.from_json(message["task"]), message["fds"])
