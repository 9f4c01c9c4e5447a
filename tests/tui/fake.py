"""A source that answers as it is told: every screen, without anything running."""

import math
import threading
import time
from dataclasses import replace

from sandbox.model.errors import SandboxError
from tui.looks import About, Answer, Group, Job, Line, Look, Note, Numbers, Request, Row, Step, Trouble

DAY = "2026-11-23T"
SCORE = """\
import json
import os


def init():
    global model
    with open(os.environ["WEIGHTS"]) as file:
        model = json.load(file)


def run(data):
    row = json.loads(data)["data"]
    return {"score": sum(w * x for w, x in zip(model, row))}
"""
TROUBLE = Trouble(
    "E054",
    "deployment 'next' cannot start: KeyError: 'WEIGHTS'",
    "score.py:7",
    "correct the script, then say the same again",
    (
        "Traceback (most recent call last):",
        '  File "score.py", line 7, in init',
        '    with open(os.environ["WEIGHTS"]) as file:',
        '  File "/usr/lib/python3.11/os.py", line 680, in __getitem__',
        "    raise KeyError(key) from None",
        "KeyError: 'WEIGHTS'",
    ),
    "score.py",
    7,
)


def series(rps, p95, errors, memory, count=120):
    return tuple(
        Numbers(
            rps=rps * (1 + 0.3 * math.sin(at / 6) + 0.1 * math.sin(at * 1.7)),
            p50=p95 / 2,
            p95=p95 * (1 + 0.25 * math.sin(at / 9 + 1)),
            errors=errors if at % 17 == 0 else 0.0,
            memory=memory + at * 20_000,
            cpu=31.0,
        )
        for at in range(count)
    )


BLUE = Row("shop", "blue", "ready", 90, 0, 2, 2, "7", numbers=Numbers(41.2, 12.0, 38.0, 0.0, None, 31.0, 410 << 20))
GREEN = Row(
    "shop", "green", "ready", 10, 0, 1, 1, "3", development=True,
    numbers=Numbers(4.6, 15.0, 71.0, 1.2, None, 12.0, 522 << 20),
)  # fmt: skip
NEXT = Row("shop", "next", "failed", 0, 0, 1, 0, "", serves=False, trouble=TROUBLE)
CHURN = Row(
    "churn", "main", "starting", 0, 0, 1, 0, "1", numbers=Numbers(None, None, None, None, None, 97.0, 180 << 20)
)
GROUPS = (
    Group("shop", "ready", 8100, "http://127.0.0.1:8100/score", "key", (BLUE, GREEN, NEXT)),
    Group("churn", "ready", 8101, "http://127.0.0.1:8101/score", "aml_token", (CHURN,)),
)
NOTES = (
    Note(f"{DAY}12:00:02.000Z", "shop", "endpoint created"),
    Note(f"{DAY}12:00:09.000Z", "shop", "deployment blue is ready"),
    Note(f"{DAY}12:01:40.000Z", "shop", "deployment green is ready"),
    Note(
        f"{DAY}12:02:11.000Z", "shop", "traffic blue=90 green=10",
        'sandbox online-endpoint update -n shop --traffic "blue=90 green=10"',
    ),
    Note(f"{DAY}12:03:30.000Z", "shop", "deployment next failed: KeyError: 'WEIGHTS'", bad=True),
)  # fmt: skip
JOBS = (
    Job(
        "3", "update next", "sandbox online-deployment update -n next -e shop -f next.yml", "failed",
        f"{DAY}12:03:12+00:00", 18.2,
        (
            Step("environment", "environment 41c0 (12 packages)", "done", 0.1, (), "shop/next"),
            Step("storage", "code and model", "done", 0.4, ("score.py 322 bytes",), "shop/next"),
            Step("ready", "ready (300 s at most)", "failed", 1.7, ("deployment 'next' cannot start",), "shop/next"),
        ), TROUBLE, "shop", "next",
    ),
    Job(
        "2", "up shop", "sandbox up shop", "done", f"{DAY}12:00:00+00:00", 41.0,
        (Step("environment", "environment 41c0 (12 packages)", "done", 33.0, (), "shop/blue"),), None, "shop", "",
    ),
)  # fmt: skip
LOGS = (
    ("blue", "2026-11-23 12:02:50,120 I [4711] root - score ok in 11 ms"),
    ("green", "2026-11-23 12:02:51,110 I [4720] root - request d30b03ff begins"),
    ("green", "2026-11-23 12:02:51,114 E [4720] azmlinfsrv - score.py:12: KeyError: 'data'"),
    ("green", "Traceback (most recent call last):"),
    ("green", '  File "score.py", line 12, in run'),
    ("green", '    row = json.loads(data)["data"]'),
    ("green", "KeyError: 'data'"),
    ("blue", "2026-11-23 12:02:51,300 W [4711] root - slow: 812 ms"),
    ("green", "2026-11-23 12:02:52,000 I [4720] azmlinfsrv - Changed: score.py"),
    ("green", "2026-11-23 12:02:52,081 I [4720] azmlinfsrv - Reloaded in 0.081 s (init 0.028 s): version 3c1f"),
)  # fmt: skip


