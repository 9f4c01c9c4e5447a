"""A debug client against forked workers: breakpoints, reloads, clients that come, go, die or are two."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path

import pytest

from inference_http.debug import listener as listener_module
from inference_http.debug.listener import DebugError, Listener
from tests.support.dap import Breakpoint, DapError, Debugger
from tests.support.debugged import Worker, supervised

SCRIPT = """\
import helper

factor = None

def init():
    global factor
    start = 4
    factor = start + 1

def run(data):
    doubled = helper.double(data)
    result = doubled * factor
    return result
"""
HELPER = """\
def double(number):
    if number is None:
        raise ValueError("no number")
    twice = number * 2
    return twice
"""
INIT, RUN, RAISE, HELPED = 7, 12, 3, 5  # lines to stop at


@pytest.fixture
def score(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "score.py").write_text(SCRIPT)
    (folder / "helper.py").write_text(HELPER)
    return folder / "score.py"


@pytest.fixture
def helper(score):
    return score.with_name("helper.py")


@pytest.fixture
def supervisor():
    with supervised() as made:
        yield made


@pytest.fixture
def client():
    with Debugger() as debugger:
        yield debugger


def attach(client, supervisor):
    client.attach(supervisor.listener.port)
    assert supervisor.listener.wait_client(5)


def gone(listener, timeout=5):
    deadline = time.monotonic() + timeout
    while listener.client_connected() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not listener.client_connected()


# --- One worker ----------------------------------------------------------------------------------------------------


def test_a_breakpoint_in_run_shows_where_it_is_and_what_is_there(supervisor, score, client):
    client.set_breakpoints(str(score), [RUN])
    attach(client, supervisor)
    worker = supervisor.fork(score)
    worker.ready()
    assert worker.ask(op="waited") is True
    answer = worker.start_run(7)
    stop = client.wait_stopped()
    assert (stop.reason, stop.top()) == ("breakpoint", ("run", RUN))
    assert "call_run" not in [frame["name"] for frame in stop.frames()], "just my code: no frames of the server"
    assert stop.variables() == {"data": "7", "doubled": "14"}
    assert stop.evaluate("doubled + factor") == "19"
    stop.evaluate("doubled = 100")
    stop.go("next")
    stop = client.wait_stopped()
    assert (stop.reason, stop.top()) == ("step", ("run", RUN + 1))
    assert stop.variables()["result"] == "500"
    stop.go()
    assert answer.get(timeout=10) == 500


def test_stepping_goes_into_the_users_modules_and_out_again(supervisor, score, client):
    client.set_breakpoints(str(score), [RUN - 1])
    attach(client, supervisor)
    worker = supervisor.fork(score)
    worker.ready()
    answer = worker.start_run(7)
    for command, top in (
        ("stepIn", ("run", RUN - 1)),
        ("stepOut", ("double", 2)),
        ("next", ("run", RUN - 1)),
        ("continue", ("run", RUN)),
    ):
        stop = client.wait_stopped()
        assert stop.top() == top
        stop.go(command)
    assert answer.get(timeout=10) == 70


def test_without_just_my_code_libraries_are_shown_too(supervisor, score):
    with Debugger(just_my_code=False) as client:
        client.set_breakpoints(str(score), [RUN])
        attach(client, supervisor)
        worker = supervisor.fork(score)
        worker.ready()
        worker.start_run(7)
        stop = client.wait_stopped()
        assert [frame["name"] for frame in stop.frames()][:2] == ["run", "call_run"]
        stop.go()


def test_breakpoints_in_a_helper_conditions_and_log_points(supervisor, score, helper, client):
    client.set_breakpoints(str(helper), [Breakpoint(HELPED, condition="twice == 6")])
    client.set_breakpoints(str(score), [Breakpoint(RUN, log="doubled is {doubled}")])
    attach(client, supervisor)
    worker = supervisor.fork(score)
    worker.ready()
    assert worker.run(1) == 10
    answer = worker.start_run(3)
    stop = client.wait_stopped()
    assert stop.top() == ("double", HELPED)
    stop.go()
    assert answer.get(timeout=10) == 30
    client.wait_output("doubled is 2")
    client.wait_output("doubled is 6")


def test_breakpoints_can_be_changed_while_it_runs(supervisor, score, client):
    attach(client, supervisor)
    worker = supervisor.fork(score)
    worker.ready()
    client.wait_child(worker.pid)
    assert worker.run(1) == 10
    assert client.set_breakpoints(str(score), [RUN])[0]["verified"] is True
    answer = worker.start_run(1)
    client.wait_stopped().go()
    assert answer.get(timeout=10) == 10
    client.set_breakpoints(str(score), [])
    assert worker.run(2) == 20


def test_a_breakpoint_in_init_is_hit_at_the_first_start_when_the_client_is_waited_for(supervisor, score, client):
    client.set_breakpoints(str(score), [INIT, 3])
    assert supervisor.listener.wait_client(0.05) is False
    attach(client, supervisor)
    worker = supervisor.fork(score)
    assert client.wait_stopped().top() == ("<module>", 3)
    assert worker.ask(op="phase") == "import"
    client.wait_child(worker.pid)
    client.sessions[0].request("continue", {"threadId": 1})
    stop = client.wait_stopped()
    assert stop.top() == ("init", INIT)
    stop.go()
    worker.ready()
    assert worker.run(1) == 10


@pytest.mark.parametrize("just_my_code", [True, False])
def test_an_exception_that_the_server_catches_stops_at_the_raising_line(supervisor, score, helper, just_my_code):
    with Debugger(just_my_code=just_my_code) as client:
        client.stop_on_exceptions("userUnhandled")
        attach(client, supervisor)
        worker = supervisor.fork(score)
        worker.ready()
        answer = worker.start_run(None)
        stop = client.wait_stopped()
        assert stop.reason == "exception"
        assert stop.exception()["exceptionId"].startswith("ValueError")
        frames = [(os.path.basename(frame["source"]["path"]), frame["line"]) for frame in stop.frames()]
        assert frames[:2] == [("helper.py", RAISE), ("score.py", RUN - 1)]
        stop.go()
        assert answer.get(timeout=10) == {"error": "ValueError"}


def test_an_exception_that_the_script_catches_itself_stops_nothing(supervisor, score, client):
    score.write_text(
        "def init():\n    pass\n\n"
        "def run(data):\n    try:\n        int(data)\n    except ValueError:\n        return 1\n"
    )
    client.stop_on_exceptions("userUnhandled")
    attach(client, supervisor)
    worker = supervisor.fork(score)
    worker.ready()
    assert worker.run("x") == 1


def test_breakpoint_in_the_code_stops_too(supervisor, score, client):
    score.write_text("def init():\n    pass\n\ndef run(data):\n    breakpoint()\n    return data\n")
    attach(client, supervisor)
    worker = supervisor.fork(score)
    worker.ready()
    answer = worker.start_run(1)
    stop = client.wait_stopped()
    assert stop.top()[0] == "run"
    stop.go()
    assert answer.get(timeout=10) == 1


def test_probes_are_answered_while_run_stands_at_a_breakpoint(supervisor, score, client):
    client.set_breakpoints(str(score), [RUN])
    attach(client, supervisor)
    worker = supervisor.fork(score)
    worker.ready()
    answer = worker.start_run(1)
    stop = client.wait_stopped()
    assert max(worker.probe_s() for _ in range(5)) < 1
    time.sleep(0.3)  # what suspends other threads has had its time
    assert max(worker.probe_s() for _ in range(5)) < 1
    threads = stop.session.request("threads")["threads"]
    assert [thread["name"] for thread in threads] == ["MainThread"]
    stop.go()
    assert answer.get(timeout=10) == 10


def test_paths_are_mapped_as_for_a_container(supervisor, score):
    with Debugger(path_mappings=[("/elsewhere/project", str(score.parent))]) as client:
        client.set_breakpoints("/elsewhere/project/score.py", [RUN])
        attach(client, supervisor)
        worker = supervisor.fork(score)
        worker.ready()
        assert client.children[0]["pathMappings"][0]["localRoot"] == "/elsewhere/project"
        worker.start_run(1)
        stop = client.wait_stopped()
        assert stop.frames()[0]["source"]["path"] == "/elsewhere/project/score.py"
        stop.go()


# --- Reloads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start_debugging", [True, False], ids=["startDebugging", "debugpyAttach"])
def test_a_reload_keeps_the_session_and_its_breakpoints(supervisor, score, start_debugging):
    with Debugger(start_debugging=start_debugging) as client:
        client.set_breakpoints(str(score), [RUN])
        attach(client, supervisor)
        old = supervisor.fork(score)
        old.ready()
        old.start_run(7)
        client.wait_stopped().go()
        for factor in (10, 20):
            # A line more above the breakpoint: the client has not sent it anew, the new source is what counts.
            score.write_text(SCRIPT.replace("start + 1", f"start * 0 + {factor}"))
            new = supervisor.fork(score)
            new.ready()
            old.kill()
            answer = new.start_run(7)
            stop = client.wait_stopped()
            assert stop.session.pid == new.pid
            assert stop.top() == ("run", RUN)
            stop.go("next")
            stop = client.wait_stopped()
            assert stop.variables()["result"] == str(14 * factor)
            stop.go()
            assert answer.get(timeout=10) == 14 * factor
            old = new
        assert client.root.alive
        assert supervisor.listener.client_connected()
        assert len(client.children) == 3
        assert not client.errors


def test_while_the_new_worker_stands_in_init_the_old_one_answers(supervisor, score, client):
    attach(client, supervisor)
    old = supervisor.fork(score)
    old.ready()
    client.set_breakpoints(str(score), [INIT])
    new = supervisor.fork(score)
    stop = client.wait_stopped()
    assert (stop.session.pid, stop.top()) == (new.pid, ("init", INIT))
    assert [old.run(number) for number in range(5)] == [0, 10, 20, 30, 40]
    stop.go()
    new.ready()


@pytest.mark.parametrize("reloads", [10])
def test_many_reloads_leave_one_session(supervisor, score, client, reloads):
    client.set_breakpoints(str(score), [RUN])
    attach(client, supervisor)
    old = None
    for _ in range(reloads):
        new = supervisor.fork(score)
        new.ready()
        if old:
            old.kill()
        old = new
    answer = old.start_run(1)
    client.wait_stopped().go()
    assert answer.get(timeout=10) == 10
    deadline = time.monotonic() + 5
    while len(client.sessions) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [session.pid for session in client.sessions] == [old.pid]


# --- Clients that come late, go, die, or are two -------------------------------------------------------------------


def test_a_client_that_comes_late_gets_the_worker_that_runs(supervisor, score, client):
    worker = supervisor.fork(score, wait_s=0)
    worker.ready()
    deadline = time.monotonic() + 5
    while worker.ask(op="attached") and time.monotonic() < deadline:  # the adapter makes a session to unblock it
        time.sleep(0.01)
    assert worker.ask(op="attached") is False
    client.set_breakpoints(str(score), [RUN])
    attach(client, supervisor)
    client.wait_child(worker.pid)
    answer = worker.start_run(1)
    client.wait_stopped().go()
    assert answer.get(timeout=10) == 10


@pytest.mark.parametrize("end", ["disconnect", "kill"])
def test_a_client_that_goes_lets_everything_run_and_may_come_again(supervisor, score, end):
    worker = None
    for _ in range(3):
        with Debugger() as client:
            client.set_breakpoints(str(score), [RUN])
            attach(client, supervisor)
            if worker is None:
                worker = supervisor.fork(score)
                worker.ready()
            else:
                assert worker.ask(op="attach", endpoint=supervisor.listener.endpoint(), wait_s=5) is True
            client.wait_child(worker.pid)
            answer = worker.start_run(1)
            client.wait_stopped()
            getattr(client, end)()
            assert answer.get(timeout=10) == 10, "what stood at the breakpoint goes on"
        assert gone(supervisor.listener)
        assert worker.run(2) == 20


def test_attach_and_detach_are_told(score):
    told = []
    with supervised(on_attach=lambda: told.append("attach"), on_detach=lambda: told.append("detach")) as supervisor:
        for end in ("disconnect", "kill"):
            with Debugger() as client:
                client.attach(supervisor.listener.port)
                assert supervisor.listener.wait_client(5)
                getattr(client, end)()
            assert gone(supervisor.listener)
        deadline = time.monotonic() + 5
        while len(told) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert told == ["attach", "detach"] * 2


@pytest.mark.parametrize("options", [{"follow_children": False}, {"follow_children": False, "start_debugging": False}])
def test_a_client_that_ignores_child_processes_delays_a_worker_for_a_bounded_time(supervisor, score, options):
    with Debugger(**options) as client:
        attach(client, supervisor)
        began = time.monotonic()
        worker = supervisor.fork(score, wait_s=0.5)
        worker.ready()
        assert 0.4 < time.monotonic() - began < 5
        assert worker.ask(op="waited") is False
        assert worker.run(1) == 10


def test_with_a_second_client_the_first_one_keeps_its_session(supervisor, score, client):
    client.set_breakpoints(str(score), [RUN])
    attach(client, supervisor)
    worker = supervisor.fork(score)
    worker.ready()
    with Debugger() as second:
        with pytest.raises(DapError):
            second.attach(supervisor.listener.port, timeout=2)
        assert second.root.alive, "debugpy lets it wait and says nothing: docs/debugging.md"
    answer = worker.start_run(1)
    stop = client.wait_stopped()
    assert stop.top() == ("run", RUN)
    stop.go()
    assert answer.get(timeout=10) == 10
    assert supervisor.listener.client_connected()
    new = supervisor.fork(score)
    new.ready()
    answer = new.start_run(1)
    client.wait_stopped().go()
    assert answer.get(timeout=10) == 10


def test_terminate_ends_neither_the_supervisor_nor_the_offer_to_attach(supervisor, score):
    with Debugger() as client:
        attach(client, supervisor)
        client.disconnect(terminate=True)
    assert gone(supervisor.listener)
    again(supervisor, score)


def again(supervisor, score):
    """Attach to the listener's next offer, and debug a worker there."""
    deadline = time.monotonic() + 15
    with Debugger() as client:
        client.set_breakpoints(str(score), [RUN])
        while True:
            try:
                supervisor.listener.wait_ready()
                client.attach(supervisor.listener.port)
                break
            except (DapError, DebugError, OSError):
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert supervisor.listener.wait_client(5)
        worker = supervisor.fork(score)
        worker.ready()
        answer = worker.start_run(1)
        client.wait_stopped().go()
        assert answer.get(timeout=10) == 10


