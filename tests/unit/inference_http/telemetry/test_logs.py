import contextlib
import io
import json
import logging
import re
import sys

import pytest

from inference_http.config.settings import ConfigError, Settings
from inference_http.scoring import ids
from inference_http.telemetry import logs
from inference_http.telemetry.log_lines import LineFormatter, RootAccessFilter
from tests.support import logstate

LINE = re.compile(r"[-\d]{10} [:\d]{8},\d{3} ([A-Z]) \[\d+\] (\S+) - (.*)")


@pytest.fixture(autouse=True)
def untouched_logging():
    with logstate.kept():
        yield


class Seen:
    """What reached stdout since the test began."""

    def __init__(self, capsys):
        self._capsys, self._text = capsys, ""

    def getvalue(self):
        self._text += self._capsys.readouterr().out
        return self._text


@pytest.fixture
def stdout(capsys):
    return Seen(capsys)


def lines(stream):
    """(level letter, logger, message) of each line that is one of ours."""
    return [match.groups() if (match := LINE.fullmatch(text)) else text for text in stream.getvalue().splitlines()]


# --- configure --------------------------------------------------------------------------------------------------------


def test_ours_and_everybody_else_s_lines_go_to_stdout(capsys):
    logs.configure(Settings())
    logging.getLogger("azmlinfsrv").info("ours")
    logging.getLogger("azmlinfsrv.user_script").warning("child")
    logging.info("root")  # noqa: LOG015  (what scripts do)
    logging.getLogger("mine").error("theirs")
    logging.getLogger("mine").debug("not shown")
    out, err = capsys.readouterr()
    assert lines(io.StringIO(out)) == [
        ("I", "azmlinfsrv", "ours"),
        ("W", "azmlinfsrv.user_script", "child"),
        ("I", "root", "root"),
        ("E", "mine", "theirs"),
    ]
    assert err == ""


def test_a_second_configuration_replaces_the_first(stdout):
    logs.configure(Settings())
    logs.configure(Settings(log_format="json", log_level="WARNING"))
    logging.getLogger("azmlinfsrv").info("no")
    logging.getLogger("azmlinfsrv").warning("yes")
    (line,) = stdout.getvalue().splitlines()
    assert json.loads(line)["message"] == "yes"


def test_the_level_goes_down_too(stdout):
    logs.configure(Settings(log_level="DEBUG"))
    logging.getLogger("mine").debug("shown")
    assert lines(stdout) == [("D", "mine", "shown")]


def test_basic_config_without_a_choice_keeps_our_lines(stdout):
    logs.configure(Settings())
    logging.basicConfig()
    logging.getLogger("mine").info("ours still")
    assert lines(stdout) == [("I", "mine", "ours still")]


def test_basic_config_with_a_level_changes_the_level_alone(stdout):
    logs.configure(Settings())
    logging.basicConfig(level=logging.DEBUG)
    logging.getLogger("mine").debug("shown")
    assert lines(stdout) == [("D", "mine", "shown")]


def test_basic_config_of_a_script_does_what_it_says(stdout, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's own
    logs.configure(Settings())
    theirs = io.StringIO()
    logging.basicConfig(stream=theirs, format="<%(message)s>", level="DEBUG")
    logging.getLogger("mine").debug("x")
    logging.getLogger("azmlinfsrv").info("ours")
    assert theirs.getvalue() == "<x>\n"
    assert lines(stdout) == [("I", "azmlinfsrv", "ours")]
    logging.basicConfig(stream=io.StringIO())  # as without us: the second call does nothing
    assert [type(each) for each in logging.root.handlers].count(logging.StreamHandler) == 1


# --- logging.json -----------------------------------------------------------------------------------------------------

USERS = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "f": {
            "class": "azureml_inference_server_http.log_config.AMLLogFormatter",
            "format": "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s",
        },
        "own": {
            "class": "azureml_inference_server_http.log_config.AMLLogFormatter",
            "format": "%(asctime)s~%(message)s",
            "datefmt": "%Y",
            "style": "%",
        },
    },
    "filters": {"probe": {"()": "azureml_inference_server_http.log_config.RootAccessFilter"}},
    "handlers": {
        "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "f", "filters": ["probe"]},
        "own": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "own"},
    },
    "loggers": {
        "azmlinfsrv": {"level": "INFO", "handlers": ["out"], "propagate": False},
        "mine": {"level": "INFO", "handlers": ["own"]},
    },
}


