"""Back to a generation that served before: its containers where they still run, else new ones of the same images."""

import time

from sandbox.model import generation, settings, traffic
from sandbox.model.errors import NotFound, SandboxError
from sandbox.model.generation import Generation, Part
from sandbox.ops import generations, moving, receive, removal, sealed, turns, who
from sandbox.ops.context import Context
from sandbox.ops.readiness import POLL_S
from sandbox.store.generations import Generations

ASKED_S = 5.0  # so long an instance that was warm may be silent before it is taken for broken


def rollback(context: Context, endpoint: str, to: int | None = None) -> Generation:
    """Send the requests where a generation sent them; return what is live from now on.

    A promotion that was interrupted in the middle is taken back; without ``to`` that is all, unless it has to keep the
    traffic because what had it before is gone.

    Args:
        context: where.
        endpoint: its name.
        to: the number of a generation; None: the one before the live one, and said again the one before that.

    Raises:
        NotFound: E050; E187, there is no such generation.
        SandboxError: E186, somebody else is at it; E188, it cannot be brought back; what keeps it from being ready.
    """
    name = context.endpoint(endpoint).name
    mine = who.this()
    book = Generations(context.home, name)
    with turns.alone(context, name, mine, f"rollback to {to}" if to is not None else "rollback"):
        pending = book.pending()
        if pending is not None:
            receive.cancel(context, book, name, f"{mine} rolled back")
            live = generation.current(book.read())
            stays = live is not None and pending.before != pending.set_to == live.traffic
            if to is None and live is not None and not stays:
                return live
        target = _target(book, name, to)
        for deployment in target.traffic:
            _bring_up(context, name, deployment, target.parts.get(deployment, Part()))
        with context.step("traffic", f"generation {target.number}", name):
            now = traffic.live(context.endpoint(name).endpoint.traffic)
            moving.move(context, name, target.traffic, (now,))
        text = f"to generation {target.root}"
        made = book.add("rollback", mine, text, target.traffic, target.parts, root=target.root)
        context.store.note(name, "rollback", text)
        _tidy(context, name, target)
        return made


def history(context: Context, endpoint: str) -> tuple[Generation, ...]:
    """Return what served, and what was tried, oldest first.

    Raises:
        NotFound: E050.
    """
    return Generations(context.home, context.endpoint(endpoint).name).read()


def _target(book: Generations, endpoint: str, to: int | None) -> Generation:
    history = book.read()
    found = generation.before(history) if to is None else generation.by_number(history, to)
    if found is None:
        known = ", ".join(str(each.number) for each in history if each.number) or "none"
        what = f"endpoint {endpoint} has no generation {to}" if to else f"endpoint {endpoint} has none to go back to"
        raise NotFound("E187", what, f"its generations are {known}", f"sandbox history {endpoint}")
    return found


def _bring_up(context: Context, endpoint: str, name: str, part: Part) -> None:
    state = context.endpoint(endpoint)
    found = state.deployments.get(name)
    serves = settings.sealed(found.served or found.wanted) if found is not None and found.serving is not None else ""
    changed = bool(part.image) and serves != part.image  # somebody has put another image behind the name since
    if found is not None and found.serving is not None and found.state != "Deleting" and not changed:
        count = (found.served or found.wanted).instance_count
        if settings.sealed(found.wanted) and _warm(context, endpoint, name, found.serving.id) < count:
            moving.bring_up(context, found.wanted)
        return
    if not part.image:
        what = f"deployment {name} is gone, and it was not sealed"
        raise SandboxError("E188", what, "what serves from files is kept as long as it is deployed", "deploy it again")
    from sandbox.image import engine
    from sandbox.image.sealed import inspect

    try:
        image = inspect(engine.connect(), part.image)
    except SandboxError as error:
        fix = f"promote it again, or go back to another one: sandbox history {endpoint}"
        raise SandboxError("E188", f"deployment {name} cannot be started again", error.what, fix) from None
    moving.bring_up(context, sealed.deployment(image, endpoint, name, part.references))


def _warm(context: Context, endpoint: str, name: str, revision: str) -> int:
    """Count the instances that are ready; those that run and do not say so are ended, so that new ones are started."""
    found = [
        each for each in context.backend.instances(endpoint) if (each.deployment, each.revision) == (name, revision)
    ]
    running = [each for each in found if each.state == "running"]
    mute, end = running, time.monotonic() + ASKED_S
    while mute := [each for each in mute if not context.backend.ready(each).ready]:
        if time.monotonic() > end:
            removal.stop(context, mute, grace_s=1)
            break
        time.sleep(POLL_S)
    return len(running) - len(mute)


def _tidy(context: Context, endpoint: str, target: Generation) -> None:
    if any(part.image for part in target.parts.values()):
        from sandbox.image import engine

        generations.tidy(context, engine.connect(), endpoint)
