"""What each verb asks of the facade, what it prints, and how it ends."""

import io
import json
import os
import sys

import pytest

from sandbox.cli.main import main
from sandbox.model.asset import Model
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import NotFound, SandboxError
from tests.unit.sandbox.cli_run import Answer, Facade, Said

E, D = "online-endpoint", "online-deployment"


@pytest.fixture
def facade(monkeypatch):
    """Put a facade with these answers where the real one is made."""

    def put(**answers):
        made = Facade(**answers)
        monkeypatch.setattr("sandbox.api.Sandbox", lambda: made)
        return made

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return put


@pytest.fixture
def blue(tmp_path):
    """A deployment's file."""
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    path = tmp_path / "b.yml"
    path.write_text(
        "name: blue\nendpoint_name: <e>\ncode_configuration: {code: ., scoring_script: score.py}\n"
        "instance_type: Standard_DS3_v2\n"
    )
    return str(path)


def test_an_endpoint_by_its_name_alone(facade, capsys):
    box = facade()
    assert main([E, "create", "-n", "shop", "--auth-mode", "aml_token", "-g", "x", "--local"]) == 0
    ((called, (endpoint,), named),) = box.calls
    assert (called, endpoint, named) == ("online_endpoints.create", Endpoint("shop", auth_mode="aml_token"), {})
    assert capsys.readouterr() == ('{\n  "name": "shop"\n}\n', "")


def test_traffic_and_mirror(facade):
    box = facade()
    words = [E, "update", "--name", "shop", "--traffic", "blue=90 green=10", "--mirror-traffic", "red=5"]
    assert main([*words, "-o", "none"]) == 0
    ((called, positional, named),) = box.calls
    assert (called, positional) == ("online_endpoints.update", (None,))
    assert named == {"name": "shop", "traffic": {"blue": 90, "green": 10}, "mirror": {"red": 5}, "edits": []}


def test_set_changes_the_file_where_there_is_one_and_the_thing_where_there_is_none(facade, blue):
    box = facade()
    main([D, "update", "-n", "b", "-e", "shop", "--set", "instance_count=2"])
    main([D, "update", "-f", blue, "-n", "Green", "-e", "shop", "--set", "instance_count=2", "--no-wait"])
    (_, (nothing,), first), (_, (value,), second) = box.calls
    assert [(edit.kind, edit.path, edit.value) for edit in first["edits"]] == [("set", ("instance_count",), 2)]
    assert (nothing, first["wait"], first["endpoint"]) == (None, True, "shop")
    assert (value.name, value.endpoint_name, value.instance_count) == ("green", "shop", 2)
    assert (second["edits"], second["wait"]) == ([], False)


def test_what_azure_would_refuse_is_told_and_done(facade, blue, capsys):
    facade()
    words = [D, "create", "-f", blue, "-e", "shop", "--set", "startup_probe.period=5"]
    assert main(words) == 0
    assert "warning[W060] " in capsys.readouterr().err
    assert main([*words, "--only-show-errors"]) == 0
    assert capsys.readouterr().err == ""


def test_the_script_is_looked_at_unless_it_is_not_to_be(facade, blue, capsys, tmp_path):
    box = facade()
    (tmp_path / "score.py").write_text("def init(): pass\n")
    words = [D, "create", "-f", blue, "-e", "shop"]
    assert main(words) == 1
    assert "ERROR: (E037) " in capsys.readouterr().err
    assert main([*words, "--skip-script-validation"]) == 0
    assert len(box.calls) == 1


@pytest.mark.parametrize("words", [[E, "update", "--set", "a=1"], [D, "update", "-n", "b", "--set", "a=1"]])
def test_an_update_has_to_say_of_what(words, facade, capsys):
    facade()
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("ERROR: (E010) which ")


def test_all_traffic_does_not_go_with_no_wait(facade, capsys):
    box = facade()
    assert main([D, "create", "-f", "b.yml", "--all-traffic", "--no-wait"]) == 2
    assert box.calls == []
    assert "(E010)" in capsys.readouterr().err


# --- invoke ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def request_file(tmp_path):
    path = tmp_path / "r.json"
    path.write_text('{"a": 1}')
    return str(path)


