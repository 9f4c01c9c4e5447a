import json
import os
import subprocess
import sys
import textwrap
import time

import pytest

import inference_http
from inference_http.user import importing

PLAIN = "def init(): pass\ndef run(data): return data\n"


def test_users_folders_stand_between_python_and_installed_packages(folder):
    folder({"lib/x.py": ""})
    folder.load(PLAIN, source_dir="lib")
    standard = sys.path.index(os.path.dirname(json.__file__).rpartition(os.sep)[0])
    installed = next(index for index, path in enumerate(sys.path) if "site-packages" in path)
    own = [sys.path.index(str(folder.path)), sys.path.index(str(folder.path / "lib"))]
    assert standard < own[0] < own[1] < installed


def test_folders_are_added_once(folder, monkeypatch):
    folder({"elsewhere/x.py": ""})
    monkeypatch.chdir(folder.path / "elsewhere")
    folder.load(PLAIN)
    before = sys.path[:]
    folder.load(PLAIN)
    assert sys.path == before


@pytest.mark.parametrize("name", ["utils", "config", "routes", "swagger", "entry", "exceptions", "settings", "logs"])
def test_no_module_of_a_server_hides_one_of_the_users(folder, name):
    folder({f"{name}.py": "WHO = 'user'\n"})
    sys.modules.pop(name, None)
    assert folder.load(f"import {name}\nWHO = {name}.WHO\n" + PLAIN).module.WHO == "user"


def test_module_of_the_users_comes_before_an_installed_one(folder):
    folder({"rich.py": "WHO = 'user'\n", "site-packages/rich.py": "WHO = 'installed'\n"})
    sys.modules.pop("rich", None)
    sys.path.append(str(folder.path / "site-packages"))
    assert folder.load("import rich\nWHO = rich.WHO\n" + PLAIN).module.WHO == "user"


def test_module_of_the_users_never_hides_pythons(folder):
    folder({"colorsys.py": "WHO = 'user'\n"})
    sys.modules.pop("colorsys", None)
    assert not hasattr(folder.load("import colorsys\n" + PLAIN).module.colorsys, "WHO")


def test_file_of_the_users_that_a_loaded_library_hides_is_told(folder, caplog):
    import flask

    folder({"flask.py": "", "json.py": "", "own.py": ""})
    folder.load("import own\n" + PLAIN)
    path = folder.path / "flask.py"
    assert caplog.messages == [
        f"{path} cannot be imported: {flask.__file__} has its name and is loaded already. Rename the file."
    ]


def test_working_folder_that_python_puts_first_moves_behind_the_standard_library(folder, monkeypatch):
    monkeypatch.chdir(folder.path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    sys.path.insert(0, "")
    folder({"app/score.py": PLAIN})
    folder.load(entry="app/score.py", app_root=str(folder.path / "app"))
    assert "" not in sys.path
    assert sys.path.index(str(folder.path)) == sys.path.index(str(folder.path / "app")) + 1


def test_working_folder_that_the_user_put_first_stays(folder, monkeypatch):
    monkeypatch.chdir(folder.path)
    monkeypatch.setenv("PYTHONPATH", str(folder.path))
    sys.path.insert(0, str(folder.path))
    folder.load(PLAIN)
    assert sys.path[0] == str(folder.path)


def test_edit_of_the_same_size_within_the_same_second_is_seen(folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    second = int(time.time())
    for version in ("1", "2", "3"):
        for name in ("part", "score", "entry_module"):
            sys.modules.pop(name, None)
        folder({"part.py": f"VALUE = {version}\n"})
        os.utime(folder.path / "part.py", (second, second))
        assert int(version) == folder.load("import part\nVALUE = part.VALUE\n" + PLAIN).module.VALUE


def test_settled_files_use_pythons_cache_and_fresh_ones_do_not(folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder({"old.py": "", "new.py": ""})
    os.utime(folder.path / "old.py", (1_000_000_000, 1_000_000_000))
    folder.load("import old, new\n" + PLAIN)
    cached = [name.partition(".")[0] for name in os.listdir(folder.path / "__pycache__")]
    assert cached == ["old"]


def test_code_from_pythons_cache_has_its_source_lines_too(folder, monkeypatch):
    import linecache

    monkeypatch.setattr(sys, "dont_write_bytecode", False)

    folder({"old.py": "VALUE = 1  # as imported\n"})
    os.utime(folder.path / "old.py", (1_000_000_000, 1_000_000_000))
    for _ in range(2):
        sys.modules.pop("old", None)
        linecache.clearcache()
        folder.load("import old\n" + PLAIN)
        folder({"other.py": ""})
        assert linecache.getline(str(folder.path / "old.py"), 1) == "VALUE = 1  # as imported\n"


def test_odd_line_ends_and_encodings_do_not_shift_lines(folder):
    import linecache

    path = folder.path / "score.py"
    text = "# coding: latin-1\r\nx = 'é\x0c\u0085'\r\ndef init(): pass\r\ndef run(data): pass\r\n"
    path.write_bytes(text.encode("latin-1"))
    folder.load()
    assert linecache.getline(str(path), 4) == "def run(data): pass\n"


def test_namespace_packages_and_subfolders_are_found(folder):
    folder({"space/inner/deep.py": "VALUE = 4\n"})
    assert folder.load("from space.inner.deep import VALUE\n" + PLAIN).module.VALUE == 4


def test_compiled_module_of_the_users_without_source_is_loaded(folder):
    import py_compile

    folder({"part.py": "VALUE = 5\n"})
    py_compile.compile(str(folder.path / "part.py"), cfile=str(folder.path / "part.pyc"))
    (folder.path / "part.py").unlink()
    assert folder.load("from part import VALUE\n" + PLAIN).module.VALUE == 5


def test_module_may_replace_itself_in_sys_modules(folder):
    text = "import sys, types\nnew = types.ModuleType('entry_module')\nnew.init = lambda: None\n"
    loaded = folder.load(text + "new.run = lambda data: 7\nsys.modules['entry_module'] = new\n")
    assert loaded.run("") == 7


def test_loading_needs_no_web_framework(folder):
    folder({"score.py": PLAIN})
    program = f"""
        import sys
        from types import SimpleNamespace
        from inference_http.user import script
        root = {str(folder.path)!r}
        loaded = script.load(SimpleNamespace(entry_script="score.py", app_root=root, source_dir=None, model_dir=None))
        script.call_init(loaded)
        print(script.call_run(loaded, {{"data": "x"}})[0], loaded.uses_flask, "flask" in sys.modules)
    """
    ours = os.path.dirname(os.path.dirname(inference_http.__file__))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder.path,
        env=os.environ | {"PYTHONPATH": ours},
    )
    assert done.stdout.split() == ["x", "False", "False"]


def test_names_of_flask_are_looked_for_in_libraries_and_not_in_the_web_stack(fresh_imports, monkeypatch):
    import types

    import flask

    assert not importing.libraries_use_flask()
    for name, mine in [("flask_cors.core", False), ("tracing", True)]:
        module = types.ModuleType(name)
        module.current_app = flask.current_app
        monkeypatch.setitem(sys.modules, name, module)
        assert importing.libraries_use_flask() is mine
