"""Where the secret parts of connections are: in the keyring of the system where one works, else in a file of the user.

Each set of secrets has an id of its own and is never changed: a connection that changes gets a new set, and is told of
it before the old one goes. Whoever is killed in between leaves a set whose id is known.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from sandbox.home import Home
from sandbox.model.errors import SandboxError
from sandbox.store.secret_files import SecretFiles

VARIABLE = "SANDBOX_KEYRING"  # off: never the keyring
GROUP = "connection-secrets"
Where = Literal["keyring", "file"]


def choose(environ: Mapping[str, str] = os.environ) -> Where:
    """Return where a new set of secrets goes."""
    if environ.get(VARIABLE, "").strip().lower() in {"off", "0", "no", "false"}:
        return "file"
    try:
        import keyring

        # Below 1 are those that keep nothing, or keep it in plain text, where our own file is better protected.
        return "keyring" if keyring.get_keyring().priority >= 1 else "file"
    except Exception:  # noqa: BLE001 - not installed, or broken in a way of its own: then there is no keyring
        return "file"


def put(home: Home, where: Where, identity: str, values: Mapping[str, str]) -> None:
    """Keep a set of secrets; only within ``SecretFiles.changing`` of the connections.

    Raises:
        SandboxError: E106, the keyring refuses.
    """
    if where == "file":
        files = SecretFiles(home, GROUP)
        with files.changing():
            files.write(identity, dict(values))
        return
    with _talking(home):
        import keyring

        keyring.set_password(_ring(home), identity, json.dumps(dict(values)))


def get(home: Home, where: Where, identity: str) -> dict[str, str]:
    """Return a set of secrets.

    Raises:
        SandboxError: E106, it is not there any more, or the keyring does not answer.
    """
    found: Any = None
    if where == "file":
        found = SecretFiles(home, GROUP).read(identity)
    else:
        with _talking(home):
            import keyring

            text = keyring.get_password(_ring(home), identity)
            found = json.loads(text) if text else None
    if not isinstance(found, dict):
        place = "the keyring of the system" if where == "keyring" else home.secrets
        what = f"the secrets of a connection are no longer in {place}"
        raise SandboxError("E106", what, "", "create the connection again from its file")
    return {str(key): str(value) for key, value in found.items()}


def drop(home: Home, where: Where, identity: str) -> None:
    """Forget a set of secrets, if it is there.

    Raises:
        SandboxError: E106, the keyring refuses.
    """
    if where == "file":
        files = SecretFiles(home, GROUP)
        with files.changing():
            files.remove(identity)
        return
    with _talking(home):
        import keyring

        if keyring.get_password(_ring(home), identity) is not None:
            keyring.delete_password(_ring(home), identity)


def _ring(home: Home) -> str:
    """Name our entries, apart from those of another home."""
    return f"endpoint-sandbox {hashlib.sha256(os.fsencode(home.root)).hexdigest()[:12]}"


@contextlib.contextmanager
def _talking(home: Home) -> Iterator[None]:
    """Turn what a keyring throws into our error; its text may hold anything, so only its kind is told."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - each keyring has errors of its own
        what = "the keyring of the system does not keep secrets of connections"
        fix = f"unlock it; or set {VARIABLE}=off, and they are kept in a file below {home.secrets}"
        raise SandboxError("E106", what, type(error).__name__, fix) from None
