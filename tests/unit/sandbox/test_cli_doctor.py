"""What the doctor says of a machine; the facts of this one, and the verdicts on others."""

import dataclasses
import json
import sys

import pytest

from sandbox.cli.commands.doctor import judge
from sandbox.cli.commands.facts import DockerFacts, Facts, gather, said
from sandbox.cli.main import main

WELL = Facts(
    python=(3, 11, 7),
    executable="/usr/bin/python3",
    platform="linux",
    missing=(),
    home="/state",
    home_free_bytes=10 << 30,
    home_error="",
    port_error="",
    serve_port_taken=False,
    envoy_path="/bin/envoy",
    envoy_version="1.40.0",
    envoy_error="",
    venv=True,
    docker=DockerFacts("Docker 29.0.0", "unix:///var/run/docker.sock", "the usual socket"),
    gpus=("NVIDIA H200, 143771 MiB, 580.0",),
    gpu_error="",
    tools={"uv": "/bin/uv", "code": "/bin/code"},
)


def check(name, **facts):
    (found,) = [each for each in judge(dataclasses.replace(WELL, **facts)) if each.name == name]
    return found


def test_a_machine_that_has_everything():
    assert {each.verdict for each in judge(WELL)} == {"good"}
    assert not any(each.fix for each in judge(WELL))


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("Python", {"python": (3, 9, 1)}),
        ("Python", {"platform": "win32"}),
        ("Packages", {"missing": ("pyyaml", "jmespath")}),
        ("State folder", {"home_error": "it belongs to another user"}),
        ("Ports", {"port_error": "Permission denied"}),
        ("Envoy", {"envoy_error": "Envoy is missing"}),
        ("Environments", {"venv": False, "tools": {}}),
    ],
)
def test_what_nothing_works_without_is_broken_and_has_a_fix(name, facts):
    assert check(name, **facts).verdict == "broken"
    assert check(name, **facts).fix


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        ("State folder", {"home_free_bytes": 1 << 20}, "little"),
        ("Ports", {"serve_port_taken": True}, "5001"),
        ("Environments", {"tools": {"conda": "/bin/conda"}}, "venv and pip, or by conda"),
        ("Docker", {"docker": DockerFacts(error="no Docker engine was found", fix="f")}, "no Docker engine was found"),
        ("Docker", {"docker": DockerFacts("Podman 4.3.1", "u", "s")}, "`sandbox agent` alone"),
        (
            "Docker",
            {"docker": DockerFacts("d", "u", "s", left=("/x: a/b/0",))},
            "1 container of folders that are gone, /x: a/b/0",
        ),
        (
            "GPU",
            {"docker": DockerFacts("d", "u", "s", lack="no toolkit", lack_fix="f")},
            "none for containers: no toolkit",
        ),
        ("GPU", {"gpus": ()}, "none found"),
        ("GPU", {"gpus": (), "gpu_error": "driver mismatch"}, "driver mismatch"),
        ("VS Code", {"tools": {"uv": "/bin/uv"}}, "not on PATH"),
    ],
)
def test_what_would_be_of_use_is_missing(name, facts, words):
    found = check(name, **facts)
    assert found.verdict == "missing"
    assert words in found.detail
    assert found.fix or name == "GPU"


def test_this_machine_can_do_what_is_required(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path / "home"))
    assert main(["doctor"]) == 0
    assert "All that is required works" in capsys.readouterr().out
    assert main(["doctor", "-o", "json"]) == 0
    names = {each["name"]: each["verdict"] for each in json.loads(capsys.readouterr().out)}
    assert names["Envoy"] == names["Python"] == "good"


def test_what_is_broken_is_exit_code_1(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path / "file" / "below"))
    monkeypatch.setenv("SANDBOX_ENVOY", str(tmp_path / "none"))
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "!!  State folder" in out
    assert "!!  Envoy" in out
    assert "2 of the required things do not work" in out


def test_the_facts_are_found_in_time(tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOME", str(tmp_path))
    facts = gather()
    assert (facts.python, facts.missing, facts.home) == (sys.version_info[:3], (), str(tmp_path))
    assert facts.envoy_version.count(".") == 2


def test_a_program_that_is_missing_fails_or_hangs_is_a_text(monkeypatch):
    monkeypatch.setattr("sandbox.cli.commands.facts.PATIENCE_S", 0.2)
    assert said(["/no/such/program"]) == ("", "No such file or directory")
    assert said([sys.executable, "-c", "import sys; print('a'); sys.exit('why\\nlast')"]) == ("", "last")
    assert said([sys.executable, "-c", "import time; time.sleep(60)"])[1].startswith("no answer within")
