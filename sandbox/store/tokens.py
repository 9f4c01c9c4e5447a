"""Signed tokens of the local issuer, for endpoints with ``auth_mode`` aml_token or aad_token (spec section 4).

Each endpoint has signing keys of its own (ES256), so that a token of one cannot open another, and a deleted endpoint
takes its tokens with it. The public halves lie beside the private ones: whoever publishes them imports no cryptography.

Keys change without a refused request in three steps: ``announce`` (the next key is public), the gateway is told,
``rotate`` (it signs now; the one before stays public until the next rotation).
"""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.home import Home
from sandbox.model import names
from sandbox.model.errors import INSTALL, SandboxError, UsageError
from sandbox.store.secret_files import SecretFiles
from sandbox.store.tokens_issuer import Issuer

TokenMode = Literal["aml_token", "aad_token"]
ISSUER = "urn:endpoint-sandbox"
LIFETIMES: Mapping[TokenMode, int] = {"aml_token": 12 * 3600, "aad_token": 3600}  # seconds
SHORTEST_S, LONGEST_S = 60, 30 * 24 * 3600
REFRESH_AFTER = 0.75  # of the lifetime: late enough to be worth it, early enough for a client that polls
_ALGORITHM = "ES256"
_ROLES = ("current", "next", "previous")


@dataclass(frozen=True, slots=True)
class Token:
    """A token. Times are seconds since 1970; a printed object does not show the token itself."""

    access_token: str = field(repr=False)
    expiry_utc: int
    refresh_after_utc: int
    mode: TokenMode


def as_azure(token: Token) -> dict[str, Any]:
    """Give what ``get-credentials`` prints: camelCase, and less of it for aad_token (spec section 4)."""
    shown: dict[str, Any] = {"accessToken": token.access_token, "expiryTimeUtc": token.expiry_utc}
    if token.mode == "aml_token":
        shown |= {"refreshAfterTimeUtc": token.refresh_after_utc, "tokenType": "Bearer"}
    return shown


def issue(
    home: Home, endpoint: str, mode: TokenMode, *, lifetime_s: int | None = None, now: float | None = None
) -> Token:
    """Return a new token that opens ``endpoint``.

    Args:
        home: where the keys are; made when the endpoint has none.
        endpoint: its name; the token is for no other.
        mode: decides how long a token lives when ``lifetime_s`` does not, and what is printed of it.
        lifetime_s: seconds, 60 to 30 days. The gateway lets a token pass for a minute more: clocks differ.
        now: seconds since 1970, when another moment is to count.

    Raises:
        UsageError: E097, the lifetime is out of range.
        SandboxError: E097, the endpoint trusts another issuer; E001, PyJWT or cryptography is missing.
    """
    name = _named(endpoint)
    lifetime = LIFETIMES[mode] if lifetime_s is None else lifetime_s
    if not SHORTEST_S <= lifetime <= LONGEST_S:
        why = f"a token lives {SHORTEST_S} seconds to {LONGEST_S // 86400} days"
        raise UsageError("E097", f"a token cannot live {lifetime} seconds", why)
    if mode == "aad_token" and (foreign := trusted(home, name)):
        fix = "get one there, for instance: az account get-access-token --resource https://ml.azure.com"
        raise SandboxError("E097", f"tokens for {endpoint} are signed by {foreign.issuer}", "not by this machine", fix)
    jwt = _jwt()
    key = _keys(home, name)["current"]
    began = int(time.time() if now is None else now)
    claims = {
        "iss": ISSUER,
        "aud": audience(name),
        "sub": f"{ISSUER}:user",
        "iat": began,
        "nbf": began,
        "exp": began + lifetime,
        "jti": secrets.token_hex(8),
        "endpoint": name,
        "mode": mode,
    }
    text = jwt.encode(claims, key["private"], algorithm=_ALGORITHM, headers={"kid": key["public"]["kid"]})
    return Token(text, began + lifetime, began + int(lifetime * REFRESH_AFTER), mode)


def audience(endpoint: str) -> str:
    """Return whom the tokens of an endpoint are for."""
    return f"{ISSUER}:endpoint:{endpoint.lower()}"