def test_the_user_s_logging_json_takes_the_place_of_ours(stdout, tmp_path):
    path = tmp_path / "logging.json"
    path.write_text(json.dumps(USERS))
    settings = Settings(app_root=str(tmp_path))
    logs.configure(settings)
    logs.load_logging_json(settings)
    logging.getLogger("azmlinfsrv").info("GET / HTTP/1.1")
    logging.getLogger("mine").info("once")
    logs.request_line("POST /score 200")
    first, second, third = stdout.getvalue().splitlines()
    assert LINE.fullmatch(first).groups() == ("I", "azmlinfsrv", f"Loaded logging config from {path}")
    assert re.fullmatch(r"\d{4}~once", second)
    assert LINE.fullmatch(third).groups() == ("I", "azmlinfsrv", "POST /score 200")


def test_logging_json_may_name_modules_of_the_application(stdout, tmp_path, monkeypatch):
    (tmp_path / "our_lines.py").write_text(
        "import logging\nclass Loud(logging.Formatter):\n    def format(self, record): return record.msg.upper()\n"
    )
    ours = {**USERS, "formatters": {"f": {"()": "our_lines.Loud"}, "own": {"()": "our_lines.Loud"}}}
    (tmp_path / "logging.json").write_text(json.dumps(ours))
    path = sys.path[:]
    logs.load_logging_json(Settings(app_root=str(tmp_path)))
    monkeypatch.delitem(sys.modules, "our_lines")
    logging.getLogger("mine").info("hello")
    assert stdout.getvalue().splitlines()[-1] == "HELLO"
    assert sys.path == path


def test_no_logging_json_changes_nothing(stdout, tmp_path):
    logs.configure(Settings())
    logs.load_logging_json(Settings(app_root=str(tmp_path)))
    logging.getLogger("mine").info("x")
    assert lines(stdout) == [("I", "mine", "x")]


def test_where_logging_json_is_looked_for(tmp_path):
    root, script = tmp_path / "root", tmp_path / "script"
    settings = Settings(app_root=str(root), entry_script=str(script / "score.py"))
    for folder in (script, root):
        assert logs.find_logging_json(settings) != str(folder / "logging.json")
        folder.mkdir()
        (folder / "logging.json").write_text("{}")
        assert logs.find_logging_json(settings) == str(folder / "logging.json")
    assert logs.find_logging_json(Settings(app_root=str(tmp_path))) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "cannot be read as JSON"),
        (b"\xff", "cannot be read as JSON"),
        (b"[]", "does not hold a JSON object"),
        (b"{}", "cannot be applied"),
        (b'{"version": 1, "handlers": {"h": {"class": "no.such.Thing"}}}', "cannot be applied: .*'h'.*no"),
    ],
)
def test_a_malformed_logging_json_is_an_error_that_says_why(tmp_path, content, problem):
    path = tmp_path / "logging.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        logs.load_logging_json(Settings(app_root=str(tmp_path)))
    assert caught.value.exit_code == 3
    assert str(path) in caught.value.message


def test_the_reference_s_names_are_there():
    assert logs.AMLLogFormatter is LineFormatter
    assert logs.RootAccessFilter is RootAccessFilter


# --- print ------------------------------------------------------------------------------------------------------------


def test_print_becomes_a_log_line(stdout):
    logs.configure(Settings())
    logs.install_print_hook()
    print("a", 1, None, sep="-", end="!", flush=True)
    print()
    print("x", "y", sep=None)
    print("two\nlines 100%s")
    assert lines(stdout) == [
        ("I", "azmlinfsrv.print", "a-1-None"),
        ("I", "azmlinfsrv.print", ""),
        ("I", "azmlinfsrv.print", "x y"),
        ("I", "azmlinfsrv.print", "two"),
        "lines 100%s",
    ]