def test_an_adapter_that_breaks_down_is_replaced(score, client, processes):
    with supervised() as supervisor:
        attach(client, supervisor)
        worker = supervisor.fork(score)
        worker.ready()
        for pid in processes() - {supervisor.listener.endpoint()["parent_pid"]}:
            os.kill(pid, 9)
        assert gone(supervisor.listener)
        assert worker.run(1) == 10
        again(supervisor, score)


# --- In place ------------------------------------------------------------------------------------------------------


def test_a_serving_worker_can_be_attached_and_detached_without_init(supervisor, score, client):
    worker = supervisor.fork(score, debug=False)
    worker.ready()
    assert worker.ask(op="attached") is False
    client.set_breakpoints(str(score), [RUN, INIT])
    attach(client, supervisor)
    assert worker.ask(op="attach", endpoint=supervisor.listener.endpoint(), wait_s=5) is True
    answer = worker.start_run(1)
    stop = client.wait_stopped()
    assert stop.top() == ("run", RUN)
    stop.go()
    assert answer.get(timeout=10) == 10
    worker.ask(op="detach")
    assert worker.run(2) == 20
    assert worker.ask(op="attached") is False
    assert worker.ask(op="attach", endpoint=supervisor.listener.endpoint(), wait_s=5) is True
    answer = worker.start_run(3)
    client.wait_stopped().go()
    assert answer.get(timeout=10) == 30


