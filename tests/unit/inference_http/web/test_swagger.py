"""Which document answers for which version, and what happens to the user's own files."""

import json
import logging
from types import SimpleNamespace

import pytest
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema

from inference_http import contract
from inference_http.config.settings import Settings
from inference_http.user.errors import UserScriptError
from inference_http.user.schema import inspect
from inference_http.web.swagger import Swagger, SwaggerFileError, UnknownVersion, UnsupportedVersion


def undecorated(folder, **settings) -> Swagger:
    return Swagger(Settings(app_root=str(folder), **settings), SimpleNamespace(kind="text"), None)


def decorated(folder, sample) -> Swagger:
    def run(data, request_headers, rest=None):
        return data

    run.__name__ = f"run_{abs(hash(repr(sample)))}"
    run = input_schema("data", StandardPythonParameterType(sample))(run)
    return Swagger(Settings(app_root=str(folder)), SimpleNamespace(kind="schema"), inspect(run))


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.mark.parametrize(
    ("version", "number"),
    [(None, "2.0"), ("2", "2.0"), ("2.0", "2.0"), ("3", "3.0.3"), ("3.0", "3.0.3"), ("3.1", "3.1.0")],
)
def test_each_version_and_alias_has_its_document(tmp_path, version, number):
    document = undecorated(tmp_path).get(version)
    assert document.get("swagger", document.get("openapi")) == number


@pytest.mark.parametrize("version", ["4", "", "3.0.3", "2.00", " 2", "x]"])
def test_an_unknown_version_is_named(tmp_path, version):
    with pytest.raises(UnknownVersion) as caught:
        undecorated(tmp_path).get(version)
    assert str(caught.value) == f"Swagger version [{version}] is not valid. Supported versions: [2, 3, 3.1]."


def test_a_version_that_the_sample_forbids_is_named(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "azmlinfsrv.swagger"):
        swagger = decorated(tmp_path, [1, "x"])
    assert caplog.messages == ["Swaggers are prepared for versions [3, 3.1] and skipped for versions [2]."]
    for version in (None, "2", "2.0"):
        with pytest.raises(UnsupportedVersion) as caught:
            swagger.get(version)
        assert str(caught.value) == (
            f"Swagger version [{version or 2}] is not supported for the scoring script."
            " Supported swagger versions: [3, 3.1]."
        )
    with pytest.raises(UnknownVersion, match=r"\[4\] is not valid. Supported versions: \[3, 3.1\]"):
        swagger.get("4")


def test_a_declared_input_is_in_each_document(tmp_path):
    swagger = decorated(tmp_path, {"x": 1})
    expected = {
        "type": "object",
        "properties": {
            "data": {
                "type": "object",
                "required": ["x"],
                "properties": {"x": {"type": "integer", "format": "int64"}},
            },
            "rest": {},
        },
        "example": {"data": {"x": 1}, "rest": ""},
    }
    assert swagger.get("2")["definitions"]["ServiceInput"] == expected
    assert swagger.get("3")["components"]["schemas"]["ServiceInput"] == expected
    query = swagger.get("3.1")["paths"]["/score"]["get"]["parameters"]
    assert [(parameter["name"], parameter["required"]) for parameter in query] == [("data", True), ("rest", False)]


def test_settings_name_the_service(tmp_path):
    swagger = undecorated(tmp_path, service_name='a "b"', service_version="7", service_path_prefix="x")
    assert swagger.get()["info"]["title"] == 'a "b"'
    assert swagger.get()["info"]["version"] == "7"
    assert "/x/score" in swagger.get()["paths"]


def test_a_sample_without_json_form_does_not_stop_the_server(tmp_path):
    class Declared:
        def input_swagger(self):
            return {"type": "object", "example": {1, 2}}

        def output_swagger(self):
            return {}

        def parameters(self):
            return {}

        def versions(self):
            return frozenset({"2.0"})

    swagger = Swagger(Settings(app_root=str(tmp_path)), SimpleNamespace(kind="schema"), Declared())
    assert swagger.get()["definitions"]["ServiceInput"]["example"] == "{1, 2}"


def test_user_files_replace_the_documents(tmp_path, caplog):
    write(tmp_path, "swagger.json", {"two": 1})
    write(tmp_path, "swagger2.json", {"two": 2})
    three = write(tmp_path, "swagger3.json", ["three"])
    write(tmp_path, "swagger3.1.json", b"\xef\xbb\xbf" + '{"é": NaN}'.encode())
    with caplog.at_level(logging.INFO, "azmlinfsrv.swagger"):
        swagger = decorated(tmp_path, [1, "x"])
    assert swagger.get("2") == {"two": 1}
    assert swagger.get("3") == ["three"]
    assert list(swagger.get("3.1")) == ["é"]
    assert f"Loaded user's swagger file for version [3] from {three}" in caplog.messages
    assert caplog.messages[-1] == "Swaggers are prepared for the following versions: [2, 3, 3.1]."


@pytest.mark.parametrize("empty", [{}, [], None])
def test_an_empty_user_file_counts_as_absent(tmp_path, empty):
    write(tmp_path, "swagger.json", empty)
    write(tmp_path, "swagger3.json", empty)
    assert undecorated(tmp_path).get("2")["swagger"] == "2.0"
    assert undecorated(tmp_path).get("3")["openapi"] == "3.0.3"
    write(tmp_path, "swagger2.json", {"mine": 2})
    assert undecorated(tmp_path).get("2") == {"mine": 2}


def test_an_application_root_that_is_not_there_has_no_files(tmp_path):
    assert undecorated(tmp_path / "nowhere").get()["swagger"] == "2.0"
    assert undecorated(write(tmp_path, "file", b"")).get()["swagger"] == "2.0"


@pytest.mark.parametrize(
    ("content", "place", "message", "code"),
    [
        (b'{\n  "a": 1\n  "b": 2\n}', ":3:3", "Expecting ',' delimiter", '  "b": 2'),
        (b"", ":1:1", "Expecting value", None),
        (b'{"a": "\xe9"}', ":1:8", "not UTF-8: invalid continuation byte", None),
        (b'{\n"\xc3\xa9\xe9"}', ":2:3", "not UTF-8: invalid continuation byte", None),
        (b"[" * 100_000, "", "nested too deeply", None),
    ],
)
def test_a_malformed_user_file_says_where_and_how_to_mend_it(tmp_path, content, place, message, code):
    path = write(tmp_path, "swagger3.json", content)
    with pytest.raises(SwaggerFileError) as caught:
        undecorated(tmp_path)
    error = caught.value
    assert str(error) == f"Your swagger file cannot be used: {path}{place}: {message}"
    assert error.failure.file == str(path)
    assert error.failure.line == (int(place.split(":")[1]) if place else None)
    assert error.failure.code == code
    assert error.hints == ["Mend swagger3.json, or remove it: a document is then made for run()."]


def test_the_report_shows_the_place_in_the_line(tmp_path):
    path = write(tmp_path, "swagger.json", b'{\n  "a": 1,\n  oops\n}')
    with pytest.raises(SwaggerFileError) as caught:
        undecorated(tmp_path)
    assert f"{path}:3: JSONDecodeError: Expecting property name" in caught.value.report()
    assert "      oops\n      ^" in caught.value.report()


def test_a_user_file_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "swagger2.json").mkdir()
    with pytest.raises(SwaggerFileError, match=r"swagger2.json: Is a directory"):
        undecorated(tmp_path)


def test_such_an_error_ends_the_start_as_a_script_error_does():
    assert issubclass(SwaggerFileError, UserScriptError)
    assert contract.EXIT_START_FAILED == 3
