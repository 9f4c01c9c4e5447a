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
    """The process that waits: the zygote's child that is no worker and never was one."""

    def find() -> int:
        worker = on.running.workers()[-1]
        zygote = next((pid for pid in descendants(on.running.process.pid) if worker in descendants(pid)), None)
        known = set(map(str, on.running.workers()))
        children = [pid for pid in (descendants(zygote) if zygote else []) if str(pid) not in known]
        return children[0] if len(children) == 1 and children[0] != but else 0

    return until(find)


def test_a_save_is_answered_by_the_process_that_waited(tmp_path: Path) -> None:
    with edited(tmp_path, {"score.py": script(0)}) as on:
        for number in (1, 2):
            waiting = spare(on)
            on.write("score.py", script(number))
            on.wait_value(number)
            assert until(lambda: on.running.workers()[-1:]) == [waiting]


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
        assert until(lambda: on.running.workers()[-1:]) == [after]


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
