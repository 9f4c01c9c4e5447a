"""A promotion where it arrives: on the host. Said again after any interruption it goes on, or does nothing.

The image is there and is the one that was tested; its deployment is made, ready, and answers the samples; then traffic
moves step by step, each watched by a gate. What fails takes everything back: the version before serves as it did, and
has served all the time. What is under way is written down before it is done, so that whoever comes after a kill knows
where the traffic goes back to.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.model import generation, shares, traffic
from sandbox.model.endpoint import Endpoint
from sandbox.model.errors import SandboxError
from sandbox.model.generation import Part
from sandbox.model.progress import Event
from sandbox.model.state import EndpointState
from sandbox.ops import deployments, endpoints, generations, moving, sealed, turns
from sandbox.ops.bundle import Bundle
from sandbox.ops.context import Context, of_system
from sandbox.ops.gate import LOG_LINES, Gate
from sandbox.reconcile.describe import served
from sandbox.store.generations import Generations, Promotion


@dataclass(frozen=True, slots=True)
class Received:
    """What serves now. ``changed`` False: it was so before. ``generation`` is 0 where it has no number."""

    endpoint: str
    deployment: str
    image: str
    digest: str
    generation: int
    traffic: Mapping[str, int]
    changed: bool


def receive(context: Context, given: Bundle, where: str = "this machine") -> Received:
    """Bring a sealed image into service; ``where`` is what the host is called.

    Raises:
        SandboxError: E181, the image; E186, somebody else is at it; E183 and E185, it failed and was taken back; E193,
            somebody else moved the traffic; and what kept it from being ready.
    """
    text = f"promote {given.deployment} {given.image[7:19]}"
    with turns.alone(context, given.name, given.who, text, same=given.image):
        return _Receiving(context, given, where).go()


class _Receiving:
    """One promotion, by the one who holds the lock."""

    def __init__(self, context: Context, given: Bundle, where: str) -> None:
        from sandbox.image import engine
        from sandbox.image.sealed import inspect

        self._context, self._given, self._where = context, given, where
        self._client = engine.connect()
        self._found = inspect(self._client, given.image)
        self._name = generations.name_of(given.deployment, self._found["Id"])
        self._endpoint = given.name.lower()
        self._book = Generations(context.home, self._endpoint)
        self._part = Part(self._found["Id"], given.digest, dict(given.references))

    def go(self) -> Received:
        """Do what is left to be done."""
        self._give_name()
        self._make_endpoint()
        live = self._live()
        pending = self._book.pending()
        if pending is not None and pending.deployment != self._name:  # another version was on its way
            cancel(self._context, self._book, self._endpoint, "another version was promoted")
            pending, live = None, self._live()
        if pending is None and self._is_done(live):
            return self._received(changed=False)
        known = self._name in self._context.endpoint(self._endpoint).deployments
        promotion = pending or self._book.begin(
            Promotion(self._name, self._part, self._given.who, self._text(), live, live, not known)
        )
        try:
            made = sealed.deployment(self._found, self._endpoint, self._name, self._given.references)
            moving.bring_up(self._context, made)
            self._smoke()
            promotion = self._move(promotion)
        except KeyboardInterrupt:  # Ctrl-C, or the connection is gone: as it was; what was made is used when said again
            with contextlib.suppress(SandboxError, OSError):
                self._book.step(promotion, _back(self._context, self._endpoint, self._book))
            raise
        except (SandboxError, OSError) as error:
            told = of_system(error) if isinstance(error, OSError) else error
            self._take_back(told)
            raise told from None
        except Exception as error:  # what nobody has foreseen: the version before has to serve all the same
            self._take_back(error)
            raise
        self._note(promotion)
        self._book.end()
        generations.tidy(self._context, self._client, self._endpoint)
        return self._received(changed=True)

    # --- Before traffic moves ----------------------------------------------------------------------------------------

    def _give_name(self) -> None:
        """Keep the image from whoever removes those without a name."""
        from sandbox.image import labels

        version = f"{self._endpoint}-{self._name}"
        self._client.tag(self._found["Id"], f"{labels.REPOSITORY}/sealed", version)

    def _make_endpoint(self) -> None:
        """Create the endpoint, with keys of its own, or make it what its file says; port, keys and traffic stay."""
        from sandbox.spec.load import load_given

        wanted = load_given(dict(self._given.endpoint), f"endpoint {self._endpoint}", "endpoint")
        assert isinstance(wanted, Endpoint)
        state = self._context.store.find(self._endpoint)
        if state is None or state.endpoint != endpoints.keeping_traffic(wanted, state.endpoint):
            endpoints.create(self._context, wanted)

    def _smoke(self) -> None:
        samples = self._given.samples
        many = f"{len(samples)} sample{'' if len(samples) == 1 else 's'}"
        text = many if samples else "no samples are kept: the probes alone count"
        with self._context.step("test", text, self._endpoint, self._name):
            moving.smoke(self._context, self._endpoint, self._name, samples, self._where)

    # --- Traffic -----------------------------------------------------------------------------------------------------

    def _move(self, promotion: Promotion) -> Promotion:
        """Go through the steps that are left; a step that was reached before is watched again."""
        pace, have = self._given.pace, self._live().get(self._name, 0)
        for share in pace.steps:
            if share < have:
                continue
            weights = shares.with_share(promotion.before, self._name, share)
            expected = (promotion.set_to, promotion.before)
            promotion = self._book.step(promotion, weights)
            text = " ".join(f"{name}={part}" for name, part in weights.items())
            moving.move(self._context, self._endpoint, weights, expected)
            with self._context.step("traffic", f"{text}, watched for {pace.pause_s:g} s", self._endpoint) as told:
                gate = Gate(self._context, self._endpoint, self._name, promotion.before, pace.most_errors)
                seen = gate.watch(pace.pause_s)
                told.note(f"{self._name}: {seen.requests} requests, {seen.errors} errors")
        return promotion

    def _take_back(self, error: Exception) -> None:
        """Put the traffic back, take the new version away, and note why; what cannot be done is left to the next."""
        state = self._context.endpoint(self._endpoint)
        if not getattr(error, "log", ()) and (lines := _log(self._context, state, self._name)):
            error.log = lines  # type: ignore[attr-defined]
        try:
            cancel(self._context, self._book, self._endpoint, str(error))
        except (SandboxError, OSError) as trouble:
            self._context.report(Event("traffic", "note", f"not all could be taken back: {trouble}", self._endpoint))

    # --- Done --------------------------------------------------------------------------------------------------------

    def _is_done(self, live: Mapping[str, int]) -> bool:
        """Tell whether it serves already as it shall, and nothing of it is missing."""
        found = self._context.endpoint(self._endpoint).deployments.get(self._name)
        if found is None or found.serving is None or found.state != "Succeeded" or found.operation is not None:
            return False
        same = dict(found.wanted.environment_variables) == dict(self._given.references)
        running = [each for each in self._context.backend.instances(self._endpoint) if each.deployment == self._name]
        whole = len([each for each in running if each.state == "running"]) >= found.wanted.instance_count
        return same and whole and live.get(self._name, 0) == self._last(live)

    def _last(self, live: Mapping[str, int]) -> int:
        """The share that it shall have in the end: all of it where nobody else serves."""
        return self._given.pace.steps[-1] if set(live) - {self._name} else 100

    def _note(self, promotion: Promotion) -> None:
        live = self._live()
        now = generation.current(self._book.read())
        if now is not None and now.traffic == live and now.verb == "promote":
            return  # who noted it was killed before he said that he was done
        state = self._context.endpoint(self._endpoint)
        known = {**generations.digests(self._book.read()), self._part.image: self._part.digest}
        parts = {**generations.parts(state, live, known), self._name: self._part}
        self._book.add("promote", promotion.who, promotion.text, live, parts)
        self._context.store.note(self._endpoint, "promote", f"{self._name}: {self._part.image}")

    def _received(self, *, changed: bool) -> Received:
        now = generation.current(self._book.read())
        number = now.number if now is not None else 0
        image, digest = self._part.image, self._part.digest
        return Received(self._endpoint, self._name, image, digest, number, self._live(), changed)

    def _text(self) -> str:
        return f"{self._given.deployment} as {self._name}"

    def _live(self) -> dict[str, int]:
        return traffic.live(self._context.endpoint(self._endpoint).endpoint.traffic)


def cancel(context: Context, book: Generations, endpoint: str, cause: str) -> None:
    """Take back a promotion that is under way: traffic first, then what was made for it; note why.

    Where nothing is left of what had the traffic before, the new version keeps it, as a generation.

    Raises:
        SandboxError: it cannot be done now; what is left is still written down.
    """
    pending = book.pending()
    if pending is None:
        return
    _back(context, endpoint, book)
    state = context.endpoint(endpoint)
    unused = pending.deployment not in traffic.live(state.endpoint.traffic)
    if pending.fresh and unused and pending.deployment in state.deployments:
        deployments.delete(context, endpoint, pending.deployment)
    live = traffic.live(context.endpoint(endpoint).endpoint.traffic)
    book.add("promote", pending.who, pending.text, live, {pending.deployment: pending.part}, cause=cause)
    context.store.note(endpoint, "promote", f"{pending.deployment} was taken back: {cause}")
    generations.note(context, context.endpoint(endpoint))  # other traffic than that of the generation before
    book.end()


def _back(context: Context, endpoint: str, book: Generations) -> Mapping[str, int]:
    """Put the traffic back to where a promotion took it from, unless somebody else moved it since; return it."""
    pending, state = book.pending(), context.endpoint(endpoint)
    live = traffic.live(state.endpoint.traffic)
    if pending is None or live not in (dict(pending.set_to), dict(pending.before)):
        return live
    there = shares.among(pending.before, served(state))  # what had no traffic any more may be deleted by hand
    if live == pending.before or (pending.before and not there):
        return live
    with context.step("traffic", "back to where it was", endpoint):
        moving.move(context, endpoint, there, (pending.set_to,))
    return there


def _log(context: Context, state: EndpointState, name: str) -> tuple[str, ...]:
    """Return the last lines of a new version, before it is taken away."""
    with contextlib.suppress(SandboxError, OSError):
        mine = [each for each in context.backend.instances(state.name) if each.deployment == name]
        return tuple(context.backend.tail(mine[0], LOG_LINES)) if mine else ()
    return ()
