"""What the gateway costs: one instance asked directly and through it, with and without a mirror. Needs ``wrk``.

    python benchmarks/gateway.py [SECONDS]

Prints a table for each number of connections: requests a second, p50 and p99 in ms (medians of alternating rounds), and
the CPU time that Envoy spends on one request. The ratio to "direct" depends on what the instance costs: the one here
answers in a few microseconds, so the ratio is the worst there is; the added p50 is what a model would see.
"""

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.gateways import ONE, World, entry, world

ROUNDS = 3
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
Row = tuple[float, float, float, float]


def wrk(port: int, connections: int, seconds: int, *headers: str) -> tuple[float, float, float]:
    """Return requests a second, p50 and p99 in ms; raises where one request failed."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", f"authorization: Bearer {ONE}"]
    for header in headers:
        words += ["-H", header]
    done = subprocess.run([*words, f"http://127.0.0.1:{port}/score"], capture_output=True, text=True, check=True)
    if "Socket errors" in done.stdout or ("Non-2xx" in done.stdout and not headers):
        raise RuntimeError(done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    times = {share: float(value) * UNITS[unit] for share, value, unit in _TIMES.findall(done.stdout)}
    assert rate
    return float(rate[1]), times["50"], times["99"]


_TIMES = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)", re.MULTILINE)


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cases(made: World) -> Iterator[tuple[str, Callable[[int, int], Row]]]:
    """Yield each way to ask, with what measures it."""
    blue, green = made.instance("blue"), made.instance("green")
    live = entry("blue", blue, live_percent=100)

    def direct(connections: int, seconds: int) -> Row:
        return (*wrk(int(blue.address), connections, seconds), 0.0)

    def through(*headers: str, mirror: int = 0, fate: int = signal.SIGCONT, **more: str) -> Callable[[int, int], Row]:
        def measure(connections: int, seconds: int) -> Row:
            made.apply(live, entry("green", green, mirror_percent=mirror), **more)
            green.signal(fate)
            running = made.gateway.running()
            assert running
            count, cpu = made.gateway.stats().live["shop", "blue"].requests, cpu_s(running.pid)
            found = wrk(made.port, connections, seconds, *headers)
            count = made.gateway.stats().live["shop", "blue"].requests - count
            used = 1e6 * (cpu_s(running.pid) - cpu) / count
            green.signal(signal.SIGCONT)
            return (*found, used)

        return measure

    yield "direct", direct
    yield "gateway", through()
    yield "gateway, raw", through(status_mapping="raw")
    yield "gateway, 424", through("x-want: 500")
    yield "mirror 10 %", through(mirror=10)
    yield "mirror stalls", through(mirror=10, fate=signal.SIGSTOP)


def main(seconds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as made:
        found = list(cases(made))
        for connections in (1, 8):
            print(f"\n{connections} connections   requests/s   p50 ms   p99 ms   Envoy CPU us")
            rounds = [[measure(connections, seconds) for _, measure in found] for _ in range(ROUNDS)]
            for index, (name, _) in enumerate(found):
                rate, p50, p99, used = (statistics.median(each[index][part] for each in rounds) for part in range(4))
                print(f"{name:<14} {rate:>13.0f} {p50:>8.3f} {p99:>8.2f} {used:>14.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