def test_the_answer_is_a_string(facade, capsys, request_file):
    box = facade(online_endpoints__invoke=Answer(200, b'{"total": 1}'))
    assert main([E, "invoke", "-n", "shop", "-r", request_file, "-d", "blue"]) == 0
    assert capsys.readouterr() == ('"{\\"total\\": 1}"\n', "")
    assert main([E, "invoke", "-n", "shop", "-r", request_file, "-o", "tsv"]) == 0
    assert capsys.readouterr().out == '{"total": 1}\n'
    _, positional, named = box.calls[0]
    assert positional == ("shop", b'{"a": 1}')
    assert named == {"deployment": "blue", "content_type": "application/json"}


def test_without_a_file_an_empty_object_is_sent(facade):
    box = facade(online_endpoints__invoke=Answer(201, b""))
    assert main([E, "invoke", "-n", "shop"]) == 0
    assert box.calls[0][1] == ("shop", b"{}")


def test_what_is_no_json_is_sent_as_it_is_with_a_warning(facade, capsys, tmp_path):
    box = facade(online_endpoints__invoke=Answer(200, b"ok"))
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\xff")
    assert main([E, "invoke", "-n", "shop", "-r", str(tmp_path / "cat.png"), "-o", "tsv"]) == 0
    assert box.calls[0][2]["content_type"] == "application/octet-stream"
    out, err = capsys.readouterr()
    assert out == "ok\n"
    assert err.startswith("WARNING: ")
    assert "is not JSON" in err


def test_a_failure_of_the_model_is_1_with_its_own_words(facade, capsys, request_file):
    headers = [("Azureml-Model-Deployment", "blue"), ("ms-azureml-model-error-statuscode", "500")]
    facade(online_endpoints__invoke=Answer(424, b'{"message": "KeyError: cake"}', headers))
    assert main([E, "invoke", "-n", "shop", "-r", request_file]) == 1
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == (
        "",
        [
            "ERROR: (E012) the answer is 424 (the model said 500)",
            "  KeyError: cake",
            "  fix: sandbox online-deployment get-logs -n blue -e shop",
        ],
    )


def test_a_request_file_that_is_missing(facade, capsys):
    facade()
    assert main([E, "invoke", "-n", "shop", "-r", "none.json"]) == 1
    assert "(E016) none.json cannot be read" in capsys.readouterr().err


# --- delete ----------------------------------------------------------------------------------------------------------


class Keyboard(io.StringIO):
    def isatty(self):
        return True


def test_delete_without_yes_on_a_pipe_is_cancelled(facade, capsys):
    box = facade()
    assert main([E, "delete", "-n", "shop"]) == 1
    assert capsys.readouterr() == ("", "Operation cancelled.\n")
    assert box.calls == []


@pytest.mark.parametrize(("typed", "code", "calls"), [("y\n", 0, 1), ("YES\n", 0, 1), ("n\n", 1, 0), ("", 1, 0)])
def test_delete_asks_on_a_terminal(typed, code, calls, facade, capsys, monkeypatch):
    box = facade(online_endpoints__delete=None)
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    assert main([E, "delete", "-n", "shop"]) == code
    assert len(box.calls) == calls
    assert "(y/n): " in capsys.readouterr().err


def test_delete_with_yes_prints_nothing(facade, capsys):
    facade(online_deployments__delete=None)
    assert main([D, "delete", "-n", "b", "-e", "shop", "--yes", "--no-wait"]) == 0
    assert capsys.readouterr() == ("", "")


# --- Errors ----------------------------------------------------------------------------------------------------------


def test_not_found_is_3_and_begins_with_error(facade, capsys):
    facade(online_endpoints__show=NotFound("E050", "no endpoint 'shop'", "there is none yet", "create it"))
    assert main([E, "show", "-n", "shop", "-o", "none"]) == 3
    assert capsys.readouterr() == ("", "ERROR: (E050) no endpoint 'shop'\n  there is none yet\n  fix: create it\n")


def test_with_json_asked_for_the_last_line_is_the_error_as_json(facade, capsys):
    facade(online_endpoints__show=NotFound("E050", "no endpoint 'shop'", "", "create it"))
    assert main([E, "show", "-n", "shop", "-o", "json"]) == 3
    out, err = capsys.readouterr()
    first, last = err.splitlines()
    assert (out, first) == ("", "ERROR: (E050) no endpoint 'shop'")
    expected = {"code": "E050", "what": "no endpoint 'shop'", "why": None, "fix": "create it", "exit_code": 3}
    assert json.loads(last) == {"error": expected}


