"""The newcomer's commands on machines that lack something. Nothing here touches the network."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("cat", "chmod", "date", "echo", "grep", "make", "mkdir", "mktemp", "rm", "sh", "sleep", "tail", "touch")
RAN_TESTS = "ran -m pytest --cov --cov-report= -m not docker -n 2 --dist loadfile"


@pytest.fixture
def checkout(tmp_path):
    """The files that a set-up reads, and a PATH with the plainest tools and no Python."""
    folder = tmp_path / "checkout"
    (folder / ".ci").mkdir(parents=True)
    for name in ("Makefile", ".ci/venv", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    return folder


def script(checkout: Path, name: str, text: str) -> Path:
    """Put a program on the checkout's PATH."""
    file = checkout.parent / "bin" / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def make(checkout: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": str(checkout.parent / "bin"), "HOME": str(checkout)}
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_is_what_plain_make_says_and_it_names_every_target(checkout):
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1).split()
    said = make(checkout)
    assert said.returncode == 0
    assert [target for target in targets if target != "help" and f"make {target} " not in said.stdout] == []


def test_no_python_at_all_is_said_with_the_way_out(checkout):
    said = make(checkout, "demo")
    assert said.returncode != 0
    assert "Python 3.10 or newer is needed; found: no python at all" in said.stderr
    assert "fix: install one" in said.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_too_old_is_named(checkout):
    script(checkout, "python3", '[ "$1" = -V ] && echo "Python 3.9.2" && exit 0; exit 1')
    said = make(checkout, "test")
    assert said.returncode != 0
    assert "found: Python 3.9.2" in said.stderr


def test_an_interpreter_named_by_hand_has_to_do(checkout):
    old = script(checkout, "old-python", '[ "$1" = -V ] && echo "Python 3.8.1" && exit 0; exit 1')
    said = make(checkout, "demo", f"PYTHON={old}")
    assert said.returncode != 0
    assert f"PYTHON={old} is not a Python 3.10 or newer: Python 3.8.1" in said.stderr


def test_a_debian_python_without_ensurepip_names_the_package(checkout):
    script(checkout, "python3", '[ "$1" = -m ] && mkdir .venv && exit 1; exit 0')
    said = make(checkout, "demo")
    assert said.returncode != 0
    assert "apt-get install python3-venv" in said.stderr
    assert not (checkout / ".venv").exists(), "half a .venv would look ready"


def test_a_failing_installation_shows_the_installer_s_last_words_and_leaves_no_stamp(checkout):
    inner = script(checkout, "inner", 'case "$*" in *install*) echo no route to the index; exit 1;; esac')
    making = f"mkdir -p .venv/bin && cat {inner} >.venv/bin/python && chmod +x .venv/bin/python"
    script(checkout, "python3", f'[ "$1" = -m ] || exit 0\n{making}')
    said = make(checkout, "demo")
    assert said.returncode != 0
    assert "no route to the index" in said.stderr
    assert "pip could not install the packages" in said.stderr
    assert not list((checkout / ".venv").glob(".ready-*"))


def recording(checkout: Path, python: str = 'echo ran "$@"') -> None:
    """Let the interpreter and the set-up say what they are called with."""
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text(f"#!/bin/sh\n{python}\n")
    (programs / "python").chmod(0o755)
    (checkout / ".ci" / "venv").write_text('echo "set up $1"\n')


def test_what_is_installed_is_not_installed_again(checkout):
    recording(checkout)

    first = make(checkout, "test", "ARGS=-x")
    assert first.stdout.splitlines()[:2] == ["set up test", f"{RAN_TESTS} -x"]
    assert not first.returncode
    second = make(checkout, "test", "demo").stdout.splitlines()
    assert [line for line in second if line.startswith("ran")] == [RAN_TESTS, "ran -m sandbox.demo"]


def test_tests_that_fail_fail_the_command_after_the_coverage_is_told(checkout):
    recording(checkout, '[ "$2" = coverage ] && echo 97 && exit 0\nexit 3')
    said = make(checkout, "test")
    assert said.returncode != 0
    assert said.stdout.splitlines()[-1].startswith("coverage: 97 % ")


def test_what_is_installed_is_installed_again_when_pyproject_changes(checkout):
    recording(checkout)
    make(checkout, "test")

    later = (checkout / ".venv" / ".ready-test").stat().st_mtime + 10
    os.utime(checkout / "pyproject.toml", (later, later))
    assert make(checkout, "demo").stdout.splitlines()[0] == "set up demo"


def test_lint_goes_on_after_a_finding_and_fails_at_the_end(checkout):
    programs = checkout / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, code in (("python", 0), ("ruff", 1), ("mypy", 0), ("lint-imports", 0)):
        (programs / name).write_text(f"#!/bin/sh\necho ran {name}; exit {code}\n")
        (programs / name).chmod(0o755)
    (checkout / ".ci" / "venv").write_text("\n")
    said = make(checkout, "lint")
    assert said.returncode != 0
    assert [line for line in said.stdout.splitlines() if line.startswith("ran")] == [
        "ran ruff", "ran ruff", "ran mypy", "ran lint-imports",
    ]  # fmt: skip
