"""Files that are written whole or not at all, and locks that the kernel releases when their holder ends."""

import contextlib
import errno
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any

from sandbox.model.errors import SandboxError

DRAFT = ".draft"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
LOCK_S = 30.0  # a lock is held for a few file operations; longer means that something is wrong


def write(path: str, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file at once: who reads it sees the old content or the new one, also after a power cut."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    draft = f"{path}.{secrets.token_hex(4)}{DRAFT}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        raise


def write_json(path: str, value: Any, *, mode: int = 0o600) -> None:
    """Replace a file by the JSON text of ``value``."""
    write(path, (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode(), mode=mode)


def read_json(path: str) -> Any:
    """Return what a file of ours holds, None where there is none.

    Raises:
        SandboxError: E004, it is there and not what we wrote.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SandboxError(
            "E004", f"{path} is damaged", str(error), "restore it, or remove it and say it again"
        ) from None
    except NotADirectoryError:
        raise
    except OSError as error:
        fix = "correct its permissions, or restore it"
        raise SandboxError("E004", f"{path} cannot be read", error.strerror or str(error), fix) from None


@contextlib.contextmanager
def try_lock(path: str) -> Iterator[bool]:
    """Hold the lock of the file ``path`` if nobody else does; gives whether it is held."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _take(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: str) -> None:
    """Remove what ``write`` left in a folder when it was killed; the caller holds the lock of those who write there."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):
            if name.endswith(DRAFT):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(folder, name))


@contextlib.contextmanager
def alone(path: str, what: str) -> Iterator[None]:
    """Hold the lock of the file ``path`` (made when needed); ``what`` names what it protects.

    Who holds it may remove the file: somebody who waits for it then takes the lock of the file that comes after it.

    Raises:
        SandboxError: E005, somebody has held it for ``LOCK_S`` seconds.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    deadline = time.monotonic() + LOCK_S
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if _take(descriptor) and _is(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)
        if time.monotonic() > deadline:
            raise SandboxError("E005", f"{what} is being changed by another command", f"{path} is locked", "try again")
        time.sleep(0.005)


def _is(descriptor: int, path: str) -> bool:
    """Tell whether the open file is the one that has this name now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
