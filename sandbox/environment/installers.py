"""The tools that make an environment and install into it: uv, venv with pip, conda. How, not what or where."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from sandbox.environment import command, failures, surroundings
from sandbox.model.errors import SandboxError

CONDA_TOOLS = ("micromamba", "mamba", "conda")  # the fastest first
_BRING_PIP = "import ensurepip, importlib.util; importlib.util.find_spec('pip') or ensurepip.bootstrap()"
_OPTIONS_OF_UV = {
    *("-c", "--constraint", "-e", "--editable", "-f", "--find-links", "-i", "--index-url", "--extra-index-url"),
    *("--no-index", "--no-binary", "--only-binary", "--require-hashes"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where something is built: its folder, and where output goes."""

    folder: str
    environ: Mapping[str, str]
    say: Callable[[str], None]
    log: IO[str]
    log_path: str
    hints: tuple[str, ...] = ()

    def run(self, tool: str, *words: str, environ: Mapping[str, str] | None = None) -> None:
        """Run a tool in the folder.

        Raises:
            SandboxError: E073-E077, E079, E084: it failed, and why.
        """
        try:
            done = command.run(words, cwd=self.folder, environ=environ or self.environ, say=self.say, log=self.log)
        except OSError as error:
            why = error.strerror or str(error)
            raise SandboxError("E077", f"{words[0]} does not start", why, "install it again") from None
        if done.code != 0:
            raise failures.explain(tool, done.lines, self.hints, self.log_path)


class Installer(Protocol):
    """Makes virtual environments and installs packages."""

    name: str

    def make(self, site: Site, base: str, folder: str) -> str:
        """Make an empty environment of the interpreter ``base``; return the path of its own."""

    def install(self, site: Site, python: str, file: str) -> None:
        """Install what a requirements file lists, for the interpreter ``python``."""

    def install_to(self, site: Site, python: str, requirements: Sequence[str], folder: str) -> None:
        """Install packages for the interpreter ``python`` into a folder of their own."""


class WithPip:
    """The way that Python itself has."""

    name = "pip"

    def make(self, site: Site, base: str, folder: str) -> str:
        """Make it with the module venv, pip included."""
        site.run("venv", base, "-m", "venv", folder)
        return interpreter_in(folder)

    def install(self, site: Site, python: str, file: str) -> None:
        """Install with the environment's own pip."""
        site.run("pip", python, "-m", "pip", "install", "-r", file)

    def install_to(self, site: Site, python: str, requirements: Sequence[str], folder: str) -> None:
        """Install with the environment's own pip, which one that uv made may lack."""
        site.run("ensurepip", python, "-c", _BRING_PIP)
        site.run("pip", python, "-m", "pip", "install", "--target", folder, *requirements)


class WithUv:
    """Ten times faster, where it is installed."""

    name = "uv"

    def __init__(self, path: str) -> None:
        self._path = path
        self._environ: dict[str, str] | None = None

    @staticmethod
    def understands(lines: Sequence[str]) -> bool:
        """Tell whether uv takes the options in these lines of a requirements file; some of pip's it leaves out."""
        options = (line.split("=")[0].split()[0] for line in lines if line.startswith("-"))
        return all(option in _OPTIONS_OF_UV for option in options)

    def make(self, site: Site, base: str, folder: str) -> str:
        """Make it without pip, which uv does not need."""
        self._run(site, "venv", "--python", base, folder)
        return interpreter_in(folder)

    def install(self, site: Site, python: str, file: str) -> None:
        """Install by a requirements file."""
        self._run(site, "pip", "install", "--python", python, "-r", file)

    def install_to(self, site: Site, python: str, requirements: Sequence[str], folder: str) -> None:
        """Install into a folder."""
        self._run(site, "pip", "install", "--python", python, "--target", folder, *requirements)

    def _run(self, site: Site, *words: str) -> None:
        if self._environ is None:
            self._environ = surroundings.of_uv(site.environ, surroundings.ask_pip(site.environ))
        site.run("uv", self._path, *words, environ=self._environ)


@dataclass(frozen=True, slots=True)
class Conda:
    """conda, mamba or micromamba."""

    name: str
    path: str

    def make(self, site: Site, dependencies: Sequence[str], channels: Sequence[str], folder: str) -> str:
        """Make an environment with packages of conda; return the path of its interpreter."""
        if not channels and self.name == "micromamba":
            channels = ("conda-forge",)  # it has no channels of its own; the other two do
        described = {"channels": list(channels), "dependencies": list(dependencies)}
        file = os.path.join(
            site.folder, "conda.yml"
        )  # JSON is YAML; and channels may hold tokens: not on a command line
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            json.dump({key: value for key, value in described.items() if value}, opened, indent=1)
        verb = (
            ("create", "-y") if self.name == "micromamba" else ("env", "create", "-y" if self.name == "mamba" else "-q")
        )
        site.run(self.name, self.path, *verb, "-p", folder, "-f", file)
        return os.path.join(folder, "python.exe") if sys.platform == "win32" else os.path.join(folder, "bin", "python")


def conda(environ: Mapping[str, str]) -> Conda | None:
    """Return the conda tool on ``PATH``, None where there is none."""
    for name in CONDA_TOOLS:
        if path := shutil.which(name, path=environ.get("PATH", "")):
            return Conda(name, path)
    return None


def interpreter_in(folder: str) -> str:
    """Return the interpreter of a virtual environment."""
    if sys.platform == "win32":
        return os.path.join(folder, "Scripts", "python.exe")
    return os.path.join(folder, "bin", "python")
