"""The certificate of a host: checked before it is used, put where the gateway looks for it, told when it is to end.

It lies in a folder of the home as ``tls.crt`` (the chain, leaf first) and ``tls.key``, both PEM. The two are links into
one folder, so that a new pair appears at once or not at all; plain files in their place do as well, and whoever renews
certificates on the host may put them there.
"""

import contextlib
import datetime as dt
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sandbox import files
from sandbox.home import Home
from sandbox.hosts.production import Production
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.hosts.pair import Facts

CHAIN, KEY = "tls.crt", "tls.key"
CURRENT = "current"
SOON_DAYS = 21
LARGEST = 2**20  # bytes of a file
NEW = "sandbox host certificate NAME --cert CHAIN.pem --key KEY.pem"


@dataclass(frozen=True, slots=True)
class Pair:
    """A chain and its key, as they stand in their files."""

    chain: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What there is to say of the certificate of a host; ``fix`` is "" where all is well."""

    verdict: Literal["good", "missing", "broken"]
    text: str
    fix: str = ""


def folder(home: Home, production: Production) -> str:
    """Return where it lies."""
    return home.at(production.certificate_folder)


def read(path: str) -> Pair | None:
    """Return what lies in a folder of certificates, None where one of the two files is missing.

    Raises:
        SandboxError: E172, a file cannot be read, or is no text.
    """
    try:
        with open(os.path.join(path, CHAIN), "rb") as chain, open(os.path.join(path, KEY), "rb") as key:
            found = Pair(chain.read(LARGEST), key.read(LARGEST))
            found.chain.decode(), found.key.decode()
            return found
    except FileNotFoundError:
        return None
    except OSError as error:
        fix = "give it to the user of the state folder"
        raise SandboxError("E172", f"{error.filename} cannot be read", error.strerror or str(error), fix) from None
    except UnicodeDecodeError:
        what = f"{CHAIN} and {KEY} in {path} cannot be used"
        raise SandboxError("E172", what, "one of them is no text; both have to be PEM, not DER", NEW) from None


def none_yet(path: str) -> bool:
    """Tell whether a folder of certificates has neither of the two files, nor a link in the place of one."""
    return not any(os.path.lexists(os.path.join(path, name)) for name in (CHAIN, KEY))


def install(home: Home, production: Production, pair: Pair) -> "Facts":
    """Put a new pair in place of the old one, and return what it is. The gateway takes it when it is told to publish.

    Raises:
        SandboxError: E172, it cannot be used; the old one stays.
    """
    from sandbox.hosts import pair as pairs

    facts = pairs.check(pair.chain, pair.key)
    with _alone(home):
        _put(folder(home, production), pair)
    return facts


def ensure(home: Home, production: Production, names: Sequence[str]) -> Pair:
    """Return the pair of a host. Where there is none yet, one is made that signs itself, for these names and addresses.

    Raises:
        SandboxError: E172, what is there cannot be used.
    """
    from sandbox.hosts import pair as pairs

    path = folder(home, production)
    with _alone(home):
        if none_yet(path):
            _put(path, Pair(*pairs.make(names)))
        elif os.path.islink(os.path.join(path, CURRENT)):
            _name(path)  # whoever put it there may have been killed before the last link
        found = read(path)
    if found is None:  # somebody is replacing them, or links lead nowhere: nothing of that is ours to take
        raise _half(path)
    pairs.check(found.chain, found.key, expired=True)  # better an old one than no answer at all
    return found


def findings(home: Home, production: Production, now: dt.datetime | None = None) -> list[Finding]:
    """Return what ``sandbox host doctor`` and ``status`` say of it; raises nothing."""
    from sandbox.hosts import pair as pairs

    try:
        found = read(folder(home, production))
        if found is None and not none_yet(folder(home, production)):
            raise _half(folder(home, production))
        if found is None:
            return [Finding("missing", "no certificate yet; the gateway makes one that signs itself", NEW)]
        facts = pairs.check(found.chain, found.key, expired=True)
    except SandboxError as error:
        return [Finding("broken", f"certificate: {error.what}; {error.why}", error.fix)]
    days = facts.days_left(now)
    until = f"until {facts.ends:%Y-%m-%d}"
    if days < 0:
        return [
            Finding("broken", f"certificate for {facts.shown} ended on {facts.ends:%Y-%m-%d}: clients refuse it", NEW)
        ]
    if facts.signs_itself:
        text = f"certificate for {facts.shown} signs itself, {until}: clients trust it only when they are told to"
        return [Finding("missing", text, NEW)]
    if days < SOON_DAYS:
        return [Finding("missing", f"certificate for {facts.shown} ends in {days} days", NEW)]
    return [Finding("good", f"certificate for {facts.shown} by {facts.issuer}, {until}")]


def names(home: Home, production: Production) -> tuple[str, ...]:
    """Return the names that the certificate of a host is for; none where there is none that can be read."""
    from sandbox.hosts import pair as pairs

    try:
        found = read(folder(home, production))
        return () if found is None else pairs.check(found.chain, found.key, expired=True).names
    except SandboxError:
        return ()


def served(gateway: str) -> Pair | None:
    """Return the pair that the gateway with that folder was given last, None where it was given none."""
    from sandbox.gateway.folder import Folder

    found = Folder(gateway).published("sds.json")
    if found is None:
        return None
    pair = found.resources[0]["tls_certificate"]
    return Pair(*(pair[key]["inline_string"].encode() for key in ("certificate_chain", "private_key")))


def _half(path: str) -> SandboxError:
    why = f"{CHAIN} or {KEY} is missing in {path}, or a link to what a container cannot see"
    return SandboxError("E172", "there is half a certificate", why, f"put both files there, or {NEW}")


def _alone(home: Home) -> contextlib.AbstractContextManager[None]:
    return files.alone(home.at("locks", "_certificate.lock"), "the certificate")


def _put(path: str, pair: Pair) -> None:
    """Write both files into a folder of their own, and let one link name it: this is the moment of the change."""
    name = f"pair-{secrets.token_hex(6)}"
    made = os.path.join(path, name)
    os.makedirs(path, mode=0o700, exist_ok=True)
    files.write(os.path.join(made, CHAIN), pair.chain)
    files.write(os.path.join(made, KEY), pair.key)
    before = os.readlink(os.path.join(path, CURRENT)) if os.path.islink(os.path.join(path, CURRENT)) else ""
    _link(path, CURRENT, name)
    for each in (CHAIN, KEY):
        target = f"{CURRENT}/{each}"
        if not os.path.islink(os.path.join(path, each)) or os.readlink(os.path.join(path, each)) != target:
            _link(path, each, target)
    for each in os.listdir(path):
        if each.startswith("pair-") and each not in {name, before}:
            shutil.rmtree(os.path.join(path, each), ignore_errors=True)


def _name(path: str) -> None:
    """Make the links that are missing beside one into the folder of a pair of ours."""
    for one, other in ((CHAIN, KEY), (KEY, CHAIN)):
        there, missing = os.path.join(path, one), os.path.join(path, other)
        ours = os.path.islink(there) and os.readlink(there) == f"{CURRENT}/{one}"
        if ours and not os.path.lexists(missing):
            _link(path, other, f"{CURRENT}/{other}")


def _link(path: str, name: str, target: str) -> None:
    draft = os.path.join(path, f".{name}.{secrets.token_hex(4)}")
    os.symlink(target, draft)
    try:
        os.replace(draft, os.path.join(path, name))
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        raise
