"""The files of one gateway: who may read them, how they are written, what stood in them before."""

import contextlib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from sandbox.gateway.errors import GatewayError
from sandbox.gateway.words import Json

LONGEST_FOLDER = 90  # bytes, so that the sockets in it have addresses that fit
LARGEST_LOG = 16 * 2**20
_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}")
FIX = "remove it, or set SANDBOX_HOME to another folder with a short path"


@dataclass(frozen=True, slots=True)
class Written:
    """What a file of configuration holds."""

    version: str
    resources: list[Json]


class Folder:
    """The folder of one gateway: 0700, every file in it 0600. Made when it is first used."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        if len(os.fsencode(self.path)) > LONGEST_FOLDER:
            why = f"the addresses of the sockets in it would be too long; {LONGEST_FOLDER} bytes are possible"
            raise GatewayError(f"the path of the gateway's folder is too long: {self.path}", why, "use a shorter one")

    def at(self, name: str) -> str:
        """Return the path of the file ``name``."""
        return os.path.join(self.path, name)

    def make(self) -> None:
        """Make it, or make it private again.

        Raises:
            GatewayError: it cannot be made, or somebody else made it.
        """
        try:
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            if not self.is_ours():
                why = "whoever made it could read keys and change what the gateway does"
                raise GatewayError(f"{self.path} belongs to another user", why, FIX)
            os.chmod(self.path, 0o700)
        except OSError as error:
            raise GatewayError(f"{self.path} cannot be used", error.strerror or str(error), FIX) from error

    def is_ours(self) -> bool:
        """Tell whether it is there and nobody else made it, be it the folder or a link to one.

        It may lie in the system's folder for temporary files, where anybody can make something of its name.
        """
        try:
            return {os.lstat(self.path).st_uid, os.stat(self.path).st_uid} == {os.getuid()}
        except OSError:
            return False

    def write(self, name: str, text: str) -> None:
        """Replace a file at once: who reads it sees the old text or the new one."""
        draft = self.at(f".{name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.rename(draft, self.at(name))
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)
            raise

    def publish(self, name: str, resources: list[Json]) -> str:
        """Write resources under a new version, which is returned."""
        version = secrets.token_hex(8)
        self.write(name, json.dumps({"version_info": version, "resources": resources}))
        return version

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.at(name))

    def published(self, name: str) -> Written | None:
        """Return what a file of configuration holds; None where there is none that can be read."""
        found = self.read_json(name)
        if isinstance(found, dict) and isinstance(found.get("resources"), list):
            return Written(str(found.get("version_info")), found["resources"])
        return None

    def read_json(self, name: str) -> Any:
        """Return the content of a file of ours, None where it is missing or broken."""
        try:
            with open(self.at(name), encoding="utf-8") as file:
                return json.load(file)
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def append_to(self, name: str) -> IO[bytes]:
        """Open a log."""
        return open(os.open(self.at(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

    def size(self, name: str) -> int:
        """Return the size of a file in bytes, 0 where it is missing."""
        try:
            return os.stat(self.at(name)).st_size
        except FileNotFoundError:
            return 0

    def tail(self, name: str, start: int = 0) -> str:
        """Return the text of a log from ``start`` on, 64 KiB of it at most: the end."""
        with contextlib.suppress(FileNotFoundError), open(self.at(name), "rb") as file:
            file.seek(max(start, self.size(name) - 2**16))
            return file.read().decode(errors="replace")
        return ""

    def set_aside_large(self, names: tuple[str, ...]) -> bool:
        """Rename logs that have grown large (one older copy of each is kept); tell whether there was one."""
        large = [name for name in names if self.size(name) > LARGEST_LOG]
        for name in large:
            os.replace(self.at(name), self.at(f"{name}.1"))
            self.append_to(name).close()  # Envoy would make it readable for others
        return bool(large)

    @contextlib.contextmanager
    def alone(self, *, wait: bool = True) -> Iterator[bool]:
        """Hold the lock of those that change something; the kernel releases it when its holder ends.

        Waits for it, and gives True. Without ``wait`` it gives False where somebody else holds it.
        """
        self.make()
        with self.append_to("change.lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            self._sweep()
            yield True

    def _sweep(self) -> None:
        """Remove what somebody left who was killed while he wrote: it holds keys. Nobody else writes here now."""
        for name in os.listdir(self.path):
            if _DRAFT.fullmatch(name):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.at(name))
