"""Which hosts there are: a small file for each in the home. Nothing is asked of a host here.

What is kept is no secret: who may reach a host is the business of ssh, or of the one who owns the socket.
"""

import dataclasses
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox import files
from sandbox.home import Home
from sandbox.model.errors import NotFound, SandboxError

FOLDER = "/var/lib/endpoint-sandbox"  # on the host, unless another is said
SOCKET = "/var/run/docker.sock"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_SSH_WORD = re.compile(r"[A-Za-z0-9_.:%-]+")
_REGISTRY = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:/\[\]-]*")
_FORMS = "ssh://USER@HOST[:PORT], unix:///PATH/OF/SOCKET, or the name of a Docker context"


@dataclass(frozen=True, slots=True)
class Host:
    """A machine with a Docker engine.

    Raises:
        SandboxError: E150, a field cannot be what it is.
    """

    name: str
    url: str  # ssh://user@host[:port], unix:///path, or the name of a Docker context
    folder: str = FOLDER  # of our state, on the host
    socket: str = SOCKET  # of the engine, as a process on the host sees it
    registry: str = ""  # HOST[:PORT][/PREFIX] that images are shipped by; "" for straight from engine to engine
    ssh_config: str = ""  # a file for ssh in place of the user's own configuration

    def __post_init__(self) -> None:
        if wrong := _wrong(self):
            fix = f"it is {_FORMS}" if _NAME.fullmatch(self.name) else "choose another name: prod, for instance"
            raise SandboxError("E150", f"the host {self.name!r} cannot be described so", wrong, fix)


def add(home: Home, host: Host) -> None:
    """Remember a host; one of the same name is replaced."""
    files.write_json(_path(home, host.name), dataclasses.asdict(host))


def find(home: Home, name: str) -> Host:
    """Return a host.

    Raises:
        NotFound: E151.
        SandboxError: E004, its file is damaged; E150.
    """
    found = files.read_json(_path(home, name)) if _NAME.fullmatch(name) else None
    if found is None:
        names = ", ".join(each.name for each in every(home)) or "none"
        raise NotFound("E151", f"no host {name!r}", f"there is {names}", f"sandbox host add {name} ssh://USER@HOST")
    known = {field.name for field in dataclasses.fields(Host)}
    texts = isinstance(found, dict) and all(isinstance(found.get(key, ""), str) for key in known)
    if not texts or not {"name", "url"} <= found.keys():
        what, fix = f"{_path(home, name)} is damaged", f"remove it, and say sandbox host add {name} again"
        raise SandboxError("E004", what, "it does not describe a host", fix)
    return Host(**{key: value for key, value in found.items() if key in known})


def every(home: Home) -> list[Host]:
    """Return all of them, by name."""
    try:
        names = sorted(name.removesuffix(".json") for name in os.listdir(home.at("hosts")) if name.endswith(".json"))
    except FileNotFoundError:
        return []
    return [find(home, name) for name in names]


def remove(home: Home, name: str) -> Host:
    """Forget a host, and leave it as it is; return what it was. Raises as ``find``."""
    found = find(home, name)
    os.unlink(_path(home, name))
    return found


def socket_of(url: str) -> str:
    """Return where the engine's socket is on the host, unless somebody says otherwise."""
    path = urlsplit(url).path if url.startswith(("unix://", "ssh://")) else ""
    return path if len(path) > 1 else SOCKET


def _path(home: Home, name: str) -> str:
    return home.at("hosts", f"{name}.json")


def _wrong(host: Host) -> str:
    if not _NAME.fullmatch(host.name):
        return "a name has 1 to 32 small letters, digits and hyphens"
    for what, path in (("folder", host.folder), ("socket", host.socket)):
        if not os.path.isabs(path) or os.path.normpath(path) != path or path == "/" or ":" in path:
            return f"{what} is {path!r}, which is no absolute path (and none with a colon)"
    if "@" in host.registry:
        return "a password has no place in the address of a registry: docker login, here, keeps it"
    if "//" in host.registry or (host.registry and not _REGISTRY.fullmatch(host.registry)):
        return f"registry is {host.registry!r}; it is HOST[:PORT][/PREFIX], without https://"
    return _wrong_url(host.url)


def _wrong_url(url: str) -> str:
    if url.startswith("unix://"):
        return "" if len(socket_of(url)) > 1 and url.startswith("unix:///") else "unix:// needs an absolute path"
    if not url.startswith("ssh://"):
        meant = f"; say ssh://{url}" if "@" in url and "://" not in url else ""
        return "" if _CONTEXT.fullmatch(url) else f"{url!r} is none of the forms{meant}"
    try:
        parts = urlsplit(url)
        port, name, user = parts.port, parts.hostname, parts.username
    except ValueError as error:
        return f"{url!r}: {error}"
    if parts.password is not None:
        return "a password has no place in an address: ssh uses keys"
    if not name or parts.query or parts.fragment or port == 0:
        return f"{url!r} names no host"
    for word in (name, user or "user"):
        if word.startswith("-") or not _SSH_WORD.fullmatch(word):
            return f"{word!r} is no name for ssh"
    return ""
