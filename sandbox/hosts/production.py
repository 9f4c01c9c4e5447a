"""What makes a home one of production: a file in it, ``production.json``. Without the file nothing here applies."""

import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import files
from sandbox.home import Home
from sandbox.model.errors import SandboxError

FILE = "production.json"
CERTIFICATES = "certificates"  # the folder in the home, unless another is said
FIX = "correct it in the state folder of the host, or add the host again"


@dataclass(frozen=True, slots=True)
class Production:
    """How endpoints are offered on a host.

    Raises:
        SandboxError: E170, a field cannot be what it is; every reason is in the text.
    """

    host: str  # the name that its users gave the host
    http_port: int = 80  # redirects to the next
    https_port: int = 443
    bind: str = "0.0.0.0"  # noqa: S104 - an address of the host; this one stands for all of them
    certificate: str = ""  # a folder below the home with tls.crt and tls.key (PEM); "" for ``certificates``
    acme_challenge: str = ""  # ADDRESS:PORT that answers /.well-known/acme-challenge/; "" for nobody
    socket: str = "/var/run/docker.sock"  # of the engine, on the host
    image: str = ""  # the id of the image that our containers are made of; "" where there is no container of ours
    hsts_s: int = 0  # for so many seconds browsers are told to come by TLS only; 0: they are told nothing

    def __post_init__(self) -> None:
        if wrong := list(_wrong(self)):
            raise SandboxError("E170", f"{FILE} cannot be used", "\n".join(wrong), FIX)

    @property
    def certificate_folder(self) -> str:
        """The folder of certificate and key, relative to the home."""
        return self.certificate or CERTIFICATES

    @property
    def challenge(self) -> tuple[str, int] | None:
        """Address and port that answer ACME challenges, None for nobody."""
        if not self.acme_challenge:
            return None
        address, _, port = self.acme_challenge.rpartition(":")
        return address.strip("[]"), int(port)


def read(home: Home) -> Production | None:
    """Return how the home is one of production, None where it is not.

    Raises:
        SandboxError: E004, the file is damaged; E170, it says what cannot be.
    """
    found = files.read_json(home.at(FILE))
    return None if found is None else of(found)


def of(found: Any) -> Production:
    """Make it of what a file holds, or what was sent; unknown keys are refused.

    Raises:
        SandboxError: E170.
    """
    known = {field.name: field.type for field in dataclasses.fields(Production)}
    if not isinstance(found, Mapping) or not isinstance(found.get("host"), str):
        raise SandboxError("E170", f"{FILE} cannot be used", "it is no object with the name of the host in it", FIX)
    for key, value in found.items():
        if key not in known:
            raise SandboxError("E170", f"{FILE} cannot be used", f"nothing is called {key!r}", FIX)
        if type(value) is not known[key]:
            raise SandboxError("E170", f"{FILE} cannot be used", f"{key} is {value!r}", FIX)
    return Production(**found)


def write(home: Home, production: Production) -> None:
    """Make the home one of production; who reads at that moment sees the old settings or the new ones."""
    files.write_json(home.at(FILE), dataclasses.asdict(production))


def _wrong(production: Production) -> Iterator[str]:
    if production.hsts_s < 0:
        yield f"hsts_s is {production.hsts_s}, which is no time"
    for key in ("http_port", "https_port"):
        if not 1 <= getattr(production, key) <= 65535:
            yield f"{key} is {getattr(production, key)}, which is no port"
    if production.http_port == production.https_port:
        yield f"http_port and https_port are both {production.https_port}"
    if not _is_address(production.bind):
        yield f"bind is {production.bind!r}, which is no IP address"
    if production.certificate.startswith("/") or ".." in production.certificate.split("/"):
        yield f"certificate is {production.certificate!r}, which is no folder below the state folder"
    if not production.socket.startswith("/"):
        yield f"socket is {production.socket!r}, which is no absolute path"
    if production.acme_challenge:
        address, _, port = production.acme_challenge.rpartition(":")
        if not _is_address(address.strip("[]")) or not port.isdecimal() or not 1 <= int(port) <= 65535:
            yield f"acme_challenge is {production.acme_challenge!r}; it is an IP address and a port: 127.0.0.1:8402"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
