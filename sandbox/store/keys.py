"""The two keys of an endpoint: either opens it, so one can be replaced while the other is in use (spec section 4)."""

import re
import secrets
import string
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.home import Home
from sandbox.model import names
from sandbox.model.errors import SandboxError, UsageError
from sandbox.store.secret_files import SecretFiles

Which = Literal["primary", "secondary"]
POSSIBLE = re.compile(r"[A-Za-z0-9._~+/=-]{16,512}")  # what the gateway takes for a bearer token (RFC 6750)
_SIGNS = string.ascii_letters + string.digits  # no dash: a key is also an argument in somebody's script
_LENGTH = 64  # characters; 381 bits


@dataclass(frozen=True, slots=True)
class Keys:
    """Both keys; a printed object does not show them."""

    primary: str = field(repr=False)
    secondary: str = field(repr=False)

    def as_azure(self) -> dict[str, str]:
        """Give what ``get-credentials`` prints: camelCase, unlike everything else (spec section 4)."""
        return {"primaryKey": self.primary, "secondaryKey": self.secondary}


def read(home: Home, endpoint: str) -> Keys:
    """Return the keys of an endpoint.

    Raises:
        SandboxError: E096, it has none; E004, the file is damaged.
    """
    fix = f"sandbox online-endpoint regenerate-keys --name {endpoint}"
    try:
        found = _understood(_files(home).read(_named(endpoint)))
    except SandboxError as error:
        raise SandboxError(error.code, error.what, error.why, f"restore the file, or remove it and: {fix}") from None
    if found is None:
        what = f"endpoint {endpoint!r} has no keys"
        raise SandboxError("E096", what, f"they are kept below {home.secrets}", fix)
    return found


def make(home: Home, endpoint: str, *, primary: str | None = None, secondary: str | None = None) -> Keys:
    """Return the keys of an endpoint, made now where it has none; a key that is given takes the place of the old one.

    Raises:
        UsageError: E095, a given key is not possible.
    """
    name = _named(endpoint)
    for given, which in ((primary, "primary"), (secondary, "secondary")):
        if given is not None:
            _check(given, which)
    kept = _files(home)
    with kept.changing():
        old = _understood(kept.read(name))
        new = Keys(
            primary or (old.primary if old else _new()),
            secondary or (old.secondary if old else _new()),
        )
        if new != old:
            _write(kept, name, new)
    return new


def replace(home: Home, endpoint: str, which: Which, value: str | None = None) -> Keys:
    """Replace one key, by ``value`` or by a new one; the other stays. An endpoint without keys gets both.

    Raises:
        UsageError: E095, ``value`` is not possible.
    """
    name = _named(endpoint)
    if value is not None:
        _check(value, which)
    kept = _files(home)
    with kept.changing():
        old = _understood(kept.read(name)) or Keys(_new(), _new())
        made = value or _new()
        new = Keys(made, old.secondary) if which == "primary" else Keys(old.primary, made)
        _write(kept, name, new)
    return new


def remove(home: Home, endpoint: str) -> None:
    """Forget the keys of an endpoint; fine if there are none."""
    kept = _files(home)
    with kept.changing():
        kept.remove(_named(endpoint))


def _files(home: Home) -> SecretFiles:
    return SecretFiles(home, "keys")


def _write(kept: SecretFiles, name: str, keys: Keys) -> None:
    kept.write(name, {"primary": keys.primary, "secondary": keys.secondary})


def _understood(content: Any) -> Keys | None:
    """Read what ``_write`` wrote. A file that was edited to nonsense counts as none: new keys replace it."""
    found = content if isinstance(content, dict) else {}
    primary, secondary = (str(found.get(which, "")) for which in ("primary", "secondary"))
    return Keys(primary, secondary) if POSSIBLE.fullmatch(primary) and POSSIBLE.fullmatch(secondary) else None


def _new() -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))


def _named(endpoint: str) -> str:
    """Return the name, which becomes that of a file."""
    for violation in names.check(endpoint):
        raise UsageError(violation.code, violation.what, violation.why, violation.fix)
    return endpoint.lower()


def _check(key: str, which: str) -> None:
    if not POSSIBLE.fullmatch(key):
        why = f"it has {len(key)} characters, or other signs than letters, digits and ._~+/=-"
        raise UsageError("E095", f"the {which} key cannot be used", why, "16 to 512 of these signs")
