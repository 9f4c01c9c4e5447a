"""What could come next on a command line; the shells' scripts are tried in tests/integration/test_cli_completion.py."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.cli.complete import FILES, candidates
from sandbox.cli.main import main
from tests.unit.sandbox.cli_run import Facade, Said


@pytest.fixture
def names(monkeypatch):
    box = Facade(
        online_endpoints__list=[Said("shop", {}), Said("mail", {})],
        online_deployments__list=[Said("blue", {}), Said("green", {})],
        models__list=[Said("prices", {})],
    )
    monkeypatch.setattr("sandbox.api.Sandbox", lambda: box)
    return box


def after(text):
    """The candidates for the last word of a line; a space at the end begins a new one."""
    return [word for word, _ in candidates(text.split(" "))]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("online-", ["online-endpoint", "online-deployment"]),
        ("doc", ["doctor"]),
        ("online-endpoint re", ["regenerate-keys"]),
        ("-o json online-endpoint get", ["get-credentials"]),
        ("online-endpoint update --tr", ["--traffic"]),
        ("online-endpoint show -o t", ["table", "tsv"]),
        ("online-endpoint show --output=y", ["yaml", "yamlc"]),
        ("online-endpoint show -n ", ["shop", "mail"]),
        ("online-endpoint show --name=s", ["shop"]),
        ("online-deployment show --endpoint s", ["shop"]),
        ("online-deployment create -f ", [FILES]),
        ("model show -n p", ["prices"]),
        ("down ", ["shop", "mail"]),
        ("down m", ["mail"]),
        ("logs ", ["shop", "mail"]),
        ("logs shop ", ["blue", "green"]),
        ("logs -f shop b", ["blue"]),
        ("up ", [FILES]),
        ("up a.yml ", [FILES]),
        ("validate ", [FILES]),
        ("completion z", ["zsh"]),
        ("status -o ", ["text", "json"]),
        ("nothing ", []),
        ("online-endpoint nothing ", ["--output", "--query"]),
        ("online-endpoint show -n shop --only", ["--only-show-errors"]),
    ],
)
def test_candidates(line, expected, names):
    assert after(line)[: max(len(expected), 1)] == expected


def test_deployments_are_those_of_the_endpoint_on_the_line(names):
    assert after("online-deployment show -e shop -n g") == ["green"]
    assert after("online-endpoint invoke -n mail -d ") == ["blue", "green"]
    assert [call[1] for call in names.calls] == [("shop",), ("mail",)]


def test_words_that_bash_took_apart_are_joined(names, capsys):
    assert main(["__complete", "5", "sandbox", "online-endpoint", "show", "--name", "=", "s"]) == 0
    assert capsys.readouterr().out == "shop\tendpoint\n"


def test_a_word_in_one_piece_is_answered_in_one(names, capsys):
    assert main(["__complete", "3", "sandbox", "online-endpoint", "show", "--name=s"]) == 0
    assert capsys.readouterr().out == "--name=shop\tendpoint\n"


@pytest.mark.parametrize("words", [[], ["x"], ["1"], ["99", "sandbox"]])
def test_nonsense_is_answered_with_nothing_and_0(words):
    assert main(["__complete", *words]) == 0


GROUPS = ["online-endpoint", "online-deployment", "model", "logs", "up", "job", "shop"]
FLAGS = ["show", "update", "-n", "--name", "--name=s", "-o", "--set", "a=1", "=", "-", "--", "", "-e", "ü"]
WORDS = st.lists(st.sampled_from(GROUPS + FLAGS))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(WORDS, st.sampled_from(["", "-", "--", "--na", "--output=", "s", "on"]))
def test_any_line_has_candidates_that_begin_so(names, before, current):
    for word, _ in candidates([*before, current]):
        assert word == FILES or word.startswith(current.rpartition("=")[2])
