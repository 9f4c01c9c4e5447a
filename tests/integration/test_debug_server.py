"""The whole server under a debug client: what a developer sees between F5 and the red square."""

import json
import os
import queue
import re
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from tests.support.dap import Debugger
from tests.support.running import Running, server

SCRIPT = """\
import json
import helper

def init():
    global factor
    factor = 5

def run(data):
    number = json.loads(data)["number"]
    result = helper.times(number, factor)
    return result
"""
HELPER = """\
def times(number, factor):
    if number < 0:
        raise ValueError("negative")
    return number * factor
"""
INIT, RUN, RAISE = 6, 10, 3


@pytest.fixture
def score(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "score.py").write_text(SCRIPT)
    (folder / "helper.py").write_text(HELPER)
    return folder / "score.py"


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def client():
    with Debugger() as debugger:
        yield debugger


def asking(running, number):
    """POST /score in the background; it may come to stand at a breakpoint. The queue gets the reply."""
    replies = queue.SimpleQueue()
    body = json.dumps({"number": number})
    threading.Thread(target=lambda: replies.put(running.score(body, timeout=60)), daemon=True).start()
    return replies


def port_of(running):
    """The port of a server that is not ready yet."""
    return int(re.search(r":(\d+)/score", running.wait_for(r"POST +127\.0\.0\.1:\d+/score"))[1])


def serving(running, count):
    """The process id of the worker number ``count`` since the start."""
    return int(
        re.findall(r"worker (\d+) serves version", running.wait_for("serves version", count=count) and running.text())[
            -1
        ]
    )


def attach(client, running, port):
    running.wait_for("debugger: listening on")
    client.attach(port)


def test_from_attach_to_detach_with_reloads_between(score, port, client):
    with server(score, "--reload", "--debug", str(port)) as running:
        running.wait_ready()
        plain = serving(running, 1)
        client.set_breakpoints(str(score), [RUN])
        client.stop_on_exceptions("userUnhandled")
        attach(client, running, port)
        debugged = serving(running, 2)
        assert client.wait_child(debugged).pid != plain

        reply = asking(running, 4)
        stop = client.wait_stopped()
        assert stop.top() == ("run", RUN)
        assert stop.variables()["number"] == "4"
        assert stop.evaluate("number * factor") == "20"
        began = time.perf_counter()
        assert running.ask().status == 200, "a probe is answered while run() stands"
        assert running.ask(path="/metrics").status == 200
        assert time.perf_counter() - began < 2
        stop.go("stepIn")
        stop = client.wait_stopped()
        assert stop.top() == ("times", 2)
        stop.go()
        assert reply.get(timeout=10).json() == 20

        score.write_text(SCRIPT.replace("factor = 5", "factor = 50"))
        renewed = serving(running, 3)
        client.wait_child(renewed)
        reply = asking(running, 4)
        stop = client.wait_stopped()
        assert (stop.session.pid, stop.top()) == (renewed, ("run", RUN))
        assert client.root.alive, "the session is the one of before"
        stop.go()
        assert reply.get(timeout=10).json() == 200

        client.set_breakpoints(str(score), [])
        reply = asking(running, -1)
        stop = client.wait_stopped()
        assert stop.reason == "exception"
        frames = [(os.path.basename(frame["source"]["path"]), frame["line"]) for frame in stop.frames()]
        assert frames[:2] == [("helper.py", RAISE), ("score.py", RUN)]
        assert not any("inference_http" in frame["source"]["path"] for frame in stop.frames())
        stop.go()
        assert reply.get(timeout=10).status == 500

        client.disconnect()
        assert serving(running, 4) != renewed
        assert asking(running, 3).get(timeout=10).json() == 150
    assert running.text().count("Traceback") == 1, "of the script's own exception, and no other"


def test_scoring_timeouts_do_not_run_while_somebody_debugs(score, port, client):
    with server(score, "--debug", str(port), env={"SCORING_TIMEOUT_MS": "300"}) as running:
        running.wait_ready()
        client.set_breakpoints(str(score), [RUN])
        attach(client, running, port)
        debugged = serving(running, 2)
        reply = asking(running, 4)
        stop = client.wait_stopped()
        time.sleep(1.5)  # five times the limit, and the grace
        stop.go()
        answer = reply.get(timeout=10)
        assert (answer.status, answer.json()) == (200, 20)
        assert serving(running, 2) == debugged, "nobody was replaced"


