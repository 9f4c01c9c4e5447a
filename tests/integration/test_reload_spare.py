"""The process that waits to become the next worker: it is used, replaced, and never missed."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.support.reloading import Edited, edited, script
from tests.support.running import descendants

T = TypeVar("T")


def until(ask: Callable[[], T], timeout: float = 15) -> T:
    """Ask until the answer is something."""
    deadline = time.monotonic() + timeout
    while not (found := ask()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def spare(on: Edited, but: int = 0) -> int:
    """The process that waits, once it has done so for a while: the zygote's child that is no worker and never was."""
    since, last = time.monotonic(), 0

    def find() -> int:
        nonlocal since, last
        workers = on.running.workers()
        below = descendants(on.running.process.pid)
        zygote = next((pid for pid in below if workers and workers[-1] in descendants(pid)), None)
        children = set(descendants(zygote) if zygote else []) - set(workers)
        found = children.pop() if len(children) == 1 else 0
        if found != last or found == but:
            since, last = time.monotonic(), found
        return found if time.monotonic() - since > 0.4 else 0

    return until(find)


def test_a_save_is_answered_by_the_process_that_waited(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}) as on:
        for number in (1, 2):
            waiting = spare(on)
            on.write("score.py", script(number))
            on.wait_value(number)
            on.wait_log(rf"worker {waiting} serves version")


def test_each_of_them_has_random_numbers_of_its_own(tmp_path: Path) -> None:
    text = "import random, os\ndef init(): ...\ndef run(data): return [VALUE, random.random(), os.urandom(4).hex()]\n"
    with edited(tmp_path, {"score.py": script(0, text)}) as on:
        seen = set()
        for number in (1, 2, 3):
            spare(on)
            on.write("score.py", script(number, text))
            until(lambda number=number: on.value()[0] == number)
            seen.add(on.value()[1])
        assert len(seen) == 3


def test_without_it_a_save_is_answered_all_the_same(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}) as on:
        os.kill(spare(on), signal.SIGKILL)
        on.write("score.py", script(1))
        on.wait_value(1)
        waiting = spare(on)
        os.kill(waiting, signal.SIGSTOP)  # it takes the task and never becomes a worker
        on.write("score.py", script(2))
        on.wait_log("Changed:")
        os.kill(waiting, signal.SIGKILL)
        on.wait_value(2)


def test_it_is_replaced_when_there_is_more_to_import_ahead(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}) as on:
        before = spare(on)
        on.write("score.py", script(1, "import colorsys\ndef init(): ...\ndef run(data): return VALUE\n"))
        on.wait_value(1)
        after = spare(on, but=before)
        on.write(
            "score.py",
            script(
                2,
                "import sys\nKNEW = 'colorsys' in sys.modules\ndef init(): ...\ndef run(data): return [VALUE, KNEW]\n",
            ),
        )
        on.wait_value([2, True])
        on.wait_log(rf"worker {after} serves version")


def test_it_ends_with_the_server_and_with_its_zygote(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}) as on:
        waiting = spare(on)
        assert on.running.end() == 0
        until(lambda: not Path(f"/proc/{waiting}").exists(), 3)
    with edited(tmp_path, {"score.py": script(0)}) as on:
        waiting = spare(on)
        on.running.process.kill()
        until(lambda: not Path(f"/proc/{waiting}").exists(), 5)


def test_there_is_none_without_reload(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}, reload="--no-preload") as on:
        time.sleep(1)  # five times what it takes to make one
        worker = on.running.workers()[-1]
        zygote = next(pid for pid in descendants(on.running.process.pid) if worker in descendants(pid))
        assert descendants(zygote) == [worker]


def test_a_keeper_of_state_does_not_keep_it_alive(tmp_path: Path) -> None:
    text = "__keep__ = ('big',)\ndef init():\n    global big\n    big = 1\ndef run(data): return VALUE\n"
    with edited(tmp_path, {"score.py": script(0, text)}) as on:
        on.wait_log("Reloads keep: big")
        on.write("score.py", script(1, text))
        on.wait_value(1)
        below = descendants(on.running.process.pid)
        zygote = below[0]
        spares = [pid for pid in below if pid not in on.running.workers()]
        os.kill(zygote, signal.SIGKILL)
        on.running.process.kill()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in spares), 10)
