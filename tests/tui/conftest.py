import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # ``fake`` and ``seen`` are read by several tests here

DEADLINE_S = 30.0


@pytest.fixture
def poll():
    """Ask again and again until something is so; a test on a slow machine takes longer and does not fail."""

    def wait(test, seconds=DEADLINE_S):
        deadline = time.monotonic() + seconds
        while not (found := test()):
            assert time.monotonic() < deadline, "it did not become so"
            time.sleep(0.01)
        return found

    return wait


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in ("NO_COLOR", "EDITOR", "VISUAL", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
