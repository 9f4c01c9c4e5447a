"""Sealed images that passed as sealed: remembered by their id, so that nothing else is ever promoted."""

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox import files
from sandbox.environment import server
from sandbox.home import Home
from sandbox.model.deployment import Deployment
from sandbox.model.sample import Sample, as_mapping
from sandbox.model.state import Revision
from sandbox.store import codec
from sandbox.store.endpoints import now


@dataclass(frozen=True, slots=True)
class Tested:
    """An image that was run as it is, was ready, and answered these samples as expected."""

    image: str
    name: str
    samples: tuple[str, ...]
    at: str


def key(made_of: Deployment, serving: Revision, commit: str) -> str:
    """Return the hash of everything that decides what a sealed image of a revision is."""
    digest = hashlib.sha256()
    for relative, path in server.sources():
        digest.update(relative.encode() + b"\0")
        with open(path, "rb") as file:
            digest.update(file.read())
    version = importlib.metadata.version("endpoint-sandbox")
    said = [codec.encode(made_of), codec.encode(serving), commit, version, digest.hexdigest()]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def remember(
    home: Home, made: Tested, made_of: str, samples: Sequence[Sample], whose: tuple[str, str, Revision]
) -> Tested:
    """Write down that an image passed.

    Args:
        home: where.
        made: the image.
        made_of: the ``key`` of what it was sealed from.
        samples: what it answered as expected.
        whose: endpoint, deployment, and the revision that served.
    """
    said = {"image": made.image, "name": made.name, "samples": list(made.samples), "at": made.at}
    files.write_json(_path(home, made_of), {**said, "answers": _digest(samples)})
    endpoint, deployment, serving = whose
    files.write_json(_last(home, endpoint, deployment), {"image": made.image, "of": _revision(serving)})
    return made


def of(image: str, name: str, samples: Sequence[Sample]) -> Tested:
    """Return an image that has passed just now."""
    return Tested(image, name, tuple(each.name for each in samples), now())


def images(home: Home) -> set[str]:
    """Return the ids of all images that were sealed here and passed."""
    folder = home.at("sealed")
    names = os.listdir(folder) if os.path.isdir(folder) else ()
    return {str(files.read_json(home.at("sealed", name))["image"]) for name in names if name.endswith(".json")}


def last(home: Home, endpoint: str, deployment: str, serving: Revision) -> str:
    """Return the image that what serves was sealed as and passed, "" where it was not."""
    said = files.read_json(_last(home, endpoint, deployment))
    return str(said["image"]) if isinstance(said, dict) and said.get("of") == _revision(serving) else ""


def _revision(serving: Revision) -> str:
    return f"{serving.id}-{serving.digest}"


def _last(home: Home, endpoint: str, deployment: str) -> str:
    return home.at("sealed", "last", f"{endpoint}.{deployment}.json")


def find(home: Home, made_of: str, samples: Sequence[Sample]) -> Tested | None:
    """Return the image that passed with just these samples, None where none did."""
    said: dict[str, Any] | None = files.read_json(_path(home, made_of))
    if said is None or said["answers"] != _digest(samples):
        return None
    return Tested(said["image"], said["name"], tuple(said["samples"]), said["at"])


def _digest(samples: Sequence[Sample]) -> str:
    text = json.dumps([as_mapping(each) for each in samples], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _path(home: Home, made_of: str) -> str:
    return home.at("sealed", f"{made_of[:32]}.json")
