"""Requests per second and start-up: this server, azmlinfsrv and FastAPI on uvicorn, side by side in one run.

    python benchmarks/server.py [--seconds 4] [--rounds 5] [--no-fastapi]

One worker against one worker, a trivial scoring script, 8 connections. Contestants run at the same time and are loaded
in turn, round by round; ratios are of medians. Then one worker against two, with a script that computes for about a
millisecond: with a trivial one, a worker and wrk fill two cores. The tables go into docs/benchmarks.md.
"""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from peers import Measured, Peer, Started, machine, median, running, venv, wrk

SCRIPT = """\
import json

def init():
    pass

def run(raw):
    return {"result": [x * 2 for x in json.loads(raw)["data"]]}
"""
WORK = """\
def init():
    pass

def run(raw):
    return sum(number * number for number in range(12_000))
"""
FASTAPI = """\
from fastapi import FastAPI, Request

app = FastAPI()

@app.get("/")
async def health():
    return "Healthy"

@app.post("/score")
async def score(request: Request):
    return {"result": [x * 2 for x in (await request.json())["data"]]}
"""
BODY = b'{"data": [1, 2, 3, 4, 5, 6, 7, 8]}'


def contestants(folder: Path, *, fastapi: bool) -> list[Peer]:
    """Who takes part."""
    (folder / "score.py").write_text(SCRIPT)
    (folder / "api.py").write_text(FASTAPI)
    reference = venv("azmlinfsrv", ["azureml-inference-server-http==1.5.1"])
    words = [str(reference.with_name("azmlinfsrv")), "--entry_script", "score.py", "--port", "{port}"]
    peers = [Peer("azmlinfsrv, 1 worker", words, folder), *ours(folder, "score.py")]
    if fastapi:
        python = venv("fastapi", ["fastapi", "uvicorn[standard]"])
        peers.append(
            Peer("FastAPI + uvicorn, 1 worker", [str(python), "-m", "uvicorn", "api:app", "--port", "{port}"], folder)
        )
    return peers


def ours(folder: Path, script: str) -> list[Peer]:
    """This server, with one worker and with two."""
    words = [sys.executable, "-m", "inference_http", "--entry_script", script, "--port", "{port}"]
    return [
        Peer("inference-http, 1 worker", words, folder),
        Peer("inference-http, 2 workers", [*words, "--worker_count", "2"], folder),
    ]


def first_answers(peers: list[Peer], folder: Path, rounds: int) -> dict[str, float]:
    """Median seconds from starting the command to its first 200."""
    seconds: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            with running(peer, folder / "log") as started:
                seconds[peer.name].append(started.seconds)
    return {name: median(values) for name, values in seconds.items()}


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=4, help="length of one round for each contestant")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--no-fastapi", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        show(folder, contestants(folder, fastapi=not options.no_fastapi), options)
        (folder / "work.py").write_text(WORK)
        print("\nA run() of about a millisecond:\n")
        show(folder, ours(folder, "work.py"), options)


def measured(folder: Path, peers: list[Peer], options: argparse.Namespace) -> dict[str, list[Measured]]:
    """Load each in turn, round by round."""
    rounds: dict[str, list[Measured]] = {peer.name: [] for peer in peers}
    with contextlib.ExitStack() as stack:
        started: list[Started] = [
            stack.enter_context(running(peer, folder / f"log{number}")) for number, peer in enumerate(peers)
        ]
        for number in range(options.rounds + 1):
            for contestant in started:
                print(f"round {number} of {options.rounds}: {contestant.peer.name}", file=sys.stderr, flush=True)
                result = wrk(contestant, BODY, connections=options.connections, seconds=options.seconds)
                if number:  # the first round warms up
                    rounds[contestant.peer.name].append(result)
    return rounds


def show(folder: Path, peers: list[Peer], options: argparse.Namespace) -> None:
    """Measure and print a Markdown table; ratios are to the first row."""
    starts = first_answers(peers, folder, max(3, options.rounds))
    rounds = measured(folder, peers, options)
    print(f"{machine()}; {options.connections} connections; medians of {options.rounds} rounds\n")
    print("| server | requests/s | ratio | p50 ms | p99 ms | server CPU us/request | errors | first 200 after s |")
    print("|---|---|---|---|---|---|---|---|")
    base = median([result.rps for result in next(iter(rounds.values()))])
    for name, results in rounds.items():
        rps = median([result.rps for result in results])
        cells = [
            name,
            f"{rps:.0f}",
            f"{rps / base:.2f}",
            f"{median([result.p50_ms for result in results]):.2f}",
            f"{median([result.p99_ms for result in results]):.2f}",
            f"{median([result.cpu_us for result in results]):.0f}",
            str(sum(result.errors for result in results)),
            f"{starts[name]:.2f}",
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
