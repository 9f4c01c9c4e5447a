"""State that outlives an edit (``__keep__``), and state that all workers share (WORKER_PRELOAD)."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.reloading import Edited, edited, loaded
from tests.support.running import descendants, server

SCORE = """\
import os, pathlib, time
import helper
import unrelated
VALUE = 0
__keep__ = ("model",)
model = None

class Net:
    layers = 2

def load():
    return helper.Model(os.getpid(), Net())

def init():
    global model
    if model is None:
        model = load()

def run(data):
    return {
        "value": VALUE,
        "helper": helper.NUMBER,
        "unrelated": unrelated.NUMBER,
        "kept": model.pid != os.getpid(),
        "pid": model.pid,
        "same": isinstance(model, helper.Model) and isinstance(model.net, Net),
    }
"""
HELPER = "NUMBER = 0\nclass Model:\n    def __init__(self, pid, net):\n        self.pid, self.net = pid, net\n"
FILES = {"score.py": SCORE, "helper.py": HELPER, "unrelated.py": "NUMBER = 0\n", "../model/weights": "1"}


def keeping(folder: Path, files: dict[str, str] = FILES) -> "object":
    return edited(folder / "app", files, "--engine", "fork", "--model_dir", str(folder / "model"))


def value(on: Edited, number: int) -> dict[str, object]:
    """Edit what run() alone uses, and see what it answers."""
    text = (on.folder / "score.py").read_text()
    lines = [f"VALUE = {number}" if line.startswith("VALUE =") else line for line in text.splitlines()]
    on.write("score.py", "\n".join(lines) + "\n")
    deadline = time.monotonic() + 20
    while (answer := on.value())["value"] != number:
        assert time.monotonic() < deadline, on.log()
        time.sleep(0.01)
    found: dict[str, object] = answer
    return found


def test_state_outlives_edits_that_do_not_concern_it(tmp_path: Path) -> None:
    with keeping(tmp_path) as on, loaded(on):
        on.wait_log("Reloads keep: model")
        pids = set()
        for number in (1, 2, 3):
            answer = value(on, number)
            assert answer["kept"] is True
            assert answer["same"] is True
            pids.add(answer["pid"])
        assert len(pids) == 1
        on.write("unrelated.py", "NUMBER = 7\n")
        on.wait_log("State kept from before the edit: model")
        on.wait_log("Reloaded in")
        assert on.value()["unrelated"] == 7
        assert on.value()["kept"] is True
        text = (on.folder / "score.py").read_text()
        on.write("score.py", text.replace("def load():", "def load():  # a comment\n"))
        on.wait_log("Reloaded in")
        assert on.value()["kept"] is True


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("score.py", "helper.Model(os.getpid()", "helper.Model(0 or os.getpid()", "code that made it"),
        ("score.py", "if model is None:", "if not model:", "code that made it"),
        ("score.py", "layers = 2", "layers = 3", "code that made it"),
        ("helper.py", "self.pid, self.net = pid, net", "self.net, self.pid = net, pid", "code that made it"),
        ("settings.json", "1", "2", "a data file"),
        ("../model/weights", "1", "22", "the model folder"),
    ],
)
def test_state_is_made_anew_when_what_it_comes_from_changes(
    tmp_path: Path, file: str, old: str, new: str, why: str
) -> None:
    with keeping(tmp_path, {**FILES, "settings.json": "1"}) as on, loaded(on):
        on.wait_log("Reloads keep: model")
        first = value(on, 1)
        assert first["kept"] is True
        path = on.folder / file
        path.write_text(path.read_text().replace(old, new))
        second = value(on, 2)
        assert second["pid"] != first["pid"], on.log()
        on.wait_log(f"State is made anew, not kept: {why} changed")
        assert second["same"] is True
        on.wait_log("Reloads keep: model")  # by a process that has loaded it now
        time.sleep(0.2)
        assert value(on, 3)["kept"] is True
        assert value(on, 4)["kept"] is True


def test_broken_code_costs_no_state(tmp_path: Path) -> None:
    with keeping(tmp_path) as on, loaded(on):
        on.wait_log("Reloads keep: model")
        good = (on.folder / "score.py").read_text()
        on.write("score.py", good + "def (:\n")
        on.wait_broken()
        assert on.value()["value"] == 0
        on.write("score.py", good)
        on.wait_log("Reloaded in")
        assert value(on, 1)["kept"] is True


def test_state_with_a_thread_is_made_anew_each_time(tmp_path: Path) -> None:
    text = SCORE.replace(
        "        model = load()",
        "        model = load()\n        import threading\n"
        "        threading.Thread(target=time.sleep, args=(9999,), daemon=True).start()",
    )
    with keeping(tmp_path, {**FILES, "score.py": text}) as on, loaded(on):
        on.wait_log("Reloads keep no state from now on: a thread")
        for number in (1, 2):
            assert value(on, number)["kept"] is False
        assert on.count("keep no state") == 1


def test_a_killed_keeper_is_replaced(tmp_path: Path) -> None:
    with keeping(tmp_path) as on, loaded(on):
        on.wait_log("Reloads keep: model")
        keeper = int(value(on, 1)["pid"])  # type: ignore[call-overload]
        os.kill(keeper, signal.SIGKILL)
        on.wait_log("Reloads keep no state: ")
        assert value(on, 2)["kept"] is False
        on.wait_log("Reloads keep: model")
        assert value(on, 3)["kept"] is True


def test_what_the_script_did_to_the_process_is_undone(tmp_path: Path) -> None:
    text = SCORE.replace(
        "VALUE = 0\n",
        "VALUE = 0\nimport atexit, logging, sys\nlogging.getLogger().addHandler(logging.NullHandler())\n"
        "sys.path.append('/nowhere')\natexit.register(print, 'bye')\n"
        "os.environ['COUNT'] = os.environ.get('COUNT', '') + 'x'\n",
    ).replace(
        '"value": VALUE,',
        '"value": VALUE, "state": [sum(type(h) is logging.NullHandler for h in logging.getLogger().handlers),'
        " sys.path.count('/nowhere'), os.environ['COUNT']],",
    )
    with keeping(tmp_path, {**FILES, "score.py": text}) as on:
        on.wait_log("Reloads keep: model")
        for number in (1, 2):
            answer = value(on, number)
            assert answer["kept"] is True
            assert answer["state"] == [1, 1, "x"]


def test_without_fork_the_script_just_works(tmp_path: Path) -> None:
    with edited(tmp_path, {**FILES, "score.py": SCORE}, "--engine", "spawn") as on:
        assert value(on, 1)["kept"] is False
        assert value(on, 2)["kept"] is False


PRELOADED = (
    "import os\ndef init():\n    global PID\n    PID = os.getpid()\ndef run(data): return [VALUE, PID, os.getpid()]\n"
)


def all_workers(on: Edited, version: int, count: int) -> list[list[int]]:
    """One answer of each worker."""
    found: dict[int, list[int]] = {}
    deadline = time.monotonic() + 20
    while len(found) < count:
        assert time.monotonic() < deadline, on.log()
        answer = on.value()
        if answer[0] == version:
            found[answer[2]] = answer
    return list(found.values())


def test_worker_preload_loads_once_for_all_workers(tmp_path: Path) -> None:
    files = {"score.py": f"VALUE = 0\n{PRELOADED}"}
    with edited(tmp_path, files, "--worker_count", "3", env={"WORKER_PRELOAD": "true"}) as on, loaded(on):
        for number in (0, 1, 2):
            if number:
                on.write("score.py", f"VALUE = {number}\n{PRELOADED}")
            answers = all_workers(on, number, 3)
            assert len({answer[1] for answer in answers}) == 1
            assert answers[0][1] not in {answer[2] for answer in answers}
        on.write("score.py", "VALUE = 3\ndef init(): raise KeyError('x')\ndef run(data): ...\n")
        on.wait_broken()
        assert on.value()[0] == 2
        on.write("score.py", f"VALUE = 4\n{PRELOADED}")
        all_workers(on, 4, 3)


@pytest.mark.parametrize("engine", ["fork", "spawn"])
def test_worker_preload_where_it_is_not_safe(tmp_path: Path, engine: str) -> None:
    thread = "import threading, time\nthreading.Thread(target=time.sleep, args=(9999,), daemon=True).start()\n"
    (tmp_path / "score.py").write_text(f"VALUE = 0\n{thread}{PRELOADED}")
    arguments = ("--worker_count", "2", "--engine", engine)
    with server(tmp_path / "score.py", *arguments, env={"WORKER_PRELOAD": "true"}) as running:
        running.wait_for("WORKER_PRELOAD: each worker loads the script")
        running.wait_for("serves version", count=2)
        assert running.score().json()[1] in descendants(running.process.pid)


def test_worker_preload_of_a_broken_script_ends_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text("def init():\n    raise KeyError('model')\ndef run(data): ...\n")
    with server(tmp_path / "score.py", env={"WORKER_PRELOAD": "true"}, wait=False) as running:
        assert running.process.wait(15) == 3
        time.sleep(0.1)
        assert "raise KeyError('model')" in running.text()
