"""From saving the script to the first answer of the new code, under constant load: this server and the usual ways.

    python benchmarks/reload.py [--edits 20] [--requests 5000] [--torch] [--no-peers]

Contestants run one after the other in one environment with scikit-learn (and torch). Each serves a LogisticRegression;
clients send requests all the time, half of them on kept connections, half on new ones. An edit changes the number that
the script adds to its answer; broken edits are a syntax error, an exception at import and one in init(). What fails is
counted over all of it. The table goes into docs/benchmarks.md.
"""

import argparse
import contextlib
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from peers import ROOT, Peer, Started, get, machine, running, venv

BODY = b'{"data": [[1, 2, 3, 4]]}'
CLIENTS = 4
PAUSE_S = 0.04  # of each client between two requests
OURS = "inference-http --reload"

MODEL = """\
import sklearn.linear_model
{torch}
import helper

EDIT = 0

def load():
    return sklearn.linear_model.LogisticRegression().fit([[0, 0, 0, 0], [1, 1, 1, 1]], [0, 1])
"""
SCORE = (
    "import json\n"
    + MODEL
    + """
def init():
    global model
    model = load()

def run(raw):
    return [EDIT, helper.NUMBER, int(model.predict(json.loads(raw)["data"])[0])]
"""
)
FASTAPI = (
    "from fastapi import FastAPI, Request\n"
    + MODEL
    + """
app = FastAPI()
model = load()

@app.get("/")
def health():
    return "Healthy"

@app.post("/score")
async def score(request: Request):
    return [EDIT, helper.NUMBER, int(model.predict((await request.json())["data"])[0])]
"""
)
BENTO = (
    "import bentoml\n"
    + MODEL
    + """
@bentoml.service
class Service:
    def __init__(self):
        self.model = load()

    @bentoml.api(route="/score")
    def score(self, data: list[list[float]]) -> list[int]:
        return [EDIT, helper.NUMBER, int(self.model.predict(data)[0])]
"""
)


@dataclass
class Contestant:
    """A way to reload: who serves, and which file is edited."""

    peer: Peer
    file: Path
    restarts: bool = False  # an edit is followed by ending the server and starting it again


@dataclass
class Outcome:
    """What one contestant did."""

    seconds: list[float] = field(default_factory=list)
    requests: int = 0
    failed: int = 0
    failed_broken: int = 0  # of ``failed``: while the code was broken
    slowest_s: float = 0.0
    note: str = ""


class Load:
    """Clients that never stop, in a process of their own; whoever gets no 200 counts as failed."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, __file__, "--clients", str(port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Load":  # noqa: PYI034 - typing.Self is not in Python 3.10
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()

    def counts(self) -> tuple[int, int, float]:
        """Requests so far, those that failed, and the longest in seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        requests, failed, slowest_s = json.loads(self._process.stdout.readline())
        return requests, failed, slowest_s


