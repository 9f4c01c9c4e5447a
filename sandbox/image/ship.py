"""Brings an image to another engine, unchanged: by a registry, or straight from engine to engine.

What the other engine has is not sent. Layers go one after the other, each with a small image of its own that is gone at
the end: where the connection breaks, what has arrived is there, and the next attempt goes on after it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.image import labels, lost, ship_layers, ship_registry
from sandbox.image.ship_report import Told
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Report

if TYPE_CHECKING:
    from docker import APIClient

KEPT = f"{labels.REPOSITORY}/shipped"  # a name of its own: what prunes images without a name leaves it alone
_ALIASES = {"x86_64": "amd64", "aarch64": "arm64", "x86-64": "amd64"}
_FULL = re.compile(r"no space left|disk quota exceeded|not enough space", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shipped:
    """An image that is on both sides. ``digest``: of the registry, "" where none was used."""

    id: str
    digest: str
    layers_sent: int
    bytes_sent: int


def ship(
    source: "APIClient",
    target: "APIClient",
    image: str,
    report: Report,
    registry: str = "",
    *,
    name: str = "the host",
    whose: tuple[str, str] = ("", ""),
    kept: str = "",
) -> Shipped:
    """Bring an image to an engine; nothing is sent where it is there. Say it again after a failure: it goes on.

    Args:
        source: the engine that has it.
        target: the engine that gets it.
        image: its id or its name.
        report: told of every step, and of the bytes that went.
        registry: HOST[:PORT][/PREFIX] that both engines reach; "" for straight from one to the other.
        name: how people call the target.
        whose: endpoint and deployment that it is for.
        kept: the folder where images are sealed here; "" for none: small layers need not be asked for then.

    Raises:
        SandboxError: E156 the connection broke; E157 another architecture; E158 refused; E159 full; E160 the registry;
            E161 it arrived as another image; E119 the source does not have it.
    """
    found = _inspect(source, image)
    if found is None:
        raise SandboxError("E119", f"no image {image!r}", "it is not in the engine here", "sandbox image list")
    identity = str(found["Id"])
    with Told(report, f"ship {labelled(found)} to {name}", whose) as told:
        try:
            _fits(found, target, name)
            digest, layers, sent = "", 0, 0
            if _inspect(target, identity) is None:
                if registry:
                    digest, layers, sent = ship_registry.ship(source, target, found, registry, told)
                else:
                    layers, sent = ship_layers.ship(source, target, found, told, kept)
            _arrived(target, found, name)
        except SandboxError as error:
            raise full(name, error.why) if error.code == "E158" and _FULL.search(error.why) else error from None
        except Exception as error:  # the SDK lets through what requests and urllib3 raise
            if (explained := _explained(name, error)) is None:
                raise
            raise explained from None
        told.end(layers, sent)
    return Shipped(identity, digest or _digest(target, identity), layers, sent)


def labelled(found: Mapping[str, Any]) -> str:
    """Return how people know an image: its name, else the beginning of its id."""
    return next(iter(found.get("RepoTags") or ()), str(found["Id"]).removeprefix("sha256:")[:12])


def full(name: str, why: str) -> SandboxError:
    """Return the error for an engine without space."""
    fix = f"sandbox --host {name} prune, or docker system prune there; then say it again"
    return SandboxError("E159", f"{name} has no space for the image", why, fix)


def architecture(client: "APIClient") -> tuple[str, str]:
    """Return operating system and architecture of the machine of an engine, as images write them."""
    version = client.version()
    said = str(version.get("Arch", ""))
    return str(version.get("Os", "")), _ALIASES.get(said, said)


def _fits(found: Mapping[str, Any], target: "APIClient", name: str) -> None:
    made_for = (str(found["Os"]), _ALIASES.get(found["Architecture"], str(found["Architecture"])))
    there = architecture(target)
    if made_for != there:
        what = f"{labelled(found)} is made for {'/'.join(made_for)}, and {name} is {'/'.join(there)}"
        fix = "build it on a machine like the host: containers run the machine's own instructions"
        raise SandboxError("E157", what, "", fix)


def _arrived(target: "APIClient", found: Mapping[str, Any], name: str) -> None:
    """See that the engine has the very image, and let it keep it."""
    identity = str(found["Id"])
    there = _inspect(target, identity)
    if there is None:
        tags = [tag for tag in found.get("RepoTags") or () if _inspect(target, tag)]
        other = f"there it is {_inspect(target, tags[0])['Id']}" if tags else "it is not there"  # type: ignore[index]
        fix = "see docker info on both: one keeps images in containerd, the other does not; make them alike"
        raise SandboxError("E161", f"the image on {name} is not {identity}", other, fix)
    target.tag(identity, KEPT, identity.removeprefix("sha256:")[:16])
    for each in found.get("RepoTags") or ():
        repository, _, tag = each.rpartition(":")
        if repository != KEPT:
            target.tag(identity, repository, tag)


def _inspect(client: "APIClient", image: str) -> dict[str, Any] | None:
    from docker.errors import ImageNotFound

    try:
        return dict(client.inspect_image(image))
    except ImageNotFound:
        return None


def _digest(target: "APIClient", identity: str) -> str:
    found = _inspect(target, identity) or {}
    return next((str(each).rpartition("@")[2] for each in found.get("RepoDigests") or ()), "")


def _explained(name: str, error: Exception) -> SandboxError | None:
    from docker.errors import APIError

    if isinstance(error, APIError):
        why = str(error.explanation or error)
        if _FULL.search(why):
            return full(name, why)
        return SandboxError("E158", f"the image does not arrive on {name}", why, "see the engine's log there")
    return lost.explained(name, error)
