"""Sealed images that passed as sealed: remembered by their id, so that nothing else is ever promoted."""

import hashlib
import importlib.metadata
import json
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


def remember(home: Home, image: str, name: str, made_of: str, samples: Sequence[Sample]) -> Tested:
    """Write down that an image passed; ``made_of`` is the ``key`` of what it was sealed from."""
    names = tuple(each.name for each in samples)
    made = Tested(image, name, names, now())
    said = {"image": image, "name": name, "samples": list(names), "at": made.at, "answers": _digest(samples)}
    files.write_json(_path(home, made_of), said)
    return made


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
