"""What the script around the payloads does with a request; the models are real in tests/integration/test_mlflow.py."""

import json
import sys

import pandas as pd
import pytest

import templates
from inference_http.compat import names

SENT = {"Content-Type": "application/json; charset=utf-8", "Content-Length": "1"}


@pytest.fixture
def script(monkeypatch):
    """The script's names, with a model that returns what it gets."""
    found = list(sys.meta_path)
    names.install()
    monkeypatch.syspath_prepend(str(templates.path("mlflow")))
    space = {"__name__": "score"}
    exec(templates.path("mlflow/score.py").read_text(encoding="utf-8"), space)
    space.update(model=Echo(), reader=space["Reader"](), takes_params=True, collectors=())
    yield space
    sys.meta_path[:] = found
    sys.modules.pop("mlflow_payload")


class Echo:
    def predict(self, data, params=None):
        return data if params is None else params


def answer(script, body, headers=SENT):
    found = script["run"](json.dumps(body), headers)
    return (found.status_code, json.loads(found.get_data())["message"]) if hasattr(found, "status_code") else found


@pytest.mark.parametrize(
    "headers", [{"Content-Length": "1"}, {"Transfer-Encoding": "chunked", "Content-Type": "text/x"}]
)
def test_a_body_of_another_type_is_refused_as_azures_server_does(script, headers):
    assert answer(script, {"input_data": [1]}, headers) == (415, "Expects Content-Type to be application/json")


@pytest.mark.parametrize("headers", [SENT, {}, {"Content-Length": "1", "Content-Type": "application/x+json"}])
def test_json_and_the_values_of_a_query_are_taken(script, headers):
    assert answer(script, {"input_data": [1]}, headers).tolist() == [1]


def test_params_reach_the_model_where_it_takes_them(script):
    assert answer(script, {"input_data": [1], "params": {"top": 1}}) == {"top": 1}
    script["takes_params"] = False
    assert answer(script, {"input_data": [1], "params": {"top": 1}}).tolist() == [1]


def test_what_the_client_sent_wrong_is_a_400_and_what_the_model_raises_is_not(script):
    assert answer(script, {"input_data": 5}) == (400, "input_data: a list or an object is expected, not a number")
    script["model"] = None
    with pytest.raises(AttributeError):
        answer(script, {"input_data": [1]})


def test_tables_and_series_are_returned_as_records(script):
    table = {"columns": ["a"], "index": [7], "data": [[1]]}
    assert answer(script, {"input_data": table}) == [{"a": 1}]
    assert script["plain"](pd.Series([1.5], name="p")) == [{"p": 1.5}]
    assert script["plain"]({"a": 1}) == {"a": 1}


def test_the_model_is_found_by_name_or_as_the_only_one(script, tmp_path, monkeypatch):
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="there is no file MLmodel in"):
        script["model_folder"]()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "MLmodel").write_text("mlflow_version: 2.16.0\n")
    assert script["model_folder"]() == str(tmp_path / "first")
    monkeypatch.setenv("MLFLOW_MODEL_FOLDER", "second")
    assert script["model_folder"]() == str(tmp_path / "second")


def test_an_environment_without_mlflow_is_told_which_one_to_add(script, tmp_path, monkeypatch):
    (tmp_path / "MLmodel").write_text("flavors: {}\nmlflow_version: 2.16.0\n")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as where it is not installed
    with pytest.raises(RuntimeError, match=r"add mlflow-skinny==2\.16\.0, numpy and pandas to it"):
        script["init"]()


def test_nothing_is_collected_unless_the_deployment_asks_for_it_and_the_package_is_there(script, monkeypatch, caplog):
    assert script["_collectors"]() == ()
    monkeypatch.setenv("AZUREML_MDC_CONFIG_PATH", "/config.json")
    assert script["_collectors"]() == ()
    assert "azureml-ai-monitoring is not installed" in caplog.text
    monkeypatch.setitem(script, "collectors", (None, None))
    assert answer(script, {"input_data": [1]}).tolist() == [1], "an answer does not depend on it"
