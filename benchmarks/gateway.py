"""What the gateway and the commands cost, on a sandbox of the product's own making. Needs ``wrk`` for the first part.

    python benchmarks/gateway.py [SECONDS]

Direct: an instance asked at its own port. Everything is asked in turn, round after round; a ratio is the median of the
ratios of rounds, so that what disturbs the machine disturbs both sides of it; the column "rounds" shows how much.
The ratio depends on what the instance costs; Flask is what Azure's own server runs every request through.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.boxes import Box, box_in, until

ROUNDS = 9  # short ones: what disturbs the machine then disturbs neighbours alike
COMMANDS = 5  # of each, one after the other
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
FLASK = """from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init():
    pass

@rawhttp
def run(request):
    return AMLResponse(request.get_data(), 200)
"""
JSON = "def init():\n    pass\n\ndef run(data):\n    return {'result': [0.5]}\n"
Figures = tuple[float, float, float]
_TIMES = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)", re.MULTILINE)


def wrk(port: int, key: str, connections: int, seconds: int) -> Figures:
    """Return requests a second, p50 and p99 in ms; raises where one request failed."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", f"authorization: Bearer {key}"]
    done = subprocess.run([*words, f"http://127.0.0.1:{port}/score"], capture_output=True, text=True, check=True)
    if "Socket errors" in done.stdout or "Non-2xx" in done.stdout:
        raise RuntimeError(done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    times = {share: float(value) * UNITS[unit] for share, value, unit in _TIMES.findall(done.stdout)}
    assert rate
    return float(rate[1]), times["50"], times["99"]


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    """One endpoint: ``flask`` and ``json`` answer, ``copy`` is mirrored to, ``dead`` too, and its process is gone."""

    def __init__(self, box: Box, seconds: int) -> None:
        self.box, self.seconds = box, seconds
        box.start("flask", script=FLASK)
        for name, script in (("json", JSON), ("copy", FLASK), ("dead", FLASK)):
            box.api.online_deployments.create(box.deployment(name, script))
        box.kill(box.pids("dead")[0])
        self.key, self.ports = box.key(), {each.deployment: each.port for each in box.instances()}

    def direct(self, name: str) -> Callable[[int], Figures]:
        """Ask an instance."""
        return lambda connections: wrk(self.ports[name], self.key, connections, self.seconds)

    def through(self, name: str, mirror: str | None = None) -> Callable[[int], Figures]:
        """Ask the endpoint, which leads to ``name`` and copies 10 percent to ``mirror``."""

        def ask(connections: int) -> Figures:
            copies = {"copy": 0, "dead": 0} | ({mirror: 10} if mirror else {})
            self.box.api.online_endpoints.update(name="shop", traffic={name: 100}, mirror=copies)
            return wrk(self.box.port(), self.key, connections, self.seconds)

        return ask


def requests(bench: Bench) -> None:
    """Print what a request costs, with each number of connections."""
    cases = {
        "flask, direct": bench.direct("flask"),
        "flask, gateway": bench.through("flask"),
        "flask, mirror 10 %": bench.through("flask", "copy"),
        "flask, mirror dead": bench.through("flask", "dead"),
        "json, direct": bench.direct("json"),
        "json, gateway": bench.through("json"),
    }
    base = {name: "flask, gateway" if "mirror" in name else f"{name.split(',')[0]}, direct" for name in cases}
    envoy = bench.box.gateway_pid()
    for connections in (1, 8):
        print(f"\n| {connections} connections | requests/s | rounds | ratio | p50 ms | best | added | p99 ms | ratio |")
        print("|---|---|---|---|---|---|---|---|---|")
        began, before = counted(bench), cpu_s(envoy)
        rounds = [{name: measure(connections) for name, measure in cases.items()} for _ in range(ROUNDS)]
        used = 1e6 * (cpu_s(envoy) - before) / (counted(bench) - began)
        for name in cases:
            rate, p50, p99 = (statistics.median(each[name][part] for each in rounds) for part in range(3))
            faster, added, tail = (
                statistics.median(compare(each[name][part], each[base[name]][part]) for each in rounds)
                for part, compare in enumerate((_ratio, float.__sub__, _ratio))
            )
            spread = f"{min(each[name][0] for each in rounds):.0f}-{max(each[name][0] for each in rounds):.0f}"
            best = min(each[name][1] for each in rounds)
            times = f"{p50:.3f} | {best:.3f} | {added:+.3f} | {p99:.2f} | {tail:.2f}"
            print(f"| {name} | {rate:.0f} | {spread} | {faster:.2f} | {times} |")
        print(f"\nEnvoy's CPU time for a request, copies included: {used:.0f} us")


def counted(bench: Bench) -> int:
    """Return how many live requests the gateway has sent on."""
    return sum(each.requests for each in bench.box.api.context().gateway.stats().live.values())


def _ratio(one: float, other: float) -> float:
    return one / other


def commands(box: Box) -> None:
    """Print how long commands take, each in a process of its own."""
    environment = {**os.environ, "SANDBOX_HOME": str(box.home)}
    program = str(Path(sys.executable).with_name("sandbox"))

    def run(*words: str) -> float:
        began = time.perf_counter()
        subprocess.run(words, env=environment, cwd=box.folder, check=True, capture_output=True)
        return time.perf_counter() - began

    file = box.deployment("fresh", JSON)
    times: dict[str, list[float]] = {}
    for _ in range(COMMANDS):
        for name, words in {
            "python -c pass, to compare": (sys.executable, "-c", "pass"),
            "sandbox online-endpoint show": (program, "online-endpoint", "show", "-n", "shop"),
            "sandbox online-endpoint update --traffic": (
                *(program, "online-endpoint", "update", "-n", "shop", "--traffic", "flask=0 json=100"),
            ),
            "sandbox online-deployment create, until ready": (program, "online-deployment", "create", "-f", file),
            "sandbox online-deployment delete": (
                *(program, "online-deployment", "delete", "-n", "fresh", "-e", "shop", "--yes"),
            ),
        }.items():
            times.setdefault(name, []).append(run(*words))
        box.api.online_endpoints.update(name="shop", traffic={"flask": 100, "json": 0})
    print("\n| command | s | rounds |\n|---|---|---|")
    for name, found in times.items():
        print(f"| {name} | {statistics.median(found):.2f} | {min(found):.2f}-{max(found):.2f} |")


def changes(box: Box) -> None:
    """Print how long the gateway takes for a change of traffic, confirmed by itself."""
    times = []
    for number in range(30):
        began = time.perf_counter()
        box.api.online_endpoints.update(name="shop", traffic={"flask": number, "json": 100 - number})
        times.append(time.perf_counter() - began)
    print(f"\nA change of traffic, from the call to the gateway's word: {1000 * statistics.median(times):.0f} ms")


def main(seconds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, box_in(Path(folder)) as box:
        bench = Bench(box, seconds)
        print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, {ROUNDS} rounds of {seconds} s")
        if shutil.which("wrk"):
            requests(bench)
        else:
            print("wrk is not installed: requests are not measured")
        box.api.online_endpoints.update(name="shop", traffic={"flask": 100}, mirror={"copy": 0, "dead": 0})
        until(lambda: box.ask().status == 200)
        changes(box)
        commands(box)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
