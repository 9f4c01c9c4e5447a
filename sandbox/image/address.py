"""Which engine is meant, found as the docker command finds it, from variables and files alone; nothing is asked.

DOCKER_HOST, then DOCKER_CONTEXT, then the current context of ``docker context use``, then the usual socket. Where that
one is not there, the places are looked at where Docker Desktop, Colima, rootless Docker and Podman put theirs.
"""

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.model.errors import SandboxError

USUAL = "/var/run/docker.sock"
_PIPE = "npipe:////./pipe/docker_engine"


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for an engine that is reached by TLS; "" for one that is not there."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine is. ``source`` tells people why this one."""

    url: str
    source: str
    context: str = "default"
    tls: Tls | None = None


def find(environ: Mapping[str, str] = os.environ) -> Address:
    """Return the address of the engine that the docker command would use.

    Raises:
        SandboxError: E111, the context that is chosen does not exist or cannot be read.
    """
    if url := environ.get("DOCKER_HOST"):
        return Address(url, "DOCKER_HOST", "", _tls_of(environ))
    folder = environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    for name, source in ((environ.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"), (_current(folder), "docker context use")):
        if name and name != "default":
            return _of_context(folder, name, source)
        if name:
            break
    return _usual(environ)


def of_context(name: str, source: str, environ: Mapping[str, str] = os.environ) -> Address:
    """Return the address that a context has; ``source`` tells people who names it.

    Raises:
        SandboxError: E111, it does not exist or cannot be read.
    """
    return _of_context(environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker"), name, source)


def _usual(environ: Mapping[str, str]) -> Address:
    if sys.platform == "win32":
        return Address(_PIPE, "the usual pipe")
    if not _is_socket(USUAL):
        for path in _elsewhere(environ):
            if _is_socket(path):
                return Address(f"unix://{path}", f"{path} is there, {USUAL} is not")
    return Address(f"unix://{USUAL}", "the usual socket")


def _elsewhere(environ: Mapping[str, str]) -> Iterator[str]:
    runtime = environ.get("XDG_RUNTIME_DIR") or (f"/run/user/{os.getuid()}" if hasattr(os, "getuid") else "")
    home = environ.get("HOME") or os.path.expanduser("~")
    yield f"{runtime}/docker.sock"  # rootless Docker
    yield f"{home}/.docker/run/docker.sock"  # Docker Desktop on macOS
    yield f"{home}/.docker/desktop/docker.sock"  # Docker Desktop on Linux
    yield f"{home}/.colima/default/docker.sock"
    yield f"{home}/.orbstack/run/docker.sock"
    yield f"{runtime}/podman/podman.sock"
    yield "/run/podman/podman.sock"


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def _current(folder: str) -> str | None:
    try:
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            found = json.load(file).get("currentContext")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def _of_context(folder: str, name: str, source: str) -> Address:
    """Read a context as ``docker context create`` writes it: in a folder named by the hash of its name."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    path = os.path.join(folder, "contexts", "meta", digest, "meta.json")
    fix = "docker context ls shows those that there are; docker context use NAME chooses one"
    try:
        with open(path, encoding="utf-8") as file:
            meta: dict[str, Any] = json.load(file)["Endpoints"]["docker"]
        url = str(meta["Host"])
    except FileNotFoundError:
        raise SandboxError("E111", f"the Docker context {name!r} does not exist", f"{source} names it", fix) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SandboxError("E111", f"the Docker context {name!r} cannot be read", f"{path}: {error}", fix) from None
    files = os.path.join(folder, "contexts", "tls", digest, "docker")
    tls = _tls(files, verify=not meta.get("SkipTLSVerify")) if os.path.isdir(files) else None
    return Address(url, f"context {name} ({source})", name, tls)


def _tls_of(environ: Mapping[str, str]) -> Tls | None:
    folder, verify = environ.get("DOCKER_CERT_PATH"), environ.get("DOCKER_TLS_VERIFY")
    if not folder and not verify:
        return None
    return _tls(folder or os.path.expanduser("~/.docker"), verify=bool(verify))


def _tls(folder: str, *, verify: bool) -> Tls:
    there = {name: os.path.join(folder, name) for name in ("ca.pem", "cert.pem", "key.pem")}
    found = {name: path if os.path.isfile(path) else "" for name, path in there.items()}
    return Tls(found["ca.pem"], found["cert.pem"], found["key.pem"], verify)