def test_a_refused_file_shows_every_problem(facade, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    box = facade()
    (tmp_path / "f.yml").write_text("name: a_b\nauth_mod: key\n")
    assert main([E, "create", "-f", "f.yml"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("ERROR: (E038) f.yml:1:7: 'a_b' cannot be a name (and 1 more)\n")
    assert err.count("error[E03") == 2
    assert box.calls == []


def test_of_one_problem_the_place_follows(facade, capsys):
    facade()
    assert main([E, "create", "-n", "shop", "--auth-mode", "none"]) == 1
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first == "ERROR: (E033) --auth-mode none: auth_mode cannot be 'none'"
    assert second == "  --> --auth-mode none"


def test_the_end_of_the_log_is_shown_with_what_did_not_start(facade, capsys, blue):
    error = SandboxError("E002", "blue did not start", "why", "mend it")
    error.log = ("Traceback", "  KeyError: 'cake' \x1b[2J")
    facade(online_deployments__create=error)
    assert main([D, "create", "-f", blue, "-e", "shop"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:] == ["  why", "  | Traceback", "  |   KeyError: 'cake' \ufffd[2J", "  fix: mend it"]


def test_a_missing_package_names_the_extra(facade, capsys):
    facade(online_endpoints__list=ModuleNotFoundError("no", name="jmespath"))
    assert main([E, "list"]) == 1
    assert "(E001)" in capsys.readouterr().err


def test_ctrl_c_is_130_and_says_how_to_go_on_where_something_was_being_changed(facade, capsys, blue):
    facade(online_deployments__create=KeyboardInterrupt(), online_endpoints__list=KeyboardInterrupt())
    assert main([D, "create", "-f", blue, "-e", "shop"]) == 130
    err = capsys.readouterr().err
    assert "Interrupted" in err
    assert "Say the same command" in err
    assert main([E, "list"]) == 130
    assert capsys.readouterr().err == ""


# --- Assets, connections ---------------------------------------------------------------------------------------------


def test_a_model_by_flags(facade, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").mkdir()
    box = facade()
    flags = ["--path", "./m", "--type", "mlflow_model", "-v", "2", "--tags", "a=1"]
    assert main(["model", "create", "-n", "m", *flags]) == 0
    ((called, (model,), _),) = box.calls
    expected = Model("m", "2", str(tmp_path / "m"), type="mlflow_model", tags={"a": "1"})
    assert (called, model) == ("models.create", expected)


@pytest.mark.parametrize(
    ("flags", "which"), [([], "active"), (["--archived-only"], "archived"), (["--include-archived"], "all")]
)
def test_archived_ones_are_listed_when_asked_for(flags, which, facade, capsys):
    box = facade(environments__list=[Said(str(n), {"name": str(n)}) for n in range(5)])
    assert main(["environment", "list", *flags, "-r", "2", "--query", "[].name", "-o", "tsv"]) == 0
    assert capsys.readouterr().out == "0\n1\n"
    assert box.calls == [("environments.list", (None,), {"archived": which, "registry": None})]


def test_a_download_is_made_where_one_is(facade, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    box = facade(models__download=None)
    assert main(["model", "download", "-n", "m", "-v", "1", "-p", "there"]) == 0
    assert box.calls == [("models.download", ("m", "1", os.path.join(str(tmp_path), "there")), {"registry": None})]


def test_connections_of_a_type(facade, capsys):
    found = [Said("a", {"name": "a", "type": "Git"}), Said("b", {"name": "b", "type": "s3"})]
    facade(connections__list=found)
    assert main(["connection", "list", "--type", "git", "--query", "[].name", "-o", "tsv"]) == 0
    assert capsys.readouterr().out == "a\n"


# --- What is not here ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["compute", "create", "-n", "cpu", "--type", "amlcompute", "--min-instances", "0", "--size", "s"],
        ["workspace", "show", "-w", "w", "-g", "g", "--query", "container_registry", "-o", "tsv"],
        ["datastore", "create", "--file", "d.yml"],
        ["configure", "--defaults", "workspace=w", "group=g"],
        ["account", "set", "--subscription", "s"],
        ["extension", "add", "-n", "ml", "-y"],
        ["login"],
        ["group", "create", "-n", "g", "-l", "westus"],
    ],
)
def test_what_means_something_in_the_cloud_only_answers_with_0_and_a_word(words, capsys):
    assert main(words) == 0
    assert capsys.readouterr().err.startswith(f"WARNING: sandbox {words[0]} does nothing")


def test_its_answer_is_something_that_scripts_can_go_on_with(capsys):
    assert main(["compute", "show", "-n", "cpu", "--query", "provisioning_state", "-o", "tsv"]) == 0
    assert main(["compute", "list", "-o", "json", "--only-show-errors"]) == 0
    assert capsys.readouterr().out == "Succeeded\n[]\n"


@pytest.mark.parametrize("words", [["job", "create", "-f", "j.yml"], ["batch-endpoint", "invoke"], ["model", "share"]])
def test_what_is_not_built_is_one_clear_error(words, capsys):
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ERROR: (E013) sandbox ")


# --- Every other verb asks for one thing -----------------------------------------------------------------------------

CONNECTION = "name: search\ntype: custom\ntarget: https://x\ncredentials: {type: api_key, key: k}\n"


@pytest.mark.parametrize(
    ("line", "called", "positional", "named"),
    [
        (f"{E} show -n shop", "online_endpoints.show", ("shop",), {}),
        (f"{E} get-credentials -n shop", "online_endpoints.credentials", ("shop",), {}),
        (f"{E} regenerate-keys -n shop", "online_endpoints.regenerate_keys", ("shop", "primary"), {}),
        (f"{D} show -n b -e shop", "online_deployments.show", ("b", "shop"), {}),
        ("model show -n m -v 2", "models.show", ("m", "2", None), {"registry": None}),
        ("model archive -n m --label x", "models.archive", ("m", None, "x"), {"registry": None}),
        (
            "environment restore -n m -v 2 --registry-name r",
            "environments.restore",
            ("m", "2", None),
            {"registry": "r"},
        ),
        ("connection show -n c", "connections.show", ("c",), {}),
        ("connection delete -n c -y", "connections.delete", ("c",), {}),
    ],
)
def test_a_verb_asks_for_one_thing(line, called, positional, named, facade):
    silent = {"online_endpoints__regenerate_keys": None, "connections__delete": None, "models__archive": None}
    box = facade(**silent, environments__restore=None, online_endpoints__credentials={"primaryKey": "k"})
    assert main(line.split()) == 0
    assert box.calls == [(called, positional, named)]


def test_lists_of_deployments_and_lines_of_logs(facade, capsys):
    box = facade(online_deployments__list=[Said("b", {"name": "b"})], online_deployments__logs=["one", "two"])
    assert main([D, "list", "-e", "shop", "--query", "[].name", "-o", "tsv"]) == 0
    assert main([D, "get-logs", "-n", "b", "-e", "shop", "-l", "2"]) == 0
    assert capsys.readouterr().out == "b\none\ntwo\n"
    named = {"lines": 2, "container": "inference-server", "follow": False, "previous": False}
    assert box.calls[1] == ("online_deployments.logs", ("b", "shop"), named)


def test_a_connection_is_read_and_changed(facade, tmp_path):
    (tmp_path / "c.yml").write_text(CONNECTION)
    box = facade()
    assert main(["connection", "create", "-f", str(tmp_path / "c.yml"), "-n", "other"]) == 0
    assert main(["connection", "update", "-n", "other", "--set", "target=https://y"]) == 0
    (_, (made,), _), (called, positional, named) = box.calls
    assert (made.name, made.target) == ("other", "https://x")
    assert (called, positional) == ("connections.update", ("other", None))
    assert [(edit.path, edit.value) for edit in named["edits"]] == [(("target",), "https://y")]


def test_description_and_tags_of_a_model_are_changed(facade):
    box = facade()
    assert main(["model", "update", "-n", "m", "-l", "latest", "--set", "tags.a=1", "--remove", "tags.b"]) == 0
    ((called, positional, named),) = box.calls
    assert (called, positional) == ("models.update", ("m", None, "latest"))
    assert [edit.kind for edit in named["edits"]] == ["set", "remove"]


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (404, b"nobody", [], ["the answer is 404", "nobody", "online-deployment list -e shop"]),
        (408, b"", [], ["the answer is 408"]),
        (429, b"", [("ms-azureml-model-error-reason", "too_many_pending_request")], ["429 (too_many_pending_request)"]),
        (424, b'{"error": {"message": "no"}}', [], ["  no\n"]),
        (
            424,
            b'{"error": {"traceback": "Traceback\\n  line 7\\nKeyError: 1"}}',
            [],
            ["  Traceback\n    line 7\n  KeyError"],
        ),
        (500, b"[1]", [], ["  [1]\n"]),
    ],
)
def test_other_answers(status, body, headers, words, facade, capsys):
    facade(online_endpoints__invoke=Answer(status, body, headers))
    assert main([E, "invoke", "-n", "shop"]) == 1
    err = capsys.readouterr().err
    assert [word for word in words if word not in err] == []
