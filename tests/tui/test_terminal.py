"""The walk of docs/tui.md in a real terminal (tmux), on a real sandbox, by keys that stand on the screen."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.boxes import box_in, until

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 90.0
BROKEN = """\
import json

TABLE = {"there": 2}


def init():
    global factor
    factor = TABLE["missing"]


def run(data):
    return {"product": json.loads(data)["data"] * factor}
"""

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux, which .ci/run installs")


class Terminal:
    """A terminal of its own server, so that nobody's tmux is touched."""

    def __init__(self, name, environment, folder):
        self._socket, self._folder = name, folder
        self._environment = environment

    def start(self, *words):
        # Its server takes nothing of a tmux that we may sit in; what ends stays to be read.
        self._tmux("new-session", "-d", "-x", "120", "-y", "40", "-s", "t", "-c", str(self._folder), *words)
        self._tmux("set-option", "-t", "t", "remain-on-exit", "on")

    def _tmux(self, *words):
        environment = {key: value for key, value in self._environment.items() if key != "TMUX"}
        done = subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *words],
            env=environment, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        return done.stdout

    def keys(self, *keys):
        for key in keys:
            self._tmux("send-keys", "-t", "t", key)

    def type(self, words):
        self._tmux("send-keys", "-t", "t", "-l", words)

    @property
    def screen(self):
        return self._tmux("capture-pane", "-p", "-t", "t")

    @property
    def dead(self):
        return self._tmux("display-message", "-p", "-t", "t", "#{pane_dead}").strip() == "1"

    def until(self, *words, without=()):
        deadline = time.monotonic() + DEADLINE_S
        while not (all(word in self.screen for word in words) and not any(word in self.screen for word in without)):
            assert not self.dead, self.screen
            assert time.monotonic() < deadline, f"{words} did not come:\n{self.screen}"
            time.sleep(0.05)
        return self.screen

    def fill(self, words, *clear):
        """Write into the field with the focus, again if it did not have it yet."""
        deadline = time.monotonic() + DEADLINE_S
        while words not in self.screen:
            assert time.monotonic() < deadline, self.screen
            self.keys(*(clear or ("C-u",)))
            self.type(words)
            until = time.monotonic() + 3
            while words not in self.screen and time.monotonic() < until:
                time.sleep(0.05)

    def end(self):
        self._tmux("kill-server")


@pytest.fixture
def box(tmp_path):
    with box_in(tmp_path) as made:
        yield made


@pytest.fixture
def terminal(box, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i \'s/"missing"/"there"/\' "$2"\n')
    editor.chmod(0o700)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", str(tmp_path)),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "SANDBOX_HOME": str(box.home),
        "PYTHONPATH": str(ROOT),
        "EDITOR": str(editor),
    }
    made = Terminal(f"sandbox-test-{os.getpid()}", environment, tmp_path)
    yield made
    made.end()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_safe_rollout_by_keys(box, terminal):  # noqa: PLR0915 - one walk
    box.endpoint(traffic={"blue": 100})
    for name in ("blue", "green"):
        box.deployment(name)
    terminal.start(sys.executable, "-m", "tui")
    terminal.until("Nothing runs here yet", "n new")

    # Two deployments from a folder.
    terminal.keys("n")
    terminal.until("Bring up", "Folder, or YAML file")
    terminal.fill(".")
    terminal.keys("Enter")
    terminal.until("● done in")
    terminal.keys("1")
    shown = terminal.until("● ready", "100%")
    assert shown.count("● ready") == 2

    # Ten percent to the second one.
    terminal.until("t traffic")
    terminal.keys("t")
    terminal.until("Traffic of shop", "blue", "100 %", "← less", "a apply")
    terminal.keys(*["Left"] * 10)
    terminal.until("90 %", "10 %", '--traffic "blue=90 green=10"')
    terminal.keys("a")
    terminal.until("This is live.")
    assert box.api.online_endpoints.show("shop").as_azure()["traffic"] == {"blue": 90, "green": 10}

    # A third one does not start: its line is read, mended in the editor, and taken again.
    box.deployment("red", BROKEN)
    terminal.keys("1", "n")
    terminal.until("Folder, or YAML file")
    terminal.fill("red.yml")
    terminal.keys("Enter")
    terminal.until("E054", "▶    8 │", 'factor = TABLE["missing"]')
    terminal.keys("1")
    terminal.until("✖ failed")
    terminal.keys("End")
    terminal.until("What is wrong", "▶    8 │", "o open")
    terminal.keys("o")
    terminal.until("Take the code of red again?", "y take it")
    assert '"missing"' not in (box.folder / "red" / "score.py").read_text()
    terminal.keys("y")
    terminal.until("red", "● ready", without=("✖ failed", "What is wrong", "◐", "again?"))

    # It is asked, whatever the traffic.
    terminal.until("i invoke")
    terminal.keys("i")
    terminal.until("Request to shop", "esc leaves the text", '"data"', "^t to")
    terminal.keys("C-t")
    terminal.until("Request to shop/blue")
    terminal.keys("C-t")
    terminal.until("Request to shop/green")
    terminal.keys("C-t")
    terminal.until("Request to shop/red")
    terminal.fill('{"data": 21}', "C-a", "C-k")
    terminal.until("^r send")
    terminal.keys("C-r")
    terminal.until("200 ok", '"product": 42', "from red")
    assert box.ask("red").status == 200

    # A debugger may attach, behind the same address; and no longer.
    terminal.keys("Escape")  # a key that comes at once after it is taken for one with Alt
    terminal.until("Request to shop/red", without=("esc leaves the text",))
    terminal.keys("6")
    terminal.until("shop/red", "b debugger")
    terminal.keys("b")
    shown = terminal.until("listens on 127.0.0.1:", "your folder")
    port = int(re.search(r"listens on 127.0.0.1:(\d+)", shown)[1])
    with connected(port) as debugger:
        assert b"Content-Length" in debugger.recv(200), "it speaks the debuggers' protocol"
    assert (box.folder / "red" / ".vscode" / "launch.json").exists()
    assert box.ask("red").status == 200
    terminal.keys("b")
    terminal.until("let a debugger attach", "a copy of revision")
    until(lambda: [each["state"] for each in states(box)] == ["Succeeded"] * 3, DEADLINE_S)
    assert box.ask("red").status == 200

    began = time.monotonic()
    terminal.keys("q")
    while not terminal.dead:
        assert time.monotonic() - began < DEADLINE_S
        time.sleep(0.02)
    assert [each["state"] for each in states(box)] == ["Succeeded"] * 3
    until(lambda: not at_work(box), DEADLINE_S)  # the job begun last outlives the terminal UI
    box.api.down()


def connected(port):
    """Attach as a debugger does, as soon as it is possible."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        except ConnectionRefusedError:  # noqa: PERF203 - it is waited for
            assert time.monotonic() < deadline, "no debugger can attach"
            time.sleep(0.05)


def at_work(box):
    return [each for each in box.api.context().endpoint("shop").deployments.values() if each.operation]


def states(box):
    return [{"name": each.name, "state": each.state} for each in box.api.status().endpoints[0].deployments]
