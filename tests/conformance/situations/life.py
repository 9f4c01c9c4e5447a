"""Processes: time limits, death, one at a time, several workers, second port, signals (S13, S87-S90, S125-S131)."""

import contextlib
import json
import re
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from tests.conformance import wire
from tests.conformance.case import Case, Fact, Play, Situation, get, post, script
from tests.conformance.launch import Server
from tests.conformance.situations import facts

SCRIPT = script("life")


def told(server: Server, request: bytes) -> str:
    """Status and body in one text, or what happened instead."""
    try:
        answer = wire.ask(server.port, request)
    except wire.NoAnswer:
        return "no answer"
    return f"{answer.status} {answer.body.decode()}"


def then(first: str, *after: str) -> Play:
    """Send ``first``, then ask whether the same server goes on."""

    def play(server: Server) -> Mapping[str, str]:
        said = {"first": told(server, post(first))}
        end = time.monotonic() + 10
        while told(server, get("/")) != "200 Healthy" and time.monotonic() < end:
            time.sleep(0.05)
        return said | {text: told(server, post(text)) for text in after}

    return play


def timed(request: str) -> Play:
    """How long an answer takes, to the next half second: what a time limit is about."""

    def play(server: Server) -> Mapping[str, str]:
        begun = time.monotonic()
        said = told(server, post(request))
        return {"said": said, "within": f"{int((time.monotonic() - begun) / 0.75 + 1) * 0.75:.2f} s"}

    return play


def at_once(count: int, request: str, workers: int = 1) -> Play:
    """``count`` requests at the same time, then what the script has seen."""

    def play(server: Server) -> Mapping[str, str]:
        said: list[str] = []
        end = time.monotonic() + 8
        while len(set(said)) < workers and time.monotonic() < end:  # the first worker may be ready before the others
            with ThreadPoolExecutor(count) as pool:
                said = list(pool.map(lambda _: told(server, post(request)), range(count)))
        seen = json.loads(told(server, post("seen"))[4:])
        return {
            "statuses": " ".join(text[:3] for text in said),
            "processes": str(len(set(said))),
            "most at once": str(seen["most at once"]),
        }

    return play


def health_while_busy(server: Server) -> Mapping[str, str]:
    """S131: does a busy run() keep the health probe waiting?"""
    with server.connect() as busy:
        busy.send(post("sleep 1.2"))
        time.sleep(0.2)
        begun = time.monotonic()
        said = told(server, get("/"))
        waited = time.monotonic() - begun
        return {"health": said, "waited": str(waited > 0.6), "run": str(busy.receive().status)}


def other_port(server: Server) -> Mapping[str, str]:
    """What the port for health answers, route by route."""

    def said(request: bytes) -> str:
        try:
            return str(wire.ask(server.health_port, request).status)
        except OSError as problem:
            return type(problem).__name__

    requests = {"health": get("/"), "score": post("pid"), "swagger": get("/swagger.json"), "404": get("/x")}
    return {name: said(request) for name, request in requests.items()}


def terminated_while_busy(server: Server) -> Mapping[str, str]:
    """S13: SIGTERM with one request in run(): it is still answered."""
    with server.connect() as busy:
        busy.send(post("sleep 0.8"))
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        try:
            said = str(busy.receive().status)
        except wire.NoAnswer:
            said = "no answer"
    return {"run": said, "exit": str(server.wait_end(10))}


def interrupted(server: Server) -> Mapping[str, str]:
    server.process.send_signal(signal.SIGINT)
    return {"exit": str(server.wait_end(10))}


def changed(text: str) -> Play:
    """S13: SIGHUP after the script was written anew."""

    def play(server: Server) -> Mapping[str, str]:
        before = told(server, post("x"))
        (server.root / "score.py").write_text(text)
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 15  # what the reference takes to end where little of the machine is left
        after = before
        while after == before and time.monotonic() < end and server.process.poll() is None:
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                answer = told(server, post("x"))
                after = before if answer == "no answer" else answer
        ended = server.process.poll()
        return {"before": before, **({"after": after} if ended is None else {"exit": str(ended)})}

    return play


def timeout(name: str, limit: str, *cases: Case) -> Situation:
    return Situation(name, "S34 S89", {"score.py": SCRIPT}, cases, environment={"SCORING_TIMEOUT_MS": limit})


LATE = facts.bad("500 INTERNAL SERVER ERROR", "Scoring timeout after 300 ms", "True")
LATE_TEXT = '500 {"message": "Scoring timeout after 300 ms"}'
VERSIONED = "def init(): pass\ndef run(data): return {}\n"


