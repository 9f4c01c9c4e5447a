import json
import os
import subprocess
import sys
import types

import pytest

from inference_http import __version__, cli
from inference_http.config.option_table import OPTIONS
from tests.support import logstate


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Runs main() in an empty folder with a script; the settings that would be served arrive in the list."""
    seen = []
    supervisor = types.ModuleType("inference_http.process.supervisor")
    supervisor.serve = lambda settings: seen.append(settings) or 0
    monkeypatch.setitem(sys.modules, "inference_http.process.supervisor", supervisor)
    monkeypatch.setattr(os, "environ", {"PATH": "/bin"})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    with logstate.kept():
        yield seen


# --- Flags ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--entry_script", "s.py"], {"entry_script": "s.py"}),
        (["--entry-script=s_1.py"], {"entry_script": "s_1.py"}),
        (["--entry", "s.py", "--model", "m_d"], {"entry_script": "s.py", "model_dir": "m_d"}),
        (["--e", "s.py", "--m", "x", "--p", "1"], {"entry_script": "s.py", "model_dir": "x", "port": 1}),
        (["--worker", "2", "--health", "0"], {"worker_count": 2, "health_port": 0}),
        (["--worker_t", "5"], {"worker_timeout_s": 5.0}),
        (["--max_body", "10k"], {"max_body": 10240}),
        (["--rest"], {"rest": True}),
        (["--reload"], {"reload": True}),
        (["--reload", "--no_reload"], {"reload": False}),
        (["--no-preload"], {"preload_modules": False}),
        (["--no-reload-poll"], {"reload_poll": False}),
        (["--debug", "[::1]:5678"], {"debug_port": ("::1", 5678)}),
        (["--access_control_allow_origins", "a, b"], {"cors_origins": ("a", "b")}),
        (["--appinsights", "K"], {"insights_key": "K"}),
        ([], {}),
    ],
)
def test_flags(argv, expected):
    assert cli.parse(argv) == expected


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.flag], ids=lambda option: option.flag)
def test_each_flag_takes_dashes_and_underscores(option):
    text = (
        []
        if option.switch
        else [
            {"PATH": "p", "MODULES": "a", "LIST": "a", "SIZE": "9k", "LEVEL": "INFO"}.get(
                option.metavar, option.metavar.split("|")[0] if "|" in option.metavar else "7"
            )
        ]
    )
    spellings = [option.flag, "--" + option.flag[2:].replace("-", "_"), "--" + option.flag[2:].replace("_", "-")]
    results = [cli.parse([spelling, *text]) for spelling in spellings]
    assert results[0] == results[1] == results[2]
    assert list(results[0]) == [option.field]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--port", "99999"], ["--port", "'99999' is not a port", "65535"]),
        (["--port", "http"], ["--port", "'http'"]),
        (["--worker_count", "0"], ["--worker_count", "'0'", "greater than zero"]),
        (["--errors", "loud"], ["--errors", "'loud'", "detailed or opaque"]),
        (["--port"], ["--port", "expected one argument"]),
        (["--a", "x"], ["ambiguous", "--access_control_allow_origins", "--appinsights_instrumentation_key"]),
        (["score.py"], ["score.py", "did you mean --entry_script score.py?"]),
        (["--entry_scirpt", "x"], ["did you mean --entry_script?"]),
        (["--zzz"], ["unrecognized arguments: --zzz\n"]),
        (["--", "x.py"], ["x.py"]),
    ],
)
def test_a_wrong_command_line_exits_2_and_says_what_is_wrong(served, capsys, argv, words):
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert served == []
    assert err.startswith("usage: inference-http --entry_script PATH")
    assert "inference-http --help" in err
    assert [word for word in words if word not in err] == []


def test_help_exits_0_and_names_every_flag(served, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [option.flag for option in OPTIONS if option.flag and option.flag not in out] == []
    assert "--rest" not in out


def test_version(served, capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"inference-http {__version__}\n"


# --- main -------------------------------------------------------------------------------------------------------------


def test_main_serves_what_was_asked_for(served, capsys, tmp_path):
    assert cli.main(["--entry_script", "score.py", "--port", "8000", "--model_dir", "."]) == 0
    (settings,) = served
    assert (settings.port, settings.model_dir) == (8000, ".")
    assert "Score:          POST  127.0.0.1:8000/score" in capsys.readouterr().out
    assert {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")} == {
        "PATH": "/bin",
        "TRANSPORT_PROTOCOL": "grpc",
        "AML_APP_ROOT": str(tmp_path),
        "AZUREML_ENTRY_SCRIPT": str(tmp_path / "score.py"),
        "AZUREML_MODEL_DIR": ".",
        "WORKER_COUNT": "1",
        "SERVER_PORT": "8000",
        "HEALTH_PORT": "8000",
        "AML_APP_INSIGHTS_ENABLED": "false",
        "HTTP_X_MS_SERVER_VERSION": f"inference-http/{__version__}",
    }


def test_the_exit_code_is_the_supervisor_s(served, monkeypatch):
    monkeypatch.setattr(sys.modules["inference_http.process.supervisor"], "serve", lambda _settings: 3)
    assert cli.main(["--entry_script", "score.py"]) == 3


def test_ctrl_c_before_anything_runs_shows_nothing_of_ours(served, monkeypatch, capsys):
    def pressed(_settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["inference_http.process.supervisor"], "serve", pressed)
    assert cli.main(["--entry_script", "score.py"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_rest_changes_one_variable(served):
    cli.main(["--entry_script", "score.py", "--rest"])
    assert os.environ["TRANSPORT_PROTOCOL"] == "rest"


def test_the_command_line_is_the_default(served, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["inference-http", "--entry_script", "score.py", "--port", "0"])
    cli.main()
    assert served[0].port == 0


def test_no_script_exits_1_and_helps(served, capsys):
    assert cli.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(" azmlinfsrv - Error!")
    assert "--entry_script" in lines[1]
    assert "--config_file" in lines[1]
    assert "inference-http --entry_script score.py" in lines[2]


@pytest.mark.parametrize(
    ("environ", "content", "words"),
    [
        ({"SCORING_TIMEOUT_MS": "abc"}, "", ["Configuration Error", "SCORING_TIMEOUT_MS: 'abc'", "the environment"]),
        ({"SERVER_PORT": "99999"}, "", ["SERVER_PORT: '99999'", "environment variable: SERVER_PORT"]),
        ({}, '{"WORKER_COUNT": 0}', ["WORKER_COUNT: '0'", "config.json"]),
        ({}, "[]", ["Invalid config file!", "config.json", "holds a list"]),
        ({}, "{", ["Invalid config file!", "config.json", "line 1, column 2"]),
    ],
)
def test_a_bad_configuration_exits_3_without_our_traceback(served, capsys, tmp_path, environ, content, words):
    os.environ.update(environ)
    if content:
        (tmp_path / "config.json").write_text(content)
    assert cli.main(["--entry_script", "score.py"]) == 3
    out, err = capsys.readouterr()
    assert " C [" in out
    assert "Traceback" not in out + err
    assert [word for word in words if word not in out] == []
    assert served == []


def test_a_missing_config_file_exits_3(served, capsys):
    assert cli.main(["--config_file", "nowhere.json"]) == 3
    out = capsys.readouterr().out
    assert "nowhere.json' does not exist" in out
    assert "Invalid config file!" in out


def test_a_malformed_logging_json_exits_3_before_anything_starts(served, capsys, tmp_path):
    (tmp_path / "logging.json").write_text("{")
    assert cli.main(["--entry_script", "score.py"]) == 3
    assert "Invalid config file!" in capsys.readouterr().out
    assert served == []


def test_errors_are_json_too_when_the_log_is(served, capsys):
    assert cli.main(["--log-format", "json"]) == 1
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["level"] for entry in entries] == ["ERROR"] * len(entries)
    os.environ["INFERENCE_HTTP_LOG_FORMAT"] = "json"
    assert cli.main([]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[0])["message"] == "Error!"


def test_with_a_json_log_stdout_holds_json_only(served, capsys):
    assert cli.main(["--entry_script", "score.py", "--log-format", "json"]) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "Server Settings" in entries[0]["message"]


def test_warnings_are_log_lines(served, capsys, tmp_path):
    (tmp_path / "config.json").write_text('{"SERVICE_NAM": "x"}')
    assert cli.main(["--entry_script", "score.py"]) == 0
    assert " W [" in (out := capsys.readouterr().out)
    assert "'SERVICE_NAM' (did you mean SERVICE_NAME?)" in out


def test_the_key_is_never_shown(served, capsys):
    key = "00000000-0000-4000-8000-00000000000a"
    assert cli.main(["--entry_script", "score.py", "--appinsights_instrumentation_key", key]) == 0
    out, err = capsys.readouterr()
    assert key not in out + err
    assert "Application Insights Key: AppInsights key provided" in out
    assert os.environ["AML_APP_INSIGHTS_KEY"] == key


# --- The process ------------------------------------------------------------------------------------------------------


def run(*argv, **more):
    return subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=False, **more)


def test_the_module_runs_as_the_command_does():
    done = run("-m", "inference_http", "--version")
    assert (done.returncode, done.stdout) == (0, f"inference-http {__version__}\n")
    done = run("-m", "inference_http", "--port", "x")
    assert done.returncode == 2
    assert "'x' is not a port" in done.stderr


def test_starting_loads_only_what_it_needs():
    """--help answers at once, and the process that stays for the server's life is small."""
    done = run("-c", "import sys, inference_http.cli; print(*sys.modules)")
    heavy = {
        "flask",
        "werkzeug",
        "waitress",
        "watchdog",
        "debugpy",
        "asyncio",
        "ssl",
        "logging.config",
        "difflib",
        "http",
    }
    assert sorted(heavy & set(done.stdout.split())) == []


@pytest.mark.parametrize("stdout", ["closed", "full", "ascii"])
def test_start_survives_any_stdout(tmp_path, stdout):
    script = tmp_path / "é.py"
    script.write_text("")
    program = (
        "import sys, types; module = types.ModuleType('s'); module.serve = lambda settings: 7\n"
        "sys.modules['inference_http.process.supervisor'] = module\n"
        "from inference_http.cli import main\n"
        f"sys.exit(main(['--entry_script', {str(script)!r}]))"
    )
    before = {"closed": "exec >&-;", "full": "exec >/dev/full;", "ascii": "export PYTHONIOENCODING=ascii;"}[stdout]
    done = subprocess.run(
        ["/bin/sh", "-c", f'{before} exec "$0" -c "$1"', sys.executable, program], check=False, cwd=os.getcwd()
    )
    assert done.returncode == 7
