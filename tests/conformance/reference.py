"""The reference server, installed from PyPI into a virtual environment of its own.

The environment lies in the user's cache folder and is made on first use. It is keyed by everything that decides what is
in it (Python version, requirements), so that a change of either makes a new one and never mends an old one in place.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

VERSION = "1.5.1"
PACKAGE = "azureml-inference-server-http"


class ReferenceMissing(Exception):
    """The reference could not be installed; says what failed and what to do."""


def requirements() -> list[str]:
    """What goes into the environment. numpy and pandas in our versions: both servers then know the same types."""
    wanted = [f"{PACKAGE}=={VERSION}"]
    for name in ("numpy", "pandas"):
        with contextlib.suppress(PackageNotFoundError):
            wanted.append(f"{name}=={version(name)}")
    return wanted


def cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(root) / "endpoint-sandbox"


def folder() -> Path:
    """Where the environment for this Python and these requirements belongs."""
    key = hashlib.sha256("\n".join([sys.base_prefix, *requirements()]).encode()).hexdigest()[:8]
    python = f"{sys.implementation.name}{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return cache_folder() / f"azmlinfsrv-{VERSION}-{python}-{key}"


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Two test sessions started at once must not build the same environment twice."""
    import fcntl

    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def installed() -> Path:
    """The environment's folder, made now if it is not there yet. Raises ReferenceMissing."""
    place = folder()
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(place.with_name(place.name + ".lock")):
        if not place.is_dir():
            partial = place.with_name(place.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(partial)])
            _run([str(partial / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements()])
            partial.rename(place)  # nothing is started through the scripts' shebangs, so the move breaks nothing
    return place


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReferenceMissing(
            f"The reference server ({', '.join(requirements())}) could not be installed into {folder()}.\n"
            f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-3000:]}\n"
            "The conformance tests need it once; with access to PyPI it is made on the next run."
        )


def command() -> list[str]:
    """How the reference is started: its console script, named to the interpreter because the folder was moved."""
    binaries = installed() / "bin"
    return [str(binaries / "python"), str(binaries / "azmlinfsrv")]