# --- Another way to start a worker ---------------------------------------------------------------------------------


def test_a_command_line_starts_a_process_as_a_child_of_the_session(supervisor, score, client):
    program = score.with_name("program.py")
    program.write_text("import sys\nimport score\nscore.init()\nprint(score.run(int(sys.argv[1])))\n")
    client.set_breakpoints(str(score), [RUN])
    attach(client, supervisor)
    command = supervisor.listener.command([sys.executable, str(program), "4"])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    stop = client.wait_stopped()
    assert stop.top() == ("run", RUN)
    stop.go()
    assert process.communicate(timeout=20)[0] == "40\n"


def test_what_debugpy_cannot_start_is_an_error(supervisor):
    with pytest.raises(DebugError, match="does not know how to start /bin/true"):
        supervisor.listener.command(["/bin/true"])


# --- Connecting to an editor that listens (S133) -------------------------------------------------------------------


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_it_connects_to_an_editor_that_listens_even_when_that_comes_later(score, client):
    port = free_port()
    client.set_breakpoints(str(score), [RUN])
    listener = Listener("127.0.0.1", port, connect=True)
    listener.start()
    with pytest.raises(DebugError, match=rf'no editor listens at 127.0.0.1:{port} .*refused.*"listen" configuration'):
        listener.wait_ready(1.5)
    client.listen(port)
    listener.wait_ready(15)
    assert listener.wait_client(5)
    listener.stop()


