import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from inference_http.config.option_table import BY_NAME
from inference_http.config.resolve import is_loopback, resolve
from inference_http.config.settings import ConfigError, exported_environment

KEY = "00000000-0000-4000-8000-00000000000A"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    return tmp_path


def resolved(flags=None, environ=None, content=None):
    """Settings for score.py in the current folder; ``content`` is written to config.json there."""
    if content is not None:
        Path("config.json").write_text(json.dumps(content))
    return resolve({"entry_script": "score.py", **(flags or {})}, environ or {})


def settings_of(*args, **kwargs):
    return resolved(*args, **kwargs).settings


# --- Precedence -------------------------------------------------------------------------------------------------------


def test_flag_beats_environment_beats_file_beats_default(here):
    file, environ, flags = {"WORKER_COUNT": 2}, {"WORKER_COUNT": "3"}, {"worker_count": 4}
    steps = [
        settings_of(),
        settings_of({}, {}, file),
        settings_of({}, environ, file),
        settings_of(flags, environ, file),
    ]
    assert [step.worker_count for step in steps] == [1, 2, 3, 4]
    assert [step.origin("worker_count") for step in steps] == [
        "default",
        f"file {here / 'config.json'}",
        "environment WORKER_COUNT",
        "flag --worker_count",
    ]


def test_ports_from_the_environment_count(here):
    settings = settings_of(environ={"SERVER_PORT": "8001", "HEALTH_PORT": "8002"})
    assert (settings.port, settings.health_port) == (8001, 8002)


def test_the_environment_is_read_without_case_and_the_file_with_it(here):
    found = resolved(environ={"service_name": "a", "Workspace_Name": "w"}, content={"service_version": "2"})
    assert (found.settings.service_name, found.settings.workspace_name) == ("a", "w")
    assert found.settings.service_version == "1.0"
    assert "did you mean SERVICE_VERSION?" in found.warnings[0]
    assert settings_of(environ={"service_name": "a", "SERVICE_NAME": "b"}).service_name == "b"


def test_the_aml_keys_of_the_file_count(here):
    content = {"AML_CORS_ORIGINS": "https://a.test, *", "AML_APP_INSIGHTS_ENABLED": True, "AML_APP_INSIGHTS_KEY": KEY}
    settings = settings_of(content=content)
    assert settings.cors_origins == ("https://a.test", "*")
    assert settings.insights_enabled
    assert settings.insights_key == KEY


def test_values_of_the_file_are_exported(here):
    exported = exported_environment(settings_of(content={"AZUREML_MODEL_DIR": "m", "AML_CORS_ORIGINS": "a"}))
    assert exported["AZUREML_MODEL_DIR"] == "m"
    assert exported["AML_CORS_ORIGINS"] == "a"


def test_both_names_of_model_data_collection_count(here):
    assert settings_of(environ={"AML_MODEL_DC_STORAGE_ENABLED": "true"}).mdc_enabled
    assert settings_of(environ={"AML_MDC_STORAGE_ENABLED": "1"}).mdc_enabled


def test_an_inverse_switch_turns_its_field_off(here):
    assert not settings_of(environ={"INFERENCE_HTTP_NO_PRELOAD": "true"}).preload_modules
    assert settings_of({"preload_modules": True}, {"INFERENCE_HTTP_NO_PRELOAD": "true"}).preload_modules


def test_an_empty_variable_counts_as_not_set(here):
    empty = dict.fromkeys(["SERVER_PORT", "AZUREML_MODEL_DIR", "AML_APP_ROOT", "AZUREML_CONFIG_FILE"], "")
    settings = settings_of(environ={**empty, "SERVICE_NAME": ""}, content={"SERVER_PORT": 7000})
    assert settings.port == 7000
    assert settings.model_dir is None
    assert settings.app_root == str(here)
    assert settings.service_name == ""


# --- Script and folders -----------------------------------------------------------------------------------------------


def test_a_typed_script_is_relative_to_the_current_folder(here):
    (here / "link.py").symlink_to(here / "score.py")
    settings = settings_of({"entry_script": "link.py"}, {"AML_APP_ROOT": "/app"})
    assert settings.entry_script == os.path.realpath(here / "score.py")
    assert settings.app_root == "/app"


@pytest.mark.parametrize("root", ["app", "absolute"])
def test_a_script_from_the_environment_is_relative_to_the_app_root(here, root):
    folder = "app" if root == "app" else str(here / "app")
    found = resolve({}, {"AZUREML_ENTRY_SCRIPT": "s.py", "AML_APP_ROOT": folder})
    assert found.settings.entry_script == os.path.realpath(here / "app" / "s.py")


def test_a_script_from_the_file_is_relative_to_the_app_root(here):
    (here / "c").mkdir()
    (here / "c" / "c.json").write_text('{"AZUREML_ENTRY_SCRIPT": "s.py", "AML_APP_ROOT": "../root"}')
    settings = resolve({"config_file": "c/c.json"}, {}).settings
    assert settings.app_root == str(here / "root")
    assert settings.entry_script == os.path.realpath(here / "root" / "s.py")
    assert settings.config_file == os.path.realpath(here / "c" / "c.json")


