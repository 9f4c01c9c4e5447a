"""What served when: noted with each change of traffic, kept so that it can be gone back to."""

import contextlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from sandbox.model import generation, settings, traffic
from sandbox.model.errors import SandboxError
from sandbox.model.generation import Generation, Part
from sandbox.model.state import EndpointState
from sandbox.ops import who
from sandbox.ops.context import Context
from sandbox.store.generations import Generations

if TYPE_CHECKING:
    from docker import APIClient

KEPT = 5  # generations whose images stay; the containers of the live one and of the one before it run


def name_of(deployment: str, image: str) -> str:
    """Return what a deployment is called on a host: the same image always has the same name, another one another."""
    return f"{deployment.lower()[:23].rstrip('-')}-{image.removeprefix('sha256:')[:8]}"


def parts(
    state: EndpointState, weights: Mapping[str, int], digests: Mapping[str, str] | None = None
) -> dict[str, Part]:
    """Return what the deployments that have traffic are made of; ``digests``: by image, where they are known."""
    found = {}
    for name in weights:
        deployment = state.deployments.get(name)
        made_of = deployment and (deployment.served or deployment.wanted)
        image = settings.sealed(made_of) if made_of else ""
        variables = made_of.environment_variables if made_of and image else {}
        digest = (digests or {}).get(image, "")
        found[name] = Part(image, digest, {key: value or "" for key, value in variables.items()})
    return found


def digests(history: Collection[Generation]) -> dict[str, str]:
    """Return the digests of images, as far as the history knows them."""
    return {part.image: part.digest for each in history for part in each.parts.values() if part.digest}


def note(context: Context, state: EndpointState) -> None:
    """Note that somebody changed the traffic; called where it is published, by everything but a promotion."""
    weights = traffic.live(state.endpoint.traffic)
    book = Generations(context.home, state.name)
    # The change counts, not that it is noted.
    with contextlib.suppress(SandboxError, OSError), context.store.alone(state.name):
        history = book.read()
        live = generation.current(history)
        if (live.traffic if live else {}) == weights:
            return
        said = " ".join(f"{name}={share}" for name, share in weights.items()) or "none"
        book.add("traffic", who.this(), said, weights, parts(state, weights, digests(history)))


def images(context: Context, endpoint: str) -> set[str]:
    """Return the ids of the images that an endpoint may go back to, or is being given."""
    book = Generations(context.home, endpoint)
    pending = book.pending()
    found = {part.image for each in generation.kept(book.read(), KEPT) for part in each.parts.values()}
    return {image for image in {*found, *([pending.part.image] if pending else [])} if image}


def tidy(context: Context, client: "APIClient", endpoint: str) -> None:
    """End what neither serves nor is the generation before; remove images of generations that are too old."""
    from sandbox.image import sealed
    from sandbox.ops import deployments

    history = Generations(context.home, endpoint).read()
    before = generation.before(history)
    state = context.endpoint(endpoint)
    wanted = {**traffic.live(state.endpoint.traffic), **traffic.live(state.endpoint.mirror_traffic)}
    wanted |= dict(before.traffic) if before else {}
    ours = {name: part.image for each in history for name, part in each.parts.items() if part.image}
    for name, found in state.deployments.items():
        promoted = name in ours and name.endswith(f"-{ours[name].removeprefix('sha256:')[:8]}")
        if promoted and name not in wanted and found.operation is None:
            with contextlib.suppress(SandboxError):  # it is busy, or gone: next time
                deployments.delete(context, endpoint, name)
    used = {image for each in context.store.names() for image in images(context, each)}
    used |= {settings.sealed(each.wanted) for every in context.store.all() for each in every.deployments.values()}
    for image in {*ours.values()} - used:
        sealed.remove(client, image)
