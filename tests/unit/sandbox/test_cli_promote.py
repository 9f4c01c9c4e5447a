"""The words of promote, rollback and history, and what they print."""

import io
import json

import pytest

from sandbox.cli.commands import promote
from sandbox.cli.main import main
from sandbox.home import Home
from sandbox.hosts import production
from sandbox.model.errors import SandboxError, UsageError
from sandbox.model.generation import Part
from sandbox.ops.context import Context
from sandbox.ops.promote import Promoted, _Heard
from sandbox.store.generations import Generations

IMAGE = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "steps"),
    [(None, (100,)), ("100", (100,)), ("10,50,100", (10, 50, 100)), ("10%, 50 %", (10, 50)), ("0", (0,))],
)
def test_steps(text, steps):
    assert promote._steps(text) == steps


@pytest.mark.parametrize(("text", "seconds"), [(None, None), ("30", 30), ("30s", 30), ("1.5m", 90), ("200ms", 0.2)])
def test_pauses(text, seconds):
    assert promote._seconds(text) == seconds


@pytest.mark.parametrize(("text", "percent"), [(None, None), ("1", 1), ("0.5%", 0.5)])
def test_percentages(text, percent):
    assert promote._percent(text) == percent


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (promote._steps, "10,,100"),
        (promote._steps, "ten"),
        (promote._steps, "blue=10"),
        (promote._seconds, "soon"),
        (promote._seconds, "-1s"),
        (promote._percent, "few"),
    ],
)
def test_what_cannot_be_read_is_named(read, text):
    with pytest.raises(UsageError, match="E191") as raised:
        read(text)
    assert text in raised.value.what


def test_what_was_promoted_is_told_for_both_sides():
    done = Promoted("prod", "shop", "blue", "blue-01234567", IMAGE, "", ("usual",), 2, {"blue-01234567": 100})
    said = promote._told(done)
    assert said[0] == "shop/blue -> prod: blue-01234567"
    assert [IMAGE in line for line in said] == [False, True, True, False]
    assert said[1].endswith("probes and 1 sample")
    assert said[3] == "  generation 2, traffic blue-01234567=100"
    would = Promoted("prod", "shop", "blue", "blue-01234567", IMAGE, "", (), dry_run=True, steps=(10, 100))
    assert "no samples are kept" in promote._told(would)[1]
    assert "would be shipped; traffic would go to 10 %, 100 %; nothing was done" in promote._told(would)[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    monkeypatch.setenv("SANDBOX_CLIENT", "ann@laptop")
    folder = tmp_path / "endpoints" / "shop"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"endpoint": {"name": "shop"}, "port": 1}))
    return Home(str(tmp_path))


def test_the_history_tells_who_when_what_and_from_which_image(home, capsys):
    assert main(["history", "shop"]) == 0
    assert capsys.readouterr().out == "shop has had no traffic yet.\n"
    book = Generations(home, "shop")
    book.add("promote", "ann@laptop", "blue as blue-01234567", {"blue-01234567": 100}, {"blue-01234567": Part(IMAGE)})
    book.add("promote", "bob@desk", "blue as blue-9", {"blue-01234567": 100}, {}, cause="[E185] errors")
    assert main(["history", "shop"]) == 0
    head, _, last, first = capsys.readouterr().out.rstrip().splitlines()
    assert head.split() == ["Generation", "When", "Who", "What", "Traffic", "Image"]
    assert "[E185] errors" in last
    assert first.startswith("1 live")
    assert [word in first for word in ("ann@laptop", "blue-01234567=100", "0123456789ab")] == [True] * 3
    assert main(["history", "shop", "-o", "json"]) == 0
    assert [each["number"] for each in json.loads(capsys.readouterr().out)] == [1, 0]


def test_without_a_generation_there_is_no_way_back(home, capsys):
    assert main(["rollback", "shop"]) == 3
    assert "E187" in capsys.readouterr().err
    assert main(["rollback", "nowhere"]) == 3


def test_the_hidden_verb_answers_in_json_whatever_it_is_given(home, capsys, monkeypatch):
    for text in ("", "{}", "[1]", "not json"):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        assert main(["host-receive"]) == 1
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "E189"


def test_it_is_not_shown(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert ("promote" in said, "rollback" in said, "host-receive" in said) == (True, True, False)


def test_a_promotion_that_ends_before_it_says_how_it_went_was_interrupted_here_or_broke_off(tmp_path):
    said = _Heard(Context.of(Home(str(tmp_path))), "prod")
    said.line("no JSON")
    said.error("Killed")
    for code in (130, 143):
        with pytest.raises(KeyboardInterrupt) as ended:
            said.result(code)
        assert ended.value.args == (code,)
    with pytest.raises(SandboxError, match="E192") as raised:
        said.result(137)
    assert raised.value.log == ("Killed",)


def test_on_a_host_hints_lead_to_promote(tmp_path, monkeypatch, capsys):
    home = Home(str(tmp_path)).make()
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    assert main(["status"]) == 0
    assert "sandbox up" in capsys.readouterr().out
    production.write(home, production.Production("prod", image="sha256:1"))
    assert main(["status"]) == 0
    assert "fix: sandbox promote ENDPOINT --to prod\n" in capsys.readouterr().out
    with pytest.raises(SandboxError, match="E050") as raised:
        Context.of(home).endpoint("shop")
    assert raised.value.fix == "sandbox promote shop --to prod"


@pytest.mark.parametrize("log", [(), ("usual: 7 instead of 6",), ("usual: 7 instead of 6", "odd: 8 instead of 9")])
def test_a_reason_is_told_once(log, monkeypatch, capsys):
    error = SandboxError("E183", "it answers otherwise", "usual: 7 instead of 6", "correct it")
    error.log = log
    monkeypatch.setattr(promote, "promote", lambda _session: (_ for _ in ()).throw(error))
    assert main(["promote", "shop", "--to", "prod"]) == 1
    err = capsys.readouterr().err
    assert err.count("usual: 7 instead of 6") == max(1, len(log))
    assert ("| odd" in err) == (len(log) == 2)


@pytest.mark.parametrize(("given", "code"), [((130,), 130), ((143,), 143), ((), 130)])
def test_a_command_on_a_host_that_a_signal_has_ended_ends_with_its_code_here(given, code, monkeypatch):
    def ended(_session):
        raise KeyboardInterrupt(*given)

    monkeypatch.setattr(promote, "promote", ended)
    assert main(["promote", "shop", "--to", "prod"]) == code
