"""What the debugger costs: requests per second and CPU time of each, before, while and after a client is attached.

    python benchmarks/debugger.py [--seconds 4] [--rounds 3]

Two scripts: one that does next to nothing, and one that calls a function of its own 1000 times. Run it with each Python
that matters: up to 3.11 the debugger traces, from 3.12 on it uses sys.monitoring. The tables go into docs/debugging.md.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from peers import ROOT, Measured, Peer, Started, free_port, machine, median, running, wrk

sys.path.insert(0, str(ROOT))

from tests.support.dap import Debugger

BODY = b'{"data": [1, 2, 3, 4, 5, 6, 7, 8]}'
CONNECTIONS = 8
TRIVIAL = "import json\n\ndef init():\n    pass\n\ndef run(raw):\n    return sum(json.loads(raw)['data'])\n"
CALLS = """\
def init():
    pass

def step(total, number):
    if total < 0:
        return 0
    return total + number

def run(raw):
    total = 0
    for number in range(1000):
        total = step(total, number)
    return total
"""
NOT_REACHED = 6  # "return 0" above


def states(script: Path, debug_port: int, started: Started) -> Iterator[str]:
    """Bring one server from state to state; yields when it is there."""
    yield "--debug, no client"
    with Debugger() as client:
        client.attach(debug_port)
        serving(started, 2)
        yield "client attached"
        client.set_breakpoints(str(script), [NOT_REACHED])
        yield "attached, a breakpoint that is not reached"
        client.disconnect()
    serving(started, 3)
    yield "client has gone"


def serving(started: Started, count: int) -> None:
    """Wait for the worker number ``count`` since the start."""
    deadline = time.monotonic() + 20
    while len(re.findall("serves version", started.log.read_text(errors="replace"))) < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"no worker took over:\n{started.log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.02)


def measure(script: Path, folder: Path, load: Callable[[Started], Measured]) -> dict[str, Measured]:
    """One round: every state of one script."""
    command = [sys.executable, "-m", "inference_http", "--entry_script", str(script), "--port", "{port}"]
    found = {}
    with running(Peer("without", command, ROOT), folder / "plain.log") as started:
        found["without --debug"] = load(started)
    debug_port = free_port()
    peer = Peer("with", [*command, "--debug", str(debug_port)], ROOT)
    with running(peer, folder / "debug.log") as started:
        deadline = time.monotonic() + 20
        while "debugger: listening" not in started.log.read_text(errors="replace") and time.monotonic() < deadline:
            time.sleep(0.05)
        for state in states(script, debug_port, started):
            found[state] = load(started)
    return found


def main() -> None:
    """Print one table for each script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    def load(started: Started) -> Measured:
        wrk(started, BODY, connections=CONNECTIONS, seconds=1)
        return wrk(started, BODY, connections=CONNECTIONS, seconds=options.seconds)

    print(
        f"{machine()}; wrk with {CONNECTIONS} connections, median of {options.rounds} rounds of {options.seconds:g} s\n"
    )
    for name, text in (("sums eight numbers", TRIVIAL), ("calls a function 1000 times", CALLS)):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / "score.py").write_text(text)
            rounds = [measure(folder / "score.py", folder, load) for _ in range(options.rounds)]
        base = median([one["without --debug"].cpu_us for one in rounds])
        print(f"| run() {name} | requests/s | CPU us/request | times |\n|---|---|---|---|")
        for state in rounds[0]:
            cpu = median([one[state].cpu_us for one in rounds])
            rps = median([one[state].rps for one in rounds])
            failed = sum(one[state].errors for one in rounds)
            print(f"| {state} | {rps:.0f} | {cpu:.0f} | {cpu / base:.1f} |" + (f" {failed} failed" if failed else ""))
        print(flush=True)


if __name__ == "__main__":
    main()
