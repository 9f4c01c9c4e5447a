"""Hot reload against the real server: every edit of the issue, under load, with forked and with spawned workers."""

import http.client
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.support.reloading import SCRIPT, Edited, edited, loaded, script
from tests.support.running import descendants, server

ENGINES = ["fork", "spawn"]
DEEP = {
    "score.py": "from models.outer import answer\ndef init(): ...\ndef run(data): return answer()\n",
    "models/__init__.py": "",
    "models/outer.py": "from models.deep import inner\ndef answer(): return inner.value()\n",
    "models/deep/__init__.py": "",
    "models/deep/inner.py": "def value(): return 1\n",
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_save_is_answered_by_the_new_code_and_no_request_fails(tmp_path: Path, engine: str) -> None:
    with edited(tmp_path, {"score.py": script(0)}, "--engine", engine) as on, loaded(on) as load:
        versions = [on.running.score().headers["x-code-version"]]
        for number in (1, 2, 3):
            on.write("score.py", script(number))
            on.wait_value(number)
            versions.append(on.running.score().headers["x-code-version"])
        on.write("score.py", script(0))
        on.wait_value(0)
        assert len(set(versions)) == 4
        assert on.running.score().headers["x-code-version"] == versions[0], "the same code has the same version"
        assert on.metric('reloads_total{result="ok"}') == 4
        load.wait(20)
        assert set(load.answers) == {b"0", b"1", b"2", b"3"}
        assert "x-reload-error" not in on.running.score().headers


@pytest.mark.parametrize("engine", ENGINES)
def test_helpers_two_levels_deep_are_loaded_anew(tmp_path: Path, engine: str) -> None:
    with edited(tmp_path, DEEP, "--engine", engine) as on, loaded(on):
        assert on.value() == 1
        on.write("models/deep/inner.py", "def value(): return 2\n")
        on.wait_value(2)
        on.write("models/deep/fresh.py", "def value(): return 3\n")
        on.write("models/outer.py", "from models.deep import fresh\ndef answer(): return fresh.value()\n")
        on.wait_value(3)
        on.write("models/deep/fresh.py", "def value(): return 4\n")
        on.wait_value(4)


def test_code_outside_the_scripts_folder_is_the_users_too(tmp_path: Path) -> None:
    common, package = tmp_path / "common", tmp_path / "on_pythonpath"
    files = {
        "app/score.py": f"import sys\nsys.path.append({str(common)!r})\nimport shared, wide\n"
        "def init(): ...\ndef run(data): return [shared.X, wide.X]\n",
        "common/shared.py": "X = 1\n",
        "on_pythonpath/wide/__init__.py": "X = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with edited(tmp_path / "app", {"score.py": files["app/score.py"]}, env={"PYTHONPATH": str(package)}) as on:
        assert on.value() == [1, 1]
        (common / "shared.py").write_text("X = 2\n")
        on.wait_value([2, 1])
        (package / "wide" / "__init__.py").write_text("X = 3\n")
        on.wait_value([2, 3])
        (common / "shared.py").write_text("X = (\n")
        on.wait_broken()
        (common / "shared.py").write_text("X = 5\n")
        on.wait_value([5, 3])


def test_data_files_and_the_model_folder(tmp_path: Path) -> None:
    text = (
        "import json, os, pathlib\nhere = pathlib.Path(__file__).parent\n"
        "model = pathlib.Path(os.environ['AZUREML_MODEL_DIR'])\n"
        "def init():\n    global V\n"
        "    V = [json.loads((here / 'a.json').read_text())]\n"
        "    V += [(here / 'b.yaml').read_text(), (model / 'w.bin').read_text()]\n"
        "def run(data): return V\n"
    )
    files = {"score.py": text, "a.json": "1", "b.yaml": "x", "notes.txt": "", "../model/w.bin": "m"}
    folder = tmp_path / "app"
    with edited(folder, files, "--model_dir", str(tmp_path / "model"), reload="--reload-model") as on:
        assert on.value() == [1, "x", "m"]
        before = on.running.score().headers["x-code-version"]
        on.write("a.json", "2")
        on.wait_value([2, "x", "m"])
        assert on.running.score().headers["x-code-version"] != before
        on.write("b.yaml", "y")
        on.wait_value([2, "y", "m"])
        on.write("../model/w.bin", "n")
        on.wait_value([2, "y", "n"])
        loads = on.count("Changed:")
        for name in ("notes.txt", "__pycache__/x.py", ".git/y.py", "score.py~", ".score.py.swp"):
            on.write(name, "anything")
        on.write("score.py", text)  # the same content
        time.sleep(0.4)
        assert on.count("Changed:") == loads


def test_many_files_at_once_are_one_reload(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    files = {f"m{number}.py": "X = 1\n" for number in range(40)}
    names = ", ".join(name[:-3] for name in files)
    files["score.py"] = f"import {names}\ndef init(): ...\ndef run(data): return m0.X + m39.X\n"
    with edited(tmp_path, files) as on:
        git("init", "-q")
        git("add", "-A")
        git("commit", "-qm", "one")
        for name in files:
            if name != "score.py":
                on.write(name, "X = 2\n")
        on.wait_value(4)
        time.sleep(0.3)
        burst = on.count("Changed:")
        assert burst <= 3  # one, unless this loop was made to pause by whatever else runs here
        git("commit", "-qam", "two")
        git("checkout", "-q", "HEAD~1")
        on.wait_value(2)
        time.sleep(0.3)
        assert on.count("Changed:") == burst + 1  # git holds a lock while it writes: here nothing may split it
        on.write("score.tmp", (tmp_path / "score.py").read_text().replace("m0.X +", "10 *"))
        os.replace(tmp_path / "score.tmp", tmp_path / "score.py")
        on.wait_value(10)
        for number in range(10):  # an editor that saves often
            on.write("m39.py", f"X = {number}\n")
            time.sleep(0.005)
        on.wait_value(90)
        time.sleep(0.3)
        assert on.count("Changed:") <= burst + 4


BROKEN = {
    "syntax": ("def init(:\n", "SyntaxError"),
    "import": ("import no_such_module\n" + script(1), "ModuleNotFoundError"),
    "raises": (
        script(1, SCRIPT.replace("pass", "raise RuntimeError('no model')")),
        "RuntimeError: no model (score.py:3)",
    ),
    "no run": ("def init(): ...\n", "run"),
    "exits": ("import sys\nsys.exit(3)\n", "SystemExit"),
    "dies": ("import os\nos._exit(9)\n", "exit code 9"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_code_keeps_the_old_version_and_says_so_until_it_is_fixed(
    tmp_path: Path, engine: str, kind: str
) -> None:
    text, told = BROKEN[kind]
    with edited(tmp_path, {"score.py": script(0)}, "--engine", engine) as on, loaded(on):
        good = on.detail()
        assert on.running.ask().body == b"Healthy"
        assert (good["status"], good["reload"], good["error"]) == ("Healthy", "current", None)
        on.write("score.py", text)
        on.wait_broken()
        reply = on.wait_marked()
        assert reply.json() == 0
        assert told in reply.headers["x-reload-error"]
        assert reply.headers["x-code-version"] == good["version"]
        assert on.running.ask().body == b"Healthy"
        assert on.running.ask().headers["x-reload-error"]
        detail = on.detail()
        assert detail["reload"] in {"broken", "loading"}  # a process that died is tried again for a while
        assert told in detail["error"]
        assert detail["version"] == good["version"]
        assert on.metric("reload_broken") == 1
        on.write("score.py", script(5))
        on.wait_value(5)
        assert "x-reload-error" not in on.running.score().headers
        assert on.detail()["reload"] == "current"
        assert on.detail()["error"] is None
        assert on.metric("reload_broken") == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_first_start_that_is_broken_waits_for_the_fix(tmp_path: Path, engine: str) -> None:
    text = script(1, SCRIPT.replace("pass", "{}['model']"))
    with edited(tmp_path, {"score.py": text}, "--engine", engine, wait=False) as on:
        on.wait_broken("Nothing serves until the code is fixed")
        reply = on.running.score()
        assert reply.status == 503
        assert "score.py:3" in reply.json()["message"]
        assert on.detail()["reload"] == "broken"
        assert "KeyError" in on.detail()["error"]
        on.write("score.py", script(2))
        on.wait_value(2)
        assert on.metric("reload_broken") == 0
        assert "x-reload-error" not in on.running.score().headers


def test_an_edit_while_the_last_edit_runs_init_wins(tmp_path: Path) -> None:
    slow = script(1, SCRIPT.replace("pass", "import time; time.sleep(30)"))
    with edited(tmp_path, {"score.py": script(0)}) as on, loaded(on) as load:
        on.write("score.py", slow)
        on.wait_log("Changed: score.py")
        time.sleep(0.3)
        assert on.detail()["reload"] == "loading"
        on.write("score.py", script(2))
        on.wait_value(2, timeout=5)
        load.wait(20)
        assert set(load.answers) == {b"0", b"2"}


@pytest.mark.parametrize("engine", ENGINES)
def test_requests_in_flight_are_finished_by_the_code_that_began_them(tmp_path: Path, engine: str) -> None:
    slow = "import time\ndef init(): ...\ndef run(data):\n    time.sleep(1)\n    return VALUE\n"
    with edited(tmp_path, {"score.py": script("old", slow)}, "--engine", engine, "--threads", "4") as on:
        answers: list[tuple[int, bytes]] = []

        def two_requests() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", on.running.port, timeout=20)
            for _ in range(2):
                connection.request("POST", "/score", "{}")
                reply = connection.getresponse()
                answers.append((reply.status, reply.read()))
            connection.close()

        clients = [threading.Thread(target=two_requests) for _ in range(12)]
        for client in clients:
            client.start()
        time.sleep(0.3)
        on.write("score.py", script("new", slow))
        for client in clients:
            client.join()
        assert len(answers) == 24
        assert {status for status, _ in answers} == {200}
        assert {body for _, body in answers} == {b'"old"', b'"new"'}


@pytest.mark.parametrize("options", [("--worker_count", "3"), ("--no-preload",), ("--never-preload", "json,numpy")])
def test_reload_with_other_options(tmp_path: Path, options: tuple[str, ...]) -> None:
    files = {"score.py": "import json, numpy\n" + script(0)}
    with edited(tmp_path, files, *options) as on, loaded(on):
        for number in (1, 2):
            on.write("score.py", "import json, numpy\n" + script(number))
            on.wait_value(number)
        deadline = time.monotonic() + 10
        while {on.value() for _ in range(10)} != {2}:
            assert time.monotonic() < deadline


def test_stop_old_first_has_one_model_at_a_time(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}, "--stop-old-first") as on, loaded(on) as load:
        first = on.running.workers()[-1]
        text = SCRIPT.replace(
            "pass", f"import os, time; time.sleep(0.3); assert not os.path.exists('/proc/{first}/maps')"
        )
        on.write("score.py", script(1, text))
        on.wait_value(1)
        load.wait(20)
        assert load.slowest_s > 0.25, "clients wait meanwhile"


def test_sighup_while_reloading(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}) as on, loaded(on):
        on.write("score.py", script(1))
        on.running.process.send_signal(signal.SIGHUP)
        on.wait_value(1)
        on.wait_log("serves version")
        on.write("score.py", script(2))
        on.wait_value(2)


def slow_init(value: int) -> str:
    return script(value, SCRIPT.replace("pass", "import time; time.sleep(1)"))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_worker_killed_in_the_middle_of_a_reload_is_made_again(tmp_path: Path, engine: str) -> None:
    with edited(tmp_path, {"score.py": script(0)}, "--engine", engine) as on, loaded(on):
        old = set(descendants(on.running.process.pid))
        on.write("score.py", slow_init(1))
        on.wait_log("Invoking user's init")
        for pid in set(descendants(on.running.process.pid)) - old:
            os.kill(pid, signal.SIGKILL)
        on.wait_log("ended while it was loading")
        on.wait_value(1)
        assert on.metric("worker_restarts_total") == 1


def test_a_zygote_killed_in_the_middle_of_a_reload_is_made_again(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}, "--engine", "fork") as on, loaded(on):
        worker = on.running.workers()[-1]
        for number in (1, 2):
            below = descendants(on.running.process.pid)
            zygote = next((pid for pid in below if worker in descendants(pid)), None)
            assert zygote is not None
            on.write("score.py", slow_init(number))
            on.wait_log("Changed:")
            time.sleep(0.1)
            os.kill(zygote, signal.SIGKILL)
            on.wait_value(number)
            on.write("score.py", script(number + 10))
            on.wait_value(number + 10)
            worker = on.running.workers()[-1]


def test_the_only_worker_killed_while_the_code_is_broken_is_said(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}) as on:
        on.write("score.py", "def init(:\n")
        on.wait_broken()
        os.kill(on.running.workers()[-1], signal.SIGKILL)
        on.wait_log("the code has to be fixed")
        deadline = time.monotonic() + 10
        while (reply := on.running.score()).status != 503 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "SyntaxError" in reply.json()["message"]
        on.write("score.py", script(3))
        on.wait_value(3)


def library(folder: Path, name: str, text: str) -> dict[str, str]:
    """An installed package, as far as its place tells; the environment that finds it."""
    place = folder / "lib" / "site-packages"
    (place / name).mkdir(parents=True)
    (place / name / "__init__.py").write_text(text)
    return {"PYTHONPATH": str(place)}


def wait_preloaded(on: Edited) -> None:
    """Preloading has no line of its own at the usual level: it is over when an edit is."""
    on.write("score.py", (on.folder / "score.py").read_text() + "\n")
    on.wait_log("Reloaded in")


def test_libraries_stay_loaded_and_the_users_code_does_not(tmp_path: Path) -> None:
    env = library(tmp_path, "big", "import os\nPID = os.getpid()\n")
    text = (
        "import big, os, helper\ndef init(): ...\n"
        "def run(data): return [big.PID == os.getpid(), helper.PID == os.getpid()]\n"
    )
    with edited(tmp_path / "app", {"score.py": text, "helper.py": "import os\nPID = os.getpid()\n"}, env=env) as on:
        assert on.value() == [True, True]
        wait_preloaded(on)
        assert on.value() == [False, True]


def test_a_library_that_leaves_a_thread_is_imported_by_each_worker_itself(tmp_path: Path) -> None:
    env = library(
        tmp_path,
        "threaded",
        "import os, threading, time\nPID = os.getpid()\n"
        "threading.Thread(target=time.sleep, args=(9999,), daemon=True).start()\n",
    )
    (tmp_path / "lib" / "site-packages" / "plain.py").write_text("import os\nPID = os.getpid()\n")
    text = (
        "import threaded, plain, os\ndef init(): ...\n"
        "def run(data): return [V, threaded.PID == os.getpid(), plain.PID == os.getpid()]\n"
    )
    with edited(tmp_path / "app", {"score.py": f"V = 0\n{text}"}, "--engine", "fork", env=env) as on:
        assert on.value() == [0, True, True]
        on.wait_log(r"Workers import threaded themselves from now on: a thread .* keeps running across forks")
        with loaded(on):
            for number in (1, 2):
                on.write("score.py", f"V = {number}\n{text}")
                on.wait_value([number, True, False])
        assert on.count("from now on") == 1


def test_variables_are_as_the_script_set_them_before_the_library(tmp_path: Path) -> None:
    env = library(
        tmp_path,
        "pool",
        "import os\nPID = os.getpid()\nN = os.environ.get('POOL_THREADS')\nos.environ['POOL_LOADED'] = 'yes'\n",
    )
    text = (
        "import pool\ndef init(): ...\n"
        "def run(data): return [V, pool.N, os.environ.get('POOL_THREADS'), os.environ.get('POOL_LOADED')]\n"
    )
    first = f"import os\nos.environ['POOL_THREADS'] = '1'\n{text}"
    with edited(tmp_path / "app", {"score.py": f"V = 0\n{first}"}, env=env) as on, loaded(on):
        assert on.value() == [0, "1", "1", "yes"]
        on.write("score.py", f"V = 1\n{first}")
        on.wait_value([1, "1", "1", "yes"])
        assert on.count("Libraries are imported anew") == 0
        on.write("score.py", f"V = 2\n{first.replace(chr(39) + '1' + chr(39), chr(39) + '2' + chr(39))}")
        on.wait_value([2, "2", "2", "yes"])
        on.write("score.py", f"import os\nV = 3\n{text}")
        on.wait_value([3, None, None, "yes"])
        assert on.count("Libraries are imported anew") == 2
        assert on.count("Reloaded in") == 3


def test_variables_that_differ_each_time_do_not_roll_for_ever(tmp_path: Path) -> None:
    env = library(tmp_path, "pool", "")
    text = "import os, uuid\nos.environ['RUN'] = str(uuid.uuid4())\nimport pool\n"
    with edited(tmp_path / "app", {"score.py": text + script(0)}, env=env) as on:
        for number in (1, 2, 3):
            on.write("score.py", text + script(number))
            on.wait_value(number)
        assert on.count("The script sets RUN otherwise each time") == 1
        assert on.count("Libraries are imported anew") == 1


def test_random_numbers_differ_between_workers(tmp_path: Path) -> None:
    text = (
        "import numpy, random\ndef init(): ...\n"
        "def run(data): return [V, float(numpy.random.rand()), random.random()]\n"
    )
    with edited(tmp_path, {"score.py": f"V = 0\n{text}"}) as on:
        seen = []
        for number in (1, 2, 3):
            on.write("score.py", f"V = {number}\n{text}")
            on.wait_log("Reloaded in")
            seen.append(on.value())
        assert len({tuple(row[1:2]) for row in seen}) == 3
        assert len({tuple(row[2:]) for row in seen}) == 3


def test_compat_names_and_flask_work_after_a_reload(tmp_path: Path) -> None:
    text = (
        "from azureml.contrib.services.aml_request import AMLRequest, rawhttp\n"
        "from azureml.contrib.services.aml_response import AMLResponse\n"
        "def init(): ...\n@rawhttp\ndef run(request):\n"
        "    assert request.method == 'POST'\n    return AMLResponse(VALUE, 200, json_str=True)\n"
    )
    with edited(tmp_path, {"score.py": script(0, text)}) as on, loaded(on):
        for number in (1, 2):
            on.write("score.py", script(number, text))
            on.wait_value(number)


def test_the_log_tells_what_changed_how_long_it_took_and_which_version_answers(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0), "deep/er/mod.py": ""}) as on:
        on.write("score.py", slow_init(1))
        on.write("deep/er/mod.py", "X = 1\n")
        on.wait_value(1)
        assert "Changed: deep/er/mod.py, score.py" in on.log()
        line = on.wait_log("Reloaded in")
        version = on.running.score().headers["x-code-version"]
        assert f"version {version} answers now" in line
        assert "init 1.0" in line


