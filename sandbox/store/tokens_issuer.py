"""Who signs the tokens of an endpoint: this machine, or a tenant whose public keys are fetched here."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.model.errors import SandboxError

LARGEST = 1024 * 1024  # bytes; a tenant's key set has some 20 KB
# What a public key consists of (RFC 7518 section 6), and nothing else: no certificates, no private halves.
_PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_MARKS = ("kty", "kid", "use", "alg")

# Properties of an endpoint that say whose tokens it takes; Azure keeps properties that it does not know.
PROPERTY_ISSUER = "sandbox.token_issuer"
PROPERTY_AUDIENCE = "sandbox.token_audience"
PROPERTY_KEYS = "sandbox.token_keys"
AZURE_AUDIENCE = "https://ml.azure.com"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs (``iss``), for whom (``aud``), and the public keys: a JWKS as JSON text (RFC 7517)."""

    issuer: str
    audience: str
    jwks: str = field(repr=False)


def of_properties(properties: Mapping[str, Any]) -> Issuer | None:
    """Return the issuer that the properties of an endpoint name, fetched now; None where they name none.

    Raises:
        SandboxError: E098, as ``fetch`` does.
    """
    issuer = properties.get(PROPERTY_ISSUER)
    if not issuer:
        return None
    audience = properties.get(PROPERTY_AUDIENCE) or AZURE_AUDIENCE
    return fetch(str(issuer), str(audience), str(properties.get(PROPERTY_KEYS) or ""))


def fetch(issuer: str, audience: str, keys: str = "") -> Issuer:
    """Return an issuer with its public keys.

    Args:
        issuer: as it stands in the tokens, such as ``https://sts.windows.net/TENANT/``.
        audience: as it stands in the tokens, such as ``https://ml.azure.com``.
        keys: where the JWKS is: a file, an address, or its JSON text; "": where the issuer's discovery document
            (``.well-known/openid-configuration``) says.

    Raises:
        SandboxError: E098, with what is missing or wrong.
    """
    if not (issuer and audience):
        raise SandboxError("E098", "an issuer and an audience are needed", "both are compared with each token")
    source = keys or _discovered(issuer)
    text = source if source.lstrip().startswith("{") else _text(source)
    return Issuer(issuer, audience, public_keys(text, "the text given" if text is source else source))


def public_keys(text: str, source: str) -> str:
    """Return the public keys of a JWKS as a JWKS, without all that is not needed to check a signature.

    Raises:
        SandboxError: E098, it is no JWKS, or holds no RSA or EC key.
    """
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    listed = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise SandboxError("E098", f"{source} holds no JWKS", 'it is JSON like {"keys": [{"kty": "RSA", ...}]}')
    taken = [_taken(key) for key in listed if _is_public(key)]
    if not taken:
        raise SandboxError("E098", f"{source} holds no public key", "keys of the types RSA and EC are understood")
    return json.dumps({"keys": taken}, sort_keys=True)


def _is_public(key: Any) -> bool:
    parts = _PARTS.get(key.get("kty", "")) if isinstance(key, dict) else None
    return parts is not None and all(isinstance(key.get(part), str) for part in parts) and key.get("use") != "enc"


def _taken(key: Mapping[str, str]) -> dict[str, str]:
    return {part: key[part] for part in (*_MARKS, *_PARTS[key["kty"]]) if part in key}


def _discovered(issuer: str) -> str:
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        found = json.loads(_text(address))["jwks_uri"]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str):
        raise SandboxError("E098", f"{address} does not say where the keys are", "", f"set {PROPERTY_KEYS} as well")
    return found


def _text(source: str) -> str:
    try:
        if "://" in source:
            from sandbox.store.tokens_download import download  # urllib.request takes longer than all the rest

            data = download(source, LARGEST)
        else:
            with open(os.path.expanduser(source), "rb") as file:
                data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise SandboxError("E098", f"{source} is larger than {LARGEST // 1024} KiB", "a JWKS has some 20")
        return data.decode()
    except (OSError, ValueError) as error:  # urllib's errors are OSErrors
        why = str(getattr(error, "reason", "") or getattr(error, "strerror", "") or error)
        raise SandboxError("E098", f"{source} cannot be read", why, "name a file or an address that can") from None
