"""Where a demo is played: a temporary folder, an exit code, and a clean-up that nothing cuts off."""

import contextlib
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol

from sandbox.demo.paper import say
from sandbox.demo.project import DemoFailed
from sandbox.model.errors import SandboxError


class Play(Protocol):
    """A demo; ``clean_up`` may be called at any time, and again."""

    def play(self) -> None:
        """Show all parts, in order."""

    def clean_up(self) -> None:
        """End what runs."""


def perform(make: Callable[[Path], Play], goodbye: str) -> int:
    """Play what ``make`` makes for an empty folder, which is removed at the end.

    ``goodbye`` is said when somebody interrupts it. Returns 0, 1 when a part fails, 130 when interrupted.
    """
    signal.signal(signal.SIGTERM, stop)
    with tempfile.TemporaryDirectory(prefix="sandbox-demo-", ignore_cleanup_errors=True) as folder:
        demo = make(Path(folder).resolve())
        try:
            demo.play()
        except DemoFailed as failure:
            sys.stderr.write(f"\nthe demo failed: {failure}\n")
            return 1
        except SandboxError as error:
            lines = (str(error), error.why, error.fix and f"fix: {error.fix}", *getattr(error, "log", ()))
            sys.stderr.write("\nthe demo failed: " + "\n    ".join(line for line in lines if line) + "\n")
            return 1
        except KeyboardInterrupt:
            say(f"\n{goodbye}")
            return 130
        finally:
            with _patient():
                demo.clean_up()
    return 0


def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exception, so that what runs and the folder go as well."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def _patient() -> Iterator[None]:
    """Let neither Ctrl-C nor SIGTERM cut off the clean-up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
