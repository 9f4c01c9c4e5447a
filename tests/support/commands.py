"""The command ``sandbox`` as users start it: a process, with a home of its own that is cleared at the end."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "sandbox.cli.main")

SCORE = """\
import json, os


def init():
    global word
    word = os.environ.get("WORD", "tea")
    print(f"init says {word}")


def run(data):
    return {"word": word, "items": json.loads(data)["items"]}
"""
DEPLOYMENT = """\
name: blue
endpoint_name: <set by -e>
code_configuration: {code: ., scoring_script: score.py}
instance_type: Standard_DS2_v2
instance_count: 1
readiness_probe: {initial_delay: 0, period: 1}
"""


class Commands:
    """Runs commands in one folder, for one home."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}},
            "SANDBOX_HOME": str(home),
            "PYTHONPATH": str(ROOT),
        }

    def __call__(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run to the end; standard input is empty unless given."""
        more = {"input": "", "timeout": 100, **more}
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            **more,
        )

    def out(self, *words: str, **more: Any) -> str:
        """Run what has to succeed; return what it printed."""
        done = self(*words, **more)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        """Run what has to succeed and prints JSON."""
        return json.loads(self.out(*words))

    def started(self, *words: str, **more: Any) -> "subprocess.Popen[str]":
        """Start a command in a session of its own and return at once."""
        pipe = subprocess.PIPE
        more = {"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, "start_new_session": True, **more}
        return subprocess.Popen([*PROGRAM, *words], cwd=self.folder, env=self.environment, text=True, **more)

    def write(self, name: str, text: str) -> str:
        """Write a file of the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name


@contextmanager
def commands(folder: Path) -> Iterator[Commands]:
    """Give commands with a fresh home; end what they have started."""
    work = folder / "work"
    work.mkdir()
    run = Commands(folder / "home", work)
    try:
        yield run
    finally:
        run("agent", "stop")
        left = run("down", "--all", "--yes")
        assert left.returncode == 0, left.stderr


def until(found: Callable[[], Any], what: str, *, within_s: float = 30.0) -> Any:
    """Ask again and again until the answer is true."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        time.sleep(0.05)
    message = f"{what}: not within {within_s} s"
    raise AssertionError(message)
