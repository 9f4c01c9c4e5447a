import subprocess
import sys

import pytest

from inference_http.config import cors_origins
from inference_http.config.resolve import resolve
from inference_http.config.settings import ConfigError


def test_entries_are_split_and_kept_as_they_are():
    assert cors_origins.read(" https://a.test, https://*.b.test,,*") == ("https://a.test", "https://*.b.test", "*")


@pytest.mark.parametrize("entry", ["https://(a", "https://[a", "https://a.test\\", "(a){99999999999999}", "a**(?"])
def test_an_entry_that_is_no_expression_is_refused_with_its_cure(entry):
    with pytest.raises(ValueError, match="is not a valid regular expression") as caught:
        cors_origins.read(f"https://good.test,{entry}")
    assert repr(entry) in str(caught.value)
    assert "give an origin as https://shop.example" in str(caught.value)


def test_the_error_names_where_the_list_comes_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    with pytest.raises(ConfigError) as caught:
        resolve({"entry_script": "score.py"}, {"AML_CORS_ORIGINS": "https://(a"})
    assert str(caught.value).startswith(
        "AML_CORS_ORIGINS (from environment AML_CORS_ORIGINS): the allowed origin 'https://(a' is not a valid regular"
    )
    assert caught.value.exit_code == 3


def test_nothing_is_started_with_such_a_list(tmp_path):
    (tmp_path / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    command = [sys.executable, "-m", "inference_http", "--entry_script", "score.py"]
    flag = [*command, "--access_control_allow_origins", "https://(a"]
    done = subprocess.run(flag, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "the allowed origin 'https://(a' is not a valid regular expression" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
