"""A process forked ahead, which waits to become the next worker: a reload then does not wait for the fork.

A fork of a process with large libraries takes several milliseconds, and so does the child's first look at each page of
memory. Both are done here while nobody waits. What it becomes is decided when it is asked; until then it holds no
socket of the server's and has run nothing of the user's. It ends when its zygote does.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from typing import NoReturn

from inference_http.process import control
from inference_http.process.control import Task, Wire

AFTER_S = 0.2  # of quiet in the zygote before one is made: the worker that loads now needs the processor


class Spare:
    """The zygote's side: one process that waits."""

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

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._wire.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def _wait(wire: Wire, become: Callable[[Task, list[int]], NoReturn]) -> NoReturn:
    message = wire.receive()
    wire.close()
    if message is None:
        os._exit(0)
    become(Task.from_json(message["task"]), message["fds"])
