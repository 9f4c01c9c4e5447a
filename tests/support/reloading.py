"""Edits of a scoring script under a running server, and waiting for what the server makes of them."""

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.load import Load
from tests.support.running import Reply, Running, server

SCRIPT = """\
def init():
    pass
def run(data):
    return VALUE
"""


def script(value: Any, text: str = SCRIPT) -> str:
    """A script that answers ``value``."""
    return f"VALUE = {value!r}\n{text}"


@dataclass
class Edited:
    """A server with --reload, and the folder of its script."""

    running: Running
    folder: Path
    mark: int = 0  # how much of the log is known

    def write(self, name: str, text: str) -> None:
        """Save a file as most editors do: in place."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.mark = len(self.running.log)
        path.write_text(text)

    def value(self, **headers: str) -> Any:
        """What run() returns now."""
        reply = self.running.score(**headers)
        assert reply.status == 200, reply
        return reply.json()

    def wait_value(self, value: Any, timeout: float = 20) -> None:
        """Wait until run() returns this."""
        deadline = time.monotonic() + timeout
        while (last := self._last()) != value:
            assert time.monotonic() < deadline, f"{last!r} is answered, not {value!r}:\n{self.log()}"
            time.sleep(0.01)

    def _last(self) -> Any:
        reply = self.running.score()
        return reply.json() if reply.status == 200 else reply

    def wait_broken(self, pattern: str = "until the code is fixed") -> None:
        """Wait until the log says that the code is broken."""
        self.wait_log(pattern)

    def wait_marked(self, timeout: float = 5) -> Reply:
        """An answer that tells of the broken code; the worker hears of it when the log does, and may answer before."""
        deadline = time.monotonic() + timeout
        while "x-reload-error" not in (reply := self.running.score()).headers:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.01)
        return reply

    def wait_log(self, pattern: str, timeout: float = 20) -> str:
        """Wait for a line that comes after the last save and after the last line that was waited for."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            lines = list(self.running.log)
            for number in range(self.mark, len(lines)):
                if re.search(pattern, lines[number]):
                    self.mark = number + 1
                    return lines[number]
            time.sleep(0.01)
        raise AssertionError(f"no {pattern!r}:\n{self.log()}")

    def log(self) -> str:
        """Without the lines of requests."""
        return "".join(line for line in list(self.running.log) if "POST /score" not in line and "GET /" not in line)

    def count(self, pattern: str) -> int:
        """How many lines of the log fit."""
        return sum(1 for line in list(self.running.log) if re.search(pattern, line))

    def detail(self) -> dict[str, Any]:
        """GET /?detail."""
        found: dict[str, Any] = self.running.ask(path="/?detail").json()
        return found

    def metric(self, name: str) -> float:
        """A number on /metrics."""
        text = self.running.ask(path="/metrics").body.decode()
        line = next(line for line in text.splitlines() if re.match(rf"\S*{re.escape(name)} ", line))
        return float(line.rsplit(" ", 1)[1])


@contextlib.contextmanager
def edited(
    folder: Path,
    files: Mapping[str, str],
    *arguments: str,
    env: Mapping[str, str] | None = None,
    wait: bool = True,
    reload: str = "--reload",
) -> Iterator[Edited]:
    """Serve ``files`` (score.py among them) with --reload."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with server(folder / "score.py", reload, *arguments, env=env, wait=wait) as running:
        if not wait:
            line = running.wait_for(r"Score: +POST +127\.0\.0\.1:\d+/score")
            running.port = int(re.findall(r":(\d+)/score", line)[0])
        on = Edited(running, folder)
        try:
            yield on
        except BaseException:
            print(on.log()[-20000:])
            raise


@contextlib.contextmanager
def loaded(on: Edited, **options: Any) -> Iterator[Load]:
    """Constant load, half on kept and half on new connections; nothing of it may fail."""
    with Load(on.running.port, pause_s=0.002, **options) as load:
        load.wait(50)
        yield load
        load.wait(50)
        load.stop()
    assert load.failures == [], f"{load.failures[:5]}\n{on.log()}"
