"""A connection to the engine, and what is to be known of it. The Docker SDK is loaded here, when it is needed."""

import contextlib
import errno
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.backend.docker import left as docker_left
from sandbox.image import address, gpu, lost
from sandbox.image.address import Address
from sandbox.image.gpu import Lack, Way
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

ANSWER_S = 120.0  # of one call; a build answers in pieces
FIRST_S = 10.0  # of the first one: an engine that is stopped takes connections, and says nothing
WITHOUT = "or run it without Docker: --backend process"


@dataclass(frozen=True, slots=True)
class Engine:
    """What ``sandbox doctor`` shows. ``error`` is "" where it answers, else the other fields of it are empty."""

    url: str
    source: str  # why this one
    context: str
    name: str = ""  # "Docker", "Podman"
    version: str = ""
    api: str = ""
    rootless: bool = False
    cpus: int = 0
    memory_bytes: int = 0
    gpu: Way = ""  # how GPUs are asked for, "" where they are not offered
    lack: Lack | None = None  # what keeps containers from having GPUs
    left: tuple[str, ...] = ()  # containers of homes that are gone: FOLDER: ENDPOINT/DEPLOYMENT/INDEX
    error: str = ""
    fix: str = ""


def connect(environ: Mapping[str, str] = os.environ) -> "APIClient":
    """Return a client of the engine that the docker command would use; it has answered.

    Raises:
        SandboxError: E110 none answers; E111 its address is none, or the context is missing; E112 it refuses us.
    """
    return connect_to(address.find(environ))


def connect_to(where: Address) -> "APIClient":
    """Return a client of one engine; raises as ``connect`` does."""
    try:
        _knock(where.url)
        from docker import APIClient
        from docker.tls import TLSConfig

        tls = None
        if where.tls is not None:
            pair = (where.tls.certificate, where.tls.key) if where.tls.certificate and where.tls.key else None
            tls = TLSConfig(client_cert=pair, ca_cert=where.tls.ca or None, verify=where.tls.verify)
        with contextlib.closing(APIClient(where.url, version="auto", timeout=FIRST_S, tls=tls or False)) as first:
            version = first.api_version
        return APIClient(where.url, version=version, timeout=ANSWER_S, tls=tls or False)
    except Exception as error:  # noqa: BLE001 - the SDK lets through what requests, urllib3 and paramiko raise
        raise refusal(where, error) from None


def _knock(url: str) -> None:
    """Connect once to a socket of this machine: quicker than loading the SDK to hear that nobody is there."""
    if url.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.settimeout(FIRST_S)
            visitor.connect(url.removeprefix("unix://"))


def facts(environ: Mapping[str, str] = os.environ) -> Engine:
    """Return which engine is used, and whether it answers; raises nothing."""
    try:
        where = address.find(environ)
    except SandboxError as error:
        return Engine("", "", "", error=error.what, fix=error.fix)
    try:
        client = connect_to(where)
    except SandboxError as error:
        return Engine(where.url, where.source, where.context, error=f"{error.what}: {error.why}", fix=error.fix)
    try:
        version, info = client.version(), client.info()
        left = tuple(f"{each.home}: {each.what}" for each in docker_left.find(client, where.url))
    except Exception as error:  # noqa: BLE001 - as above
        return Engine(where.url, where.source, where.context, error=str(error))
    finally:
        client.close()
    seen = gpu.here(where.url, info)
    parts = [str(part.get("Name", "")) for part in version.get("Components") or ()]
    return Engine(
        where.url,
        where.source,
        where.context,
        name="Podman" if any("Podman" in part for part in parts) else "Docker",
        version=str(version.get("Version", "")),
        api=str(version.get("ApiVersion", "")),
        rootless=any("rootless" in option for option in info.get("SecurityOptions") or ()),
        cpus=int(info.get("NCPU") or 0),
        memory_bytes=int(info.get("MemTotal") or 0),
        gpu=gpu.way(info, seen),
        lack=gpu.lack(info, seen),
        left=left,
    )


def refusal(where: Address, error: BaseException) -> SandboxError:
    """Return what a failure to connect means: the innermost cause tells, the SDK's own text does not."""
    at = f"{where.url} ({where.source})"
    causes = list(lost.causes(error))
    numbers = {cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno}
    text = str(causes[-1]) or type(causes[-1]).__name__
    if numbers & {errno.EACCES, errno.EPERM}:
        fix = f"sudo usermod -aG docker $USER, then log in again; {WITHOUT}"
        return SandboxError("E112", "you may not use Docker's engine", f"{at}: permission denied", fix)
    if errno.ENOENT in numbers:
        fix = f"install Docker and start it, or choose another: docker context use NAME; {WITHOUT}"
        return SandboxError("E110", "no Docker engine was found", f"{at} is not there", fix)
    if errno.ECONNREFUSED in numbers or "NoValidConnectionsError" in {type(cause).__name__ for cause in causes}:
        return SandboxError("E110", "Docker's engine does not run", f"{at}: nobody listens", f"start it, {WITHOUT}")
    if any(isinstance(cause, TimeoutError) for cause in causes):
        why = f"{at}: not a word in {FIRST_S:g} s; it is stopped, or has too much to do"
        fix = f"look at its log, and start it again: systemctl restart docker; {WITHOUT}"
        return SandboxError("E110", "Docker's engine does not answer", why, fix)
    if "SSHHTTPAdapter" in text:
        fix = f"pip install paramiko into the environment of this program, {WITHOUT}"
        return SandboxError("E111", "Docker's engine is reached by ssh, which needs paramiko", at, fix)
    names = " ".join(type(cause).__name__ for cause in causes)
    if "TLS" in names or "tls" in text or "bind address" in text or "scheme" in text:
        fix = "correct DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or unset them"
        return SandboxError("E111", "Docker's engine cannot be reached as it is described", f"{at}: {text}", fix)
    return SandboxError("E110", "Docker's engine does not answer", f"{at}: {text}", f"see that it runs, {WITHOUT}")