def test_the_editor_that_listens_gets_every_worker(score, client):
    port = free_port()
    client.set_breakpoints(str(score), [RUN])
    client.listen(port)
    with supervised(port=port, connect=True) as supervisor:
        assert supervisor.listener.wait_client(10)
        for _ in range(2):
            worker = supervisor.fork(score)
            worker.ready()
            answer = worker.start_run(1)
            stop = client.wait_stopped()
            assert stop.session.pid == worker.pid
            stop.go()
            assert answer.get(timeout=10) == 10
        client.kill()
        assert gone(supervisor.listener)
        assert worker.run(2) == 20
        with Debugger() as again:
            again.listen(port)
            assert supervisor.listener.wait_client(15)


# --- When there is no debugger -------------------------------------------------------------------------------------


def test_a_port_in_use_is_said_so(monkeypatch):
    monkeypatch.setattr(listener_module, "PORT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listener = Listener("127.0.0.1", taken.getsockname()[1])
        listener.start()
        with pytest.raises(DebugError, match=r"port \d+ on 127.0.0.1 is in use.*--debug"):
            listener.wait_ready()
        assert "in use" in listener.failure
        with pytest.raises(DebugError, match="in use"):
            listener.endpoint()
        listener.stop()


def test_without_debugpy_it_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "debugpy").mkdir()
    (tmp_path / "debugpy" / "__init__.py").write_text("raise ImportError('No module named debugpy')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    listener = Listener("127.0.0.1", 0)
    listener.start()
    with pytest.raises(DebugError, match="pip install debugpy"):
        listener.wait_ready()
    listener.stop()


def test_an_address_of_another_machine_is_an_error_with_a_reason():
    listener = Listener("192.0.2.1", 5678)
    listener.start()
    with pytest.raises(DebugError, match=r"no debugger on 192.0.2.1:5678: .*assign"):
        listener.wait_ready()
    listener.stop()


def test_a_worker_without_an_adapter_serves_all_the_same(supervisor, score):
    endpoint = supervisor.listener.endpoint() | {"port": free_port()}
    worker = supervisor.fork(score, debug=False)
    worker.ready()
    assert "does not answer" in worker.ask(op="attach", endpoint=endpoint, wait_s=5)
    assert worker.run(1) == 10
    assert worker.ask(op="attach", endpoint=supervisor.listener.endpoint(), wait_s=0) is False
    assert worker.run(2) == 20


def test_a_debugger_that_dies_takes_no_worker_with_it(supervisor, score, client):
    attach(client, supervisor)
    worker = supervisor.fork(score)
    worker.ready()
    os.kill(supervisor.listener.endpoint()["parent_pid"], 9)
    assert gone(supervisor.listener)
    assert worker.run(1) == 10


# --- Nothing is left -----------------------------------------------------------------------------------------------


@pytest.fixture
def processes(monkeypatch):
    """Finds the debugger's processes of this test, daemons too: by a mark in their environment."""
    mark = f"MARK_OF_THIS_TEST={uuid.uuid4()}"
    monkeypatch.setenv(*mark.split("="))

    def find():
        found = set()
        for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
            with contextlib.suppress(OSError):
                marked = entry.isdigit() and mark in Path(f"/proc/{entry}/environ").read_text(errors="replace")
                command = Path(f"/proc/{entry}/cmdline").read_text(errors="replace") if marked else ""
                if "inference_http.debug.anchor" in command or "debugpy/adapter" in command:
                    found.add(int(entry))
        return found

    return find


def test_stop_leaves_no_process_and_gives_the_port_back(score, processes):
    port = None
    for _ in range(2):
        with supervised(port=port or 0) as supervisor, Debugger() as client:
            port = supervisor.listener.port
            attach(client, supervisor)
            supervisor.fork(score).ready()
            assert len(processes()) >= 2
    wait_until(lambda: not processes(), "nothing is left")


def test_a_killed_supervisor_takes_the_debugger_with_it(tmp_path):
    program = tmp_path / "supervisor.py"
    program.write_text(
        textwrap.dedent("""
        import os, time
        from inference_http.debug.listener import Listener
        listener = Listener("127.0.0.1", 0)
        listener.start()
        listener.wait_ready()
        if os.fork() == 0:  # holds the supervisor's end of the pipe, as a zygote would
            time.sleep(20)
            os._exit(0)
        print(listener.endpoint()["parent_pid"], flush=True)
        time.sleep(60)
        """)
    )
    process = subprocess.Popen([sys.executable, "-W", "ignore", str(program)], stdout=subprocess.PIPE, text=True)
    anchor = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{anchor}") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{anchor}")


