"""Where this program keeps what it knows: one folder, private to the user. The only reader of ``SANDBOX_HOME``."""

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Mapping

from sandbox.model.errors import SandboxError

VARIABLE = "SANDBOX_HOME"
SHORT = "/tmp"  # noqa: S108
LONGEST_SOCKET_FOLDER = 90  # bytes; the address of a unix socket holds 108


class Home:
    """The folder and the names in it. Nothing is made before ``make`` or before somebody writes below it."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(os.path.expanduser(root))

    def __repr__(self) -> str:
        return f"Home({self.root!r})"

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> "Home":
        """Return the folder that ``SANDBOX_HOME`` names, else the platform's folder for state of users' programs."""
        return cls(environ.get(VARIABLE) or _default(environ))

    def at(self, *names: str) -> str:
        """Return a path below the folder."""
        return os.path.join(self.root, *names)

    @property
    def owner(self) -> str:
        """What stands on everything that this home has elsewhere: containers, networks, images."""
        return hashlib.sha256(os.fsencode(os.path.realpath(self.root))).hexdigest()[:12]

    @property
    def endpoints(self) -> str:
        """The desired state: one folder for each endpoint."""
        return self.at("endpoints")

    @property
    def instances(self) -> str:
        """Records and logs of running instances."""
        return self.at("instances")

    @property
    def content(self) -> str:
        """Copies of code and models, named by the hash of what is in them."""
        return self.at("content")

    @property
    def environments(self) -> str:
        """Built Python environments, named by the hash of what they are made of."""
        return self.at("environments")

    @property
    def registry(self) -> str:
        """Registered models and environments."""
        return self.at("registry")

    @property
    def secrets(self) -> str:
        """Keys of endpoints, the key that signs tokens, connections."""
        return self.at("secrets")

    @property
    def gateway(self) -> str:
        """The gateway's files and sockets; elsewhere where the path would be too long for a socket's address."""
        folder = self.at("gateway")
        if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
            return folder
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        # Not TMPDIR: each shell may have its own, and the gateway is one. Whether it is ours, the gateway looks.
        short = SHORT if os.path.isdir(SHORT) else tempfile.gettempdir()
        return os.path.join(short, f"sandbox-{_user()}-{name}")

    def make(self) -> "Home":
        """Make the folder, readable for its owner only.

        Raises:
            SandboxError: E003, it cannot be made or written, or belongs to somebody else.
        """
        try:
            os.makedirs(self.root, mode=0o700, exist_ok=True)
            found = os.stat(self.root)
            if hasattr(os, "getuid") and found.st_uid not in {os.getuid(), 0}:
                raise SandboxError(
                    "E003", f"{self.root} belongs to another user", "", f"set {VARIABLE} to another folder"
                )
            if stat.S_IMODE(found.st_mode) & 0o077:
                os.chmod(self.root, 0o700)
        except OSError as error:
            why = error.strerror or str(error)
            raise SandboxError(
                "E003", f"{self.root} cannot be used", why, f"set {VARIABLE} to another folder"
            ) from None
        return self


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _default(environ: Mapping[str, str]) -> str:
    if sys.platform == "win32":
        return os.path.join(environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local"), "endpoint-sandbox")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/endpoint-sandbox")
    return os.path.join(environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "endpoint-sandbox")
