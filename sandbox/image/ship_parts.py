"""Where the layers of an image are read from: an archive that its engine wrote, or what was kept when it was sealed.

An engine writes the whole image for whoever wants one layer of it. What changes most is small, and made here: the code.
So small layers of sealed images are kept, and another version of the code is shipped without asking the engine.
"""

import contextlib
import hashlib
import os
import shutil
import tarfile
from collections.abc import Sequence
from typing import IO, Protocol

from sandbox import files
from sandbox.image import archive
from sandbox.image.archive import Layer

FOLDER = "kept"  # below the folder that images are sealed in
LARGEST = 16 * 2**20  # bytes of a layer that is kept
MOST = 40  # files that are kept; the oldest go


class Parts(Protocol):
    """The parts of one image. ``config`` is its configuration, ``sizes`` are those of its layers in bytes."""

    config: bytes
    sizes: Sequence[int]

    def open(self, index: int) -> IO[bytes]:
        """Open a layer."""


class Archived:
    """Parts in an archive that an engine wrote."""

    def __init__(self, packed: tarfile.TarFile) -> None:
        manifest = archive.manifest(packed)
        self._packed = packed
        self._members = [archive.followed(packed, name) for name in manifest["Layers"]]
        self.config = archive.content(packed, manifest["Config"])
        self.sizes: Sequence[int] = [member.size for member in self._members]

    def open(self, index: int) -> IO[bytes]:
        """Open a layer."""
        content = self._packed.extractfile(self._members[index])
        assert content is not None
        return content


class Kept:
    """Parts that were kept: the layers after the first ones, which nobody needs."""

    def __init__(self, config: bytes, there: int, paths: Sequence[str]) -> None:
        self.config = config
        self._there, self._paths = there, paths
        self.sizes: Sequence[int] = [0] * there + [os.path.getsize(path) for path in paths]

    def open(self, index: int) -> IO[bytes]:
        """Open a layer."""
        return open(self._paths[index - self._there], "rb")


def keep(folder: str, image: str, config: bytes, tops: Sequence[Layer]) -> None:
    """Keep what was just sealed, as far as it is small; that it cannot be kept is no reason for sealing to fail.

    Args:
        folder: where images are sealed.
        image: the id, ``sha256:...``.
        config: its configuration.
        tops: its layers of ours.
    """
    kept = os.path.join(folder, FOLDER)
    with contextlib.suppress(OSError):
        files.write(os.path.join(kept, _name(image)), config)
        for top in tops:
            if os.path.getsize(top.path) <= LARGEST:
                draft = os.path.join(kept, f"{_name(top.diff_id)}.{os.getpid()}")
                shutil.copyfile(top.path, draft)
                os.replace(draft, os.path.join(kept, _name(top.diff_id)))
        names = sorted(os.scandir(kept), key=lambda each: each.stat().st_mtime)
        for each in names[:-MOST]:
            os.unlink(each.path)


def find(folder: str, image: str, layers: Sequence[str], there: int) -> Kept | None:
    """Return what is kept of an image, None unless that is all of it but its first layers.

    Args:
        folder: where images are sealed; "" where nothing is kept.
        image: the id.
        layers: names of all of its layers.
        there: so many of them are not needed.
    """
    if not folder:
        return None
    paths = [os.path.join(folder, FOLDER, _name(each)) for each in (image, *layers[there:])]
    with contextlib.suppress(OSError):
        if all(_digest(path) == os.path.basename(path) for path in paths):  # whoever changes them changes nothing
            with open(paths[0], "rb") as file:
                return Kept(file.read(), there, paths[1:])
    return None


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
