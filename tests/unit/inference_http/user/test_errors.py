import pytest

from inference_http.user import errors


def test_scoring_timeout_is_not_swallowed_by_except_exception():
    assert not issubclass(errors.ScoringTimeout, Exception)


def test_report_of_a_script_error_has_title_place_frames_and_hints():
    failure = errors.Failure("ValueError", "bad", "/app/score.py", 3, "x = f()", "Traceback\nValueError: bad\n")
    error = errors.InitError("User's init function failed", failure, ["Try this."])
    assert str(error) == "User's init function failed"
    assert error.report() == (
        "User's init function failed\n/app/score.py:3: ValueError: bad\nTraceback\nValueError: bad\nTry this."
    )


def test_summary_is_one_line():
    failure = errors.Failure("ValueError", "bad\nworse", "/app/score.py", 3, "x = f()", "Traceback\n", "json.loads")
    assert errors.InitError("It failed", failure).summary == "It failed: /app/score.py:3: ValueError: bad"
    assert errors.LoadError("bad\nworse", failure).summary == "/app/score.py:3: ValueError: bad"


def test_title_that_is_the_message_is_said_once():
    failure = errors.Failure("SignatureError", "no run()", "/app/score.py", None, None, "")
    assert errors.SignatureError("no run()", failure, ["Add it."]).report() == "SignatureError: no run()\nAdd it."
    failure = errors.Failure("FileNotFoundError", "no script", None, None, None, "")
    assert errors.LoadError("no script", failure, ["Name it."]).report() == "no script\nName it."


def test_run_error_describes_its_cause_once_and_when_asked(monkeypatch):
    calls = []
    monkeypatch.setattr(errors, "describe", lambda exc, roots: calls.append((exc, roots)) or "described")
    cause = ValueError("x")
    error = errors.RunError(cause, ["/app"])
    assert calls == []
    assert (error.failure, error.failure) == ("described", "described")
    assert calls == [(cause, ("/app",))]


def test_run_error_knows_what_may_help():
    error = errors.RunError(ModuleNotFoundError("No module named 'yaml_'", name="yaml_"))
    assert error.hints[0].endswith("-m pip install yaml_")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.RunTimeout(1500), "Scoring timeout after 1500 ms"),
        (
            errors.UnencodableResult("$.scores[3]", "socket"),
            "run() returned a value that has no JSON form: socket at $.scores[3]",
        ),
        (errors.UnencodableResult("$", "float", "NaN is refused"), "NaN is refused"),
        (errors.MethodNotHandled("PUT"), "Unsupported HTTP method: PUT"),
    ],
)
def test_texts(error, text):
    assert str(error) == text


def test_overload_says_when_to_come_back():
    assert errors.Overloaded().retry_after_s == 1


class Lying(Exception):
    @property
    def __class__(self):
        raise KeyError("not mine")


class Closed(Exception):
    def __getattribute__(self, name):
        raise KeyError(name)


@pytest.mark.parametrize("kind", [Lying, Closed])
def test_an_exception_that_breaks_whoever_asks_is_replaced(kind):
    try:
        raise kind
    except Exception as error:
        found = errors.RunError(error, ())
    assert type(found.cause) is RuntimeError
    assert found.failure.line is not None
