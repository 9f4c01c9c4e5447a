import json

import pytest

from inference_http.config import config_file
from inference_http.config.settings import ConfigError

FLAG, ENVIRONMENT = "flag --config_file", "environment AZUREML_CONFIG_FILE"


@pytest.fixture
def write(tmp_path):
    def to(content, name="config.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return to


def test_the_named_file_wins(tmp_path, write):
    named = write("{}", "mine.json")
    write("{}")
    assert config_file.locate(named, FLAG, iter([str(tmp_path)])) == (named, [])


def test_unnamed_the_first_folder_with_a_file_that_holds_something_counts(tmp_path, write):
    write("", "empty/config.json")
    full = write("{}", "full/config.json")
    (tmp_path / "folder" / "config.json").mkdir(parents=True)
    folders = [None, str(tmp_path / "none"), *(str(tmp_path / name) for name in ("folder", "empty", "full"))]
    assert config_file.locate(None, "", iter(folders)) == (full, [])
    assert config_file.locate(None, "", iter(folders[:3])) == (None, [])


def test_a_missing_file_named_by_the_flag_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="does not exist") as caught:
        config_file.locate(str(tmp_path / "no.json"), FLAG, iter([]))
    assert caught.value.exit_code == 3


def test_a_missing_file_named_by_the_environment_is_a_warning_and_the_search_goes_on(tmp_path, write):
    found = write("{}")
    path, warnings = config_file.locate("/nowhere/c.json", ENVIRONMENT, iter([str(tmp_path)]))
    assert path == found
    assert "'/nowhere/c.json' does not exist" in warnings[0]
    assert ENVIRONMENT in warnings[0]


def test_an_empty_named_file_is_a_warning(write):
    empty = write("", "empty.json")
    path, warnings = config_file.locate(empty, FLAG, iter([]))
    assert path is None
    assert "is empty" in warnings[0]


def test_a_folder_is_no_configuration_file(tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        config_file.locate(str(tmp_path), ENVIRONMENT, iter([]))


def test_null_is_absent_and_a_byte_order_mark_does_no_harm(write):
    assert config_file.read(write(b'\xef\xbb\xbf{"A": 1, "B": null}')) == {"A": 1}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", r"not valid JSON: .* \(line 1, column 2\)"),
        ("{'a': 1}", "not valid JSON"),
        ("[]", "holds a list"),
        ('"x"', "holds a text"),
        ("3", "holds a number"),
        ("null", "holds null"),
        ("true", "holds a truth value"),
        (b"\xff\xfe{}", "not UTF-8"),
        ('{"a":' * 100_000, "not valid JSON"),
    ],
)
def test_what_is_no_json_object_is_an_error_with_its_place(write, content, problem):
    path = write(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        config_file.read(path)
    assert path in caught.value.message
    assert caught.value.exit_code == 3


def test_a_number_too_long_for_python_is_an_error(write):
    with pytest.raises(ConfigError, match="not valid JSON"):
        config_file.read(write('{"a": ' + "9" * 10_000 + "}"))


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        config_file.read(str(tmp_path / "gone.json"))


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (7000, "7000"), (0.5, "0.5"), (True, "true"), (False, "false"), (["a", "b"], "a,b"), ([], "")],
)
def test_values_become_the_text_of_the_environment(value, text):
    assert config_file.as_text("K", value, "/c") == text


@pytest.mark.parametrize("value", [{"a": 1}, [1], "nul\0", "\ud800"])
def test_values_that_no_environment_can_hold_are_errors(value):
    with pytest.raises(ConfigError) as caught:
        config_file.as_text("SERVICE_NAME", value, "/c/config.json")
    assert caught.value.origin == "file /c/config.json"
    assert caught.value.name == "SERVICE_NAME"


def test_unknown_keys_are_named_with_the_nearest_known_one():
    text = config_file.unknown_keys({"SERVICE_NAM": 1, "service_version": 1, "color": 1, "SERVICE_NAME": 1}, "/c")
    assert "'SERVICE_NAM' (did you mean SERVICE_NAME?)" in text
    assert "'service_version' (did you mean SERVICE_VERSION?)" in text
    assert text.endswith("'color'")


def test_known_keys_are_not_worth_a_word():
    known = ["AML_CORS_ORIGINS", "SEPERATE_HEALTH_ENDPOINT", "TRANSPORT_PROTOCOL", "AML_MODEL_DC_STORAGE_ENABLED"]
    assert config_file.unknown_keys(dict.fromkeys(known, "x"), "/c") == ""


def test_a_file_that_is_meant_for_something_else_gives_one_short_warning():
    model = {f"layer_{number}": number for number in range(60)}
    text = config_file.unknown_keys(json.loads(json.dumps(model)), "/c")
    assert "and 52 more" in text
    assert len(text) < 400
