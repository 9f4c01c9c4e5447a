"""Why a host cannot be reached, or was lost, from what ssh, sockets and the SDK of Docker say. Pure."""

from urllib.parse import urlsplit

from sandbox.hosts.known import Host
from sandbox.model.errors import SandboxError

_CHANGED = "remote host identification has changed"
_UNKNOWN = ("host key verification failed", "no matching host key")
_LOGIN = ("permission denied", "too many authentication failures", "no supported authentication methods")


def by_hand(host: Host) -> str:
    """Return what somebody types to see for themselves."""
    parts = urlsplit(host.url)
    words = [
        "ssh",
        *(["-F", host.ssh_config] if host.ssh_config else []),
        *(["-p", str(parts.port)] if parts.port else []),
    ]
    return " ".join([*words, f"{parts.username}@{parts.hostname}" if parts.username else str(parts.hostname)])


def of_ssh(host: Host, said: str) -> SandboxError:
    """Return what ssh's last words mean."""
    lowered, hand = said.lower(), by_hand(host)
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("@@")]
    why = "\n".join(lines[-4:]) or "ssh said nothing"
    if _CHANGED in lowered:
        fix = "ask the host's owner why; if the new key is right: ssh-keygen -R HOST, then " + hand
        return SandboxError("E153", f"the key of {host.name} is another one than before", why, fix)
    if any(sign in lowered for sign in _UNKNOWN):
        fix = f"{hand} once: it shows the fingerprint; compare it with the host's owner, then say yes"
        return SandboxError("E153", f"ssh does not know the key of {host.name}", why, fix)
    if any(sign in lowered for sign in _LOGIN):
        fix = f"{hand} has to work without a password: ssh-copy-id, or ssh-add for a key with a passphrase"
        return SandboxError("E154", f"{host.name} does not let you in", why, fix)
    return SandboxError("E152", f"{host.name} is not reached", f"{host.url}: {why}", f"see whether this works: {hand}")


def of_socket(host: Host, state: str) -> SandboxError:
    """Return what it means that the engine's socket is ``missing`` or ``denied`` there."""
    if state == "denied":
        fix = "sudo usermod -aG docker USER on the host, then log out of it everywhere"
        return SandboxError(
            "E155", f"{host.name}: you may not use its engine", f"{host.socket}: permission denied", fix
        )
    fix = "start Docker on the host, or name its socket: sandbox host add ... --socket PATH"
    return SandboxError("E155", f"{host.name} has no Docker engine", f"{host.socket} is not there", fix)


def of_engine(host: Host, error: BaseException) -> SandboxError:
    """Return what it means that nothing sensible answers where the engine should be."""
    if isinstance(error, SandboxError):
        what, why = error.what, error.why
    else:
        what, why = "its engine does not answer", str(error)
    return SandboxError("E155", f"{host.name}: {what}", why, f"see whether the engine answers: {_asked(host)}")


def _asked(host: Host) -> str:
    """Return what asks the engine by hand; it helps also where the host is not known yet."""
    if host.url.startswith("ssh://"):
        return f"{by_hand(host)} docker version"
    return f"docker -H {host.url} version" if "://" in host.url else f"docker --context {host.url} version"
