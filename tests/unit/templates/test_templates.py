"""The one function that finds templates."""

import pytest

import templates


@pytest.mark.parametrize("name", ["classifier", "schema", "rawhttp", "streaming", "async", "mlflow"])
def test_every_sample_has_a_scoring_script_that_says_how_to_serve_and_ask_it(name):
    text = templates.path(f"{name}/score.py").read_text(encoding="utf-8")
    assert "def init():" in text
    assert "def run(" in text
    assert "Serve it:" in text
    assert "Ask it:" in text


def test_a_folder_and_a_file_in_it_are_both_found():
    assert templates.path("classifier").is_dir()
    assert templates.path("classifier/features.py").is_file()


@pytest.mark.parametrize("name", ["clasifier", "", ".", "../README.md", "classifier/none.py"])
def test_anything_else_is_refused_with_the_names_that_exist(name):
    known = "async, classifier, mlflow, rawhttp, schema, starter, streaming"
    with pytest.raises(FileNotFoundError, match=rf"there are: {known}$"):
        templates.path(name)


def test_an_absolute_path_outside_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no template"):
        templates.path(str(tmp_path))
