"""Samples as files: ``FOLDER/NAME.json`` for every deployment, ``FOLDER/DEPLOYMENT/NAME.json`` for one of them."""

import json
import os
import re
from typing import Any

from sandbox import files
from sandbox.home import Home
from sandbox.model.errors import SandboxError
from sandbox.model.sample import JSON, TOLERANCE, Sample, value_of

FOLDER = "samples"  # beside the deployment's file, unless it says otherwise
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEYS = frozenset({"request", "request_file", "answer", "content_type", "tolerance"})
_FIX = 'it looks like {"request": {"data": [1]}, "answer": [0.7]}; see docs/production.md'


def remember(home: Home, endpoint: str, deployment: str, folder: str) -> None:
    """Remember in which folder the file of a deployment lies; of an endpoint that is not there nothing is kept."""
    path = _folders(home, endpoint)
    if os.path.isdir(os.path.dirname(path)):
        with files.alone(home.at("locks", "_samples.lock"), "where samples lie"):
            files.write_json(path, {**(files.read_json(path) or {}), deployment.lower(): folder})


def remembered(home: Home, endpoint: str, deployment: str) -> str:
    """Return that folder, "" where none is known."""
    said = files.read_json(_folders(home, endpoint)) or {}
    return str(said.get(deployment.lower(), ""))


def _folders(home: Home, endpoint: str) -> str:
    return os.path.join(home.endpoints, endpoint.lower(), "folders.json")


def read(folder: str, deployment: str) -> tuple[Sample, ...]:
    """Return what a deployment has to answer, by name; its own samples win over those for all. () where none is kept.

    Raises:
        SandboxError: E180.
    """
    found: dict[str, Sample] = {}
    for place in (folder, os.path.join(folder, deployment.lower())):
        for name in sorted(os.listdir(place)) if os.path.isdir(place) else ():
            if name.endswith(".json") and not name.startswith("."):
                found[name.removesuffix(".json")] = _read(os.path.join(place, name))
    return tuple(found[name] for name in sorted(found))


def keep(folder: str, deployment: str, name: str, request: tuple[bytes, str], answer: bytes) -> str:
    """Write a sample of one deployment; one of the same name is replaced, its tolerance stays. Return its path.

    ``request`` is the body and its content type.

    Raises:
        SandboxError: E180, the name cannot be one; E003, the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        what = f"{name!r} cannot be the name of a sample"
        raise SandboxError("E180", what, "", "letters, digits, dots and dashes, 64 at most")
    place = os.path.join(folder, deployment.lower())
    path = os.path.join(place, f"{name}.json")
    body, kind = request
    said: dict[str, Any] = {}
    try:
        os.makedirs(place, exist_ok=True)
        try:
            said["request"] = json.loads(body)
        except ValueError:
            said |= {"request_file": f"{name}.request", "content_type": kind}
            files.write(os.path.join(place, f"{name}.request"), body, mode=0o644)
        said["answer"] = value_of(answer)
        before = files.read_json(path) if os.path.exists(path) else {}
        said |= {"tolerance": before["tolerance"]} if isinstance(before, dict) and "tolerance" in before else {}
        files.write_json(path, said, mode=0o644)
    except OSError as error:
        what = f"the sample cannot be kept: {error.filename or path}"
        raise SandboxError(
            "E003", what, error.strerror or str(error), "correct the permissions of the folder"
        ) from None
    return path


def _read(path: str) -> Sample:
    try:
        with open(path, encoding="utf-8") as file:
            said = json.load(file)
        if not isinstance(said, dict) or not ({"request", "request_file"} & said.keys()):
            raise _wrong(path, 'it has neither "request" nor "request_file"')
        if unknown := sorted(said.keys() - _KEYS):
            raise _wrong(path, f"nothing is called {unknown[0]!r}")
        body = json.dumps(said.get("request")).encode()
        if "request_file" in said:
            with open(os.path.join(os.path.dirname(path), str(said["request_file"])), "rb") as file:
                body = file.read()
        tolerance = said.get("tolerance", TOLERANCE)
        if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < 1:
            raise _wrong(path, f"tolerance is {tolerance!r}; it is a share, from 0 to below 1")
        name = os.path.basename(path).removesuffix(".json")
        kind = str(said.get("content_type", JSON))
        return Sample(name, body, said.get("answer"), "answer" in said, kind, float(tolerance))
    except OSError as error:
        raise _wrong(path, f"{error.filename}: {error.strerror}") from None
    except ValueError as error:
        raise _wrong(path, str(error)) from None


def _wrong(path: str, why: str) -> SandboxError:
    return SandboxError("E180", f"{path} is no sample", why, _FIX)
