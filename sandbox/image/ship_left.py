"""What shipping has brought to an engine, and nobody there needs any more."""

import contextlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from sandbox.image import listing, ship
from sandbox.image.listing import Listed
from sandbox.image.ship_layers import PARTIAL

if TYPE_CHECKING:
    from docker import APIClient

OURS = frozenset({PARTIAL, "host"})  # kinds that are there for hosts alone


def prune(client: "APIClient", used: Collection[str]) -> list[Listed]:
    """Remove images that were shipped, and that no container and none of ``used`` needs; return them.

    Images that were built in this engine stay, should it be the engine of a developer, too.
    """
    from docker.errors import APIError

    shipped = set(client.images(name=ship.KEPT, quiet=True))
    removed = []
    for each in listing.all_of(client, used):
        if not each.used and (each.id in shipped or each.kind in OURS):
            with contextlib.suppress(APIError):  # something stands on it
                client.remove_image(each.id, force=True)
                removed.append(each)
    return removed