class Clients:
    """The other side of Load."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._requests = self._failed = 0
        self._slowest_s = 0.0
        self._lock = threading.Lock()

    def serve(self) -> None:
        """Send requests; answer each line with the counts."""
        for number in range(CLIENTS):
            threading.Thread(target=self._run, args=(number % 2 == 0,), daemon=True).start()
        for _ in sys.stdin:
            with self._lock:
                print(json.dumps([self._requests, self._failed, self._slowest_s]), flush=True)

    def _run(self, keep: bool) -> None:  # noqa: FBT001 - the argument of a thread
        connection: http.client.HTTPConnection | None = None
        while True:
            began = time.perf_counter()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
                headers = {"Content-Type": "application/json"} | ({} if keep else {"Connection": "close"})
                connection.request("POST", "/score", BODY, headers)
                answer = connection.getresponse()
                answer.read()
                good = answer.status == 200
                closed = not keep or (answer.getheader("Connection") or "").lower() == "close"
            except (OSError, http.client.HTTPException):
                good, closed = False, True
            with self._lock:
                self._requests += 1
                self._failed += not good
                self._slowest_s = max(self._slowest_s, time.perf_counter() - began)
            if closed and connection is not None:
                connection.close()
                connection = None
            time.sleep(PAUSE_S)


def contestants(folder: Path, *, torch: bool, peers: bool) -> list[Contestant]:
    """Who takes part; their files are written."""
    library = "import torch" if torch else ""
    needs = ["scikit-learn", "uvicorn[standard]", "fastapi", "azureml-inference-server-http==1.5.1"]
    ours = ["waitress", "watchdog", "debugpy"]
    python = venv("reload-torch" if torch else "reload", [*needs, *ours, *(["torch==2.13.0"] if torch else [])])
    found = []

    def add(name: str, file: str, text: str, command: list[str], *, restarts: bool = False) -> None:
        place = folder / name.split(maxsplit=1)[0]
        place.mkdir(exist_ok=True)
        (place / "helper.py").write_text("NUMBER = 0\n")
        (place / file).write_text(text.format(torch=library))
        ready = "/readyz" if name.startswith("bentoml") else "/"
        peer = Peer(name, command, place, {"PYTHONPATH": str(ROOT)} if name == OURS else {}, ready)
        found.append(Contestant(peer, place / file, restarts))

    script = SCORE.replace("{", "{{").replace("}", "}}").replace("{{torch}}", "{torch}")
    flags = ["--entry_script", "score.py", "--port", "{port}"]
    add(OURS, "score.py", script, [str(python), "-m", "inference_http", *flags, "--reload"])
    if peers:
        add("azmlinfsrv restarted", "score.py", script, [str(python.with_name("azmlinfsrv")), *flags], restarts=True)
        uvicorn = [str(python), "-m", "uvicorn", "app:app", "--port", "{port}", "--reload", "--log-level", "warning"]
        add("uvicorn --reload + FastAPI", "app.py", FASTAPI, uvicorn)
        with contextlib.suppress(subprocess.CalledProcessError):
            bento = venv(
                "bentoml-torch" if torch else "bentoml", ["bentoml", *needs[:1], *(["torch==2.13.0"] if torch else [])]
            )
            serve = [str(bento), "-m", "bentoml", "serve", "service:Service", "--port", "{port}", "--reload"]
            add("bentoml serve --reload", "service.py", BENTO, serve)
    return found


@contextlib.contextmanager
def served(contestant: Contestant, log: Path, port: list[int]) -> Iterator[Callable[[], None]]:
    """The running contestant; yields what has to be done after an edit."""
    stack = contextlib.ExitStack()
    with stack:
        started: list[Started] = [stack.enter_context(running(contestant.peer, log))]
        port[0] = started[0].port
        command = [part.replace("{port}", str(port[0])) for part in contestant.peer.command]
        again: list[subprocess.Popen[bytes]] = []

        def restart() -> None:
            process = again[-1] if again else started[0].process
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with log.open("ab") as output:
                again.append(
                    subprocess.Popen(
                        command, cwd=contestant.peer.cwd, stdout=output, stderr=output, start_new_session=True
                    )
                )

        try:
            yield restart if contestant.restarts else lambda: None
        finally:
            for process in again:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def answer(port: int) -> int | None:
    """The number of the edit that answers; None when nobody does."""
    with contextlib.suppress(OSError, ValueError, Exception):
        status, body, _ = get(port, "/score", BODY, timeout=2)
        if status == 200:
            return int(json.loads(body)[0])
    return None


def until(port: int, number: int, timeout: float) -> float | None:
    """Seconds until edit ``number`` answers; None when it does not."""
    began = time.perf_counter()
    while time.perf_counter() - began < timeout:
        if answer(port) == number:
            return time.perf_counter() - began
        time.sleep(0.002)
    return None


def measure(contestant: Contestant, log: Path, edits: int, requests: int, timeout: float) -> Outcome:
    """Edit, wait, edit again; then the broken ones; then load alone until there were enough requests."""
    outcome, port = Outcome(), [0]
    text = contestant.file.read_text()
    with served(contestant, log, port) as after_edit:
        load = Load(port[0])
        time.sleep(3)  # whoever prepares in the background may finish
        with load:
            for number in range(1, edits + 1):
                time.sleep(0.25)
                contestant.file.write_text(text.replace("EDIT = 0", f"EDIT = {number}"))
                began = time.perf_counter()
                after_edit()
                if until(port[0], number, timeout) is None:
                    outcome.note = f"edit {number} was never answered"
                    break
                outcome.seconds.append(time.perf_counter() - began)
            good_failed = load.counts()[1]
            for number, wrong in enumerate(("def broken(:\n", "raise KeyError('import')\n", "load = None\n"), 1):
                contestant.file.write_text(text.replace("EDIT = 0", f"EDIT = {-number}") + wrong)
                after_edit()
                time.sleep(1.5)
                contestant.file.write_text(text.replace("EDIT = 0", f"EDIT = {1000 + number}"))
                after_edit()
                if until(port[0], 1000 + number, timeout) is None:
                    outcome.note = outcome.note or "did not recover from broken code"
                    break
            outcome.failed_broken = load.counts()[1] - good_failed
            deadline = time.perf_counter() + 90
            while load.counts()[0] < requests and not outcome.note and time.perf_counter() < deadline:
                contestant.file.write_text(text.replace("EDIT = 0", f"EDIT = {2000 + int(time.monotonic())}"))
                after_edit()
                time.sleep(1 if not contestant.restarts else timeout)
            outcome.requests, outcome.failed, outcome.slowest_s = load.counts()
    contestant.file.write_text(text)
    return outcome


def show(results: dict[str, Outcome], title: str) -> None:
    """Print a Markdown table."""
    busy = os.getloadavg()[2]
    print(f"\n{title}: {machine()}; load average of the last 15 minutes {busy:.1f}\n")
    print("| way | p50 s | p95 s | edits | failed of requests | failed while broken | longest wait s | remarks |")
    print("|---|---|---|---|---|---|---|---|")
    for name, outcome in results.items():
        seconds = sorted(outcome.seconds) or [float("nan")]
        p95 = seconds[min(len(seconds) - 1, round(0.95 * (len(seconds) - 1)))]
        cells = [
            name,
            f"{statistics.median(seconds):.3f}",
            f"{p95:.3f}",
            str(len(outcome.seconds)),
            f"{outcome.failed} of {outcome.requests}",
            str(outcome.failed_broken),
            f"{outcome.slowest_s:.2f}",
            outcome.note,
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--peer-edits", type=int, help="of the others; as many as --edits unless given")
    parser.add_argument("--clients", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--requests", type=int, default=5000, help="of each reloading contestant, at least")
    parser.add_argument("--torch", action="store_true", help="with torch imported too (makes a larger environment)")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--short", action="store_true", help="this server alone, 10 edits, 2000 requests")
    options = parser.parse_args()
    if options.clients:
        Clients(options.clients).serve()
        return
    if options.short:
        options.edits, options.requests, options.no_peers = 10, 2000, True
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for contestant in contestants(folder, torch=options.torch, peers=not options.no_peers):
            print(f"{contestant.peer.name}", file=sys.stderr, flush=True)
            wanted = options.requests if contestant.peer.name == OURS else 0
            edits = options.edits if wanted else options.peer_edits or options.edits
            results[contestant.peer.name] = measure(contestant, folder / "log", edits, wanted, 15)
    show(results, "Reload, scikit-learn and torch" if options.torch else "Reload, scikit-learn")
    ours = results[OURS]
    if ours.failed or ours.note:
        raise SystemExit(f"{OURS}: {ours.failed} requests failed. {ours.note}")


if __name__ == "__main__":
    main()
