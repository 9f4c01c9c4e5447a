"""Certificates for tests: an authority of their own, chains of it, and pairs that a server must refuse."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
NOW = dt.datetime.now(dt.timezone.utc)


def pem_of(key: Any, password: bytes | None = None) -> bytes:
    """A private key as its file."""
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, how)


@dataclass
class Authority:
    """Signs certificates; ``chain`` is its own, which clients trust."""

    key: Any
    certificate: x509.Certificate

    @property
    def chain(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    def issue(
        self, names: Sequence[str], *, days: float = 90, began_days_ago: float = 1, key: Any = None
    ) -> tuple[bytes, bytes]:
        """Chain and key for names of hosts."""
        private = key or ec.generate_private_key(ec.SECP256R1())
        builder = _builder("a server", self.certificate.subject, private.public_key(), days, began_days_ago)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(PEM) + self.chain, pem_of(private)


def authority() -> Authority:
    """A new one."""
    private = ec.generate_private_key(ec.SECP256R1())
    builder = _builder("an authority for tests", _named("an authority for tests"), private.public_key(), 3650, 1)
    # Without these, clients that look closely (Python 3.13) trust nothing that it signs.
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True).add_extension(usage, True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    return Authority(private, builder.add_extension(identifier, False).sign(private, hashes.SHA256()))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(subject: str, issuer: x509.Name, public: Any, days: float, ago: float) -> x509.CertificateBuilder:
    began = NOW - dt.timedelta(days=ago)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(NOW + dt.timedelta(days=days))
    )
