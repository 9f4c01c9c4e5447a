"""``--vscode-debug``: a breakpoint in the developer's own file stops a request that came through the gateway."""

import json
import threading

import pytest

from tests.support.commands import DEPLOYMENT, commands, until
from tests.support.dap import Debugger

E, D = "online-endpoint", "online-deployment"

SCORE = """\
import json


def init():
    print("ready")


def run(data):
    total = sum(json.loads(data)["items"])
    return {"total": total}
"""


@pytest.fixture
def sandbox(tmp_path):
    with commands(tmp_path) as run:
        run.write("score.py", SCORE)
        run.write("blue.yml", DEPLOYMENT)
        run.write("request.json", '{"items": [1, 2]}')
        yield run


def test_a_breakpoint_stops_a_request_of_the_endpoint(sandbox):
    sandbox.out(E, "create", "-n", "shop", "--local")
    sandbox.out(D, "create", "-n", "blue", "-e", "shop", "-f", "blue.yml", "--all-traffic", "--local", "--vscode-debug")
    launch = json.loads((sandbox.folder / ".vscode" / "launch.json").read_text())
    (entry,) = [each for each in launch["configurations"] if each["name"] == "inference-http: attach"]
    log = (D, "get-logs", "-n", "blue", "-e", "shop")
    until(lambda: "debugger: listening" in sandbox.out(*log), "the debugger listens")
    with Debugger() as debugger:
        last_line = len(SCORE.splitlines())
        debugger.set_breakpoints(str(sandbox.folder / "score.py"), [last_line])
        served = sandbox.out(*log).count("serves version")
        debugger.attach(entry["connect"]["port"])
        until(lambda: sandbox.out(*log).count("serves version") > served, "a worker that is debugged takes over")
        debugger.wait_child(timeout=60)
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(sandbox.json(E, "invoke", "-n", "shop", "-r", "request.json"))
        )
        asking.start()
        stop = debugger.wait_stopped(60)
        assert stop.variables()["total"] == "3"
        stop.go()
        asking.join(60)
    assert json.loads(answers[0]) == {"total": 3}
