"""Put an export into its folder: nothing of anybody else's is overwritten, each file is replaced as a whole."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox import files
from sandbox.export.paper import File
from sandbox.model.errors import SandboxError

INDEX = ".sandbox-export.json"  # what was written last: path -> SHA-256


@dataclass(frozen=True, slots=True)
class Written:
    """Paths below the folder: those whose content is new, and those that are not written any more and were removed."""

    changed: tuple[str, ...]
    removed: tuple[str, ...]


def write(folder: str, wanted: Sequence[File], *, force: bool) -> Written:
    """Write files in the order they are given; those that are the same are left alone.

    Args:
        folder: absolute path; made where it is missing.
        wanted: all of an export.
        force: overwrite what others have written or changed.

    Raises:
        SandboxError: E197, that would be lost; E198, a file cannot be written.
    """
    before = _before(folder)
    if not force:
        _refuse_losses(folder, wanted, before)
    try:
        os.makedirs(folder, exist_ok=True)
        changed = [file.path for file in wanted if _put(folder, file)]
        removed = [path for path in before if path not in {file.path for file in wanted} and _remove(folder, path)]
        index = {file.path: _digest(file.text.encode()) for file in wanted}
        files.write(os.path.join(folder, INDEX), (json.dumps(index, indent=1) + "\n").encode(), mode=0o644)
    except OSError as error:
        what = f"{error.filename or folder} cannot be written: {error.strerror or error}"
        raise SandboxError("E198", what, "", "choose another folder with --to") from None
    return Written(tuple(changed), tuple(removed))


def _before(folder: str) -> Mapping[str, str]:
    try:
        with open(os.path.join(folder, INDEX), encoding="utf-8") as file:
            said = json.load(file)
        return {str(path): str(digest) for path, digest in said.items() if not os.path.isabs(path) and ".." not in path}
    except (OSError, ValueError, AttributeError):
        return {}


def _refuse_losses(folder: str, wanted: Sequence[File], before: Mapping[str, str]) -> None:
    lost = []
    for path in sorted({file.path for file in wanted}.union(before)):
        there = _content(folder, path)
        text = next((file.text for file in wanted if file.path == path), None)
        if there is not None and there != (text or "").encode() and _digest(there) != before.get(path):
            lost.append(path)
    if lost:
        why = f"changed by hand, or not written by an export: {', '.join(lost)}"
        raise SandboxError("E197", f"{folder} holds files that would be lost", why, "--to another folder, or --force")


def _put(folder: str, file: File) -> bool:
    if _content(folder, file.path) == file.text.encode():
        return False
    path = os.path.join(folder, file.path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    files.write(path, file.text.encode(), mode=0o644)
    # Whatever the umask: programs in containers, which are other users, read them.
    os.chmod(path, 0o755 if file.runs else 0o644)
    if os.path.dirname(file.path):
        os.chmod(os.path.dirname(path), 0o755)  # noqa: S103
    return True


def _remove(folder: str, path: str) -> bool:
    try:
        os.unlink(os.path.join(folder, path))
    except FileNotFoundError:
        return False
    return True


def _content(folder: str, path: str) -> bytes | None:
    try:
        with open(os.path.join(folder, path), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
