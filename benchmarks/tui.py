"""How quick the terminal UI is: ``python benchmarks/tui.py [SECONDS]``.

Start and leaving are measured in a real terminal (a pty), the rest in the process itself, on made-up numbers:
5,000 log lines a second while keys are pressed, a filter over 100,000 lines while following, and doing nothing.
"""

import asyncio
import contextlib
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "tui"), str(ROOT)]

from fake import BLUE, GROUPS, FakeSource, series  # noqa: E402 - found by the line above

from tui.app import Desk  # noqa: E402 - likewise
from tui.looks import Line  # noqa: E402 - likewise
from tui.widgets.log_view import LogView  # noqa: E402 - likewise

RATE = 5000  # lines a second


def in_a_terminal() -> tuple[float, float]:
    """Return the seconds until the first page is drawn, and from ``q`` until the process has ended."""
    with tempfile.TemporaryDirectory() as home:
        began = time.monotonic()
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(SANDBOX_HOME=home, TERM="xterm-256color", COLUMNS="120", LINES="40", PYTHONPATH=str(ROOT))
            os.execv(sys.executable, [sys.executable, "-m", "tui"])
        _read_until(terminal, b"Nothing runs here yet")
        painted = time.monotonic() - began
        os.write(terminal, b"q")
        asked = time.monotonic()
        with contextlib.suppress(OSError):
            while os.read(terminal, 65536):
                pass
        os.waitpid(pid, 0)
        return painted, time.monotonic() - asked


def _read_until(terminal: int, words: bytes) -> None:
    seen = b""
    deadline = time.monotonic() + 30
    while words not in seen:
        if time.monotonic() > deadline:
            sys.exit(f"{words.decode()} did not come")
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)


class Busy(FakeSource):
    """Ten deployments, and a log that never ends."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        rows = tuple(replace(BLUE, name=f"d{number}", live=10) for number in range(10))
        self.set(groups=(replace(GROUPS[0], rows=rows),), series={row.key: series(40, 38, 0, 1 << 28) for row in rows})
        self.rate = 0

    def follow(
        self,
        endpoint: str | None,  # noqa: ARG002 - one log for all
        deployment: str | None,  # noqa: ARG002 - likewise
        lines: int,  # noqa: ARG002 - likewise
        ended: Callable[[], bool],
    ) -> Iterator[Line]:
        """Give lines at the rate that is set."""
        began, given = time.monotonic(), 0
        while not ended():
            while given < (time.monotonic() - began) * self.rate:
                given += 1
                level = "E" if given % 50 == 0 else "I"
                yield Line("shop", "d0", f"2026-11-23 12:02:50,120 {level} [4711] root - line {given} {'x' * 60}")
            time.sleep(0.02)


class Gaps:
    """The longest time in which the event loop did nothing for anybody else."""

    def __init__(self) -> None:
        self.found: list[float] = []
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            self.found.append(time.monotonic() - before - 0.005)

    def end(self) -> str:
        """Stop; tell."""
        self._task.cancel()
        found = sorted(self.found)
        at = [found[min(len(found) - 1, int(len(found) * share))] * 1000 for share in (0.5, 0.99, 1.0)]
        return f"loop late by {at[0]:.1f} ms (p50), {at[1]:.0f} ms (p99), {at[2]:.0f} ms (most)"


async def inside(seconds: float) -> None:
    """Measure what happens in the process."""
    with tempfile.TemporaryDirectory() as place:
        source = Busy(place)
        desk = Desk(source)
        async with desk.run_test(size=(120, 40)) as pilot:
            while desk.look is None:
                await pilot.pause(0.02)
            used, began = time.process_time(), time.monotonic()
            await asyncio.sleep(seconds / 2)
            print(f"idle, 10 deployments     {(time.process_time() - used) / (time.monotonic() - began):.1%} of a core")
            latency = []
            for number in range(40):
                begun = time.monotonic()
                await pilot.press("down" if number < 20 else "up")
                latency.append(1000 * (time.monotonic() - begun))
            print(f"key until drawn          {sorted(latency)[20]:.0f} ms (p50), {max(latency):.0f} ms (most)")

            source.rate = RATE
            await pilot.press("3")
            await pilot.pause(1)
            view = desk.screen.query_one(LogView)
            gaps, began, first = Gaps(), time.monotonic(), view.ring.entries[-1].number if len(view.ring) else 0
            used = time.process_time()
            await asyncio.sleep(seconds)
            took = time.monotonic() - began
            lines = (view.ring.entries[-1].number - first) / took
            print(f"logs                     {lines:,.0f} lines a second; {gaps.end()}")
            core = (time.process_time() - used) / took
            print(f"                         {core:.0%} of a core, {threading.active_count()} threads")
            while len(view.ring) < 90_000:
                await pilot.pause(0.2)
            gaps = Gaps()
            begun = time.monotonic()
            view.set_filter(text="/line \\d+9999/")
            print(f"filter                   {1000 * (time.monotonic() - begun):.0f} ms for {len(view.ring):,} lines")
            await asyncio.sleep(1)
            print(f"                         {gaps.end()}")
            print(
                f"memory                   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most"
            )


def main() -> int:
    """Print everything."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before; Python {sys.version.split()[0]}")
    times = [in_a_terminal() for _ in range(3)]
    print(f"start until first page   {min(painted for painted, _ in times):.2f} s")
    print(f"leave                    {min(left for _, left in times):.2f} s")
    imported = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import tui.app"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    print(f"of which imports         {int(imported.stderr.splitlines()[-1].split('|')[1]) / 1e6:.2f} s")
    asyncio.run(inside(seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
