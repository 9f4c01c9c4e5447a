import importlib
import linecache
import logging
import sys
import textwrap
from types import SimpleNamespace

import pytest

from inference_http.compat import marks
from inference_http.compat import names as names_module
from inference_http.user import eventloop, importing, script

COMPAT = {"azureml", "azureml_inference_server_http", importing.ENTRY_MODULE}


def is_of_the_test(name, module, folder):
    """Whether a module came from the test's folder or is one of our names; a library is not: numpy loads once only."""
    places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", [])]
    return name.partition(".")[0] in COMPAT or any(place.startswith(str(folder)) for place in places)


@pytest.fixture
def fresh_imports(tmp_path, tmp_path_factory, monkeypatch):
    """Undoes what loading a script does to this process, and what other tests did that would be seen by it."""
    monkeypatch.setattr(logging.getLogger("azmlinfsrv"), "propagate", True)
    monkeypatch.setattr(importing, "WEB_STACK", importing.WEB_STACK | {"tests"})
    forget(tmp_path_factory.getbasetemp(), list(sys.modules))
    saved = [sys.path[:], sys.path_hooks[:], sys.meta_path[:], dict(sys.modules)]
    yield
    eventloop.close()
    sys.path[:], sys.path_hooks[:], sys.meta_path[:] = saved[:3]
    forget(tmp_path, set(sys.modules) - set(saved[3]))
    sys.modules.update(saved[3])


def forget(folder, names):
    """Forget the modules of these names that came from the folder, and what is known about functions in them."""
    for name in [name for name in names if is_of_the_test(name, sys.modules[name], folder)]:
        del sys.modules[name]
    sys.path[:] = [path for path in sys.path if not path.startswith(str(folder))]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, names_module._Names)]
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    linecache.clearcache()
    for known in (marks._names, marks._unmarkable, importing._naming_flask):
        known.clear()
    if "inference_schema.schema_util" in sys.modules:  # it knows functions by module and name, and so ours by one name
        sys.modules["inference_schema.schema_util"].__functions_schema__.clear()


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
