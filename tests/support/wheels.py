"""Packages made by hand, so that environments are built from real wheels without a network."""

import base64
import hashlib
import importlib.metadata
import io
import tarfile
import zipfile
from pathlib import Path

BACKEND = """
import os, pathlib, subprocess, sys

def build_wheel(folder, config_settings=None, metadata_directory=None):
    {action}

def get_requires_for_build_wheel(config_settings=None):
    return []
"""
FAIL = 'print("fatal error: numbers.h: No such file"); raise RuntimeError("command \'gcc\' failed")'
HANG = (
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "pathlib.Path({mark!r}).write_text(f'{{os.getpid()}} {{child.pid}}'); child.wait()"
)


def wheel(
    folder: Path, name: str, version: str, files: dict[str, str | bytes], *, requires: tuple[str, ...] = ()
) -> Path:
    """Write a pure wheel; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
    everything = {
        **{path: text.encode() if isinstance(text, str) else text for path, text in files.items()},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in everything.items())
    everything[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in everything.items():
            archive.writestr(member, data)
    return path


def repacked(folder: Path, name: str, version: str) -> Path:
    """Write a wheel of an installed package under another version, without requirements."""
    installed = importlib.metadata.distribution(name)
    parts = [part for part in installed.files or () if part.parts[0] == name and part.suffix != ".pyc"]
    return wheel(folder, name, version, {str(part): part.read_binary() for part in parts})


def source(folder: Path, name: str, version: str, action: str) -> Path:
    """Write a source distribution whose build runs ``action``; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    top = f"{name}-{version}"
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    project += f'[project]\nname = "{name}"\nversion = "{version}"\n'
    members = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": project,
        "backend.py": BACKEND.format(action=action),
    }
    path = folder / f"{top}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member, text in members.items():
            entry = tarfile.TarInfo(f"{top}/{member}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
