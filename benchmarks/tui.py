"""How quick the terminal UI is: ``python benchmarks/tui.py [SECONDS]``, 60 unless given.

All of it in a real terminal (a pty), as somebody would sit before it. Start, leaving and idleness are measured on a
real sandbox, with ten deployments; logs and keys on a source that never runs dry: 5,000 lines a second.
"""

import asyncio
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "tui"), str(ROOT)]

RATE = 5000  # lines a second
DEPLOYMENTS = 10
DEADLINE_S = 60.0
SCORE = "def init():\n    pass\n\n\ndef run(data):\n    return len(data)\n"


# --- The terminal ----------------------------------------------------------------------------------------------------


class Terminal:
    """A program in a terminal of 120 x 40, whose output is read as quickly as it comes."""

    def __init__(self, words: list[str], **environment: str) -> None:
        self.began = time.monotonic()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", PYTHONPATH=str(ROOT), **environment)
            os.execv(words[0], words)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._news = threading.Condition()
        self._seen = b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while came := os.read(self._terminal, 65536):
                with self._news:
                    self._seen += came
                    self._news.notify_all()
        except OSError:
            pass

    def press(self, keys: bytes, until: bytes) -> float:
        """Press keys; return the seconds until something is on the screen that was not drawn since."""
        with self._news:
            self._seen = b""
        asked = time.monotonic()
        os.write(self._terminal, keys)
        self.until(until)
        return time.monotonic() - asked

    def until(self, words: bytes) -> None:
        """Wait until these bytes were written."""
        with self._news:
            if not self._news.wait_for(lambda: words in self._seen, DEADLINE_S):
                sys.exit(f"{words.decode()} did not come:\n{self._seen[-2000:].decode(errors='replace')}")

    def leave(self) -> float:
        """Press q; return the seconds until the process has ended."""
        asked = time.monotonic()
        os.write(self._terminal, b"q")
        os.waitpid(self.pid, 0)
        return time.monotonic() - asked

    @property
    def cpu_s(self) -> float:
        """The processor time that it took so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def most_memory(self) -> float:
        """MiB that it had at most."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


# --- What it is shown ------------------------------------------------------------------------------------------------


@dataclass
class Gaps:
    """How late the event loop was, and when; written to a file when the program ends."""

    file: str

    async def watch(self) -> None:
        """Sleep for a moment again and again."""
        found: list[tuple[float, float]] = []
        try:
            while True:
                before = time.monotonic()
                await asyncio.sleep(0.005)
                found.append((before, time.monotonic() - before - 0.005))
        finally:
            Path(self.file).write_text(json.dumps(found), encoding="utf-8")  # noqa: ASYNC240 - it is over


def shown(file: str) -> None:
    """Be the terminal UI with a source that gives lines at a rate for ever."""
    from fake import BLUE, GROUPS, FakeSource, series

    from tui import pace

    pace.begin()
    from tui.app import Desk
    from tui.looks import Line

    class Busy(FakeSource):
        def __init__(self, place: str) -> None:
            super().__init__(place)
            rows = tuple(replace(BLUE, name=f"number-{at}", live=10) for at in range(DEPLOYMENTS))
            self.set(
                groups=(replace(GROUPS[0], rows=rows),), series={row.key: series(40, 38, 0, 1 << 28) for row in rows}
            )

        def follow(self, *_: object) -> Iterator[Line]:
            ended: Callable[[], bool] = _[-1]  # type: ignore[assignment]
            began, given = time.monotonic(), 0
            while not ended():
                while given < (time.monotonic() - began) * RATE:
                    given += 1
                    level = "E" if given % 50 == 0 else "I"
                    yield Line("shop", "number-0", f"2026-11-23 12:02:50,120 {level} [4711] root - {given} {'x' * 60}")
                time.sleep(0.02)

    class Watched(Desk):
        def on_ready(self) -> None:
            self.gaps = asyncio.create_task(Gaps(file).watch())

        def action_leave(self) -> None:
            self.gaps.cancel()
            super().action_leave()

    with tempfile.TemporaryDirectory() as place:
        Watched(Busy(place), drawn=pace.settle).run()


# --- Measuring -------------------------------------------------------------------------------------------------------


def say(what: str, text: str, bound: str) -> None:
    """Print one figure beside what it should be."""
    print(f"{what:<34}{text:<46}{bound}", flush=True)


