import importlib
import linecache
import sys
import textwrap
from types import SimpleNamespace

import pytest

from inference_http import eventloop, importing, script
from inference_http.compat import marks


@pytest.fixture
def fresh_imports():
    """Undoes what loading a script does to this process."""
    saved = [sys.path[:], sys.path_hooks[:], sys.meta_path[:], dict(sys.modules)]
    marked = marks._names[:], marks._unmarkable[:]
    yield
    eventloop.close()
    sys.path[:], sys.path_hooks[:], sys.meta_path[:] = saved[:3]
    for name in set(sys.modules) - set(saved[3]):
        del sys.modules[name]
    sys.modules.update(saved[3])
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    marks._names[:], marks._unmarkable[:] = marked
    importing._naming_flask.clear()
    linecache.clearcache()


@pytest.fixture
def folder(tmp_path, fresh_imports):
    """A folder to write scripts into: folder({"score.py": text, ...}) writes, folder.load() loads."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path

    def load(text=None, entry="score.py", **settings):
        if text is not None:
            write({"score.py": text})
        given = {"app_root": str(tmp_path), "source_dir": None, "model_dir": None}
        path = None if entry is None else str(tmp_path / entry)
        return script.load(SimpleNamespace(entry_script=path, **(given | settings)))

    write.load = load
    write.path = tmp_path
    return write
