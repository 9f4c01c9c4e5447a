import builtins
import json
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_http.user import errors
from inference_http.user.errors import Failure, describe, render
from inference_http.user.failure import MESSAGE_LIMIT, describe_function, exception_chain

COLUMNS = sys.version_info >= (3, 11)
WRAPPING = """
def call(function):
    try:
        function()
    except ValueError as error:
        raise OSError from error
"""


@pytest.fixture
def failing(folder):
    """Gives the failure of run(data) of a script, described."""

    def run(text, data="0", **files):
        path = folder({"score.py": text, **{f"{name}.py": code for name, code in files.items()}})
        loaded = folder.load()
        try:
            loaded.run(data)
        except Exception as error:
            return describe(error, [str(path)])
        raise AssertionError("run() did not raise")

    return run


def test_failing_line_of_the_user_is_named(failing, folder):
    failure = failing("def init(): pass\ndef run(data):\n    number = int(data)\n    return 1 / number\n")
    assert (failure.type, failure.message) == ("ZeroDivisionError", "division by zero")
    assert (failure.file, failure.line, failure.code) == (str(folder.path / "score.py"), 4, "return 1 / number")
    assert failure.raised_in is None
    caret = "           ~~^~~~~~~~\n" if COLUMNS else ""
    assert failure.traceback == (
        "Traceback (most recent call last):\n"
        f'  File "{folder.path}/score.py", line 4, in run\n    return 1 / number\n{caret}'
        "ZeroDivisionError: division by zero\n"
    )


def test_innermost_line_of_the_users_own_stands_for_an_error_in_a_library(failing, folder):
    failure = failing(
        "import json, helper\ndef init(): pass\ndef run(data):\n    return helper.parse(data)\n",
        data="{x",
        helper="import json\n\ndef parse(text):\n    return json.loads(text)\n",
    )
    assert failure.type == "json.decoder.JSONDecodeError"
    assert (failure.file, failure.line, failure.code) == (
        str(folder.path / "helper.py"),
        4,
        "return json.loads(text)",
    )
    assert failure.raised_in is not None
    assert failure.raised_in.startswith("json.decoder.")
    assert "decoder.py" not in failure.traceback
    assert failure.traceback.count("File ") == 2


def test_callback_of_the_users_within_a_library_is_the_innermost(failing):
    failure = failing(
        """
        import functools
        def init(): pass
        def add(one, two):
            return one + two
        def run(data):
            return functools.reduce(add, [1, "2"])
        """
    )
    assert failure.code == "return one + two"
    assert failure.raised_in is None


def test_files_of_an_environment_below_the_script_are_not_the_users(folder):
    path = folder(
        {
            "score.py": "import sys\nsys.path.append(__file__[:-8] + '.venv/lib/python3/site-packages')\nimport deep\n"
            "def init(): pass\ndef run(data): return deep.fail()\n",
            ".venv/lib/python3/site-packages/deep.py": "def fail():\n    raise OSError('deep')\n",
        }
    )
    with pytest.raises(OSError, match="deep") as caught:
        folder.load().run("")
    failure = describe(caught.value, [str(path)])
    assert failure.code == "def run(data): return deep.fail()"
    assert failure.raised_in is not None
    assert failure.raised_in.endswith("fail, line 2")


def test_without_any_frame_of_the_users_the_innermost_is_named():
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")
    failure = describe(caught.value, ["/nowhere"])
    assert failure.file == json.decoder.__file__
    assert failure.traceback.startswith("json.decoder.JSONDecodeError: ")


def test_causes_and_contexts_are_kept_in_their_order(failing):
    failure = failing(
        """
        def init(): pass
        def run(data):
            try:
                try:
                    {}["key"]
                except KeyError:
                    int("x")
            except ValueError as error:
                raise RuntimeError("third") from error
        """
    )
    text = failure.traceback
    assert failure.code == 'raise RuntimeError("third") from error'
    assert text.index("KeyError: 'key'") < text.index("During handling of the above exception")
    assert text.index("During handling") < text.index("ValueError: invalid literal") < text.index("direct cause")
    assert text.index("direct cause") < text.index("RuntimeError: third")


def test_suppressed_context_is_not_shown(failing):
    failure = failing(
        """
        def init(): pass
        def run(data):
            try:
                {}["key"]
            except KeyError:
                raise RuntimeError("clean") from None
        """
    )
    assert "KeyError" not in failure.traceback