def public(home: Home, endpoint: str, mode: TokenMode = "aml_token") -> Issuer:
    """Return what the gateway checks the tokens of an endpoint with; keys are made where it has none.

    For aad_token this is the issuer that ``trust`` was told of, if any, else the local one.

    Raises:
        SandboxError: E001, keys must be made and cryptography is missing.
    """
    name = _named(endpoint)
    if mode == "aad_token" and (foreign := trusted(home, name)):
        return foreign
    kept = _keys(home, name)
    keys = [kept[role]["public"] for role in _ROLES if role in kept]
    return Issuer(ISSUER, audience(name), json.dumps({"keys": keys}, sort_keys=True))


def trust(home: Home, endpoint: str, issuer: Issuer | None) -> None:
    """Let a real tenant (``tokens_issuer``) sign the aad_tokens of an endpoint; None: this machine again."""
    name = _named(endpoint)
    kept = _files(home)
    with kept.changing():
        before = _understood(kept.read(name))
        after = {role: part for role, part in before.items() if role != "trusted"}
        if issuer:
            after["trusted"] = {"issuer": issuer.issuer, "audience": issuer.audience, "jwks": issuer.jwks}
        if after != before:
            kept.write(name, after)


def trusted(home: Home, endpoint: str) -> Issuer | None:
    """Return the issuer that ``trust`` was told of."""
    found = _understood(_files(home).read(_named(endpoint))).get("trusted")
    return Issuer(found["issuer"], found["audience"], found["jwks"]) if found else None


def announce(home: Home, endpoint: str) -> None:
    """Make the next signing key and let it be public; tokens are signed as before. Fine if there is one already."""
    name = _named(endpoint)
    kept = _files(home)
    with kept.changing():
        content = _with_current(kept, name)
        if "next" not in content:
            kept.write(name, {**content, "next": _new_key()})


def rotate(home: Home, endpoint: str) -> None:
    """Sign with the next key from now on (made here if ``announce`` was not called); keep the one before public."""
    name = _named(endpoint)
    kept = _files(home)
    with kept.changing():
        content = _with_current(kept, name)
        following = content.pop("next", None) or _new_key()
        kept.write(name, {**content, "previous": content["current"], "current": following})


def remove(home: Home, endpoint: str) -> None:
    """Forget the signing keys of an endpoint and whom it trusts: its tokens open nothing any more."""
    kept = _files(home)
    with kept.changing():
        kept.remove(_named(endpoint))


def _keys(home: Home, name: str) -> dict[str, Any]:
    kept = _files(home)
    content = _understood(kept.read(name))
    if "current" not in content:
        with kept.changing():
            content = _with_current(kept, name)
    return content


def _with_current(kept: SecretFiles, name: str) -> dict[str, Any]:
    """Return what is kept, with a key to sign with; within ``changing``."""
    content = _understood(kept.read(name))
    if "current" not in content:
        content["current"] = _new_key()
        kept.write(name, content)
    return content


def _understood(content: Any) -> dict[str, Any]:
    """Return the parts of a file that are as they were written; what is missing is made again."""
    return {role: part for role, part in content.items() if _is_whole(role, part)} if isinstance(content, dict) else {}


def _is_whole(role: str, part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    if role == "trusted":
        return all(isinstance(part.get(key), str) for key in ("issuer", "audience", "jwks"))
    public = part.get("public")
    return role in _ROLES and isinstance(part.get("private"), str) and isinstance(public, dict) and "kid" in public


def _new_key() -> dict[str, Any]:
    jwt = _jwt()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    shown = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    marks = {"kid": secrets.token_hex(8), "use": "sig", "alg": _ALGORITHM}
    return {"private": private, "public": {**shown, **marks}}


def _jwt() -> Any:
    try:
        import jwt
        import jwt.algorithms
    except ImportError:
        what = "tokens need the packages PyJWT and cryptography"
        raise SandboxError("E001", what, "", INSTALL) from None
    return jwt


def _files(home: Home) -> SecretFiles:
    return SecretFiles(home, "tokens")


def _named(endpoint: str) -> str:
    for violation in names.check(endpoint):
        raise UsageError(violation.code, violation.what, violation.why, violation.fix)
    return endpoint.lower()
