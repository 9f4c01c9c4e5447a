"""The images of this program in an engine: which there are, what one is, and removing those that nobody needs."""

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.image import labels
from sandbox.model.errors import NotFound

if TYPE_CHECKING:
    from docker import APIClient

CACHES = frozenset({"environment", "sealed"})  # kept unless everything is to go


@dataclass(frozen=True, slots=True)
class Listed:
    """One image. ``kind``: environment, deployment, built or sealed; ``size`` in bytes, with what it shares."""

    id: str
    name: str
    kind: str
    size: int
    created: float  # Unix time
    base: str
    made_for: str  # ENDPOINT/DEPLOYMENT that it was made for first
    used: bool
    home: str = ""  # what stands on everything of the home that built it, "" for a sealed one


def all_of(client: "APIClient", used: Collection[str]) -> list[Listed]:
    """List the images of this program, the newest first; ``used``: ids that deployments need."""
    running = {one["ImageID"] for one in client.containers(all=True)}
    found = client.images(filters={"label": labels.KIND})
    return sorted((_listed(one, running.union(used)) for one in found), key=lambda one: -one.created)


def _listed(found: Mapping[str, Any], used: Collection[str]) -> Listed:
    said = found["Labels"] or {}
    names = [name for name in found["RepoTags"] or () if name != "<none>:<none>"]
    return Listed(
        id=found["Id"],
        name=names[0] if names else found["Id"].removeprefix("sha256:")[:12],
        kind=said[labels.KIND],
        size=int(found["Size"]),
        created=float(found["Created"]),
        base=said.get(labels.BASE, ""),
        made_for=said.get(labels.MADE_FOR, ""),
        used=found["Id"] in used,
        home=said.get(labels.HOME, ""),
    )


def one(client: "APIClient", name: str) -> dict[str, Any]:
    """Return what the engine shows of an image of ours, by its name, id or the beginning of its key.

    Raises:
        NotFound: E119.
    """
    for each in all_of(client, ()):
        identity = each.id.removeprefix("sha256:")
        if name in (each.name, each.id, each.name.rpartition(":")[2]) or (len(name) >= 6 and identity.startswith(name)):
            return dict(client.inspect_image(each.id))
    names = ", ".join(each.name for each in all_of(client, ())[:5]) or "none"
    raise NotFound("E119", f"no image {name!r}", f"there is {names}", "sandbox image list")


def prune(client: "APIClient", used: Collection[str], owner: str, *, everything: bool) -> list[Listed]:
    """Remove images that no deployment and no container needs; return them.

    Args:
        client: of the engine.
        used: ids that deployments need.
        owner: of the home that cleans up; what others have built they may need.
        everything: also those of packages and sealed ones, which are kept to be used again.
    """
    from docker.errors import APIError

    removed = []
    unused = [each for each in all_of(client, used) if not each.used]
    mine = [each for each in unused if each.home == owner or (each.kind == "sealed" and not each.home)]
    waiting = [each for each in mine if everything or each.kind not in CACHES]
    for each in sorted(waiting, key=lambda each: each.kind == "environment"):  # what stands on them goes first
        with contextlib.suppress(APIError):  # something stands on it
            client.remove_image(each.id, force=True)
            removed.append(each)
    return removed
