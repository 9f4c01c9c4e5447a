"""init, serve, completion: the commands that need no endpoint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.cli.commands.init import FILES
from sandbox.cli.commands.serve import command
from sandbox.cli.main import main

ROOT = Path(__file__).resolve().parents[3]


def written(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_init_writes_a_folder_that_is_valid_and_named_after_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["init", "Fruit Shop"]) == 0
    assert "sandbox up ." in capsys.readouterr().out
    folder = tmp_path / "Fruit Shop"
    assert written(folder) == sorted(FILES)
    assert "name: fruit-shop\n" in (folder / "endpoint.yml").read_text()
    assert "endpoint_name: fruit-shop\n" in (folder / "blue-deployment.yml").read_text()
    assert json.loads((folder / ".vscode" / "launch.json").read_text())["configurations"]
    assert main(["validate", str(folder / "endpoint.yml"), str(folder / "blue-deployment.yml")]) == 0
    assert capsys.readouterr().err == ""


def test_the_sample_answers_its_sample_request(tmp_path):
    assert main(["init", str(tmp_path / "shop")]) == 0
    program = "import score; score.init(); print(score.run(open('sample-request.json').read()))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path / "shop", capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "{'total': 6.7, 'items': 2}"


def test_init_writes_nothing_over(tmp_path, capsys):
    (tmp_path / "score.py").write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert "error[E015]" in capsys.readouterr().err
    assert written(tmp_path) == ["score.py"]
    assert (tmp_path / "score.py").read_text() == "mine"


def test_init_with_a_name_that_is_none(tmp_path, capsys):
    assert main(["init", str(tmp_path / "x"), "-n", "a_b"]) == 2
    assert "'a_b' cannot be a name" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("folder", "name"), [("1x", "my-endpoint"), ("shop", "shop"), ("a" * 40, "a" * 32)])
def test_a_folder_that_cannot_be_a_name_does_not_matter(folder, name, tmp_path):
    assert main(["init", str(tmp_path / folder)]) == 0
    assert f"name: {name}\n" in (tmp_path / folder / "endpoint.yml").read_text()


# --- serve -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["--reload"]),
        (["--no-reload"], []),
        (["--port", "8080", "--debug", "5678"], ["--reload", "--port", "8080", "--debug", "5678"]),
        (["--reload-model"], ["--reload-model"]),
    ],
)
def test_serve_is_the_server_with_reload(given, expected):
    assert command("score.py", given) == [
        sys.executable,
        "-m",
        "inference_http",
        "--entry_script",
        "score.py",
        *expected,
    ]


def test_every_flag_of_the_server_reaches_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text("")

    def execute(_program, words):
        raise SystemExit(" ".join(words[3:]))

    monkeypatch.setattr("os.execv", execute)
    words = ["--debug", "5678", "--model_dir", "m", "--worker_count=2", "--wait-for-client"]
    with pytest.raises(SystemExit) as caught:
        main(["serve", "score.py", *words])
    assert caught.value.code == " ".join(["--entry_script score.py --reload", *words])


def test_flags_before_the_script_are_told_apart_from_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text("")
    assert main(["serve", "--port", "8080", "score.py"]) == 2
    assert "fix: sandbox serve score.py ..." in capsys.readouterr().err


def test_serve_becomes_the_server(tmp_path):
    (tmp_path / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    words = [sys.executable, "-m", "sandbox.cli.main", "serve", "score.py", "--port", "none"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "inference-http: error" in done.stderr


def test_serve_of_nothing(capsys):
    assert main(["serve", "none.py"]) == 1
    assert "error[E016] none.py cannot be served" in capsys.readouterr().err


def test_completion_of_another_shell(capsys):
    assert main(["completion", "tcsh"]) == 2
    assert "one of bash, zsh, fish" in capsys.readouterr().err


def test_ctrl_c_in_the_midst_of_the_imports_shows_none_of_our_lines(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'sandbox.cli.main':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    words = [sys.executable, "-m", "sandbox", "status"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
