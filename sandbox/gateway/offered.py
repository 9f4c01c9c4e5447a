"""Where a host offers its endpoints to everybody, as values."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True, slots=True)
class Public:
    """The listener with TLS, and the one that redirects to it; ``certificate`` (the chain) and ``key`` are PEM."""

    certificate: str
    key: str = field(repr=False)
    bind: str = "0.0.0.0"  # noqa: S104 - an address of a host
    https_port: int = 443
    http_port: int = 80
    challenge: tuple[str, int] | None = None  # address and port that answer /.well-known/acme-challenge/
    hsts_s: int = 0  # for so long browsers are told to come with TLS only; 0: they are told nothing


def problems(public: Public) -> Iterable[str]:
    """Say what of it cannot be."""
    for port in (public.https_port, public.http_port, *((public.challenge[1],) if public.challenge else ())):
        if not 1 <= port <= 65535:
            yield f"{port} is no port"
    for address in (public.bind, *((public.challenge[0],) if public.challenge else ())):
        if not _is_address(address):
            yield f"{address!r} is no IP address"
    if not (public.certificate and public.key):
        yield "a public listener needs a certificate and its key"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
