"""Why an instance has ended, from its exit code and its log."""

import json

import pytest

from sandbox.backend.ending import broken, explain

START = "2026-01-02 03:04:05,678 I [9] azmlinfsrv.user_script - Invoking user's init function"
TEXT = """Server Settings
2026-01-02 03:04:05,678 I [9] azmlinfsrv.print - loading model
2026-01-02 03:04:05,679 E [9] azmlinfsrv - User's init function failed
/app/model.py:2: ValueError: no such file: a.pkl
Traceback (most recent call last):
  File "/app/score.py", line 6, in init
    m = load("x")
  File "/app/model.py", line 2, in load
    raise ValueError("no such file: a.pkl")
ValueError: no such file: a.pkl
Model Directory Contents:
models/
    a.pickle
2026-01-02 03:04:05,680 E [7] azmlinfsrv - The server ends: ValueError: no such file: a.pkl""".splitlines()


def end(code, log, *, rebooted=False, oom_kills=0):
    return explain(code, log, rebooted=rebooted, oom_kills=oom_kills)


def as_json(lines):
    """The same log with --log-format json."""
    found = []
    for line in lines:
        if line.startswith("2026"):
            head, _, message = line.partition(" - ")
            level = {"I": "INFO", "E": "ERROR"}[head.split()[2]]
            found.append(
                {"time": "2026-01-02T03:04:05.678Z", "level": level, "logger": "azmlinfsrv", "message": message}
            )
        elif found:
            found[-1]["message"] += f"\n{line}"
    return [json.dumps(each) for each in found]


@pytest.mark.parametrize("log", [TEXT, as_json(TEXT)], ids=["text", "json"])
def test_the_users_failing_line_is_found_in_both_formats(log):
    failure = end(3, log)
    assert (failure.kind, failure.file, failure.line) == ("script", "/app/model.py", 2)
    assert failure.summary == "ValueError: no such file: a.pkl"
    assert failure.traceback[0] == "Traceback (most recent call last):"
    assert failure.traceback[-1] == "ValueError: no such file: a.pkl", "the model's files are for the log"
    assert "loading model" in failure.log[-1], "what the script said before it failed"


def test_a_failure_without_a_place_has_its_sentence():
    failure = end(
        3,
        [
            "2026-01-02 03:04:05,679 E [9] azmlinfsrv - There is no entry script /app/nope.py.",
            "Python files in /app: score.py",
            "2026-01-02 03:04:05,680 E [7] azmlinfsrv - The server ends: FileNotFoundError: There is no entry script",
        ],
    )
    assert (failure.kind, failure.file, failure.line) == ("script", None, None)
    assert failure.summary == "FileNotFoundError: There is no entry script"
    assert failure.traceback == ("Python files in /app: score.py",)


LOST = [
    "2026-01-02 03:04:05,679 E [7] azmlinfsrv - worker 9 ended while it was loading (init): killed by SIGKILL",
    "2026-01-02 03:04:05,680 E [7] azmlinfsrv - The server ends: worker ended during init: killed by SIGKILL",
]


def test_a_worker_that_is_killed_while_it_loads():
    assert (end(3, LOST).kind, end(3, LOST).summary) == ("script", "worker ended during init: killed by SIGKILL")
    killed = end(3, LOST, oom_kills=1)
    assert killed.kind == "memory"
    assert killed.summary == "worker ended during init: killed by SIGKILL; the system ran out of memory"


def test_only_the_end_is_told_where_nothing_else_was():
    failure = end(3, ["2026-01-02 03:04:05,680 E [7] azmlinfsrv - The server ends: debugger lost"])
    assert (failure.kind, failure.summary) == ("script", "debugger lost")


@pytest.mark.parametrize(
    ("code", "oom_kills", "kind", "summary"),
    [
        (-9, 0, "killed", "the server was killed by signal 9"),
        (-9, 2, "memory", "the server was killed by signal 9: the system ran out of memory meanwhile"),
        (-11, 2, "killed", "the server was killed by signal 11"),
        (None, 0, "killed", "the server was killed"),
        (None, 1, "memory", "the server was killed: the system ran out of memory meanwhile"),
        (0, 0, "ended", "the server ended with exit code 0"),
    ],
)
def test_a_server_that_ends_otherwise(code, oom_kills, kind, summary):
    failure = end(code, [START], oom_kills=oom_kills)
    assert failure.kind == kind
    assert failure.summary.startswith(summary)
    assert failure.log == (START,)


def test_the_last_words_of_python_are_told():
    log = ["Traceback (most recent call last):", "  ...", "ModuleNotFoundError: No module named 'flask'"]
    assert end(1, log).summary == "the server ended with exit code 1: ModuleNotFoundError: No module named 'flask'"
    assert end(1, []).summary == "the server ended with exit code 1"


def test_a_port_that_was_taken():
    log = ["2026-01-02 03:04:05,680 E [7] azmlinfsrv - port 4242 is in use by another program; stop that one"]
    assert end(1, log).kind == "port"


def test_a_machine_that_was_started_anew_explains_everything():
    assert end(None, [START], rebooted=True).kind == "reboot"


def test_lines_that_only_look_like_json_are_text():
    log = ['{"level": 1}', "{not json", '{"a": 2', "last words"]
    assert end(1, log).summary.endswith(": last words")


def test_code_that_does_not_load_while_older_code_serves():
    scoring = [
        "2026-01-02 03:05:00,000 E [9] azmlinfsrv - Encountered Exception: /app/score.py:9: KeyError: 'a'",
        "KeyError: 'a'",
    ]
    failure = broken("ValueError: no such file: a.pkl (model.py:2)", [*TEXT[:-1], *scoring])
    assert (failure.file, failure.line, failure.summary) == ("/app/model.py", 2, "ValueError: no such file: a.pkl")
    unknown = broken("ValueError: another", TEXT)
    assert (unknown.file, unknown.summary, unknown.log) == (None, "ValueError: another", tuple(TEXT[-20:]))
