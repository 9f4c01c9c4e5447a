"""A command on its leash, as a process: fed by frames, ended when they end, and drawing on a terminal of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.hosts import frames

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from sandbox.hosts import frames, leash
frames.SILENCE_S = float(sys.argv[3])
leash.GRACE_S = float(sys.argv[2])
sys.exit(leash.Leash([sys.executable, "-c", sys.argv[4]], terminal=sys.argv[1] == "terminal").run())
"""
COPY = "import sys; sys.stdout.write(sys.stdin.read().upper())"
PATIENT = """
import signal, sys, time
def ended(number, frame):
    print("signal", number, flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, ended)
signal.signal(signal.SIGINT, ended)
print("ready", flush=True)
time.sleep(600)
"""
TAKING_BACK = """
import signal, sys, threading, time
told = threading.Event()
def ended(number, frame):
    print("signal", number, flush=True)
    told.set()
signal.signal(signal.SIGTERM, ended)
print("ready", flush=True)
told.wait()
time.sleep(2)
print("taken back", flush=True)
sys.exit(7)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
)


def test_the_words_of_a_command_are_in_no_list_of_processes(tmp_path):
    """They may hold a key."""
    words = [sys.executable, "-m", "sandbox.cli.main", "__leash", "plain"]
    environment = {**os.environ, "SANDBOX_HOME": str(tmp_path)}
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        said = ["online-endpoint", "list", "--query", "'s3cr3t'"]
        send(process, frames.frame(frames.WORDS, json.dumps(said).encode()))
        seen = set()
        while process.poll() is None:
            seen |= {each for each in _lines_of_processes() if b"s3cr3t" in each}
        assert json.loads(process.stdout.read()) == "s3cr3t"
    assert process.returncode == 0
    assert seen == set()


def _lines_of_processes():
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            yield Path(f"/proc/{entry}/cmdline").read_bytes()


def test_a_user_who_goes_before_saying_anything_leaves_nothing():
    words = [sys.executable, "-m", "sandbox.cli.main", "__leash", "plain"]
    done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
    assert done.returncode == 129


@pytest.fixture
def hold():
    """Start a command on a leash; every one is ended."""
    made = []

    def start(script, *, mode="plain", grace=60.0, silence=600.0):
        words = [sys.executable, "-c", HOLD, mode, str(grace), str(silence), script]
        process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        made.append(process)
        return process

    yield start
    for process in made:
        process.kill()
        process.wait()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def send(process, *sent):
    process.stdin.write(b"".join(sent))
    process.stdin.flush()


def test_input_reaches_the_command_and_its_output_comes_back(hold):
    process = hold(COPY)
    text = b"abc" * 100_000
    send(process, frames.frame(frames.INPUT, text[:1000]), frames.frame(frames.INPUT, text[1000:]))
    send(process, frames.frame(frames.END))
    assert process.stdout.read() == text.upper()
    assert process.wait(60) == 0


def test_the_exit_code_is_that_of_the_command(hold):
    assert hold("import sys; sys.exit(3)").wait(60) == 3
    assert hold("import os; os.kill(os.getpid(), 9)").wait(60) == 128 + 9


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_command(hold, number):
    process = hold(PATIENT)
    assert process.stdout.readline() == b"ready\n"
    send(process, frames.frame(frames.SIGNAL, bytes([number])))
    assert process.stdout.readline() == f"signal {int(number)}\n".encode()
    assert process.wait(60) == 7


DEAF = PATIENT.replace("time.sleep(600)", "signal.pause()")


@pytest.mark.parametrize("mode", ["plain", "terminal"])
def test_a_command_that_reads_no_input_hears_the_rest(hold, mode):
    process = hold(DEAF, mode=mode)
    assert process.stdout.readline().rstrip() == b"ready"
    for _ in range(16):  # more than a pipe or a terminal takes
        send(process, frames.frame(frames.INPUT, b"line\n" * 13_000))
    send(process, frames.frame(frames.SIGNAL, bytes([signal.SIGINT])))
    seen = b""
    while b"signal 2" not in seen:
        line = process.stdout.readline()
        assert line
        seen += line[-20:]
    assert process.wait(60) == 7


def test_a_user_whose_silence_ends_in_goodbye_is_gone_once(hold):
    process = hold(TAKING_BACK, silence=1.0)
    assert [process.stdout.readline(), process.stdout.readline()] == [b"ready\n", b"signal 15\n"]
    process.stdin.close()
    assert process.stdout.read() == b"taken back\n"
    assert process.wait(60) == 7


def test_the_command_is_told_to_end_when_its_user_is_gone(hold):
    process = hold(PATIENT)
    assert process.stdout.readline() == b"ready\n"
    process.stdin.close()
    assert process.stdout.readline() == b"signal 15\n"
    assert process.wait(60) == 7


def test_one_that_does_not_hear_is_ended(hold):
    process = hold(STUBBORN, grace=0.2)
    assert process.stdout.readline() == b"ready\n"
    process.stdin.close()
    assert process.wait(60) == 128 + 9


def test_silence_is_taken_for_the_end(hold):
    process = hold(PATIENT, silence=0.5)
    assert process.stdout.readline() == b"ready\n"
    assert process.wait(60) == 7
    assert not process.stdin.closed


def test_a_terminal_has_the_size_of_ours_and_hears_keys(hold):
    script = (
        "import os, sys; print(sys.stdin.isatty(), sys.stdout.isatty(), flush=True); input();"
        "print(os.get_terminal_size(), flush=True); input()"
    )
    process = hold(script, mode="terminal")
    assert process.stdout.readline() == b"True True\r\n"
    send(process, frames.size(33, 111), frames.frame(frames.INPUT, b"\n"))
    seen = b""
    while b"lines=33" not in seen:
        seen += process.stdout.readline()
    assert b"columns=111" in seen
    send(process, frames.frame(frames.INPUT, b"\x03"))
    assert process.wait(60) != 0


def test_a_command_that_has_ended_needs_no_input(hold):
    process = hold("print('over')")
    assert process.stdout.read() == b"over\n"
    assert process.wait(60) == 0
