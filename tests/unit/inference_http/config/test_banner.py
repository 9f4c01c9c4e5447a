import json

import pytest

from inference_http import __version__
from inference_http.config import banner
from inference_http.config.settings import Settings
from inference_http.telemetry import logs
from tests.support import logstate


def shown(capsys, settings, remarks=()):
    banner.show(settings, remarks)
    return capsys.readouterr().out


def test_the_labels_are_the_reference_s(capsys):
    settings = Settings(
        entry_script="/s/score.py",
        model_dir="m",
        app_root="/s",
        config_file="/s/config.json",
        worker_count=2,
        worker_timeout_s=300.0,
        port=8000,
        cors_origins=("https://a.test", "b"),
        insights_enabled=True,
        insights_key="secret",
        origins={"host": "flag --host"},
    )
    assert (
        shown(capsys, settings, ["a remark"])
        == f"""\
a remark

inference-http v{__version__}


Server Settings
---------------
Entry Script Name: /s/score.py
Model Directory: m
Config File: /s/config.json
Worker Count: 2
Worker Timeout (seconds): 300
Server Port: 8000
Health Port: 8000
Application Insights Enabled: true
Application Insights Key: AppInsights key provided
Inferencing HTTP server version: inference-http/{__version__}
CORS for the specified origins: Enabling CORS for https://a.test, b
Create dedicated endpoint for health: None
Host: 127.0.0.1


Server Routes
---------------
Liveness Probe: GET   127.0.0.1:8000/
Score:          POST  127.0.0.1:8000/score

"""
    )


def test_what_is_not_set_is_none(capsys):
    out = shown(capsys, Settings(server_version_header=None))
    for label in (
        "Entry Script Name",
        "Model Directory",
        "Config File",
        "Application Insights Key",
        "CORS for the spe",
    ):
        assert f"\n{label}" in out
    assert out.count(": None\n") == 7
    assert "Host: 127.0.0.1 (this machine only; --host 0.0.0.0 for all interfaces)" in out


def test_a_dedicated_health_port(capsys):
    out = shown(capsys, Settings(health_port=5000))
    assert "Health Port: 5000\n" in out
    assert "Create dedicated endpoint for health: true\n" in out
    assert "Liveness Probe: GET   127.0.0.1:5000/\n" in out


@pytest.mark.parametrize(
    ("host", "shown_as"),
    [("0.0.0.0", "127.0.0.1:1"), ("::", "127.0.0.1:1"), ("10.0.0.7", "10.0.0.7:1"), ("::1", "[::1]:1")],
)
def test_routes_are_what_a_client_here_would_write(host, shown_as):
    assert f"Score:          POST  {shown_as}/score" in banner.routes(Settings(host=host, port=1))


def test_a_port_that_is_not_known_yet_is_shown_later(capsys):
    assert "Server Routes" not in shown(capsys, Settings(port=0))
    assert "Server Routes" not in shown(capsys, Settings(health_port=0))
    banner.show_routes(Settings(port=43210))
    assert "127.0.0.1:43210/score" in capsys.readouterr().out


def test_what_somebody_chose_is_shown_with_its_origin(capsys):
    origins = {
        "max_body": "file /c.json",
        "reload": "flag --reload",
        "preload_modules": "environment X",
        "threads": "default",
    }
    out = shown(capsys, Settings(max_body=1024, reload=True, preload_modules=False, origins=origins))
    assert "Max body: 1024 (file /c.json)\n" in out
    assert "Reload: true (flag --reload)\n" in out
    assert "No preload: true (environment X)\n" in out
    assert "Threads" not in out


def test_a_debugger_is_announced_in_the_reference_s_words(capsys):
    settings = Settings(debug_port=5678, origins={"debug_port": "environment AZUREML_DEBUG_PORT"})
    lines = shown(capsys, settings).splitlines()
    assert lines[0] == "!! Starting the inference server in DEBUGGING mode because AZUREML_DEBUG_PORT is set."
    assert lines[1].startswith("!! ")
    assert "not be set in a production environment" in lines[1]
    assert "DEBUGGING mode" in shown(capsys, Settings(debug_port=5678))
    assert "DEBUGGING" not in shown(capsys, Settings())


def test_with_a_json_log_the_banner_is_one_record(capsys):
    settings = Settings(log_format="json")
    with logstate.kept():
        logs.configure(settings)
        (line,) = shown(capsys, settings, ["a remark"]).splitlines()
    message = json.loads(line)["message"]
    assert message.startswith("a remark\ninference-http v")
    assert "Score:          POST  127.0.0.1:5001/score" in message


def test_a_path_that_is_not_utf_8_is_shown(capsys):
    assert "/s/\\udcff.py" in shown(capsys, Settings(entry_script="/s/\udcff.py"))
