import errno
import os
import pickle
import sys
from types import SimpleNamespace

import pytest

from inference_http.user.hints import hints
from inference_http.user.missing import missing_module, pip_name
from inference_http.user.modelfiles import TREE_LIMIT, model_tree, walk


def settings(model_dir=None):
    return SimpleNamespace(model_dir=None if model_dir is None else str(model_dir))


def failed_import(statement):
    with pytest.raises(ImportError) as caught:
        exec(statement, {"__name__": "script", "__package__": ""})
    return caught.value


# --- Imports ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("sklearn", "scikit-learn"),
        ("sklearn.linear_model", "scikit-learn"),
        ("cv2", "opencv-python-headless"),
        ("PIL.Image", "pillow"),
        ("yaml", "pyyaml"),
        ("azureml.core.model", "azureml-core"),
        ("lightgbm.sklearn", "lightgbm"),
    ],
)
def test_name_for_pip(module, package):
    assert pip_name(module) == package


def test_missing_package_is_named_for_pip_and_for_this_python():
    error = ModuleNotFoundError("No module named 'cv2'", name="cv2")
    assert hints(error, settings()) == [
        f"'cv2' is not installed where the server runs: {sys.executable} -m pip install opencv-python-headless"
    ]


def test_missing_module_that_lies_in_another_folder_of_the_users_is_found(tmp_path):
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "src" / "deep" / "features.py").touch()
    (tmp_path / ".venv" / "features").mkdir(parents=True)
    (tmp_path / ".venv" / "features" / "__init__.py").touch()
    error = ModuleNotFoundError("No module named 'features'", name="features")
    (line,) = missing_module(error, [str(tmp_path)])
    assert str(tmp_path / "src" / "deep" / "features.py") in line
    assert "AZUREML_SOURCE_DIRECTORY" in line


def test_missing_package_folder_of_the_users_is_found(tmp_path):
    (tmp_path / "src" / "features").mkdir(parents=True)
    (tmp_path / "src" / "features" / "__init__.py").touch()
    error = ModuleNotFoundError("No module named 'features.x'", name="features.x")
    assert str(tmp_path / "src" / "features") in missing_module(error, [str(tmp_path)])[0]


def test_misspelled_module_of_the_users(tmp_path):
    (tmp_path / "features.py").touch()
    error = ModuleNotFoundError("No module named 'feature'", name="feature")
    assert missing_module(error, [str(tmp_path)])[0] == "Did you mean 'features', which is a file of yours?"


def test_module_missing_from_an_installed_package_names_its_version():
    (line,) = missing_module(failed_import("import werkzeug.nowhere"), [])
    assert line.startswith("werkzeug 3.")
    assert "'werkzeug.nowhere'" in line


def test_name_missing_from_an_installed_package_names_its_version():
    (line,) = missing_module(failed_import("from werkzeug import nowhere"), [])
    assert "has no name 'nowhere' in 'werkzeug'" in line


def test_file_of_the_users_with_the_name_of_a_standard_module(tmp_path):
    (tmp_path / "json.py").touch()
    (line,) = missing_module(failed_import("from json import nowhere"), [str(tmp_path)])
    assert line == (
        f"{tmp_path / 'json.py'} has the name of a module of Python's standard library, which is imported in its "
        "place: rename the file."
    )


def test_missing_name_in_a_module_of_the_users_needs_no_hint(folder):
    folder({"score.py": "from mine import nowhere\n", "mine.py": ""})
    with pytest.raises(Exception, match="unhandled") as caught:
        folder.load()
    assert caught.value.hints == []


def test_relative_import_in_the_script():
    error = failed_import("from . import x")
    assert "write `import x`" in missing_module(error, [])[0]


@pytest.mark.parametrize(
    ("library", "fix"), [("libGL.so.1", "libgl1"), ("libgomp.so.1", "libgomp1"), ("libodbc.so.2", "unixodbc")]
)
@pytest.mark.parametrize("kind", [ImportError, OSError])
def test_missing_system_library(kind, library, fix):
    error = kind(f"{library}: cannot open shared object file: No such file or directory")
    (line,) = hints(error, settings())
    assert f"apt-get install {fix}" in line


