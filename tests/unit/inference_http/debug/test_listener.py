"""The parts of debugging that need no debugger; tests/integration/test_debugging.py has one."""

import os
import subprocess
import sys
import threading

import pytest

import inference_http
from inference_http.debug import debuggee, listener
from inference_http.debug.listener import DebugError, Listener


def test_a_listener_that_was_not_started_knows_nothing():
    listener = Listener("127.0.0.1", 5678)
    assert listener.client_connected() is False
    assert listener.failure is None
    for ask in (listener.endpoint, lambda: listener.address, lambda: listener.joins, lambda: listener.command(["x"])):
        with pytest.raises(DebugError, match="not ready"):
            ask()
    with pytest.raises(DebugError, match=r"did not start within 0\.01 s"):
        listener.wait_ready(0.01)
    assert listener.wait_client(0.01) is False
    listener.stop()
    with pytest.raises(DebugError, match="was stopped"):
        listener.wait_ready()


@pytest.mark.parametrize(("host", "warns"), [("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False)])
def test_a_port_that_others_can_reach_is_warned_of(host, warns, monkeypatch, caplog):
    monkeypatch.setattr(Listener, "_run", lambda self: None)
    Listener(host, 5678).start()
    assert ("can run code" in caplog.text) is warns


def test_an_interpreter_that_is_gone_is_an_error_with_a_reason(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    listener = Listener("127.0.0.1", 0)
    listener.start()
    with pytest.raises(DebugError, match=r"/nowhere/python: .*No such file"):
        listener.wait_ready()
    assert "/nowhere/python" in listener.failure
    listener.stop()


@pytest.mark.parametrize(
    ("last_words", "text"),
    [
        ({"kind": "ModuleNotFoundError", "message": "No module named 'debugpy'"}, "pip install debugpy"),
        ({"kind": "RuntimeError", "message": "[Errno 98] Address already in use"}, "port 1 on h is in use"),
        ({"kind": "RuntimeError", "message": "Cannot assign requested address"}, "no debugger on h:1: Cannot assign"),
    ],
)
def test_failures_are_explained(last_words, text):
    assert text in listener._explain(last_words, "h", 1)


def test_nothing_of_this_imports_the_debugger():
    program = "import sys, inference_http.debug.listener, inference_http.debug.debuggee as worker"
    program += "; worker.attached(); worker.detach(); print('debugpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_old_debugpy_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(debuggee, "NEEDED", debuggee.NEEDED | {"something_new"})
    with pytest.raises(debuggee.DebuggerUnavailable, match=r"\(something_new\): install debugpy>="):
        debuggee.attach({"host": "127.0.0.1", "port": 1, "token": "", "parent_pid": 1})


def test_without_debugpy_the_worker_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "debugpy.server", None)
    with pytest.raises(debuggee.DebuggerUnavailable, match="pip install debugpy"):
        debuggee.preload()


@pytest.mark.parametrize("before", [None, os.pathsep.join(["/a", "/b"])])
def test_the_debugger_takes_this_package_for_a_library_and_the_script_sees_nothing_of_it(monkeypatch, before):
    if before is None:
        monkeypatch.delenv("LIBRARY_ROOTS", raising=False)
    else:
        monkeypatch.setenv("LIBRARY_ROOTS", before)
    with debuggee._our_code_is_library_code():
        roots = os.environ["LIBRARY_ROOTS"].split(os.pathsep)
        assert os.path.dirname(inference_http.__file__) in roots
        assert os.path.dirname(os.__file__) in roots if before is None else roots[:2] == ["/a", "/b"]
    assert os.environ.get("LIBRARY_ROOTS") == before


def test_an_exempt_thread_is_marked_as_the_debuggers_own():
    thread = threading.Thread()
    debuggee.exempt(thread)
    assert thread.pydev_do_not_trace
    assert thread.is_pydev_daemon_thread


def test_breakpoint_goes_on_with_a_word_where_no_debugger_is(monkeypatch, caplog):
    monkeypatch.setattr(sys, "breakpointhook", sys.breakpointhook)
    monkeypatch.delenv("PYTHONBREAKPOINT", raising=False)
    debuggee.pass_breakpoints()
    breakpoint()  # noqa: T100 - what is tested
    assert f"breakpoint() in {__file__}:" in caplog.text


def test_what_the_user_wants_of_breakpoint_is_left_alone(monkeypatch):
    before = sys.breakpointhook
    monkeypatch.setenv("PYTHONBREAKPOINT", "some.debugger")
    debuggee.pass_breakpoints()
    assert sys.breakpointhook is before
