import json
import os
from dataclasses import FrozenInstanceError, fields

import pytest

from inference_http.config.option_table import OPTIONS
from inference_http.config.settings import ConfigError, Settings, exported_environment


def test_settings_survive_the_way_to_another_process():
    before = Settings(
        entry_script="/a/\udcff.py",
        cors_origins=("https://a.test", "*"),
        never_preload=("torch",),
        reload_poll=False,
        insights_key="secret",
        origins={"port": "default", "cors_origins": "flag --access_control_allow_origins"},
    )
    after = Settings.from_json(before.to_json())
    assert after == before
    assert after.origins == before.origins
    assert isinstance(after.cors_origins, tuple)
    assert hash(after) == hash(before)


def test_the_text_between_processes_is_one_line_of_json():
    assert "\n" not in Settings().to_json()
    assert json.loads(Settings().to_json())["port"] == 5001


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1


def test_the_key_is_in_no_representation():
    assert "secret" not in repr(Settings(insights_key="secret"))


def test_app_root_is_the_current_folder_unless_given():
    assert Settings().app_root == os.getcwd()
    assert Settings(app_root="/x").app_root == "/x"


def test_the_origin_of_a_value_nobody_set_is_the_default():
    settings = Settings(origins={"port": "environment SERVER_PORT"})
    assert settings.origin("port") == "environment SERVER_PORT"
    assert settings.origin("host") == "default"


def test_every_option_is_a_field_and_every_field_has_an_option():
    computed = {"server_version_header", "debug_host", "entry_link", "origins"}
    assert {option.field for option in OPTIONS} | computed == {item.name for item in fields(Settings)}


def test_names_and_flags_are_used_once():
    names = [name for option in OPTIONS for name in option.names]
    flags = [option.flag for option in OPTIONS if option.flag]
    assert len(names) == len(set(names))
    assert len(flags) == len(set(flags))
    assert all(option.names for option in OPTIONS)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.field)
def test_a_value_written_as_text_reads_as_the_same_value(option):
    value = getattr(Settings(), option.field)
    if value is not None and option.read(option.as_text(value)) is not None:
        again = option.read(option.as_text(value))
        assert ((not again) if option.inverse else again) == value


def test_what_the_script_finds_in_its_environment():
    settings = Settings(entry_script="/s/score.py", model_dir="m", app_root="/s", cors_origins=("a", "b"), port=8000)
    assert exported_environment(settings) == {
        "AML_APP_ROOT": "/s",
        "AZUREML_ENTRY_SCRIPT": "/s/score.py",
        "AZUREML_MODEL_DIR": "m",
        "WORKER_COUNT": "1",
        "SERVER_PORT": "8000",
        "HEALTH_PORT": "8000",
        "AML_APP_INSIGHTS_ENABLED": "false",
        "HTTP_X_MS_SERVER_VERSION": settings.server_version_header,
        "AML_CORS_ORIGINS": "a,b",
    }


def test_what_is_not_set_is_not_exported():
    exported = exported_environment(Settings(app_root="/s", server_version_header=None))
    assert sorted(exported) == [
        "AML_APP_INSIGHTS_ENABLED",
        "AML_APP_ROOT",
        "HEALTH_PORT",
        "SERVER_PORT",
        "WORKER_COUNT",
    ]


def test_a_separate_health_port_is_exported():
    assert exported_environment(Settings(health_port=5000))["HEALTH_PORT"] == "5000"


def test_values_of_the_file_reach_the_environment_and_others_do_not():
    file = "file /c/config.json"
    settings = Settings(
        service_name="iris",
        mdc_enabled=True,
        preload_modules=False,
        scoring_timeout_ms=5,
        worker_timeout_s=7.0,
        origins={
            "service_name": file,
            "mdc_enabled": file,
            "preload_modules": file,
            "worker_timeout_s": file,
            "scoring_timeout_ms": "environment SCORING_TIMEOUT_MS",
        },
    )
    exported = exported_environment(settings)
    assert exported["SERVICE_NAME"] == "iris"
    assert exported["AML_MDC_STORAGE_ENABLED"] == "true"
    assert exported["INFERENCE_HTTP_NO_PRELOAD"] == "true"
    assert exported["WORKER_TIMEOUT"] == "7"
    assert "SCORING_TIMEOUT_MS" not in exported


@pytest.mark.parametrize(("origin", "exported"), [("flag --config_file", True), ("default", False)])
def test_the_config_file_is_exported_when_the_flag_names_it(origin, exported):
    settings = Settings(config_file="/c/config.json", origins={"config_file": origin})
    assert ("AZUREML_CONFIG_FILE" in exported_environment(settings)) is exported


def test_an_error_says_which_setting_where_from_and_why():
    error = ConfigError("SERVER_PORT", "x", "environment SERVER_PORT", "'x' is not a port")
    assert str(error) == "SERVER_PORT (from environment SERVER_PORT): 'x' is not a port"
    assert (error.name, error.value, error.exit_code) == ("SERVER_PORT", "x", 3)
    assert str(ConfigError("a", None, "", "b")) == "a: b"
