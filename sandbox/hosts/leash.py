"""Runs on a host, in the container of a command: starts the command, feeds it, and ends it when its user is gone.

    sandbox __leash plain|terminal

Standard input is the stream of ``sandbox.hosts.frames``, and begins with the words of the command. With ``terminal``
the command has one of its own here; its output is ours. Ends as the command does: with its code, or 128 and the number
of the signal.
"""

import contextlib
import fcntl
import json
import os
import queue
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Sequence

from sandbox.home import Home
from sandbox.hosts import frames, site
from sandbox.model.errors import SandboxError

ADOPTING = (["host-receive"],)  # commands that let the gateway be of the version that they are of
EXIT_GONE = 129  # as of a terminal that hangs up
SAID, TAKEN = "SANDBOX_SAID", "__said"
GRACE_S = 20.0  # between the word that the user is gone and the end by force: what was begun is taken back
# Makes the terminal that of its session, so that Ctrl-C typed into it is a signal; then is the command.
_TAKE = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"


class Leash:
    """One command and its user."""

    def __init__(self, command: Sequence[str], *, terminal: bool) -> None:
        self._heard = time.monotonic()
        if terminal:
            self._input, theirs = os.openpty()
            self._process = subprocess.Popen(
                [sys.executable, "-c", _TAKE, *command],
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
            os.close(theirs)
        else:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
            assert self._process.stdin is not None
            self._input = self._process.stdin.fileno()
        self._terminal = terminal
        self._leaving = threading.Lock()
        self._typed: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()  # None: its end

    def run(self) -> int:
        """Go on until the command has ended; return its exit code as a shell would."""
        for work in (self._obey, self._feed, self._watch):
            threading.Thread(target=work, daemon=True).start()
        if self._terminal:
            self._show()
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def _obey(self) -> None:
        """Do what the user sends, until its end."""
        while (found := frames.read(lambda size: os.read(0, size))) is not None:
            self._heard = time.monotonic()
            kind, content = found
            with contextlib.suppress(OSError):  # the command has ended
                self._do(kind, content)
        self._hang_up()

    def _do(self, kind: bytes, content: bytes) -> None:
        if kind == frames.INPUT:
            self._typed.put(content)
        elif kind == frames.END:
            self._typed.put(None)
        elif kind == frames.SIZE and self._terminal:
            rows, columns = frames.sized(content)
            fcntl.ioctl(self._input, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        elif kind == frames.SIGNAL:
            self._tell(signal.Signals(content[0]))

    def _feed(self) -> None:
        """Give the command its input: one that reads none would keep ``_obey`` from all that comes behind it."""
        while (content := self._typed.get()) is not None:
            with contextlib.suppress(OSError):  # it has ended, or has closed its input
                _write(self._input, content)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _watch(self) -> None:
        """Notice when nothing comes any more, although nobody said goodbye."""
        while time.monotonic() - self._heard < frames.SILENCE_S:
            time.sleep(1.0)
        self._hang_up()

    def _hang_up(self) -> None:
        if not self._leaving.acquire(blocking=False):  # told already: a second word would break off what it takes back
            return
        self._tell(signal.SIGTERM)  # which commands of ours take for Ctrl-C
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self._tell(signal.SIGKILL)

    def _tell(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _show(self) -> None:
        """Copy what the command draws."""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal any more
            while data := os.read(self._input, frames.BLOCK):
                _write(sys.stdout.fileno(), data)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def main(mode: str) -> int:
    """Carry out the command of ours that is the first frame; return its exit code.

    Its words may hold what nobody else is to see, and lists of processes are for everybody: it finds them in its
    environment.
    """
    found = frames.read(lambda size: os.read(0, size))
    if found is None or found[0] != frames.WORDS:
        return EXIT_GONE
    said = found[1].decode()
    if json.loads(said)[:1] in ADOPTING:
        with contextlib.suppress(SandboxError):  # the command itself meets it, too
            site.adopt(Home.find(), os.environ.get(site.IMAGE, ""))
    os.environ[SAID] = said
    return Leash([sys.executable, "-m", "sandbox.cli.main", TAKEN], terminal=mode == "terminal").run()


def taken() -> list[str]:
    """Return the words of the command that this process is."""
    words: list[str] = json.loads(os.environ.pop(SAID))
    return words
