"""``python -m sandbox.demo`` (``make demo``).

Everything lies in one temporary folder, which is removed at the end. Without a terminal it ends by itself, exit code 0;
on a terminal it stays up until Ctrl-C, so that one can go on asking.
"""

import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from sandbox.demo import story
from sandbox.demo.paper import say
from sandbox.demo.project import DemoFailed
from sandbox.model.errors import SandboxError


def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exception, so that what runs and the folder go as well."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def patient() -> Iterator[None]:
    """Let neither Ctrl-C nor SIGTERM cut off the clean-up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def main() -> int:
    """Run the demo; return 0, 1 when a part fails, 130 when interrupted before the end."""
    signal.signal(signal.SIGTERM, stop)
    with tempfile.TemporaryDirectory(prefix="sandbox-demo-", ignore_cleanup_errors=True) as folder:
        demo = story.Story(Path(folder).resolve())
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
            say("\nstopping: what runs is ended, and the folder removed")
            return 130
        finally:
            with patient():
                demo.clean_up()
    return 0


if __name__ == "__main__":
    sys.exit(main())
