"""Play a situation on one side: start the server once, do all its cases, stop it, and keep everything it showed."""

import re
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance import normal, wire
from tests.conformance.case import Case, Situation
from tests.conformance.launch import NotReady, Server, command

START, STOP = "start", "stop"  # the two cases that every situation has
_MARK = re.compile(r"/swagger\.json\?mark=(\d+) \d{3} ")
ANSWER_S = 10.0
FAILS_S = 20.0  # a start that must fail has done so by then
_SERVES = re.compile(r"ready for serving traffic|serves version")
_SETTLE_S = 0.15  # a start that must fail: time for the last lines to be written after the process has ended


@dataclass
class Observed:
    """What one case showed: named texts, and the log lines written meanwhile."""

    aspects: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def prints(self, pattern: str) -> bool:
        """Whether the pattern is found in what was written meanwhile."""
        return re.search(pattern, "\n".join(self.log)) is not None


@dataclass
class Record:
    """All that one side showed in a situation; ``problem`` says why it could not be played to the end."""

    side: str
    cases: dict[str, Observed] = field(default_factory=dict)
    problem: str = ""


def prepare(side: str, situation: Situation, folder: Path) -> Server:
    """Write the situation's files below ``folder`` and start one side on them."""
    root = folder / "root"
    for name, text in situation.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (root / situation.cwd).mkdir(parents=True, exist_ok=True)
    start = _module_form(side) if situation.module else ()
    return Server(side, root, situation.flags, situation.environment, start=start, cwd=situation.cwd)


def play(side: str, situation: Situation, folder: Path) -> Record:
    """Start one side, do all of the situation's cases one after the other, stop it."""
    record = Record(side)
    server = prepare(side, situation, folder)
    try:
        _serve(server, situation, record) if situation.serves else _fail(server, record)
    except (NotReady, OSError, wire.Malformed, wire.NoAnswer) as problem:
        record.problem = f"{type(problem).__name__}: {problem}\n{_tail(server)}"
    finally:
        server.kill()
    return record


def _module_form(side: str) -> list[str]:
    package = "azureml_inference_server_http" if side == "ref" else "inference_http"
    return [command(side)[0], "-m", package]


def _tail(server: Server) -> str:
    return f"--- stdout\n{server.stdout()[-3000:]}\n--- stderr\n{server.stderr()[-3000:]}"


def _fail(server: Server, record: Record) -> None:
    """A start that must fail: wait for the end, or for the word that requests are served."""
    end = time.monotonic() + FAILS_S
    while server.process.poll() is None and time.monotonic() < end and not _SERVES.search(server.stdout()):
        time.sleep(0.05)
    time.sleep(_SETTLE_S)
    code = server.process.poll()
    serves = code is None and _SERVES.search(server.stdout())
    record.cases[START] = Observed(
        {"exit": str(code) if code is not None else "serves" if serves else "still running"}, _output(server)
    )


def _output(server: Server) -> list[str]:
    """All of stdout, then all of stderr."""
    return [
        *normal.lines(server, server.stdout()),
        *(f"stderr: {line}" for line in normal.lines(server, server.stderr())),
    ]


def _serve(server: Server, situation: Situation, record: Record) -> None:
    """A start that must succeed. If it does not, every case has seen just that."""
    names = [START, *(case.name for case in situation.cases), STOP]
    try:
        server.wait_ready()
    except NotReady:
        if server.process.poll() is None:
            raise
        record.cases = {name: Observed({"started": f"no, exit {server.process.poll()}"}) for name in names}
        record.cases[START].log = _output(server)
        return
    _mark(server, situation, 0)
    for number, case in enumerate(situation.cases, 1):
        record.cases[case.name] = _do(server, case)
        _mark(server, situation, number)
    code = server.stop(signal.SIGTERM)
    stop = Observed({"exit": "still running" if code is None else str(code)})
    record.cases = {START: Observed()} | record.cases | {STOP: stop}
    for name, log in zip(names, _by_mark(server, len(situation.cases)), strict=True):
        record.cases[name].log = log if situation.marks else []
    stop.log += [f"stderr: {line}" for line in normal.lines(server, server.stderr())]


def _mark(server: Server, situation: Situation, number: int) -> None:
    """A request that both servers log under its own number: what lies between two of them belongs to one case."""
    if situation.marks or number == 0:
        server.ask(wire.build("GET", f"/swagger.json?mark={number}"))


def _do(server: Server, case: Case) -> Observed:
    if case.play:
        return Observed(dict(case.play(server)))
    try:
        answer = wire.ask(server.port, case.request, ANSWER_S)
    except wire.NoAnswer:
        return Observed({"status": "no answer"})
    except TimeoutError:
        return Observed({"status": f"no answer in {ANSWER_S} s"})
    except wire.Malformed as problem:
        return Observed({"status": f"malformed: {problem}"})
    return Observed(normal.aspects(server, case.request, answer))


def _by_mark(server: Server, count: int) -> list[list[str]]:
    """stdout in ``count`` + 2 pieces: up to mark 0 (start), one for each case, after the last mark (stop)."""
    pieces: list[list[str]] = [[] for _ in range(count + 2)]
    current = 0
    for line in normal.lines(server, server.stdout()):
        found = _MARK.search(line)
        if found:
            current = int(found[1]) + 1
        elif "mark=" not in line:
            pieces[current].append(line)
    return pieces
