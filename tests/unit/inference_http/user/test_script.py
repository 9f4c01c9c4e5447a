import logging
import os
import pickle
import sys
import threading

import pytest

from inference_http.user import errors, script

PLAIN = "def init(): pass\ndef run(data): return data\n"


def failed(folder, *args, **settings):
    with pytest.raises(errors.UserScriptError) as caught:
        folder.load(*args, **settings)
    return caught.value


# --- Loading ---------------------------------------------------------------------------------------------------------


def test_script_is_loaded_under_the_references_name_and_with_an_absolute_file(folder):
    loaded = folder.load("NAME, FILE = __name__, __file__\n" + PLAIN)
    assert loaded.module.NAME == "entry_module"
    assert loaded.path == loaded.module.FILE == str(folder.path / "score.py")
    assert sys.modules["entry_module"] is loaded.module


def test_objects_of_the_scripts_own_classes_can_be_pickled(folder):
    loaded = folder.load("class Net:\n    size = 3\n" + PLAIN)
    again = pickle.loads(pickle.dumps(loaded.module.Net()))
    assert type(again) is loaded.module.Net


def test_script_imported_by_its_own_name_is_the_same_module(folder):
    folder({"part.py": "import score\nNAME = score.NAME\n"})
    loaded = folder.load("NAME = 'one'\nimport part\n" + PLAIN)
    assert sys.modules["part"].NAME == "one"
    assert sys.modules["score"] is loaded.module


def test_package_with_the_scripts_name_is_not_the_script(folder):
    folder({"score/__init__.py": "WHO = 'package'\n"})
    assert folder.load("import score\nWHO = score.WHO\n" + PLAIN).module.WHO == "package"


def test_script_of_any_file_name_is_loaded(folder):
    folder({"score.script": PLAIN})
    assert folder.load(entry="score.script").run("x") == "x"


def test_relative_entry_script_is_below_the_app_root(folder):
    folder({"deep/score.py": PLAIN})
    loaded = folder.load(entry="deep/score.py", app_root=str(folder.path))
    assert loaded.path == str(folder.path / "deep" / "score.py")
    assert loaded.roots == (str(folder.path / "deep"), str(folder.path))


def test_source_directory_is_a_root_below_the_app_root(folder):
    folder({"lib/part.py": "VALUE = 1\n"})
    loaded = folder.load("from part import VALUE\n" + PLAIN, source_dir="lib")
    assert loaded.module.VALUE == 1
    assert loaded.roots == (str(folder.path), str(folder.path / "lib"))


def test_main_is_loaded_where_no_script_is_named(folder):
    folder({"main.py": "NAME = __name__\n" + PLAIN})
    loaded = folder.load(entry=None)
    assert loaded.module.NAME == "main"
    assert loaded.path == str(folder.path / "main.py")
    assert sys.modules["entry_module"] is loaded.module


def test_no_script_and_no_main_is_explained_in_the_references_words(folder):
    folder({"other.py": ""})
    report = failed(folder, entry=None).report()
    assert "No score script found. Expected score script main.py." in report
    assert "Expected script to be found in PYTHONPATH: [" in report
    assert "Current contents of AML_APP_ROOT: ['other.py']" in report
    assert "--entry_script" in report


def test_missing_app_root_is_named(folder):
    root = str(folder.path / "nowhere")
    assert f"The directory {root} not an accessible directory" in failed(folder, entry=None, app_root=root).report()


def test_missing_script_names_the_python_files_beside_it(folder):
    folder({"scores.py": "", "notes.txt": ""})
    error = failed(folder, entry="score.py")
    assert error.failure.message == f"There is no entry script {folder.path / 'score.py'}."
    assert error.hints == [f"Python files in {folder.path}: scores.py"]


def test_folder_as_script(folder):
    folder({"src/score.py": PLAIN})
    error = failed(folder, entry="src")
    assert "is a folder" in error.failure.message
    assert error.hints == [f"Python files in {folder.path / 'src'}: score.py"]


def test_script_in_a_folder_that_does_not_exist(folder):
    error = failed(folder, entry="nowhere/score.py")
    assert "Its folder does not exist either." in error.failure.message
    assert error.hints == [f"There is no Python file in {folder.path}."]


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("x = 1\nraise ValueError('at import')\n", "ValueError", 2),
        ("import sys\nsys.exit(0)\n", "SystemExit", 2),
        ("import sys\n\n\nraise KeyboardInterrupt\n", "KeyboardInterrupt", 4),
        ("def run(:\n", "SyntaxError", 1),
        ("import nowhere_at_all\n", "ModuleNotFoundError", 1),
        ("open('/nowhere/model.pkl')\n", "FileNotFoundError", 1),
        ("# coding: nothing\n", "SyntaxError", None),
    ],
)
def test_import_that_raises_is_a_start_failure_at_its_line(folder, text, kind, line):
    error = failed(folder, text)
    assert isinstance(error, errors.LoadError)
    assert error.title == "Failed to import user script because it raised an unhandled exception"
    assert error.failure.type == kind
    if line:
        assert (error.failure.file, error.failure.line) == (str(folder.path / "score.py"), line)
    assert "entry_module" not in sys.modules
    assert "score" not in sys.modules


