"""Whose modules and variables are whose."""

import importlib
import linecache
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_http import compat
from inference_http.user import importing
from inference_http.worker import inventory


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for the user's modules, and site-packages beside it; modules and variables are undone."""
    (tmp_path / "site-packages").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    modules, environment = set(sys.modules), dict(os.environ)
    yield tmp_path
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    os.environ.clear()
    os.environ.update(environment)


def test_what_is_installed(place: Path) -> None:
    assert inventory.is_installed(os.__file__)
    assert inventory.is_installed(pytest.__file__)
    assert inventory.is_installed(compat.__file__), "this server's own files"
    assert inventory.is_installed(str(place / "site-packages" / "x.py"))
    assert not inventory.is_installed(str(place / "x.py"))


def test_libraries_are_told_from_the_users_modules_and_from_ours(place: Path) -> None:
    (place / "zz_mine.py").write_text("import zz_lib, sys, zipimport\n")
    (place / "site-packages" / "zz_lib.py").write_text("")
    newest = importing.newest_module()
    importlib.import_module("zz_mine")
    names = importing.modules_since(newest)
    assert {"zz_mine", "zz_lib"} <= set(names)
    own = inventory.own_modules((), names)
    assert own == {"zz_mine": str(place / "zz_mine.py")}
    assert inventory.libraries(names, own) == ["zz_lib"]


def test_names_that_are_ours_and_what_is_built_in_are_not_preloaded() -> None:
    before = set(sys.modules)
    compat.install()
    importlib.import_module("azureml.contrib.services.aml_request")
    importlib.import_module("azureml_inference_server_http.api.aml_response")
    try:
        names = [name for name in sys.modules if name.startswith("azureml")]
        assert len(names) >= 5
        assert (
            inventory.libraries([*names, "sys", "zipimport", "_frozen_importlib", "inference_http.contract"], ()) == []
        )
    finally:
        for name in set(sys.modules) - before:
            del sys.modules[name]


def test_the_users_variables_are_told_from_those_of_libraries(place: Path) -> None:
    (place / "site-packages" / "zz_env.py").write_text(
        "import os\nos.environ['ZZ_LIBRARY'] = '1'\ndef load():\n    os.environ['ZZ_DOTENV'] = '1'\n"
    )
    (place / "zz_script.py").write_text(
        "import os\nos.environ['ZZ_MINE'] = '1'\nimport zz_env\nzz_env.load()\n"
        "os.environ.setdefault('ZZ_DEFAULT', '1')\nos.environ.pop('ZZ_GONE', None)\nos.environ.update(ZZ_MINE='2')\n"
    )
    os.environ["ZZ_GONE"] = "1"
    with inventory.Variables([str(place)]) as variables:
        importlib.import_module("zz_script")
    expected = {"ZZ_DEFAULT": "1", "ZZ_DOTENV": "1", "ZZ_GONE": None, "ZZ_MINE": "2"}
    assert variables.values() == expected
    assert os.environ["ZZ_LIBRARY"] == "1"
    os.environ["ZZ_LATER"] = "1"
    assert variables.values() == expected


def test_a_file_saved_while_it_is_imported_is_noticed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = place / "zz_torn.py"
    file.write_text("")  # the moment between truncating and writing
    sources = inventory.Sources()
    monkeypatch.setitem(linecache.cache, str(file), (0, None, [], str(file)))
    assert not sources.differ()
    file.write_text("X = 1\n")
    assert sources.differ()
    monkeypatch.setitem(linecache.cache, str(file), (6, None, ["X = 1\n"], str(file)))
    assert not sources.differ()
    file.unlink()
    assert sources.differ()
