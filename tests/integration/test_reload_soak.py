"""Reload for long: random edits always end with the newest good code answering, and nothing piles up."""

import contextlib
import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.support.load import Load
from tests.support.reloading import Edited, edited
from tests.support.running import descendants

SCORE = """\
import helper
V = %d
def init(): ...
def run(data): return [V, helper.H]
"""
EDITS = ("good", "broken", "raises", "helper", "break helper", "delete helper", "delete", "rename", "revert", "twice")


class Project:
    """The files as they are, and what the newest good code of theirs answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {"score.py": SCORE % 0, "helper.py": "H = 0\n"}
        self.before: list[dict[str, str]] = []
        self.answer: list[int] | None = [0, 0]
        self.number = 0

    def edit(self, kind: str) -> None:
        """Change the files, as an editor or git would."""
        self.before.append(dict(self.files))
        self.number += 1
        number, files = self.number, self.files
        if kind == "good":
            files["score.py"] = SCORE % number
        elif kind == "broken":
            files["score.py"] = SCORE % number + "def (\n"
        elif kind == "raises":
            files["score.py"] = (SCORE % number).replace("init(): ...", "init(): raise KeyError(V)")
        elif kind == "helper":
            files["helper.py"] = f"H = {number}\n"
        elif kind == "break helper":
            files["helper.py"] = "H = (\n"
        elif kind == "delete helper":
            files.pop("helper.py", None)
        elif kind == "delete":
            files.pop("score.py", None)
        elif kind == "revert":
            self.files = files = dict(self.before[max(0, len(self.before) - 3)])
        elif kind == "twice":
            files["score.py"] = SCORE % -number
            self.save(rename=False)
            files["score.py"] = SCORE % number
        self.save(rename=kind == "rename")
        if self.good():
            self.answer = [self.value("score.py", "V"), self.value("helper.py", "H")]

    def good(self) -> bool:
        """Whether the files as they are now can serve."""
        texts = [self.files.get("score.py", "("), self.files.get("helper.py", "(")]
        return all("(\n" not in f"{text}\n" and "raise" not in text for text in texts)

    def value(self, name: str, variable: str) -> int:
        found = re.search(rf"^{variable} = (-?\d+)$", self.files[name], re.MULTILINE)
        assert found
        return int(found[1])

    def save(self, *, rename: bool) -> None:
        for name in ("score.py", "helper.py"):
            path = self.folder / name
            if name not in self.files:
                path.unlink(missing_ok=True)
            elif not path.exists() or path.read_text() != self.files[name] or rename:
                if rename:
                    (self.folder / "saving.tmp").write_text(self.files[name])
                    os.replace(self.folder / "saving.tmp", path)
                else:
                    path.write_text(self.files[name])

    def clear(self) -> None:
        """Back to the start, keeping what has been answered."""
        self.number += 1
        self.files = {"score.py": SCORE % self.number, "helper.py": "H = 0\n"}
        self.before.clear()
        self.save(rename=False)
        self.answer = [self.number, 0]


def wait_for(on: Edited, answer: list[int] | None) -> None:
    deadline = time.monotonic() + 10
    while (last := on.value()) != answer:
        assert time.monotonic() < deadline, f"{last} is answered, not {answer}:\n{on.log()[-6000:]}"
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("engine", ["fork", "spawn"])
def test_random_edits_end_with_the_newest_good_code(tmp_path: Path, engine: str) -> None:
    project = Project(tmp_path)
    ends = time.monotonic() + (25 if engine == "fork" else 15)
    with edited(tmp_path, project.files, "--engine", engine) as on, Load(on.running.port, pause_s=0.01) as load:

        @settings(
            max_examples=60,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(st.tuples(st.sampled_from(EDITS), st.sampled_from([0.0, 0.03, 0.15])), min_size=1, max_size=8))
        def play(edits: list[tuple[str, float]]) -> None:
            if time.monotonic() > ends:
                return
            project.clear()
            wait_for(on, project.answer)
            for kind, pause_s in edits:
                note(kind)
                project.edit(kind)
                time.sleep(pause_s)
            if project.good():
                wait_for(on, project.answer)
                time.sleep(0.1)
                assert on.value() == project.answer, "no older code comes back"
                assert "x-reload-error" not in on.running.score().headers
            else:
                deadline = time.monotonic() + 10
                while "x-reload-error" not in on.running.score().headers:
                    assert time.monotonic() < deadline, on.log()[-6000:]
                    time.sleep(0.005)

        play()
        load.stop()
        assert load.failures == []


def resources(pid: int) -> Counter[str]:
    """Processes, threads, open files and zombies below a process, and resident memory in MB."""
    found: Counter[str] = Counter()
    for child in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{child}/status").read_text()
            if re.search(r"^State:\s+Z", status, re.MULTILINE):
                found["zombies"] += 1
                continue
            found["processes"] += 1
            found["threads"] += len(os.listdir(f"/proc/{child}/task"))
            found["files"] += len(os.listdir(f"/proc/{child}/fd"))
            found["megabytes"] += int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) // 1024
    return found


def settled(on: Edited) -> Counter[str]:
    """The resources once the last old worker has left, and one process waits to be the next."""
    deadline, since, below = time.monotonic() + 10, time.monotonic(), set()
    while (time.monotonic() < since + 0.5 or len(below) != 3) and time.monotonic() < deadline:
        before, below = below, set(descendants(on.running.process.pid))
        since = since if below == before else time.monotonic()
        time.sleep(0.05)
    return resources(on.running.process.pid)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_200_reloads_under_load_leave_nothing_behind(tmp_path: Path) -> None:
    files = {"score.py": SCORE % 0, "helper.py": "import json, numpy\nH = 0\n"}
    with edited(tmp_path, files, "--engine", "fork") as on, Load(on.running.port, pause_s=0.005) as load:
        early = None
        for number in range(1, 201):
            if number % 10 == 0:
                on.write("score.py", SCORE % number + "def (\n")
                on.wait_broken()
            on.write("score.py", SCORE % number)
            wait_for(on, [number, 0])
            if number == 40:
                load.wait(20)
                early = settled(on)
        load.wait(50)
        late = settled(on)
        load.stop()
        assert load.failures == []
        assert load.total > 1000
        assert early is not None
        assert late["zombies"] == 0
        # Supervisor, zygote, worker, and the process that waits to be the next one.
        assert late["processes"] == early["processes"] == 4, (early, late)
        assert late["threads"] <= early["threads"], (early, late)
        # Clients come and go while this is counted; what one reload in ten left open would be 16 files.
        assert late["files"] <= early["files"] + 8, (early, late)
        assert late["megabytes"] <= early["megabytes"] * 1.1 + 5, (early, late)
        pid = on.running.process.pid
    assert subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, check=False).stdout == b""