def test_failed_import_in_a_module_of_the_users_names_that_line(folder):
    folder({"part.py": "import os\n\nopen('nowhere')\n"})
    error = failed(folder, "import part\n")
    assert (error.failure.file, error.failure.line) == (str(folder.path / "part.py"), 3)
    assert 'score.py", line 1' in error.failure.traceback


def test_modules_of_the_users_are_told(folder):
    folder({"part.py": "", "pack/__init__.py": "", "pack/deep.py": ""})
    loaded = folder.load("import json, part, pack.deep\n" + PLAIN)
    assert script.user_modules(loaded) == {
        "entry_module": str(folder.path / "score.py"),
        "score": str(folder.path / "score.py"),
        "part": str(folder.path / "part.py"),
        "pack": str(folder.path / "pack" / "__init__.py"),
        "pack.deep": str(folder.path / "pack" / "deep.py"),
    }


def test_driver_module_gives_run_and_the_script_gives_init(folder, caplog):
    caplog.set_level(logging.INFO)
    folder({"inner.py": "def init(): raise ValueError\ndef run(rows, x=1): return rows\n"})
    loaded = folder.load("import inner as driver_module\ndef init(): pass\ndef run(data): raise ValueError\n")
    assert loaded.run("x") == "x"
    assert loaded.init is loaded.module.init
    assert loaded.parameter == "rows"
    assert loaded.driver == str(folder.path / "inner.py")
    assert (
        f"Found driver script at {folder.path / 'score.py'} and the score script at {folder.path / 'inner.py'}"
        in caplog.messages
    )


@pytest.mark.parametrize("value", ["5", "__import__('json')"])
def test_attribute_called_driver_module_that_is_none(folder, value):
    loaded = folder.load(f"driver_module = {value}\n" + PLAIN)
    assert loaded.driver is None
    assert loaded.run is loaded.module.run


def test_log_has_the_references_phrases(folder, caplog):
    caplog.set_level(logging.INFO)
    script.call_init(folder.load(PLAIN))
    assert caplog.messages == [
        f"Found user script at {folder.path / 'score.py'}",
        "run() is not decorated. Server will invoke it with the input in JSON string.",
        "Invoking user's init function",
        "Users's init has completed successfully",
    ]
    assert {record.name for record in caplog.records} == {"azmlinfsrv.user_script"}


# --- init() ----------------------------------------------------------------------------------------------------------


def test_init_runs_on_the_calling_thread_and_its_time_is_told(folder):
    text = "import threading\ndef init():\n    global who\n    who = threading.get_ident()\ndef run(x): pass\n"
    loaded = folder.load(text)
    assert 0 <= script.call_init(loaded) < 5
    assert loaded.module.who == threading.get_ident()


def test_async_init_is_awaited(folder):
    text = "import asyncio\nasync def init():\n    global done\n    await asyncio.sleep(0)\n    done = 1\n"
    loaded = folder.load(text + "def run(x): pass\n")
    script.call_init(loaded)
    assert loaded.module.done == 1


@pytest.mark.parametrize("what", ["raise ValueError('no')", "raise SystemExit(0)", "raise KeyboardInterrupt", "1 / 0"])
@pytest.mark.parametrize("how", ["def", "async def"])
def test_init_that_raises_is_a_start_failure_with_the_model_folders_tree(folder, how, what):
    folder({"model/model.pkl": ""})
    loaded = folder.load(f"{how} init():\n    {what}\ndef run(x): pass\n", model_dir=str(folder.path / "model"))
    with pytest.raises(errors.InitError) as caught:
        script.call_init(loaded)
    assert caught.value.title == "User's init function failed"
    assert (caught.value.failure.line, caught.value.failure.code) == (2, what)
    assert caught.value.hints[-3:] == ["Model Directory Contents:", "model/", "    model.pkl"]


# --- run() -----------------------------------------------------------------------------------------------------------


def test_result_and_milliseconds(folder):
    text = "import time\ndef init(): pass\ndef run(data):\n    time.sleep(0.02)\n    return {'got': data}\n"
    loaded = folder.load(text)
    result, elapsed_ms = script.call_run(loaded, {"data": "x"})
    assert result == {"got": "x"}
    assert 20 <= elapsed_ms < 2000


