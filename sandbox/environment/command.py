"""Run a tool, show what it prints while it prints it, and end it with everything it started when we are interrupted."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from sandbox.environment.masks import mask

_GRACE_S = 3.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tool ended, and the lines that it printed, credentials masked."""

    code: int
    lines: tuple[str, ...]


def run(
    words: Sequence[str], *, cwd: str, environ: Mapping[str, str], say: Callable[[str], None], log: IO[str]
) -> Outcome:
    """Run a tool to its end.

    Args:
        words: the program and its arguments. No secrets: every user of the machine can read them.
        cwd: the folder it runs in.
        environ: its whole environment.
        say: gets each line.
        log: the same lines are written there.

    Raises:
        OSError: it cannot be started.
        BaseException: what ``say`` or a signal raised; the tool and its children have ended then.
    """
    log.write(f"$ {mask(' '.join(words))}\n")
    log.flush()
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=sys.platform != "win32",  # a group of its own, to be ended as a whole
        creationflags=_GROUP,
    )
    lines: list[str] = []
    try:
        assert process.stdout is not None
        with process.stdout as output:
            for raw in output:
                line = mask(raw.rstrip())
                lines.append(line)
                log.write(f"{line}\n")
                log.flush()
                if line:
                    say(line)
        return Outcome(process.wait(), tuple(lines))
    finally:
        if process.poll() is None:
            end(process)


if sys.platform == "win32":
    _GROUP = subprocess.CREATE_NEW_PROCESS_GROUP

    def end(process: "subprocess.Popen[str]") -> None:
        """End a process with all of its children."""
        taskkill = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe")
        subprocess.run([taskkill, "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        process.wait()

else:
    _GROUP = 0

    def end(process: "subprocess.Popen[str]") -> None:
        """End a process with all of its children: asked first, killed after a while."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
        with contextlib.suppress(ProcessLookupError):  # also children that outlived it
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