def test_exception_inside_a_library_that_only_led_to_the_next_one_is_left_out(failing):
    failure = failing(
        "import json\ndef init(): pass\ndef run(data):\n    return json.JSONDecoder().raw_decode(data)\n", "nope"
    )
    assert failure.traceback.count("Error") == 1
    pandas = pytest.importorskip("pandas")
    failure = failing(
        "import pandas\ndef init(): pass\ndef run(data):\n    return pandas.DataFrame({'a': [1]})['b']\n",
    )
    assert failure.message == "'b'"
    assert failure.traceback.count("KeyError") == 1
    assert pandas.__name__ in (failure.raised_in or "")


def test_error_of_the_users_wrapped_by_a_library_still_names_the_users_line(failing, folder):
    failure = failing(
        """
        import sys
        sys.path.append(__file__[:-8] + "site-packages")
        import wrapping
        def init(): pass
        def broken():
            raise ValueError("mine")
        def run(data):
            wrapping.call(broken)
        """,
        **{"site-packages/wrapping": WRAPPING},
    )
    assert failure.type == "OSError"
    assert failure.code == "wrapping.call(broken)"
    assert 'raise ValueError("mine")' in failure.traceback


def test_runaway_recursion_is_folded(failing):
    failure = failing(
        """
        def init(): pass
        def run(data):
            return one(data)
        def one(data):
            return two(data)
        def two(data):
            return one(data)
        """
    )
    assert failure.type == "RecursionError"
    assert failure.code in ("return one(data)", "return two(data)")
    assert len(failure.traceback.splitlines()) < 30
    assert "[Previous 2 lines repeated" in failure.traceback


def test_exceptions_whose_methods_raise_are_still_shown(failing):
    failure = failing(
        """
        class Nasty(Exception):
            def __str__(self): raise ValueError("in str")
            __repr__ = __str__
        def init(): pass
        def run(data):
            raise Nasty
        """
    )
    assert failure.type == "Nasty"
    assert failure.message == "<str() of this exception failed>"
    assert failure.code == "raise Nasty"


def test_exception_that_breaks_every_look_at_it_still_has_its_type():
    class Nastiest(Exception):
        @property
        def __cause__(self):
            raise ValueError

    failure = describe(Nastiest("x"), ["/nowhere"])
    assert failure.type.endswith("Nastiest")


if COLUMNS:  # exception groups came with the same version

    def test_members_of_a_group_are_shown_and_the_first_names_the_line(failing):
        failure = failing(
            """
            import asyncio
            def init(): pass
            async def fine(): pass
            async def bad():
                raise ValueError("member")
            async def run(data):
                async with asyncio.TaskGroup() as group:
                    group.create_task(fine())
                    group.create_task(bad())
            def call(data):
                return asyncio.run(coroutine(data))
            coroutine, run = run, call
            """
        )
        assert failure.type == "ExceptionGroup"
        assert failure.code == 'raise ValueError("member")'
        assert "exception 1 of 1:" in failure.traceback
        assert "    ValueError: member" in failure.traceback


def test_syntax_error_names_its_own_file_and_line(folder):
    path = folder({"score.py": "import helper\n", "helper.py": "def f(:\n    pass\n"})
    with pytest.raises(Exception, match="unhandled exception") as caught:
        folder.load()
    failure = caught.value.failure
    assert (failure.type, failure.file, failure.line) == ("SyntaxError", str(path / "helper.py"), 1)
    assert failure.code == "def f(:"
    assert "    def f(:\n" in failure.traceback
    assert "^" in failure.traceback
    assert 'score.py", line 1' in failure.traceback


def test_syntax_error_in_text_given_to_eval_names_the_line_that_called_eval(failing):
    failure = failing("def init(): pass\ndef run(data):\n    return eval('1 +')\n")
    assert (failure.line, failure.code) == (3, "return eval('1 +')")


def test_message_of_many_lines_stays_whole_but_the_head_of_the_log_text_is_one_line(failing):
    failure = failing("def init(): pass\ndef run(data):\n    raise ValueError('first\\nsecond')\n")
    assert failure.message == "first\nsecond"
    assert render(failure, "id-1").splitlines()[0].endswith("score.py:3: ValueError: first [id-1]")


