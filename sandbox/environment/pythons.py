"""Which Python a deployment gets: the one that was asked for, where it is found and the server runs on it."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.environment import conda_spec

OLDEST, NEWEST = (3, 10), (3, 14)  # what the server runs on: pyproject.toml
_PROBE_S = 20.0
_PROBE = (
    "import json, sys, sysconfig; print(json.dumps({"
    "'path': getattr(sys, '_base_executable', None) or sys.executable, 'version': list(sys.version_info[:3]),"
    "'tag': f'{sys.implementation.cache_tag}-{sysconfig.get_platform()}', 'packages': sysconfig.get_path('purelib')}))"
)


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter, as it describes itself."""

    path: str  # of the installation, also when a virtual environment's link was asked
    version: tuple[int, int, int]
    tag: str  # what compiled packages depend on: cpython-311-linux-x86_64
    packages: str  # its site-packages

    @property
    def minor(self) -> tuple[int, int]:
        """(3, 11)."""
        return self.version[:2]


@dataclass(frozen=True, slots=True)
class Choice:
    """What to build with. ``fits`` False: it is not what was asked for, and ``warning`` says so."""

    python: Python
    fits: bool = True
    warning: str = ""


def probe(*words: str) -> Python | None:
    """Ask an interpreter who it is; None where it does not run or is none."""
    try:
        done = subprocess.run(
            [*words, "-I", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_S,
            check=False,
        )
        said = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if said is None:
        return None
    major, minor, patch = said["version"]
    return Python(said["path"], (major, minor, patch), said["tag"], said["packages"])


def ours() -> Python:
    """Return the interpreter that runs us."""
    tag = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
    base = getattr(sys, "_base_executable", None) or sys.executable
    return Python(base, sys.version_info[:3], tag, sysconfig.get_path("purelib"))


def choose(asked: str, environ: Mapping[str, str] = os.environ) -> Choice:
    """Find a Python for what a conda file asks for.

    Args:
        asked: conda's expression for the package python, "" for any.
        environ: where ``PATH`` and ``PYENV_ROOT`` are read.
    """
    own = ours()
    if not asked or conda_spec.accepts(asked, own.minor):
        return Choice(own)
    minors = [(3, minor) for minor in range(6, NEWEST[1] + 3)]
    fitting = [minor for minor in minors if conda_spec.accepts(asked, minor)]
    possible = [minor for minor in fitting if OLDEST <= minor <= NEWEST]
    for minor in reversed(possible):
        if (found := find(minor, environ)) is not None:
            return Choice(found)
    if possible:
        why = "it was not found on PATH, with pyenv or uv"
        fix = f"`uv python install {_text(possible[-1])}` brings one"
        return Choice(own, fits=False, warning=_warning(asked, own, why, fix))
    why = f"the server runs on {_text(OLDEST)} to {_text(NEWEST)}"
    fix = "old pins may have no wheels for it; in Azure the image decides"
    nearest = _nearest(fitting, own, environ)
    return Choice(nearest, fits=False, warning=_warning(asked, nearest, why, fix))


def find(minor: tuple[int, int], environ: Mapping[str, str] = os.environ) -> Python | None:
    """Return an interpreter of a minor version, None where there is none."""
    for words in _candidates(_text(minor), environ):
        found = probe(*words)
        if found is not None and found.minor == minor:
            return found
    return None


def uv(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of uv, None where it is not installed."""
    return shutil.which("uv", path=environ.get("PATH", ""))


def _candidates(version: str, environ: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Give the commands that may start a Python of this version, the likeliest first."""
    for folder in environ.get("PATH", "").split(os.pathsep):
        path = shutil.which(f"python{version}", path=folder) if folder else None
        if path:
            yield (path,)
    if sys.platform == "win32":
        yield ("py", f"-{version}")
    root = environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    folders = glob.glob(os.path.join(glob.escape(root), "versions", f"{version}.*"))
    for folder in sorted(folders, key=_patch, reverse=True):
        yield (os.path.join(folder, "bin", "python"),)
    if (tool := uv(environ)) is not None:
        try:
            done = subprocess.run(
                [tool, "python", "find", "--no-python-downloads", version],
                capture_output=True,
                text=True,
                timeout=_PROBE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return
        if done.returncode == 0:
            yield (done.stdout.strip(),)


def _patch(folder: str) -> int:
    found = re.search(r"\.(\d+)$", folder)  # 3.13.0rc1 and its like come last
    return int(found[1]) if found else -1


def _nearest(asked: list[tuple[int, int]], own: Python, environ: Mapping[str, str]) -> Python:
    """Return the nearest Python on which the server runs: old pins have wheels for old versions."""
    if asked and asked[-1] < OLDEST:
        for minor in range(OLDEST[1], own.minor[1]):
            if (found := find((3, minor), environ)) is not None:
                return found
    return own


def _warning(asked: str, used: Python, why: str, fix: str) -> str:
    return f"Python {asked.lstrip('=')} was asked for, {_text(used.minor)} is used: {why}; {fix}"


def _text(minor: tuple[int, int]) -> str:
    return f"{minor[0]}.{minor[1]}"
