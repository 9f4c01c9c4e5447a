"""What a script leaves behind is put back; what libraries left stays."""

import atexit
import logging
import os
import sys
import warnings
from pathlib import Path

import pytest

from inference_http.worker.surroundings import Surroundings


def test_everything_is_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZZ_CHANGED", "old")
    root, other = logging.getLogger(), logging.getLogger("zz.surroundings")
    before = (list(sys.path), list(root.handlers), other.level, list(warnings.filters), dict(os.environ))
    around = Surroundings()
    called: list[int] = []
    with around:
        sys.path.append("/zz")
        root.addHandler(logging.NullHandler())
        other.setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", "zz")
        os.environ["ZZ_CHANGED"], os.environ["ZZ_NEW"] = "new", "1"
        os.chdir("/")
        atexit.register(called.append, 1)

        def mine() -> None: ...

        atexit.register(mine)
    unregister, gone = atexit.unregister, []
    monkeypatch.setattr(atexit, "unregister", gone.append)
    around.restore()
    for function in (called.append, mine):
        unregister(function)
    assert (list(sys.path), list(root.handlers), other.level, list(warnings.filters), dict(os.environ)) == before
    assert os.path.samefile(os.getcwd(), tmp_path)
    assert gone == [mine], "what a library registered stays"
    assert atexit.register.__module__ == "atexit"
