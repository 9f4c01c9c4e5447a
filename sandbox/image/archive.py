"""Images that we write ourselves, as archives for ``docker load``: the same bytes from the same inputs, everywhere.

A build of the engine is never the same twice: times stand in its layers and in the image. Here the layers of another
image are taken as they are, layers of ours are put on top, and the id is the hash of a configuration in which nothing
depends on when or where it was written.
"""

import contextlib
import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from sandbox.image import tarball
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

CREATED = "1980-01-01T00:00:00Z"
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer on disk and its name, the hash of its content."""

    path: str
    diff_id: str  # "sha256:..."


@contextlib.contextmanager
def layer(folder: str, files: Iterable[tuple[str, bytes]], folders: Iterable[tuple[str, str]]) -> Iterator[Layer]:
    """Write a layer with files of root's that everybody may read; it is removed at the end.

    Raises:
        OSError: a file cannot be read, or there is no space.
    """
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".layer") as file:
        tarball.write(file, files, folders)
        file.flush()
        file.seek(0)
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
        yield Layer(file.name, f"sha256:{digest.hexdigest()}")


def configuration(base: Mapping[str, Any], tops: Sequence[Layer], changes: Mapping[str, Any]) -> bytes:
    """Return the configuration of an image: that of ``base``, as the engine shows it, with layers and changes.

    ``changes`` replace fields of ``Config``, such as Env and Labels.
    """
    kept = ("User", "ExposedPorts", "Env", "Cmd", "Entrypoint", "WorkingDir", "Labels", "StopSignal")
    config = {name: base["Config"][name] for name in kept if base["Config"].get(name) is not None}
    layers = [*base["RootFS"]["Layers"], *(top.diff_id for top in tops)]
    said = {
        "architecture": base["Architecture"],
        "os": base["Os"],
        "created": CREATED,
        "config": {**config, **changes},
        "rootfs": {"type": "layers", "diff_ids": layers},
        "history": [{"created": CREATED, "created_by": "endpoint-sandbox"} for _ in layers],
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def load(client: "APIClient", base: Mapping[str, Any], tops: Sequence[Layer], config: bytes, folder: str) -> str:
    """Give an image to the engine that has its ``base``, as the engine shows it; return its id, which is known before.

    Raises:
        SandboxError: E121, the engine does not take it.
    """
    base_layers: Sequence[str] = base["RootFS"]["Layers"]
    image = f"sha256:{hashlib.sha256(config).hexdigest()}"
    with tempfile.TemporaryFile(dir=folder) as packed:
        _pack(packed, config, base_layers, tops, None)
        why = _given(client, packed, image)
    if not why:
        return image
    with tempfile.TemporaryFile(dir=folder) as saved, tempfile.TemporaryFile(dir=folder) as packed:
        for chunk in client.get_image(base["Id"]):  # this engine keeps layers otherwise: it gets them all
            saved.write(chunk)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as source:
            _pack(packed, config, base_layers, tops, source)
        why = _given(client, packed, image)
    if why:
        raise SandboxError("E121", "the engine does not take the sealed image", why, "see the engine's log")
    return image


def _given(client: "APIClient", packed: IO[bytes], image: str) -> str:
    """Load an archive; return what kept the engine from it, "" where it has the image now."""
    from docker.errors import APIError, ImageNotFound

    packed.seek(0)
    try:
        refused = [str(said["error"]) for said in client.load_image(packed) if "error" in said]
        if refused:
            return refused[0]
        client.inspect_image(image)
    except (APIError, ImageNotFound) as error:
        return str(error.explanation or error)
    return ""


def _pack(
    target: IO[bytes], config: bytes, base_layers: Sequence[str], tops: Sequence[Layer], source: tarfile.TarFile | None
) -> None:
    """Write the archive. Layers that the engine has may be empty files in it; else ``source`` holds them."""
    names = [f"{each.removeprefix('sha256:')}/layer.tar" for each in (*base_layers, *(top.diff_id for top in tops))]
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    said = [{"Config": name, "RepoTags": None, "Layers": names}]
    with tarfile.open(fileobj=target, mode="w") as archive:
        _add(archive, "manifest.json", json.dumps(said).encode())
        _add(archive, name, config)
        saved = _saved(source) if source is not None else [None] * len(base_layers)
        for inside, member in zip(names[: len(base_layers)], saved, strict=True):
            if member is None or source is None:
                _add(archive, inside, b"")
            else:
                entry = tarfile.TarInfo(inside)
                entry.size = member.size
                archive.addfile(entry, source.extractfile(member))
        for inside, top in zip(names[len(base_layers) :], tops, strict=True):
            entry = tarfile.TarInfo(inside)
            entry.size = os.path.getsize(top.path)
            with open(top.path, "rb") as file:
                archive.addfile(entry, file)


def _saved(source: tarfile.TarFile) -> list[tarfile.TarInfo | None]:
    return [followed(source, name) for name in manifest(source)["Layers"]]


def manifest(source: tarfile.TarFile) -> Any:
    """Return what an archive of one image, written by an engine, says of it: Config and Layers are paths in it."""
    return json.loads(content(source, "manifest.json"))[0]


def content(source: tarfile.TarFile, name: str) -> bytes:
    """Return a file of an archive."""
    file = source.extractfile(name)
    assert file is not None, name
    return file.read()


def followed(source: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    """Return the file behind a name: the same layer twice is written as a link by the engine."""
    member = source.getmember(name)
    while member.issym() or member.islnk():
        path = member.linkname if member.islnk() else os.path.normpath(f"{os.path.dirname(name)}/{member.linkname}")
        member, name = source.getmember(path), path
    return member


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    import io

    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