# --- Model files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model" / "sub").mkdir(parents=True)
    (tmp_path / "model" / "sub" / "model.pkl").touch()
    (tmp_path / "model" / "labels.txt").touch()
    return tmp_path / "model"


def missing(path):
    with pytest.raises((FileNotFoundError, IsADirectoryError)) as caught:
        os.close(os.open(path, os.O_RDWR))
    return caught.value


def test_tree_below_the_model_folder_stands_beside_a_missing_file(model):
    lines = hints(missing(model / "model.pkl"), settings(model))
    assert lines == [
        f"There is {model / 'sub' / 'model.pkl'}.",
        "Model Directory Contents:",
        "model/",
        "    labels.txt",
        "    sub/",
        "        model.pkl",
    ]


def test_tree_is_for_missing_files_only_unless_asked_for(model):
    assert hints(ValueError("x"), settings(model)) == []
    assert hints(ValueError("x"), settings(model), tree=True)[0] == "Model Directory Contents:"
    assert hints(ValueError("x"), settings(None), tree=True) == []
    assert hints(PermissionError(errno.EACCES, "no", "f"), settings(model)) == []
    assert hints(missing(model / "nowhere"), settings(model), tree=False) == []


def test_missing_file_that_caused_the_error_counts_too(model):
    error = RuntimeError("cannot load")
    error.__cause__ = missing(model / "nowhere")
    assert "Model Directory Contents:" in hints(error, settings(model))


def test_folder_where_a_file_is_wanted(model):
    assert hints(missing(model), settings(model))[0] == f"{str(model)!r} is a folder: name a file in it."


def test_relative_path_is_explained_by_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert hints(missing("model.pkl"), settings())[0] == (
        f"'model.pkl' is relative to the working folder {os.getcwd()}."
    )


def test_model_folder_that_is_not_set_or_does_not_exist(tmp_path):
    assert model_tree(None) == [
        "AZUREML_MODEL_DIR is not set: give --model_dir FOLDER to name the folder that holds the model."
    ]
    (line,) = model_tree(str(tmp_path / "nowhere"))
    assert "does not exist" in line


@pytest.mark.parametrize(
    "failing", [lambda: os.environ["AZUREML_MODEL_DIR"], lambda: os.path.join(os.environ.get("AZUREML_MODEL_DIR"), "m")]
)
def test_script_that_needs_a_model_folder_where_none_is_set(failing, monkeypatch):
    monkeypatch.delenv("AZUREML_MODEL_DIR", raising=False)
    with pytest.raises((KeyError, TypeError)) as caught:
        failing()
    assert "--model_dir" in hints(caught.value, settings())[0]
    assert hints(caught.value, settings("somewhere")) == []


def test_tree_is_cut_after_its_limit(tmp_path):
    for number in range(TREE_LIMIT):
        (tmp_path / f"f{number:03}").touch()
    lines = model_tree(str(tmp_path))
    assert len(lines) == 1 + TREE_LIMIT + 1
    assert lines[-1] == "Output Truncated. First 200 lines shown."
    (tmp_path / "f000").unlink()
    assert len(model_tree(str(tmp_path))) == 1 + TREE_LIMIT


def test_tree_of_a_link_that_leads_back_ends(tmp_path):
    (tmp_path / "again").symlink_to(tmp_path)
    assert list(walk(str(tmp_path))) == [f"{tmp_path.name}/", "    again/"]


# --- Others ----------------------------------------------------------------------------------------------------------


def test_script_that_ends_itself():
    assert "sys.exit()" in hints(SystemExit(0), settings())[0]


def test_model_pickled_as_main():
    error = AttributeError("Can't get attribute 'Net' on <module '__main__' from 'x'>")
    assert "as __main__" in hints(error, settings())[0]


def test_git_lfs_pointer_in_place_of_a_pickle():
    with pytest.raises(pickle.UnpicklingError) as caught:
        pickle.loads(b"version https://git-lfs.github.com/spec/v1\n")
    assert "git lfs pull" in hints(caught.value, settings())[0]


def test_an_exception_that_breaks_when_looked_at_gives_no_hint():
    class Nasty(Exception):
        def __str__(self):
            raise ValueError

    assert hints(Nasty(), settings()) == []
