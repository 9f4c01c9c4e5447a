"""Images straight from one engine to another, and of them only the layers that the other one does not have.

An engine takes an archive in which layers that it has are empty files: they are known by the hash of what is below them
and in them. What an engine makes of a layer does not depend on how it came.
"""

import contextlib
import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from sandbox.image import archive, labels, ship_parts
from sandbox.image.ship_parts import Archived, Parts
from sandbox.image.ship_report import Told
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

PARTIAL = "partial"  # kind of the images that keep what has arrived, until all of it has
TOGETHER = 32 * 2**20  # bytes of small layers that go at once
_BLOCK = 2**18


def ship(
    source: "APIClient", target: "APIClient", found: Mapping[str, Any], told: Told, kept: str = ""
) -> tuple[int, int]:
    """Send what is missing; return how many layers and bytes that was.

    Args:
        source: has the image.
        target: gets it.
        found: what ``source`` shows of it.
        told: hears how far it is.
        kept: the folder where images are sealed, "" for none: small layers are found there.

    Raises:
        SandboxError: E158, the target refuses it.
    """
    layers: Sequence[str] = found["RootFS"]["Layers"]
    there = _common(target, layers)
    if (parts := ship_parts.find(kept, str(found["Id"]), layers, there)) is not None:
        sent = _Sender(target, parts, layers, told)
        if not sent.missing(there):
            _tidy(target, layers)
            return sent.layers, sent.bytes
    with tempfile.TemporaryFile() as saved:
        size = 0
        for chunk in source.get_image(found["Id"], chunk_size=_BLOCK):
            size += saved.write(chunk)
            told.far("read", size)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as packed:
            sent = _Sender(target, Archived(packed), layers, told)
            why = sent.missing(there)
            if why and there:  # this engine keeps layers otherwise
                why = sent.missing(0)
        if why:  # as it was written by its own engine
            saved.seek(0)
            why = sent.whole(saved, size)
    if why:
        raise SandboxError("E158", "the image does not arrive", why, "see the log of the engine there")
    _tidy(target, layers)
    return sent.layers, sent.bytes


def _common(target: "APIClient", layers: Sequence[str]) -> int:
    """Return how many layers, from the lowest, the engine has in one image."""
    from docker.errors import APIError

    most = 0
    for each in target.images(quiet=True):
        try:
            other = (target.inspect_image(each).get("RootFS") or {}).get("Layers") or ()
        except APIError:  # removed at this moment
            continue
        most = max(most, _shared(layers, other))
    return most


def _shared(layers: Sequence[str], other: Sequence[str]) -> int:
    return next(
        (i for i, (one, two) in enumerate(zip(layers, other, strict=False)) if one != two), min(len(layers), len(other))
    )


class _Sender:
    """Sends parts of one image, whose layers have ``names``; counts what has gone."""

    def __init__(self, target: "APIClient", parts: Parts, names: Sequence[str], told: Told) -> None:
        self._target, self._parts, self._names, self._told = target, parts, names, told
        self.layers = self.bytes = 0
        self._total = 0

    def missing(self, there: int) -> str:
        """Send the layers after the first ``there``; return why the target does not take them, "" where it does."""
        before = self.bytes
        self._total = before + sum(self._parts.sizes[there:])
        end = there
        while True:
            begin, end = end, self._end_of(end)
            config = self._parts.config if end == len(self._names) else self._partial(end)
            if why := self._load(config, begin, end):
                return why
            self.layers += end - begin
            if end == len(self._names):
                return ""

    def whole(self, saved: IO[bytes], size: int) -> str:
        """Send the archive as it is."""
        self._total, self.layers = self.bytes + size, len(self._names)
        return self._given(iter(lambda: saved.read(_BLOCK), b""), "")

    def _end_of(self, begin: int) -> int:
        """Return where a portion ends that begins with a layer: small ones go together."""
        end, size = begin, 0
        while end < len(self._names) and (end == begin or size + self._parts.sizes[end] <= TOGETHER):
            size += self._parts.sizes[end]
            end += 1
        return end

    def _partial(self, end: int) -> bytes:
        whole = json.loads(self._parts.config)
        said = {
            "architecture": whole["architecture"],
            "os": whole["os"],
            "created": archive.CREATED,
            "config": {"Labels": {labels.KIND: PARTIAL}},
            "rootfs": {"type": "layers", "diff_ids": list(self._names[:end])},
            "history": [{"created": archive.CREATED, "created_by": "endpoint-sandbox"} for _ in range(end)],
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()

    def _load(self, config: bytes, begin: int, end: int) -> str:
        digest = hashlib.sha256(config).hexdigest()
        return self._given(self._archive(config, digest, begin, end), digest)

    def _archive(self, config: bytes, digest: str, begin: int, end: int) -> Iterator[bytes]:
        """Give an archive of the first ``end`` layers, of which those before ``begin`` are empty files."""
        paths = [f"{name.removeprefix('sha256:')}-{index}/layer.tar" for index, name in enumerate(self._names[:end])]
        manifest = [{"Config": f"{digest}.json", "RepoTags": None, "Layers": paths}]
        yield from _file("manifest.json", json.dumps(manifest).encode())
        yield from _file(f"{digest}.json", config)
        for path in paths[:begin]:
            yield from _file(path, b"")
        for index in range(begin, end):
            yield _header(paths[index], self._parts.sizes[index])
            with self._parts.open(index) as content:
                while block := content.read(_BLOCK):
                    self.bytes += len(block)
                    self._told.far("sent", self.bytes, self._total)
                    yield block
            yield _padding(self._parts.sizes[index])
        yield b"\0" * 1024

    def _given(self, stream: Iterator[bytes], digest: str) -> str:
        from docker.errors import ImageNotFound

        refused = [str(said["error"]) for said in self._target.load_image(stream) if "error" in said]
        if refused:
            return refused[0]
        if not digest:  # an engine that keeps images otherwise also names them otherwise: the id is looked at later
            return ""
        try:
            self._target.inspect_image(f"sha256:{digest}")
        except ImageNotFound:
            return "it was taken, and is not there"
        return ""


def _tidy(target: "APIClient", layers: Sequence[str]) -> None:
    """Remove the images that kept what had arrived of this one."""
    from docker.errors import APIError

    for each in target.images(filters={"label": f"{labels.KIND}={PARTIAL}"}, quiet=True):
        with contextlib.suppress(APIError):  # another command was faster
            other = (target.inspect_image(each).get("RootFS") or {}).get("Layers") or ()
            if _shared(layers, other) == len(other):
                target.remove_image(each, force=True, noprune=True)


def _header(path: str, size: int) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.size = size
    return entry.tobuf(tarfile.PAX_FORMAT)


def _file(path: str, content: bytes) -> Iterator[bytes]:
    yield _header(path, len(content)) + content + _padding(len(content))


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)
