"""``make demo`` as a pipe sees it, as a terminal sees it, and when it is interrupted."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sandbox import demo

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "sandbox.demo"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "AZUREML_MODEL_DIR"}}
    return {**kept, "TMPDIR": str(folder), "TERM": "xterm", **more}


@pytest.mark.slow
def test_without_a_terminal_it_plays_all_parts_and_ends_by_itself(tmp_path):
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert re.findall(r"^\d/4 \w+", said, re.MULTILINE) == ["1/4 Train", "2/4 Serve", "3/4 Ask", "4/4 Break"]
    assert [f'"species": "{name}"' in said for name in ("setosa", "versicolor", "virginica")] == [True] * 3
    assert "500  KeyError: 'petal_width'" in said
    assert re.search(r"features\.py:\d+\n +return \[float\(flower\[name\]\) for name in MEASUREMENTS\]", said)
    assert re.search(r"^Done in \d+\.\d s\.$", said, re.MULTILINE)
    assert "\x1b" not in said
    assert list(tmp_path.glob("sandbox-demo-*")) == []


class Terminal:
    """The demo on a pseudo-terminal, in a session of its own, so that Ctrl-C goes where it would go."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execve(sys.executable, COMMAND, environment(folder, **more))
        self.text = ""
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self.terminal, 4096)
            except OSError:  # how Linux says that the other end is closed
                return
            if not piece:
                return
            self.text += piece.decode(errors="replace")

    def wait_for(self, words: str) -> None:
        give_up = time.monotonic() + 60
        while words not in self.text:
            assert time.monotonic() < give_up, self.text
            assert self.reader.is_alive(), self.text
            time.sleep(0.05)

    def end(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        self.reader.join(timeout=10)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(status)


@pytest.mark.slow
def test_on_a_terminal_it_stays_up_until_ctrl_c_and_leaves_nothing(tmp_path):
    demonstration = Terminal(tmp_path)
    demonstration.wait_for("Still serving")
    port = int(re.search(r"curl http://127\.0\.0\.1:(\d+)/score", demonstration.text).group(1))
    assert demo.ask(port, "GET", "/")[0] == 200
    os.write(demonstration.terminal, b"\x03")
    assert demonstration.end() == 0
    assert "\x1b[1m1/4 Train" in demonstration.text
    assert "Traceback" not in demonstration.text
    assert list(tmp_path.glob("sandbox-demo-*")) == []
    with pytest.raises(OSError, match="refused"):
        demo.ask(port, "GET", "/")


@pytest.mark.slow
def test_ctrl_c_in_the_middle_is_130_and_colours_can_be_refused(tmp_path):
    demonstration = Terminal(tmp_path, NO_COLOR="1")
    demonstration.wait_for("2/4 Serve")
    os.write(demonstration.terminal, b"\x03")
    assert demonstration.end() == 130
    assert "\x1b" not in demonstration.text
    assert "Traceback" not in demonstration.text
    assert list(tmp_path.glob("sandbox-demo-*")) == []


@pytest.mark.slow
def test_sigterm_takes_the_server_and_the_folder_with_it(tmp_path):
    process = subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in process.stdout:
        if line.startswith("2/4"):
            break
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=30)[0]
    assert process.returncode == 130, rest
    assert list(tmp_path.glob("sandbox-demo-*")) == []


def test_a_server_that_does_not_start_is_told_with_its_last_words(tmp_path):
    script = tmp_path / "score.py"
    script.write_text("import modul_that_is_not_there\n")
    with (
        pytest.raises(demo.DemoFailed, match=r"(?s)ended with code 3.*modul_that_is_not_there"),
        demo.served(script, model_dir=None, log=tmp_path / "server.log"),
    ):
        raise AssertionError("a broken script was served")