def real(seconds: float) -> None:
    """Start, leave and do nothing, on a real sandbox."""
    with tempfile.TemporaryDirectory() as folder:
        home = {"SANDBOX_HOME": f"{folder}/home"}
        words = [sys.executable, "-m", "sandbox.cli.main"]

        def sandbox(*given: str) -> None:
            subprocess.run([*words, *given], env={**os.environ, **home}, check=True, capture_output=True, cwd=folder)

        times = []
        for _ in range(5):
            terminal = Terminal([*words, "tui"], **home)
            terminal.until(b"Nothing runs here yet")
            painted = time.monotonic() - terminal.began
            times.append((painted, terminal.leave()))
        for what, found in (("start until the first page", 0), ("leave", 1)):
            middle = sorted(each[found] for each in times)[2]
            say(what, f"{middle:.2f} s (p50), {max(each[found] for each in times):.2f} s (most)", "1 s")
        (Path(folder) / "src").mkdir()
        (Path(folder) / "src" / "score.py").write_text(SCORE)
        (Path(folder) / "many.yml").write_text("name: many\nauth_mode: key\n")
        for at in range(DEPLOYMENTS):
            code = {"code": "src", "scoring_script": "score.py"}
            of = {"name": f"number-{at}", "endpoint_name": "many", "code_configuration": code}
            rest = {"instance_type": "Standard_DS1_v2", "instance_count": 1}
            (Path(folder) / f"number-{at}.yml").write_text(json.dumps(of | rest))
        try:
            sandbox("up", folder)
            terminal = Terminal([*words, "tui"], **home)
            terminal.until(b"number-9")
            time.sleep(3)  # the first reading of everything
            used, began = terminal.cpu_s, time.monotonic()
            time.sleep(seconds)
            core = (terminal.cpu_s - used) / (time.monotonic() - began)
            terminal.leave()
            say(f"idle, {DEPLOYMENTS} deployments", f"{core:.1%} of a core", "3 %")
        finally:
            sandbox("down", "--all", "--yes")


def made_up(seconds: float) -> None:
    """Logs that never end, with keys and filters meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/gaps.json"
        terminal = Terminal([sys.executable, __file__, "--shown", file], SANDBOX_HOME=folder)
        terminal.until(b"number-9")
        phases = {}
        used, began = terminal.cpu_s, time.monotonic()
        terminal.press(b"3", b"following")
        time.sleep(max(seconds, 100_000 / RATE + 3))  # the log is full then
        phases["logs, 5,000 lines a second"] = (began + 1, time.monotonic())
        core = (terminal.cpu_s - used) / (time.monotonic() - began)
        began = time.monotonic()
        terminal.press(b"/", b"regex")
        waits = [terminal.press(bytes([letter]), b" of ") for letter in rb"/\d+99 /"]
        phases["filter of 100,000 lines"] = (began, time.monotonic())
        terminal.press(b"\x1b", b"following")
        time.sleep(1)  # a key that comes at once after escape is one with Alt
        terminal.press(b"1", b"Endpoints")
        began = time.monotonic()
        keys = [(b"j", at) for at in range(1, DEPLOYMENTS)] + [(b"k", at) for at in range(DEPLOYMENTS - 2, -1, -1)]
        drawn = []
        for key, at in keys * 3:
            drawn.append(terminal.press(key, f"number-{at}".encode()))
            time.sleep(0.07)
        phases["keys under load"] = (began, time.monotonic())
        memory = terminal.most_memory
        terminal.leave()
        gaps = json.loads(Path(file).read_text())
        for name, (start, end) in phases.items():
            late = sorted(each for at, each in gaps if start <= at <= end)
            text = f"loop late by {late[int(len(late) * 0.99)] * 1000:.0f} ms (p99), {late[-1] * 1000:.0f} ms (most)"
            say(name, text, "50 ms")
        say("", f"{core:.0%} of a core, {memory:.0f} MiB at most", "bounded")
        say("letter of a filter until counted", f"{sorted(waits)[len(waits) // 2] * 1000:.0f} ms (p50)", "")
        text = f"{sorted(drawn)[len(drawn) // 2] * 1000:.0f} ms (p50), {max(drawn) * 1000:.0f} ms (most)"
        say("key until on the screen", text, "50 ms")


def main() -> int:
    """Print everything."""
    if sys.argv[1:2] == ["--shown"]:
        shown(sys.argv[2])
        return 0
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; Python {sys.version.split()[0]}")
    real(min(seconds, 30))
    made_up(seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