def life(name: str, spec: str, play: Play, known: Mapping[str, Fact], **environment: str) -> Situation:
    """A situation of one play; its log cannot be told apart by request, because processes come and go."""
    case = Case("play", spec, play=play, facts=known)
    return Situation(name, spec, {"score.py": SCRIPT}, (case,), environment=environment, marks=False)


SITUATIONS = (
    life("hang", "S128", then("loop 30", "seen"), {"first": re.compile("500 <html>.*", re.DOTALL)}, WORKER_TIMEOUT="3"),
    timeout(
        "timeout",
        "300",
        Case("loop", "S89", post("loop 5"), facts=LATE),
        Case("sleep", "S89", post("sleep 5"), facts=LATE),
        Case("in-time", "S89", post("sleep 0.1"), facts=facts.good("slept")),
        Case("when", "S89", play=timed("loop 5"), facts={"said": LATE_TEXT, "within": "0.75 s"}),
        Case("when-asleep", "S89", play=timed("sleep 5"), facts={"said": LATE_TEXT, "within": "0.75 s"}),
        Case("cleanup", "S89", play=then("cleanup 5", "seen"), facts={"first": LATE_TEXT}),
        Case("swallow", "S90", play=timed("swallow 2"), facts={"said": '200 "swallowed"', "within": "2.25 s"}),
        Case("stream", "S90", post("stream 1"), facts={"status": "200 OK", "body": "." * 10}),
        Case("after-all", "S89", post("sleep 0"), facts=facts.good("slept")),
    ),
    timeout("timeout-off", "0", Case("sleep", "S34", post("sleep 0.2"), facts=facts.good("slept"))),
    timeout("timeout-negative", "-1", Case("sleep", "S34", post("sleep 0"), facts=facts.script_failed())),
    life(
        "crash",
        "S87",
        then("die", "seen"),
        {
            "first": "no answer",
            "seen": '200 {"inits": 1, "running": 0, "most at once": 0}',
        },
    ),
    life("segfault", "S87", then("segfault", "seen"), {"first": "no answer"}),
    life(
        "serial",
        "S130",
        at_once(4, "together 0.15"),
        {"statuses": "200 200 200 200", "processes": "1", "most at once": "1"},
    ),
    life(
        "workers",
        "S125 S130",
        at_once(8, "together 0.25", workers=2),
        {
            "statuses": "200 200 200 200 200 200 200 200",
            "processes": "2",
            "most at once": "1",
        },
        WORKER_COUNT="2",
    ),
    life("preload", "S125", at_once(2, "together 0.1"), {"processes": "1"}, WORKER_PRELOAD="true"),
    life("busy", "S131", health_while_busy, {"health": "200 Healthy", "waited": "True", "run": "200"}),
    Situation(
        "health-port",
        "S38",
        {"score.py": SCRIPT},
        (
            Case(
                "other-port",
                "S38",
                play=other_port,
                facts={"health": "200", "score": "200", "swagger": "200", "404": "404"},
            ),
        ),
        flags=("--entry_script", "score.py", "--port", "{port}", "--health_port", "{health_port}"),
        environment={"SEPERATE_HEALTH_ENDPOINT": "true"},
        logs=("Health Port: <health port>", r"Liveness Probe: GET   127\.0\.0\.1:<health port>/"),
    ),
    Situation(
        "health-port-off",
        "S38",
        {"score.py": SCRIPT},
        (Case("other-port", "S38", play=other_port, facts={"health": "ConnectionRefusedError"}),),
        flags=("--entry_script", "score.py", "--port", "{port}", "--health_port", "{health_port}"),
        logs=("Health Port: <port>",),
    ),
    life("stop-busy", "S13", terminated_while_busy, {"run": "200", "exit": "0"}),
    life("stop-int", "S13", interrupted, {"exit": "0"}),
    Situation(
        "stop-hup",
        "S13",
        {"score.py": VERSIONED.format(1)},
        (Case("play", "S13", play=changed(VERSIONED.format(2)), facts={"before": "200 1", "after": "200 2"}),),
        marks=False,
    ),
    Situation(
        "stop-hup-broken",
        "S13",
        {"score.py": VERSIONED.format(1)},
        (Case("play", "S13", play=changed("broken("), facts={"before": "200 1", "exit": "3"}),),
        marks=False,
        ends="3",
    ),
)