def test_the_environment_alone_is_enough(here):
    assert resolve({}, {"AZUREML_ENTRY_SCRIPT": "score.py"}).settings.entry_script == os.path.realpath("score.py")


def test_a_named_file_without_a_script_means_main_py(here):
    (here / "c.json").write_text('{"SERVICE_NAME": "x"}')
    assert resolve({"config_file": "c.json"}, {}).settings.entry_script is None
    assert resolve({}, {"AZUREML_CONFIG_FILE": str(here / "c.json")}).settings.entry_script is None


@pytest.mark.parametrize("content", [None, '{"SERVICE_NAME": "x"}'])
def test_nothing_that_names_a_script_is_an_error_that_helps(here, content):
    if content:
        (here / "config.json").write_text(content)
    with pytest.raises(ConfigError, match=r"--entry_script or provide a path .* --config_file") as caught:
        resolve({}, {})
    assert caught.value.exit_code == 1
    assert "--entry_script score.py   (score.py is in the current folder)" in caught.value.message
    assert "AZUREML_ENTRY_SCRIPT" in caught.value.message


def test_a_script_named_by_an_unnamed_config_file_is_enough(here):
    (here / "config.json").write_text('{"AZUREML_ENTRY_SCRIPT": "score.py"}')
    assert resolve({}, {}).settings.entry_script == os.path.realpath(here / "score.py")


def test_a_config_file_beside_the_script_is_found(here):
    (here / "sub").mkdir()
    (here / "sub" / "config.json").write_text('{"SERVICE_NAME": "beside"}')
    settings = settings_of({"entry_script": "sub/s.py"})
    assert settings.service_name == "beside"
    assert settings.config_file == str(here / "sub" / "config.json")
    assert settings.origin("config_file") == "default"
    (here / "config.json").write_text("{}")
    assert settings_of({"entry_script": "sub/s.py"}).service_name == "ML service"


def test_a_current_folder_that_is_gone_is_an_error_of_ours(here, monkeypatch):
    def gone():
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "getcwd", gone)
    with pytest.raises(ConfigError, match="change to another one"):
        resolve({"entry_script": "score.py"}, {})


# --- Bad values -------------------------------------------------------------------------------------------------------


def test_a_bad_value_names_itself_and_its_origin(here):
    with pytest.raises(ConfigError, match="'99999' is not a port") as caught:
        settings_of(environ={"SERVER_PORT": "99999"})
    assert (caught.value.name, caught.value.origin) == ("SERVER_PORT", "environment SERVER_PORT")
    assert caught.value.exit_code == 3
    with pytest.raises(ConfigError, match="'x' does not do") as caught:
        settings_of(content={"WORKER_COUNT": "x"})
    assert caught.value.origin == f"file {here / 'config.json'}"


def test_a_flag_makes_a_bad_value_elsewhere_harmless(here):
    assert settings_of({"port": 1}, {"SERVER_PORT": "x"}).port == 1


@pytest.mark.parametrize("environ", [{"AZUREML_LOG_LEVEL": "Verbose"}, {"WORKER_PRELOAD": "perhaps"}])
def test_what_the_reference_takes_in_silence_is_a_warning(here, environ):
    found = resolved(environ=environ)
    (name,) = environ
    assert found.settings.log_level == "INFO"
    assert not found.settings.preload
    assert [warning for warning in found.warnings if name in warning and "ignored" in warning]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted(BY_NAME)) | st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=5,
        ),
        max_size=4,
    )
)
def test_any_file_gives_settings_or_an_error_of_ours(here, content):
    try:
        found = resolved(content=content)
    except ConfigError:
        return
    assert found.settings.from_json(found.settings.to_json()) == found.settings
    assert all(b"\0" not in os.fsencode(value) for value in exported_environment(found.settings).values())


# --- Rules that span settings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "environ", "health_port"),
    [
        ({}, {}, None),
        ({"health_port": 6000}, {}, 6000),
        ({"health_port": 6000}, {"SEPERATE_HEALTH_ENDPOINT": "false"}, 6000),
        ({"health_port": 5001}, {}, None),
        ({"health_port": 0, "port": 0}, {}, 0),
        ({}, {"SEPERATE_HEALTH_ENDPOINT": "true"}, 5000),
        ({}, {"SEPERATE_HEALTH_ENDPOINT": "true", "HEALTH_PORT": "6000"}, 6000),
        ({"port": 5000}, {"SEPERATE_HEALTH_ENDPOINT": "true"}, None),
        ({}, {"SEPERATE_HEALTH_ENDPOINT": "True", "HEALTH_PORT": "6000"}, None),
        ({}, {"SEPERATE_HEALTH_ENDPOINT": "", "HEALTH_PORT": "6000"}, 6000),
        ({"port": 6000}, {"HEALTH_PORT": "6000"}, None),
    ],
)
def test_the_health_port(here, flags, environ, health_port):
    assert settings_of(flags, environ).health_port == health_port


