"""What our own verbs print about what runs; with real endpoints they are tried in tests/integration/test_cli.py."""

import errno
import io
import json
import os
import sys
from dataclasses import replace

import pytest

from sandbox.backend.protocol import LogLine
from sandbox.cli.main import main
from sandbox.environment.shelf import Built
from sandbox.home import Home
from sandbox.model.progress import Event
from sandbox.model.state import Failure
from sandbox.ops.asking import DeploymentStatus, EndpointStatus, Status
from sandbox.ops.project import Done
from sandbox.ops.space import Space
from tests.unit.sandbox.cli_run import Facade, Said


def deployment(name="blue", **fields):
    plain = {
        "state": "Succeeded",
        "live_percent": 100,
        "mirror_percent": 0,
        "wanted": 1,
        "running": 1,
        "revision": "1",
        "development": False,
        "failure": None,
        "interrupted": False,
    }
    return DeploymentStatus(name, **{**plain, **fields})


def world(*deployments, gateway=7):
    address = "http://127.0.0.1:8100/score"
    return Status("/state", gateway, (EndpointStatus("shop", "Succeeded", "key", 8100, address, deployments),))


@pytest.fixture
def facade(monkeypatch, tmp_path):
    def put(**answers):
        made = Facade(home=Home(str(tmp_path / "home")), **answers)
        monkeypatch.setattr("sandbox.api.Sandbox", lambda: made)
        return made

    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return put


# --- status ----------------------------------------------------------------------------------------------------------


def test_status_is_a_table_with_the_endpoint_named_once(facade, capsys):
    facade(status=world(deployment(live_percent=90), deployment("green", live_percent=0, mirror_percent=10)))
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == [
        "shop",
        "blue",
        "Succeeded",
        "90",
        "%",
        "1",
        "of",
        "1",
        "8100",
        "http://127.0.0.1:8100/score",
    ]
    assert lines[3].split() == ["green", "Succeeded", "0", "%", "10", "%", "1", "of", "1"]
    assert lines[-1].startswith("The agent is off")


def test_status_of_an_endpoint_alone_and_of_nothing(facade, capsys):
    facade(status=world())
    assert main(["status"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split() == [
        "shop",
        "Succeeded",
        "8100",
        "http://127.0.0.1:8100/score",
    ]
    facade(status=Status("/state", None))
    assert main(["status"]) == 0
    assert "sandbox init shop" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (world(deployment(), gateway=None), ["The gateway does not run", "fix: sandbox up"]),
        (world(deployment(running=0)), ["shop/blue: 1 of 1 instances are missing", "fix: sandbox up"]),
        (world(deployment(state="Updating", interrupted=True)), ["Updating, interrupted", "ended in the middle"]),
        (
            world(deployment(state="Failed", failure=Failure("E054", "no start", "because", "mend it"))),
            ["shop/blue failed: [E054] no start", "because", "fix: mend it"],
        ),
        (
            world(deployment(state="Failed", failure=Failure("E054", "no start"))),
            ["fix: sandbox online-deployment get-logs -n blue -e shop"],
        ),
    ],
)
def test_status_says_what_needs_attention(status, words, facade, capsys):
    facade(status=status)
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert [word for word in words if word not in out] == []


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_states_are_painted_where_that_is_seen(facade, monkeypatch):
    facade(status=world(deployment(), deployment("green", state="Failed"), deployment("red", state="Updating")))
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(["status"]) == 0
    out = sys.stdout.getvalue()
    assert "blue          \x1b[32mSucceeded\x1b[0m  100 %" in out
    assert "green         \x1b[1;31mFailed\x1b[0m     100 %" in out
    assert "\x1b[1;33mUpdating\x1b[0m" in out