def test_endless_message_is_cut(failing):
    failure = failing("def init(): pass\ndef run(data):\n    raise ValueError('x' * 1_000_000)\n")
    assert len(failure.message) < MESSAGE_LIMIT + 50
    assert failure.message.endswith("(1000000 characters)")
    assert len(failure.traceback) < MESSAGE_LIMIT + 500


def test_endless_chain_is_cut(failing):
    failure = failing(
        """
        def init(): pass
        def run(data, left=100):
            try:
                raise ValueError(left)
            except ValueError:
                if not left:
                    raise
                run(data, left - 1)
        """
    )
    assert failure.type == "ValueError"
    assert "[earlier exceptions left out]" in failure.traceback
    assert failure.traceback.count("ValueError: ") <= 8


def test_lines_are_those_that_run_although_the_file_was_edited(folder):
    path = folder({"score.py": "def init(): pass\ndef run(data):\n    return 1 / 0  # as loaded\n"})
    loaded = folder.load()
    folder({"score.py": "# a line more\ndef init(): pass\ndef run(data):\n    return 'mended'\n"})
    with pytest.raises(ZeroDivisionError) as caught:
        loaded.run("")
    failure = describe(caught.value, [str(path)])
    assert failure.code == "return 1 / 0  # as loaded"


def test_wrong_function_is_shown_at_its_def_and_not_at_its_decorator(folder):
    loaded = folder.load(
        """
        import functools

        def plain(function):
            @functools.wraps(function)
            def inner(*args):
                return function(*args)
            return inner

        def init(): pass

        @plain
        def run(data):
            return data
        """
    )
    failure = describe_function(loaded.run, "SignatureError", "wrong")
    assert (failure.line, failure.code) == (13, "def run(data):")
    assert describe_function(5, "SignatureError", "wrong") == Failure(
        "SignatureError", "wrong", None, None, None, "SignatureError: wrong\n"
    )


def test_error_object_is_json_with_six_members(failing):
    failure = failing("def init(): pass\ndef run(data):\n    raise KeyError(data)\n", "a")
    error = json.loads(json.dumps(failure.as_error()))
    assert sorted(error) == ["code", "file", "line", "message", "traceback", "type"]
    assert error["message"] == "'a'"


def test_where_a_library_raised_is_the_last_line_of_the_log_text(failing):
    failure = failing("import json\ndef init(): pass\ndef run(data):\n    return json.loads('{')\n")
    assert render(failure).splitlines()[-1].startswith("(raised inside json.decoder.")


def test_chain_ends_where_it_bites_its_own_tail():
    one, two = ValueError(1), ValueError(2)
    one.__cause__, two.__cause__ = two, one
    assert list(exception_chain(one)) == [one, two]
    assert describe(one, []).type == "ValueError"


def raised(step, error, text):
    """Raise one exception after another in the way that `step` names; give the last one."""
    try:
        if step == "cause":
            raise RuntimeError(text) from error
        if step == "context":
            try:
                raise error
            except BaseException:
                raise OSError(text) from None
        if step == "group" and COLUMNS:
            raise builtins.BaseExceptionGroup("several", [error, KeyError(text)])
        if step == "note" and COLUMNS:
            error.add_note(text)
        raise error
    except BaseException as caught:
        return caught


@given(st.lists(st.sampled_from(["raise", "cause", "context", "group", "note"]), max_size=6), st.text(max_size=20))
def test_any_exception_is_described_and_python_agrees_on_its_last_line(steps, text):
    error: BaseException = ValueError(text)
    for step in steps:
        error = raised(step, error, text)
    failure = describe(error, [__file__])
    assert failure.type == type(error).__name__
    assert "".join(traceback.format_exception_only(error)).splitlines()[0] in failure.traceback
    assert render(failure, "id")


@pytest.mark.parametrize(
    ("error", "name", "last"),
    [
        (errors.UnencodableResult("$.a", "set"), "UnencodableResult", "a value that has no JSON form: set at $.a\n"),
        (errors.ScoringTimeout(), "ScoringTimeout", "ScoringTimeout: the time for this request is over\n"),
        (ValueError("inference_http.a.X: said"), "ValueError", "inference_http.a.X: said\n"),
    ],
)
def test_errors_of_ours_go_by_their_plain_names(error, name, last):
    failure = describe(error, [])
    assert failure.type == name
    assert failure.traceback.startswith(f"{name}: ")
    assert failure.traceback.endswith(last)