@pytest.mark.parametrize(
    ("flags", "environ", "enabled", "remark"),
    [
        ({}, {}, False, None),
        ({"insights_key": KEY}, {}, True, "Valid Application Insights instrumentation key provided."),
        ({"insights_key": "nope"}, {}, False, "Application Insights has been disabled."),
        ({"insights_key": KEY}, {"AML_APP_INSIGHTS_ENABLED": "false"}, True, "Valid"),
        ({}, {"AML_APP_INSIGHTS_KEY": KEY}, False, None),
        ({}, {"AML_APP_INSIGHTS_KEY": KEY, "AML_APP_INSIGHTS_ENABLED": "true"}, True, "Valid"),
        ({}, {"AML_APP_INSIGHTS_KEY": KEY, "AML_APP_INSIGHTS_ENABLED": "True"}, False, None),
        ({}, {"AML_APP_INSIGHTS_ENABLED": "true"}, False, None),
    ],
)
def test_application_insights(here, flags, environ, enabled, remark):
    found = resolved({"model_dir": "."} | flags, environ)
    assert found.settings.insights_enabled is enabled
    assert bool(found.remarks) is bool(remark)
    assert (remark or "") in " ".join(found.remarks)
    assert KEY not in " ".join(found.remarks)


def test_a_missing_model_folder_is_pointed_at(here):
    assert resolved().remarks == (
        "The environment variable 'AZUREML_MODEL_DIR' has not been set.",
        "Use the --model_dir command line argument to set it.",
    )
    found = resolved({"model_dir": "nowhere"})
    assert found.settings.model_dir == "nowhere"
    assert found.remarks == ()
    assert "'nowhere' does not exist" in found.warnings[0]
    assert "flag --model_dir" in found.warnings[0]


@pytest.mark.parametrize(
    ("host", "errors"),
    [
        ("127.0.0.1", "detailed"),
        ("localhost", "detailed"),
        ("::1", "detailed"),
        ("0.0.0.0", "opaque"),
        ("::", "opaque"),
    ],
)
def test_errors_are_detailed_only_where_nobody_else_can_ask(here, host, errors):
    assert settings_of({"host": host}).errors == errors
    assert settings_of({"host": host, "errors": "opaque"}).errors == "opaque"
    assert is_loopback(host) is (errors == "detailed")


@pytest.mark.parametrize(
    ("environ", "sent"),
    [({}, True), ({"SERVER_VERSION_LOG_RESPONSE_ENABLED": "TRUE"}, True)]
    + [({"SERVER_VERSION_LOG_RESPONSE_ENABLED": value}, False) for value in ("false", "1", "")],
)
def test_the_server_version_header(here, environ, sent):
    assert bool(settings_of(environ=environ).server_version_header) is sent


def test_the_debugger_listens_on_loopback_unless_told(here):
    settings = settings_of({"debug_port": (None, 5678)})
    assert (settings.debug_host, settings.debug_port, settings.debug_connect) == ("127.0.0.1", 5678, False)
    assert not settings.wait_for_client
    settings = settings_of(environ={"AZUREML_DEBUG_PORT": "0.0.0.0:5678"})
    assert (settings.debug_host, settings.debug_port) == ("0.0.0.0", 5678)
    assert settings.origin("debug_host") == "environment AZUREML_DEBUG_PORT"


def test_connecting_to_an_ide_waits_for_it_as_the_reference_does(here):
    environ = {"AZUREML_DEBUG_PORT": "5678", "AZUREML_DEBUG_MODE": "connect"}
    settings = settings_of(environ=environ)
    assert (settings.debug_connect, settings.wait_for_client) == (True, True)
    assert not settings_of({"wait_for_client": False}, environ).wait_for_client


def test_no_debugger_without_a_port(here):
    found = resolved({"wait_for_client": True}, {"AZUREML_DEBUG_PORT": "0"})
    assert found.settings.debug_port is None
    assert not found.settings.wait_for_client
    assert [warning for warning in found.warnings if "--wait-for-client" in warning and "--debug PORT" in warning]


def test_a_debugged_server_has_one_serial_worker(here):
    found = resolved({"debug_port": (None, 5678), "worker_count": 3}, {"INFERENCE_HTTP_THREADS": "2"})
    assert (found.settings.worker_count, found.settings.threads) == (1, 1)
    assert [warning for warning in found.warnings if "worker_count = 3 (from flag --worker_count)" in warning]


def test_watching_the_model_means_watching(here):
    assert settings_of({"reload_model": True}).reload
    assert not settings_of({"reload_model": True, "reload": False}).reload


@pytest.mark.parametrize("name", ["GUNICORN_CMD_ARGS", "AML_DBG_MODEL_INFO", "AML_DBG_RESOURCE_INFO"])
def test_what_has_no_effect_is_said(here, name):
    assert [warning for warning in resolved(environ={name: "--timeout 5"}).warnings if name in warning]


def test_the_environment_is_never_warned_about_for_names_it_may_well_hold(here):
    found = resolved(
        {"model_dir": "."}, {"SERVICE_NAM": "x", "INFERENCE_HTTP_COLOR": "y", "AML_OTHER": "z", "PATH": "/bin"}
    )
    assert found.warnings == ()
