"""A certificate and its key: whether a server can use them, what they say, and how a pair that signs itself is made."""

import datetime as dt
import ipaddress
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.model.errors import SandboxError

SELF_SIGNED_DAYS = 365
LEAST_RSA_BITS = 2048
CURVES = ("secp256r1", "secp384r1")
FIX = "give the chain as PEM, the server's own certificate first, and its key as PEM without a password"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says of itself. Times are UTC."""

    names: tuple[str, ...]  # of hosts, and addresses
    issuer: str
    serial: str  # hexadecimal
    begins: dt.datetime
    ends: dt.datetime
    signs_itself: bool

    @property
    def shown(self) -> str:
        """The first names, for a line of text."""
        rest = len(self.names) - 3
        return ", ".join(self.names[:3]) + (f" and {rest} more" if rest > 0 else "") or "no name"

    def days_left(self, now: dt.datetime | None = None) -> int:
        """Return how many whole days it is still valid, below 0 for one that has ended."""
        return (self.ends - (now or dt.datetime.now(dt.timezone.utc))).days


def check(chain: bytes, key: bytes, *, expired: bool = False) -> Facts:
    """Return what a pair is, when a server can use it.

    Args:
        chain: PEM, the server's certificate first.
        key: PEM.
        expired: also take one that has ended, or has not begun.

    Raises:
        SandboxError: E172, it cannot be used.
    """
    try:
        return _checked(chain, key, expired=expired)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise _refused("certificate or key cannot be used", str(error) or type(error).__name__) from None


def _checked(chain: bytes, key: bytes, *, expired: bool) -> Facts:
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise _refused("the chain holds no certificate", f"it is not PEM: {_said(error)}") from None
    leaf = certificates[0]
    private = _key(key)
    if _public(leaf.public_key()) != _public(private.public_key()):
        raise _refused("certificate and key do not belong together", "the key is that of another certificate")
    for issued, issuer in itertools.pairwise(certificates):
        if issued.issuer != issuer.subject:
            why = f"{_name(issued.subject)} was issued by {_name(issued.issuer)}, and {_name(issuer.subject)} follows"
            raise _refused("the chain is not in order", why)
    facts = _facts(leaf)
    now = dt.datetime.now(dt.timezone.utc)
    if not expired and facts.ends <= now:
        raise _refused("the certificate has ended", f"it was valid until {facts.ends:%Y-%m-%d %H:%M} UTC")
    if not expired and facts.begins > now + dt.timedelta(minutes=5):
        raise _refused("the certificate is not valid yet", f"it is from {facts.begins:%Y-%m-%d %H:%M} UTC on")
    if not facts.names:
        raise _refused("the certificate is for no name", "clients look at its subjectAltName, which is missing")
    return facts


def make(names: Sequence[str]) -> tuple[bytes, bytes]:
    """Return chain and key of a new certificate that signs itself, for names of hosts and addresses."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "endpoint-sandbox, signed by itself")])
    now = dt.datetime.now(dt.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=SELF_SIGNED_DAYS))
        .add_extension(x509.SubjectAlternativeName(list(_general(names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    encoding = serialization.Encoding.PEM
    key = private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return builder.sign(private, hashes.SHA256()).public_bytes(encoding), key


def _said(error: ValueError) -> str:
    return str(error).partition(" See https")[0].rstrip(".")  # what follows is for who wrote the program


def _key(key: bytes) -> Any:
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except TypeError:
        raise _refused("the key has a password", "nobody is there to type it when the gateway starts") from None
    except ValueError as error:
        raise _refused("the key cannot be read", f"it is not PEM of a private key: {_said(error)}") from None
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < LEAST_RSA_BITS:
        raise _refused("the key is too short", f"RSA of {private.key_size} bits; {LEAST_RSA_BITS} are the least")
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name not in CURVES:
        raise _refused(
            "the key's curve is not used for TLS here", f"{private.curve.name}; it can be {', '.join(CURVES)}"
        )
    if not isinstance(private, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise _refused("the key is of a kind that is not used for TLS here", "it can be RSA or ECDSA")
    return private


def _public(key: Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(serialization.Encoding.DER, form))


def _facts(leaf: x509.Certificate) -> Facts:
    utc = dt.timezone.utc
    try:
        said = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = (*said.get_values_for_type(x509.DNSName), *map(str, said.get_values_for_type(x509.IPAddress)))
    except x509.ExtensionNotFound:
        names = ()
    return Facts(
        names,
        _name(leaf.issuer),
        f"{leaf.serial_number:x}",
        leaf.not_valid_before_utc.astimezone(utc),
        leaf.not_valid_after_utc.astimezone(utc),
        signs_itself=leaf.issuer == leaf.subject,
    )


def _name(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for each in name.get_attributes_for_oid(kind):
            return str(each.value)
    return name.rfc4514_string() or "nobody"


def _general(names: Iterable[str]) -> Iterable[x509.GeneralName]:
    for name in dict.fromkeys(names):
        address = _address(name)
        yield x509.DNSName(name) if address is None else x509.IPAddress(address)


def _address(text: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | None":
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _refused(what: str, why: str) -> SandboxError:
    return SandboxError("E172", what, why, FIX)