def test_status_as_json_has_everything(facade, capsys):
    facade(status=world(deployment()))
    assert main(["status", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["endpoints"][0]["deployments"][0]["live_percent"] == 100


# --- up, down --------------------------------------------------------------------------------------------------------


def test_up_tells_what_became_of_each_file_and_how_to_ask(facade, capsys, tmp_path):
    done = [Done("e.yml", "endpoint", "shop", "created"), Done("b.yml", "deployment", "shop/blue", "unchanged")]
    box = facade(up=done, status=world(deployment()))
    assert main(["up", str(tmp_path), "--reload"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("endpoint shop: created\ndeployment shop/blue: unchanged\n")
    assert "100 %  1 of 1 instances" in out
    assert "sandbox online-endpoint invoke -n shop" in out
    assert box.calls[0] == ("box.up", ([str(tmp_path)],), {"development": True})
    assert main(["up", str(tmp_path), "-o", "json"]) == 0
    assert [each["change"] for each in json.loads(capsys.readouterr().out)] == ["created", "unchanged"]


def test_up_says_how_requests_come_to_deployments_without_traffic(facade, capsys):
    box = facade(up=[], status=world(deployment(live_percent=0), deployment("green", live_percent=0)))
    assert main(["up"]) == 0
    assert 'sandbox online-endpoint update -n shop --traffic "blue=100"' in capsys.readouterr().out
    facade(up=[], status=world(deployment(live_percent=100), deployment("green", live_percent=0)))
    assert main(["up"]) == 0
    assert "no traffic" not in capsys.readouterr().out
    assert box.calls


def test_a_full_disk_is_not_called_a_bug(facade, capsys, monkeypatch):
    made = facade()

    def full(*_paths, **_options):
        raise OSError(errno.ENOSPC, "No space left on device", "/state/endpoints/shop.json")

    monkeypatch.setattr(made, "up", full, raising=False)
    assert main(["up"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error[E019] /state/endpoints/shop.json: No space left on device\n")
    assert "sandbox prune" in said


def test_ctrl_c_before_the_command_has_begun_shows_nothing_of_ours(monkeypatch, capsys):
    def pressed(_name):
        raise KeyboardInterrupt

    monkeypatch.setattr("sandbox.cli.catalog.group", pressed)
    assert main(["up"]) == 130
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_names_the_step_that_it_ended(facade, capsys, monkeypatch):
    made = facade()

    def interrupted(*_paths, report, **_options):
        report(Event("start", "begin", "2 instances", "shop", "blue"))
        report(Event("start", "failed", "KeyboardInterrupt", "shop", "blue"))
        raise KeyboardInterrupt

    monkeypatch.setattr(made, "up", interrupted, raising=False)
    assert main(["up"]) == 130
    assert "Interrupted during: 2 instances.\n" in capsys.readouterr().err


def test_up_without_files_brings_back_what_there_was(facade, capsys):
    facade(up=[], status=world(deployment()))
    assert main(["up"]) == 0
    assert capsys.readouterr().out.startswith("\nshop  http://127.0.0.1:8100/score\n")
    facade(up=[], status=Status("/state", None))
    assert main(["up"]) == 0
    assert "There is no endpoint yet." in capsys.readouterr().out


def test_up_of_a_path_that_leads_nowhere_does_nothing(facade, capsys):
    box = facade()
    assert main(["up", "none.yml"]) == 1
    assert "error[E016] none.yml does not exist" in capsys.readouterr().err
    assert box.calls == []


def test_errors_of_ours_are_json_too_when_that_is_asked_for(facade, capsys):
    facade()
    assert main(["up", "none.yml", "-o", "json"]) == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first == "error[E016] none.yml does not exist"
    assert json.loads(last)["error"]["code"] == "E016"


def test_down_of_names_and_of_all(facade, capsys):
    damaged = Failure("E004", "state.json is damaged", "", "restore it")
    box = facade(down=["shop"], status=replace(world(), troubles={"bank": damaged}))
    assert main(["down", "shop", "--yes"]) == 0
    assert main(["down", "--all", "-y"]) == 0
    assert capsys.readouterr().out == "shop: deleted\n" * 2
    assert [call[1] for call in box.calls if call[0] == "box.down"] == [(["shop"],), (None,)]
    assert main(["down", "--all"]) == 1
    assert capsys.readouterr().err == "Operation cancelled.\n"
    assert main(["status"]) == 0
    note = "endpoint bank is not as asked for: [E004] state.json is damaged\n  fix: restore it\n"
    assert note in capsys.readouterr().out
    assert main(["down", "shop", "--all"]) == 2


def test_down_of_nothing(facade, capsys):
    box = facade(status=Status("/home", None), down=[])
    assert main(["down", "--all"]) == 0
    assert [call[1] for call in box.calls if call[0] == "box.down"] == [(None,)]  # it also ends what nobody asked for
    assert capsys.readouterr().err == "There is no endpoint.\n"


# --- logs ------------------------------------------------------------------------------------------------------------


def named(endpoint, name):
    return Said(name, {"name": name, "endpoint_name": endpoint})


def said(endpoint, name, text):
    return LogLine(endpoint, name, 0, text)


def test_lines_of_one_deployment_stand_alone(facade, capsys):
    lines = [said("shop", "blue", "one"), said("shop", "blue", "two\x1b[2J")]
    facade(online_deployments__show=named("shop", "blue"), online_deployments__all_logs=lines)
    assert main(["logs", "Shop", "blue"]) == 0
    assert capsys.readouterr().out == "one\ntwo\ufffd[2J\n"


def test_lines_of_several_stand_behind_their_names(facade, capsys):
    both = [named("shop", "blue"), named("shop", "green")]
    lines = [said("shop", "blue", "one"), said("shop", "green", "two"), said("shop", "blue", "three")]
    box = facade(online_deployments__list=both, online_deployments__all_logs=lines)
    assert main(["logs", "shop", "-l", "5"]) == 0
    assert capsys.readouterr().out == "blue  | one\ngreen | two\nblue  | three\n"
    assert box.calls[1][1:] == (("shop", None), {"lines": 5, "follow": False, "previous": False})
    lines = [said("shop", "blue", "one"), said("mail", "a", "two")]
    facade(online_deployments__list=[named("shop", "blue"), named("mail", "a")], online_deployments__all_logs=lines)
    assert main(["logs"]) == 0
    assert capsys.readouterr().out == "shop/blue | one\nmail/a    | two\n"


def test_a_deployment_that_comes_while_all_are_followed_gets_a_name(facade, capsys):
    lines = [said("shop", "blue", "one"), said("shop", "purple", "two"), said("shop", "blue", "three")]
    facade(online_deployments__list=[named("shop", "blue")], online_deployments__all_logs=lines)
    assert main(["logs", "-f"]) == 0
    assert capsys.readouterr().out == "one\npurple | two\nblue   | three\n"


def test_no_deployment_no_lines(facade, capsys):
    facade(online_deployments__list=[])
    assert main(["logs"]) == 0
    assert capsys.readouterr() == ("", "There is no deployment yet.\n")


# --- prune, agent ----------------------------------------------------------------------------------------------------

USED = Built("a" * 64, "3.11", 50 << 20, 0.0, 0.0, ("flask", "numpy", "pandas", "scipy", "torch"))
UNUSED = Built("b" * 64, "3.12", 20 << 20, 0.0, 0.0, ("flask",))


def test_prune_lists_asks_and_removes(facade, capsys):
    box = facade(
        space=Space("/state", ((USED, True), (UNUSED, False))),
        prune=([UNUSED], 1 << 20),
        left_behind=[],
        hosts__tidy=[],
    )
    assert main(["prune", "--dry-run"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("aaaaaaaaaaaa  Python 3.11")
    assert "50 MiB  used  flask, numpy, pandas, scipy ..." in first
    assert "20 MiB  unused for " in second
    assert main(["prune", "--dry-run", "-o", "json"]) == 0
    assert [each["used"] for each in json.loads(capsys.readouterr().out)] == [True, False]
    assert main(["prune"]) == 1
    assert "box.prune" not in [call[0] for call in box.calls]
    assert main(["prune", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("21 MiB freed\n")
    assert main(["prune", "--yes", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"environments": ["b" * 64], "bytes": 21 << 20}


def test_the_agent_of_a_home(facade, capsys, tmp_path):
    facade()
    assert main(["agent", "status", "-o", "json"]) == 0
    assert main(["agent", "stop"]) == 0
    assert capsys.readouterr().out == '{"running": false, "pid": null}\nThe agent was off.\n'
    assert main(["agent", "start"]) == 0
    try:
        assert f"log {tmp_path / 'home' / 'agent' / 'log'}" in capsys.readouterr().out
        assert main(["agent", "status"]) == 0
        pid = int(capsys.readouterr().out.rpartition(" ")[2])
        os.kill(pid, 0)
        assert main(["agent", "run"]) == 1
        assert "error[E068]" in capsys.readouterr().err
    finally:
        assert main(["agent", "stop"]) == 0
    assert capsys.readouterr().out == "The agent was ended.\n"