def test_init_is_debugged_when_the_client_is_waited_for(score, port, client):
    with server(score, "--debug", str(port), "--wait-for-client", wait=False) as running:
        running.wait_for("loaded when a debugger has attached")
        running.port = port_of(running)
        refused = running.ask()
        assert refused.status == 503
        assert "debugger" in refused.body.decode()
        client.set_breakpoints(str(score), [INIT])
        attach(client, running, port)
        stop = client.wait_stopped(20)
        assert stop.top() == ("init", INIT)
        assert running.ask().status == 503
        stop.go()
        running.wait_ready()
        assert asking(running, 3).get(timeout=10).json() == 15


def test_a_broken_edit_keeps_the_session_and_the_old_code(score, port, client):
    with server(score, "--reload", "--debug", str(port)) as running:
        running.wait_ready()
        client.set_breakpoints(str(score), [RUN])
        attach(client, running, port)
        debugged = serving(running, 2)
        score.write_text("def init(:\n")
        running.wait_for("serves on until the code is fixed")
        reply = asking(running, 4)
        stop = client.wait_stopped()
        assert stop.session.pid == debugged
        stop.go()
        assert reply.get(timeout=10).json() == 20
        score.write_text(SCRIPT.replace("factor = 5", "factor = 7"))
        client.wait_child(serving(running, 3))
        reply = asking(running, 4)
        client.wait_stopped().go()
        assert reply.get(timeout=10).json() == 28


def test_breakpoint_in_the_script_stops_where_a_client_is_and_is_passed_where_none_is(score, port, client):
    score.write_text(SCRIPT.replace("    number", "    breakpoint()\n    number"))
    with server(score, "--debug", str(port)) as running:
        assert asking(running, 4).get(timeout=10).json() == 20
        running.wait_for(r"breakpoint\(\) in .*score\.py:9 passed: no debugger is attached")
        attach(client, running, port)
        client.wait_child(serving(running, 2))
        reply = asking(running, 4)
        stop = client.wait_stopped()
        assert stop.top()[0] == "run"
        stop.go()
        assert reply.get(timeout=10).json() == 20


def test_a_client_that_dies_leaves_a_serving_server(score, port):
    with server(score, "--debug", str(port)) as running:
        running.wait_ready()
        for number in (2, 4):
            with Debugger() as client:
                client.set_breakpoints(str(score), [RUN])
                attach(client, running, port)
                client.wait_child(serving(running, number))
                reply = asking(running, 4)
                client.wait_stopped()
                client.kill()
                assert reply.get(timeout=10).json() == 20
            serving(running, number + 1)
            assert asking(running, 3).get(timeout=10).json() == 15


def test_the_references_sense_connects_to_the_editor(score, port, client):
    client.set_breakpoints(str(score), [INIT, RUN])
    client.listen(port)
    environment = {"AZUREML_DEBUG_PORT": str(port)}
    with server(score, "--debug-connect", env=environment, wait=False) as running:
        stop = client.wait_stopped(20)
        assert stop.top() == ("init", INIT)
        stop.go()
        running.port = port_of(running)
        running.wait_ready()
        reply = asking(running, 4)
        client.wait_stopped().go()
        assert reply.get(timeout=10).json() == 20


def test_an_editor_launches_the_server(score, tmp_path, port, client):
    """As the launch entry of --write-vscode does. The log goes to the debug console."""
    client.set_breakpoints(str(score), [INIT, RUN])
    arguments = ["--entry_script", str(score), "--port", str(port), "--reload", "--debug", "5678"]
    client.launch("inference_http.debug.launch", arguments, cwd=str(tmp_path))
    stop = client.wait_stopped(30)
    assert stop.top() == ("init", INIT)
    stop.go()
    running = Running(process=SimpleNamespace(poll=lambda: None), port=port)
    running.wait_ready()
    reply = asking(running, 4)
    first = client.wait_stopped()
    assert first.top() == ("run", RUN)
    first.go()
    assert reply.get(timeout=10).json() == 20

    client.set_breakpoints(str(score), [])
    score.write_text(SCRIPT.replace("factor = 5", "factor = 50"))
    wait_until(lambda: asking(running, 4).get(timeout=10).json() == 200, "the new code answers")
    wait_until(lambda: {one.pid for one in client.sessions} - {None, first.session.pid}, "the client has its process")
    client.set_breakpoints(str(score), [RUN])
    reply = asking(running, 4)
    second = client.wait_stopped()
    assert second.session.pid != first.session.pid
    assert client.root.alive, "the session is the one of before"
    second.go()
    assert reply.get(timeout=10).json() == 200

    client.disconnect(terminate=True)
    wait_until(lambda: not answers(running), "the server ends with the session")


def wait_until(condition, what, timeout=20):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def answers(running):
    try:
        return running.ask().status == 200
    except OSError:
        return False
