"""Runs on a host: what only a process there can see, and the settings of production written where they belong."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.home import Home
from sandbox.hosts import certificate, production
from sandbox.hosts.certificate import Pair
from sandbox.hosts.production import Production
from sandbox.model.check import Check

IMAGE = "SANDBOX_HOST_IMAGE"  # variable: id of the host image that the command runs in
LEAST_BYTES, WISHED_BYTES = 2 * 2**30, 10 * 2**30
_LISTENS = "0A"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def look(home: Home, wanted: Production, *, serving: bool) -> list[Check]:
    """Look at disk, ports and certificate.

    Args:
        home: the state folder.
        wanted: the settings that are, or are to be.
        serving: our own gateway runs, so that it is the one that holds the ports.
    """
    return [*_disk(home), *_ports(wanted, serving=serving), *_certificate(home, wanted)]


def merged(before: Production | None, said: Mapping[str, Any], image: str) -> Production:
    """Return the settings with what is said now in the place of what was; raises SandboxError, E170."""
    was = dataclasses.asdict(before) if before is not None else {}
    now = {key: value for key, value in said.items() if value is not None}
    return production.of({**was, **now, **({"image": image} if image else {})})


def adopt(home: Home, image: str) -> None:
    """Let the gateway be made of the image that commands which change something run in."""
    found = production.read(home)
    if found is not None and image and found.image != image:
        production.write(home, dataclasses.replace(found, image=image))


def install(home: Home, wanted: Production, pair: Mapping[str, str]) -> str:
    """Put a certificate in place; return what it is for. Raises SandboxError, E172."""
    return certificate.install(home, wanted, Pair(pair["chain"].encode(), pair["key"].encode())).shown


def _disk(home: Home) -> Iterator[Check]:
    for name, path in (("State folder", home.root), ("Images", "/")):  # "/" of a container lies where images do
        try:
            found = os.statvfs(path)
        except OSError as error:
            yield Check(name, "broken", f"{path}: {error.strerror}", "see the folder on the host")
            continue
        free = found.f_bavail * found.f_frsize
        text = f"{home.root}, {_size(free)} free" if path != "/" else f"{_size(free)} free"
        if free < LEAST_BYTES:
            yield Check(
                name, "broken", text, "make room: docker system prune on the host, or sandbox --host NAME prune"
            )
        elif free < WISHED_BYTES:
            yield Check(name, "missing", text, "make room for a few images")
        else:
            yield Check(name, "good", text)


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def _ports(wanted: Production, *, serving: bool) -> Iterator[Check]:
    taken = set(listening())
    ports = (wanted.http_port, wanted.https_port)
    busy = [str(port) for port in ports if port in taken]
    if serving:
        yield Check("Ports", "good", f"{' and '.join(map(str, ports))}: our gateway")
    elif busy:
        fix = "end what listens there (ss -ltnp on the host), or choose others: --http-port, --https-port"
        yield Check("Ports", "broken", f"{' and '.join(busy)} taken by another program", fix)
    else:
        yield Check("Ports", "good", f"{' and '.join(map(str, ports))} are free")


def listening(tables: tuple[str, ...] = _TABLES) -> Iterator[int]:
    """Give the ports that somebody listens at in this network."""
    for table in tables:
        try:
            with open(table, encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except FileNotFoundError:  # without IPv6
            continue
        yield from (int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == _LISTENS)


def _certificate(home: Home, wanted: Production) -> Iterator[Check]:
    for finding in certificate.findings(home, wanted):
        fix = finding.fix.replace("NAME", wanted.host)
        yield Check("Certificate", finding.verdict, finding.text.removeprefix("certificate ").removeprefix("for "), fix)