# --- Launched by an editor -------------------------------------------------------------------------------------------

LAUNCHER = """\
import sys
from inference_http.debug import launch

if __name__ == "__main__":
    sys.exit(launch.main(sys.argv[1:], "tests.support.launched"))
"""


@pytest.fixture
def launcher(tmp_path, monkeypatch):
    """A module that launches the little server of tests/support instead of the real one."""
    (tmp_path / "launcher.py").write_text(LAUNCHER)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), root]))
    return "launcher"


def wait_until(condition, what, timeout=10):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"  # a zombie is dead
    except (FileNotFoundError, ProcessLookupError):
        return False


def contents(path):
    def written():
        with contextlib.suppress(OSError, ValueError):
            found.append(json.loads(path.read_text()))
        return bool(found)

    found = []
    wait_until(written, f"{path} is written", 20)
    return found[0]


@pytest.mark.parametrize("sub_process", [True, False])
def test_a_launched_server_has_its_workers_in_the_editors_session(score, tmp_path, launcher, sub_process):
    port_file = tmp_path / "port"
    with Debugger(sub_process=sub_process) as client:
        client.set_breakpoints(str(score), [INIT, RUN])
        root = client.launch(launcher, [str(score), str(port_file), "0"], cwd=str(tmp_path))
        stop = client.wait_stopped(20)
        assert stop.top() == ("init", INIT)
        worker = Worker(**contents(port_file))
        assert stop.session.pid == worker.pid
        assert root.pid not in (None, worker.pid)
        stop.go()
        worker.ready()
        answer = worker.start_run(1)
        client.wait_stopped().go()
        assert answer.get(timeout=10) == 10
        client.disconnect(terminate=True)
    wait_until(lambda: not alive(worker.pid), "the editor's stop ends the workers too")


def test_a_launched_server_ends_when_the_launcher_does(score, tmp_path, launcher):
    port_file = tmp_path / "port"
    with Debugger() as client:
        root = client.launch(launcher, [str(score), str(port_file), "0"], cwd=str(tmp_path))
        worker = Worker(**contents(port_file))
        worker.ready()
        os.kill(root.pid, 9)
        wait_until(lambda: contents(port_file) == ["attach", "detach", "end"], "the server ends itself")
    wait_until(lambda: not alive(worker.pid), "and its workers")


def test_the_launch_ends_with_the_server_and_its_exit_code(score, tmp_path, launcher):
    port_file = tmp_path / "port"
    with Debugger() as client:
        root = client.launch(launcher, [str(score), str(port_file), "3"], cwd=str(tmp_path))
        assert root.event("exited", 30)["exitCode"] == 3
        root.event("terminated", 10)
    assert contents(port_file)[0] == "attach"


def test_without_an_editor_the_launcher_says_what_to_do():
    done = subprocess.run(
        [sys.executable, "-m", "inference_http.debug.launch"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--write-vscode" in done.stderr
    assert "--debug PORT" in done.stderr
