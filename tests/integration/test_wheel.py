"""The wheel, installed where nothing of the repository is in reach."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from inference_http import __version__

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A function that runs a program of a fresh environment which holds the wheel and its base dependencies only."""
    home = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", str(home / "venv")], check=True)
    programs = home / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", str(wheel)]
    subprocess.run(pip, check=True)

    def run(program: str, *words: str) -> str:
        done = subprocess.run([str(programs / program), *words], cwd=home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    return run


def test_the_wheel_holds_the_packages_and_the_templates_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"inference_http", "sandbox", "tui", "templates", f"endpoint_sandbox-{__version__}.dist-info"}
    assert {"templates/classifier/score.py", "templates/classifier/sample-request.json"} <= set(names)
    assert {f"{package}/py.typed" for package in ("inference_http", "sandbox", "tui")} <= set(names)
    assert [name for name in names if "__pycache__" in name] == []


@pytest.mark.slow
def test_the_command_answers_without_the_extras(installed):
    assert __version__ in installed("inference-http", "--version")
    assert "--entry_script" in installed("inference-http", "--help")


@pytest.mark.slow
def test_templates_are_found_in_the_installed_wheel(installed):
    program = "import templates; print(templates.path('classifier/score.py'))"
    found = installed("python", "-c", program)
    assert "site-packages" in found
    assert Path(found).is_file()


@pytest.mark.slow
def test_the_extras_bring_what_they_promise(installed):
    program = (
        "from importlib.metadata import metadata\n"
        "print(*sorted(metadata('endpoint-sandbox').get_all('Provides-Extra')), sep=',')"
    )
    assert installed("python", "-c", program) == "demo,dev,insights,sandbox,test"
