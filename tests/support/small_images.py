"""Images of a few bytes, or of as many as a test needs, made without a build: layers of one file each."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Sequence
from typing import Any

MARK = "endpoint-sandbox-test.small"  # label of all of them


def layer(name: str, content: bytes) -> bytes:
    """A layer with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def noise(size: int) -> bytes:
    """Bytes that nothing makes smaller."""
    return os.urandom(size)


def load(client: Any, layers: Sequence[bytes], tag: str, *, architecture: str = "amd64", kind: str = "") -> str:
    """Give an image to an engine; return its id. ``kind``: of the images of this program."""
    names = [hashlib.sha256(each).hexdigest() for each in layers]
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "created": "1980-01-01T00:00:00Z",
            "config": {"Labels": {MARK: tag, **({"endpoint-sandbox.kind": kind} if kind else {})}, "Cmd": ["/none"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{name}" for name in names]},
            "history": [{"created": "1980-01-01T00:00:00Z", "created_by": "test"} for _ in names],
        }
    ).encode()
    digest = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{digest}.json", "RepoTags": [tag], "Layers": [f"{name}/layer.tar" for name in names]}]
    members = {
        "manifest.json": json.dumps(manifest).encode(),
        f"{digest}.json": config,
        **{f"{name}/layer.tar": each for name, each in zip(names, layers, strict=True)},
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    for said in client.load_image(packed):
        assert "error" not in said, said
    return f"sha256:{digest}"


def clear(client: Any) -> None:
    """Remove all of them, and what is left of their way."""
    for label in (MARK, "endpoint-sandbox.kind=partial"):
        for image in client.images(filters={"label": label}, quiet=True):
            client.remove_image(image, force=True)
