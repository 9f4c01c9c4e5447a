"""``make demo-production``, as a pipe sees it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.second_engine import needed

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["1/7 Here", "2/7 A host", "3/7 Promote", "4/7 Upgrade", "5/7 A bad upgrade", "6/7 Back", "7/7 Clean up"]
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(400)]


def test_it_tells_the_whole_story_and_leaves_nothing(engine):
    needed()
    command = [sys.executable, "-m", "sandbox.demo.production"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=380, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^\d/7 [\w ]+?(?=  )", done.stdout, re.MULTILINE) == PARTS
    here, there = (re.search(rf"^    {side} +(sha256:\w+)", done.stdout, re.MULTILINE) for side in ("here", "there"))
    assert here
    assert there
    assert here[1] == there[1]
    assert re.search(r"requests, 0 failed; \d+ kB were sent", done.stdout)
    assert "error[E185]" in done.stdout
    assert "nothing is left" in done.stdout
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert "sbxdemo" not in left