@pytest.mark.parametrize("engine", ENGINES)
def test_idle_connections_move_over(tmp_path: Path, engine: str) -> None:
    with edited(tmp_path, {"score.py": script(0)}, "--engine", engine) as on:
        connections = [http.client.HTTPConnection("127.0.0.1", on.running.port, timeout=10) for _ in range(40)]
        for number in range(6):
            if number:
                on.write("score.py", script(number))
                on.wait_value(number)
            time.sleep(0.05)
            for connection in connections:
                assert connection.sock is not None or number == 0, "closed by the server"
                connection.request("POST", "/score", "{}")
                assert connection.getresponse().read() == str(number).encode()
        for connection in connections:
            connection.close()


def test_a_link_to_the_scripts_folder_that_is_exchanged_is_a_reload(tmp_path: Path) -> None:
    """As deployment tools do it: releases side by side, and a link that is replaced at once."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "helper.py").write_text(f"VALUE = {name!r}\n")
        (tmp_path / name / "score.py").write_text(
            "from helper import VALUE\n\ndef init(): pass\n\ndef run(data): return VALUE\n"
        )
    (tmp_path / "current").symlink_to("one")
    with server(tmp_path / "current" / "score.py", "--reload") as running:
        assert running.score().json() == "one"
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").replace(tmp_path / "current")
        running.wait_for("Reloaded in")
        assert running.score().json() == "two"
        (tmp_path / "two" / "helper.py").write_text("VALUE = 'three'\n")
        running.wait_for("Reloaded in", count=2)
        assert running.score().json() == "three"