INSTANCE = {"index": 0, "pid": 4720, "port": 45001, "status": "Healthy", "version": "3c1f0a", "reload": "current"}


def request(number, status=200, deployment="blue", ms=12):
    return Request(
        f"{DAY}12:02:{number % 60:02d}.000Z", "shop", deployment, "POST", "/score", status, ms, 120, 64,
        f"{number:08x}-aa", "via_upstream" if deployment else "ext_authz_denied",
    )  # fmt: skip


class FakeSource:
    """Set ``now`` to what is to be seen; what was asked for is in ``calls``."""

    def __init__(self, place, groups=GROUPS):
        self.place = str(place)
        self.calls = []
        self.now = Look(
            time.monotonic(), 4242, None, groups, NOTES, JOBS,
            {BLUE.key: series(41, 38, 0, 400 << 20), GREEN.key: series(5, 70, 9, 500 << 20)},
        )  # fmt: skip
        self.known_hosts = ["prod"]
        self.fails = None  # an error that ``look`` raises
        self.gate = threading.Event()  # holds what is slow
        self.gate.set()
        self.lines = [Line("shop", name, text) for name, text in LOGS]
        self.asked = [
            request(n, 500 if n % 13 == 0 else 200, "green" if n % 10 == 0 else "blue", 10 + n % 7) for n in range(40)
        ]
        self.answer = Answer(
            200, 0.0124, (("azureml-model-deployment", "blue"), ("x-request-id", "d30b03")), '{"score": 4.2}'
        )
        self.said = About(
            code=self.place, script="score.py", debug_port=None, environment="model-env:1",
            instances=(INSTANCE,),
            samples=(("from the schema", '{\n  "data": [1, 2, 3]\n}'), ("sample-request.json", '{"data": [4]}')),
        )  # fmt: skip

    def set(self, **changes):
        self.now = replace(self.now, **changes)

    def look(self):
        self.gate.wait(30)
        if self.fails is not None:
            raise self.fails
        return replace(self.now, at=time.monotonic())

    def about(self, endpoint, deployment):
        self.gate.wait(30)
        row = self.now.row(endpoint, deployment)
        found = replace(self.said, trouble=row.trouble if row else None)
        if found.trouble is not None:
            found = replace(found, trouble=replace(found.trouble, file=f"{self.place}/score.py"))
        return found

    def follow(self, endpoint, deployment, lines, ended):
        at = 0
        while not ended():
            while at < len(self.lines):
                line = self.lines[at]
                at += 1
                if endpoint in (None, line.endpoint) and deployment in (None, line.deployment):
                    yield line
            time.sleep(0.01)

    def requests(self, after):
        return (self.asked, len(self.asked)) if after < 0 else (self.asked[after:], len(self.asked))

    def hosts(self):
        return self.known_hosts

    def attach(self, endpoint, deployment):
        self.calls.append(("attach", endpoint, deployment))
        return '{"name": "sandbox: shop/green"}'

    def set_traffic(self, endpoint, live, mirror, seen):
        self.gate.wait(30)
        self.calls.append(("set_traffic", endpoint, live, mirror, seen))
        there = self.now.group(endpoint)
        if seen != (there.live, there.mirror):
            raise SandboxError("E140", f"the traffic of {endpoint} was changed meanwhile", "it is other now", "look")
        rows = tuple(replace(row, live=live.get(row.name, 0), mirror=mirror.get(row.name, 0)) for row in there.rows)
        self.set(groups=tuple(replace(g, rows=rows) if g.name == endpoint else g for g in self.now.groups))

    def invoke(self, endpoint, deployment, data):
        self.gate.wait(30)
        self.calls.append(("invoke", endpoint, deployment, data))
        return self.answer

    def begin(self, order):
        self.calls.append(("begin", order))
        self.set(jobs=(Job("9", order.title, order.command, "working", f"{DAY}12:09:00+00:00"), *self.now.jobs))
        return "9"

    def again(self, job):
        self.calls.append(("again", job))
        return "10"

    def cancel(self, job):
        self.calls.append(("cancel", job))
