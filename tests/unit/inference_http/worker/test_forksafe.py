"""What makes a process unfit to be forked. Asked in a process of its own: this one has pytest's threads."""

import subprocess
import sys
import textwrap

import pytest

TORCH = """
import sys, types
torch = types.ModuleType("torch")
torch.cuda = types.SimpleNamespace(is_initialized=lambda: {up}, _is_in_bad_fork=lambda: {bad})
sys.modules["torch"] = torch
"""


def objections(before: str) -> list[str]:
    code = (
        textwrap.dedent(before)
        + "\nfrom inference_http.worker import forksafe\nprint(*forksafe.objections(), sep='\\n')\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def test_a_plain_process_may_be_forked() -> None:
    assert objections("import json") == []


def test_a_thread_that_stays_is_named() -> None:
    found = objections(
        "import threading, time\n"
        "for _ in range(2):\n    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    assert len(found) == 1
    assert "keeps running across forks" in found[0]


@pytest.mark.parametrize(("up", "bad", "count"), [(False, False, 0), (True, False, 1), (False, True, 1)])
def test_cuda_that_a_child_could_not_use(up: bool, bad: bool, count: int) -> None:
    found = objections(TORCH.format(up=up, bad=bad))
    assert len(found) == count
    assert all("CUDA" in reason for reason in found)


def test_generators_are_seeded_anew() -> None:
    code = (
        "import os, numpy\nfrom inference_http.worker import forksafe\n"
        "for _ in range(3):\n    r, w = os.pipe()\n    pid = os.fork()\n    if not pid:\n"
        "        forksafe.reseed()\n        os.write(w, repr(numpy.random.rand()).encode())\n        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n    print(os.read(r, 99))\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert len(set(done.stdout.split())) == 3
