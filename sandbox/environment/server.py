"""The inference server and what it needs, in a folder that environments look into after their own packages.

Never installed over the user's pins: an environment sees the folder by a ``.pth`` file, which puts it at the end of
``sys.path``. Whatever the user's environment has itself, flask of another version for instance, comes first.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator

from sandbox import files
from sandbox.copies import copying
from sandbox.environment.pythons import Python, ours
from sandbox.home import Home
from sandbox.model.errors import SandboxError

PACKAGE = "inference_http"
DEPENDENCIES = ("flask>=3.0", "waitress>=3.0.1", "watchdog>=4.0", "debugpy>=1.8.15")  # as in pyproject.toml
LINK = "zzz-inference-http.pth"  # read after the others of the folder: editable packages of the user come first
CHECK = (  # every module of it: what a pinned package lacks must not show itself at the first request
    f"import importlib, pkgutil, flask, waitress, watchdog, debugpy, {PACKAGE} as server\n"
    "for found in pkgutil.walk_packages(server.__path__, server.__name__ + '.'):\n"
    "    found.name.endswith('__main__') or importlib.import_module(found.name)\n"
)
_SCHEME = "1"
_NOT_HERE = re.compile(r"extra ==|python_version < .3\.(\d|10).")  # markers of what no Python of ours needs
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def folder_for(home: Home, python: Python) -> str:
    """Return the folder for interpreters like ``python``, which need not exist yet; another one for each source."""
    digest = hashlib.sha256("\n".join((_SCHEME, *DEPENDENCIES)).encode())
    for relative, path in sources():
        with open(path, "rb") as file:
            digest.update(relative.encode() + b"\0" + file.read() + b"\0")
    return os.path.join(home.environments, f"server-{python.tag}-{digest.hexdigest()[:16]}")


def place(home: Home, python: Python, install_to: Callable[[str], None]) -> str:
    """Make the folder for interpreters like ``python``, unless it is there; return it.

    For a Python like ours our own packages are copied: the versions that are known to work, and no network is needed.

    Args:
        home: holds the folder.
        python: the interpreter that will run the server.
        install_to: installs ``DEPENDENCIES`` into a folder.
    """
    folder = folder_for(home, python)
    if os.path.isdir(folder):
        os.utime(folder)  # in use, also before a record says so
        return folder
    draft = os.path.join(home.environments, f".draft-server-{secrets.token_hex(4)}")
    os.makedirs(draft, mode=0o700)
    try:
        if python.tag != ours().tag or not _copy_own(draft):
            install_to(draft)
        for relative, path in sources():
            _copy(path, os.path.join(draft, PACKAGE, *relative.split("/")))
        try:
            os.rename(draft, folder)
        except OSError:
            if not os.path.isdir(folder):  # else another command was faster
                raise
    finally:
        copying.remove(draft)
    return folder


def attach(packages: str, folder: str) -> None:
    """Let an environment, whose site-packages are ``packages``, see the server."""
    files.write(os.path.join(packages, LINK), f"{folder}\n".encode(), mode=0o644)


def detach(packages: str, before: str | None) -> None:
    """Undo ``attach``: let the environment see the server that it saw before, if any."""
    if before is not None:
        attach(packages, before)
    else:
        copying.remove(os.path.join(packages, LINK))


def attached(packages: str) -> str | None:
    """Return the folder that an environment sees, None where it sees none."""
    try:
        with open(os.path.join(packages, LINK), encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def misfit(lines: tuple[str, ...], log: str) -> SandboxError:
    """Return the error that says why the server does not load beside the user's packages."""
    tail = [line for line in lines if line.strip()]
    why = "\n".join([*(f"  {line}" for line in tail[-6:]), f"all of it: {log}"])
    what = f"the server does not load beside the packages: {tail[-1] if tail else 'no reason was given'}"
    fix = "loosen the pin of that package, or of flask, werkzeug, jinja2: the server needs " + ", ".join(DEPENDENCIES)
    return SandboxError("E078", what, why, fix)


def sources() -> Iterator[tuple[str, str]]:
    """Give (path below the package with /, path) of each file of the server, found without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    root = next(iter(spec.submodule_search_locations))
    found = []
    for base, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = os.path.join(base, name)
            found.append((os.path.relpath(path, root).replace(os.sep, "/"), path))
    yield from sorted(found)


def _copy_own(folder: str) -> bool:
    """Copy the server's dependencies from where we have them ourselves; False: they cannot be told apart there."""
    waiting, done = [_name(requirement) for requirement in DEPENDENCIES], set()
    while waiting:
        name = waiting.pop()
        if name in done:
            continue
        done.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if name in map(_name, DEPENDENCIES):
                return False
            continue  # needed on another platform or for an older Python only
        if not found.files:
            return False
        for part in found.files:
            if part.parts[0] != ".." and "__pycache__" not in part.parts and os.path.isfile(part.locate()):
                _copy(str(part.locate()), os.path.join(folder, *part.parts))
        waiting += [_name(need) for need in found.requires or () if not _NOT_HERE.search(need)]
    return True


def _copy(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy2(source, target)


def _name(requirement: str) -> str:
    found = _NAME.match(requirement)
    assert found is not None, requirement
    return found.group().lower()
