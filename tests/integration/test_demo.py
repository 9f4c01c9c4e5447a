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

from tests.support.gateways import ask

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "sandbox.demo"]
PARTS = ["1/7 Train", "2/7 Deploy", "3/7 Ask", "4/7 Mirror", "5/7 Split", "6/7 Break", "7/7 Clean"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets"),
]


def environment(folder: Path, **more: str) -> dict[str, str]:
    dropped = {"NO_COLOR", "AZUREML_MODEL_DIR", "SANDBOX_HOME"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "TMPDIR": str(folder), "TERM": "xterm", **more}


def left(folder: Path) -> list[str]:
    """Folders of the demo, and processes that name one of them."""
    found = [str(path) for path in folder.glob("sandbox-demo-*")]
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            said = Path(f"/proc/{entry}/cmdline").read_bytes() + Path(f"/proc/{entry}/environ").read_bytes()
        except OSError:
            continue
        if f"{folder}/sandbox-demo-".encode() in said:
            found.append(f"process {entry}")
    return found


def test_without_a_terminal_it_plays_all_parts_and_ends_by_itself(tmp_path):
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert re.findall(r"^\d/7 \w+", said, re.MULTILINE) == PARTS
    assert [f'"species": "{name}"' in said for name in ("setosa", "versicolor", "virginica")] == [True] * 3
    assert "401  key_auth_bad_header_forbidden" in said
    copies = re.search(r"300 requests in .* 0 failed: blue answered 300, green received (\d+) copies", said)
    assert 20 < int(copies.group(1)) < 110  # one in five: 7 standard deviations to either side
    counts = dict(re.findall(r"^    (blue|green) +#+ +(\d+) +[\d.]+ %$", said, re.MULTILINE))
    assert int(counts["blue"]) + int(counts["green"]) == 1000
    assert 30 < int(counts["green"]) < 170
    assert "424  KeyError: 'petal_width'" in said
    assert re.search(
        r"classifier/features\.py:\d+\n +return \[float\(flower\[name\]\) for name in MEASUREMENTS\]", said
    )
    assert re.search(r"error\[E054\] deployment 'red' cannot start: FileNotFoundError: .*model\.pkl", said)
    assert re.search(r"broken/score\.py:\d+\n +model = joblib\.load\(.*model\.pkl", said)
    assert re.search(r"meanwhile \d+ requests in .* 0 failed; the traffic is as it was: blue 90, green 10", said)
    seconds = re.search(r"^Done in (\d+\.\d) s\.$", said, re.MULTILINE)
    assert seconds
    assert "\x1b" not in said
    assert left(tmp_path) == []


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

    def wait_for(self, words: str, after: str = "") -> None:
        give_up = time.monotonic() + 60
        while words not in (self.text.partition(after)[2] if after else self.text):
            assert time.monotonic() < give_up, self.text
            assert self.reader.is_alive(), self.text
            time.sleep(0.05)

    def end(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        self.reader.join(timeout=10)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(status)


def test_on_a_terminal_it_stays_up_until_ctrl_c_and_leaves_nothing(tmp_path):
    demonstration = Terminal(tmp_path)
    demonstration.wait_for("-d @request.json\r\n\r\n")
    said = re.search(r"curl http://127\.0\.0\.1:(\d+)/score -H 'Authorization: Bearer (\S+)'", demonstration.text)
    port, key = int(said.group(1)), said.group(2)
    assert ask(port, "/", method="GET", body=None, key=key).status == 200
    os.write(demonstration.terminal, b"\x03")
    assert demonstration.end() == 0, demonstration.text
    assert "\x1b[1m1/7 Train" in demonstration.text
    assert "nothing is left" in demonstration.text
    assert "Traceback" not in demonstration.text
    assert left(tmp_path) == []
    with pytest.raises(OSError, match="refused"):
        ask(port, "/", method="GET", body=None, key=key)


@pytest.mark.parametrize("part", ["2/7 Deploy", "4/7 Mirror", "6/7 Break"])
def test_ctrl_c_in_the_middle_is_130_and_leaves_nothing(tmp_path, part):
    demonstration = Terminal(tmp_path, NO_COLOR="1")
    demonstration.wait_for(part)
    demonstration.wait_for("online-deployment create -f", after=part)
    os.write(demonstration.terminal, b"\x03")
    assert demonstration.end() == 130, demonstration.text
    assert "\x1b" not in demonstration.text
    assert "Traceback" not in demonstration.text
    assert left(tmp_path) == []


def test_sigterm_takes_everything_with_it(tmp_path):
    process = subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in process.stdout:
        if line.startswith("4/7"):
            break
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert left(tmp_path) == []


def test_what_is_missing_is_told_with_its_remedy(tmp_path):
    (tmp_path / "sklearn.py").write_text("raise ModuleNotFoundError(\"No module named 'sklearn'\", name='sklearn')\n")
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(tmp_path, PYTHONPATH=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "sklearn is not installed" in done.stderr
    assert "pip install 'endpoint-sandbox[demo]'" in done.stderr
    assert left(tmp_path) == []