def test_print_elsewhere_is_untouched(stdout):
    logs.configure(Settings())
    logs.install_print_hook()
    captured, file = io.StringIO(), io.StringIO()
    print("to a file", file=file, end="!")
    with contextlib.redirect_stdout(captured):
        print("captured")
    print("kept", file=sys.stdout)
    sys.stdout.write("written\n")
    assert file.getvalue() == "to a file!"
    assert captured.getvalue() == "captured\n"
    assert lines(stdout) == [("I", "azmlinfsrv.print", "kept"), "written"]


def test_print_objects_to_wrong_arguments_as_before(stdout):
    logs.install_print_hook()
    with pytest.raises(TypeError):
        print("a", "b", sep=3)
    with pytest.raises(TypeError):
        print("a", colour="red")


# --- Texts ------------------------------------------------------------------------------------------------------------


def test_a_block_is_one_record(stdout):
    logs.configure(Settings())
    logs.error_block("score.py, line 3\n    100%s\nNameError\n")
    assert lines(stdout) == [("E", "azmlinfsrv", "score.py, line 3"), "    100%s", "NameError"]
    logs.error_block("only a warning", level=logging.WARNING)
    assert lines(stdout)[-1] == ("W", "azmlinfsrv", "only a warning")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_request_line_is_what_logging_would_write(stdout, log_format):
    logs.configure(Settings(log_format=log_format))
    bound = ids.bind("the-id")
    logs.request_line("POST /score?100%s 200 0.1ms 2")
    logging.getLogger("azmlinfsrv").info("%s", "POST /score?100%s 200 0.1ms 2")
    ids.unbind(bound)
    fast, slow = (re.sub(r"[:\d]{8}[,.]\d{3}", "", line) for line in stdout.getvalue().splitlines())
    assert fast == slow
    assert "the-id" in fast


def test_a_request_line_respects_what_users_do_to_the_logger(stdout):
    logs.configure(Settings())
    logger = logging.getLogger("azmlinfsrv")
    heard = []

    class Ear(logging.Handler):
        def emit(self, record):
            heard.append(record.getMessage())

    logger.addHandler(Ear())
    logs.request_line("one")
    logger.handlers.pop()
    logger.addFilter(lambda record: "secret" not in record.getMessage())
    logs.request_line("secret")
    logger.filters.clear()
    logger.setLevel("WARNING")
    logs.request_line("quiet")
    logger.setLevel("INFO")
    factory = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *args, **more: heard.append("made") or factory(*args, **more))
    logs.request_line("two")
    logging.setLogRecordFactory(factory)
    assert [message for _, _, message in lines(stdout)] == ["one", "two"]
    assert heard == ["one", "made"]


def test_a_request_line_without_configuration_goes_where_logging_sends_it(caplog):
    caplog.set_level("INFO")
    logging.getLogger("azmlinfsrv").propagate = True
    logs.request_line("x")
    assert caplog.messages == ["x"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ConfigError("WORKER_COUNT", "x", "file /c.json", "'x' does not do"),
            [
                ("C", "azmlinfsrv", ""),
                "===============Configuration Error=================",
                "WORKER_COUNT: 'x' does not do (environment variable: WORKER_COUNT)",
                "The value comes from the file /c.json.",
                "===================================================",
            ],
        ),
        (
            ConfigError("AZUREML_CONFIG_FILE", "/c.json", "", "/c.json holds a list"),
            [("C", "azmlinfsrv", "Invalid config file!: /c.json holds a list")],
        ),
        (
            ConfigError("AZUREML_ENTRY_SCRIPT", None, "", "first\nsecond", 1),
            [("E", "azmlinfsrv", "Error!"), ("E", "azmlinfsrv", "first"), ("E", "azmlinfsrv", "second")],
        ),
    ],
)
def test_a_bad_setting_is_reported_in_the_reference_s_frame(stdout, error, expected):
    logs.configure(Settings())
    logs.report_config_error(error)
    assert lines(stdout) == expected