@pytest.mark.parametrize(
    "what", ["raise ValueError('no')", "raise SystemExit(3)", "raise KeyboardInterrupt", "raise TimeoutError", "exit()"]
)
@pytest.mark.parametrize("how", ["def", "async def"])
def test_run_that_raises_anything_is_a_run_error_at_its_line(folder, how, what):
    loaded = folder.load(f"def init(): pass\n{how} run(data):\n    {what}\n")
    with pytest.raises(errors.RunError) as caught:
        script.call_run(loaded, {"data": "x"})
    assert caught.value.cause is caught.value.__cause__
    assert (caught.value.failure.line, caught.value.failure.code) == (3, what)
    assert script.call_run.__code__.co_filename not in caught.value.failure.traceback


def test_scoring_timeout_passes(folder):
    loaded = folder.load("def init(): pass\ndef run(data):\n    raise data\n")
    with pytest.raises(errors.ScoringTimeout):
        script.call_run(loaded, {"data": errors.ScoringTimeout()})


def test_coroutine_is_awaited_whoever_made_it(folder):
    loaded = folder.load(
        "def init(): pass\nasync def work(data): return [data]\ndef run(data): return work(data)\n",
    )
    assert not loaded.is_async
    assert script.call_run(loaded, {"data": "x"})[0] == ["x"]


def test_async_generator_becomes_a_plain_one(folder):
    loaded = folder.load("def init(): pass\nasync def run(data):\n    for piece in data:\n        yield piece\n")
    assert loaded.is_async
    result, _ = script.call_run(loaded, {"data": "abc"})
    assert hasattr(result, "__next__")
    assert list(result) == ["a", "b", "c"]


def test_what_async_init_opened_is_on_the_loop_of_run(folder):
    loaded = folder.load(
        """
        import asyncio
        async def init():
            global loop
            loop = asyncio.get_running_loop()
        async def run(data):
            return loop is asyncio.get_running_loop()
        """
    )
    script.call_init(loaded)
    assert script.call_run(loaded, {"data": ""})[0] is True


def test_missing_file_in_run_comes_with_the_model_folders_tree(folder):
    folder({"model/model.pkl": ""})
    text = "def init(): pass\ndef run(data):\n    open('nowhere')\n"
    loaded = folder.load(text, model_dir=str(folder.path / "model"))
    with pytest.raises(errors.RunError) as caught:
        script.call_run(loaded, {"data": ""})
    assert "    model.pkl" in caught.value.hints
    assert f"'nowhere' is relative to the working folder {os.getcwd()}." in caught.value.hints


# --- Flask -----------------------------------------------------------------------------------------------------------


def test_plain_script_does_not_use_flask(folder):
    assert folder.load(PLAIN).uses_flask is False


def test_script_that_names_flask_anywhere_uses_it(folder):
    folder({"part.py": "def who():\n    from flask import request\n    return request\n"})
    assert folder.load("import part\n" + PLAIN).uses_flask is True


def test_module_that_run_imports_later_counts(folder):
    folder({"part.py": "import flask\n"})
    loaded = folder.load("def init(): pass\ndef run(data):\n    import part\n")
    assert loaded.uses_flask is False
    script.call_run(loaded, {"data": ""})
    assert loaded.uses_flask is True


def test_installed_library_that_holds_flasks_request_counts(folder):
    folder({"site-packages/tracing.py": "from flask import request\n"})
    loaded = folder.load("import sys\nsys.path.append(__file__[:-8] + 'site-packages')\nimport tracing\n" + PLAIN)
    assert loaded.uses_flask is True


def test_responses_of_the_api_do_not_need_flasks_context(folder):
    loaded = folder.load("from azureml_inference_server_http.api.aml_response import AMLResponse\n" + PLAIN)
    assert loaded.uses_flask is False


def test_a_driver_module_made_by_the_script_has_no_file(folder):
    loaded = folder.load(
        """
        import types
        driver_module = types.ModuleType("made")
        driver_module.run = lambda data: "inner"
        def init(): pass
        def run(data): return "outer"
        """
    )
    assert (loaded.driver, loaded.run("x")) == ("made", "inner")


@pytest.mark.parametrize("rest", ["def init(): pass\ndef run(data): pass\n", ""])
def test_a_modules_own_getattr_that_raises_is_shown_as_the_scripts_error(folder, rest):
    with pytest.raises(errors.UserScriptError) as raised:
        folder.load(
            f"def __getattr__(name):\n    raise {{'__path__': AttributeError}}.get(name, OSError)(name)\n{rest}"
        )
    assert raised.value.failure.line == 2
