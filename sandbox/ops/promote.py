"""From here to a host: what was tested here, as sealed, is what serves there, id for id.

Each part finds out by itself what is done already, so that saying it again after any interruption goes on: the image is
sealed and remembered when it has passed, layers that arrived are there, and the host knows how far it has got.
"""

import contextlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.model import settings, traffic
from sandbox.model.connection import refers_to_secret
from sandbox.model.errors import NotFound, SandboxError
from sandbox.model.progress import Event
from sandbox.model.sample import Sample
from sandbox.model.state import DeploymentState, EndpointState
from sandbox.ops import answers, bundle, generations, images, moving, shapes, tested, who
from sandbox.ops.bundle import Bundle, Pace
from sandbox.ops.context import Context

if TYPE_CHECKING:
    from docker import APIClient

    from sandbox.hosts.known import Host

VERB = "host-receive"  # on the host; takes a bundle on standard input
LAST_LINES = 20
INTERRUPTED, TERMINATED = 130, 143  # the exit codes of a command that Ctrl-C or SIGTERM has ended
NO_SAMPLES = "no samples are kept with it: only the probes are tested"


@dataclass(frozen=True, slots=True)
class Promoted:
    """What serves on the host now, or (``dry_run``) would. ``missing`` are bytes of layers that the host has not."""

    host: str
    endpoint: str
    deployment: str  # its name here
    there: str  # its name on the host
    image: str
    digest: str
    samples: tuple[str, ...]
    generation: int = 0
    traffic: Mapping[str, int] = field(default_factory=dict)
    changed: bool = True
    shipped: int = 0  # bytes
    steps: tuple[int, ...] = ()
    dry_run: bool = False


class Refused(SandboxError):
    """What the host said; ``log`` holds the last lines of what failed there."""

    log: tuple[str, ...] = ()


def promote(
    context: Context, endpoint: str, to: str, deployment: str | None, pace: Pace, *, dry_run: bool = False
) -> Promoted:
    """Bring a deployment to a host; arguments as in ``sandbox.api.promotions``.

    Raises:
        NotFound: E050, E051; E151, no such host.
        SandboxError: E190, which deployment; E110 to E121 and E183, it does not pass as sealed; E152 to E163, the host
            or the way to it, or another image arrived; E192, the connection ended; and what the host says.
    """
    from sandbox.hosts import known, reach

    host = known.find(context.home, to)
    state = context.endpoint(endpoint)
    found = _deployment(state, deployment)
    samples = answers.of(context, found)
    passed = passed_as_sealed(context, state.name, found, samples)
    way = _Way(context, host, state, found, passed)
    with contextlib.closing(reach.engine(host)) as target, reach.telling(host):
        return way.would(target, pace) if dry_run else way.go(target, pace, samples)


def _deployment(state: EndpointState, name: str | None) -> DeploymentState:
    """Return the deployment that is meant: the one that is named, that has the traffic, or the only one."""
    live = traffic.live(state.endpoint.traffic)
    chosen = [name.lower()] if name else list(live) or list(state.deployments)
    if name and chosen[0] not in state.deployments:
        why = f"there is {', '.join(state.deployments) or 'none'}"
        raise NotFound("E051", f"endpoint {state.name} has no deployment {name!r}", why, "sandbox status")
    if len(chosen) != 1:
        why = f"it has {', '.join(chosen)}" if chosen else "it has no deployment yet"
        fix = f"sandbox promote {state.name} --deployment {chosen[0] if chosen else 'NAME'} --to HOST"
        raise SandboxError("E190", f"which deployment of {state.name} is meant is not clear", why, fix)
    return state.deployments[chosen[0]]


def passed_as_sealed(
    context: Context, endpoint: str, state: DeploymentState, samples: tuple[Sample, ...]
) -> tested.Tested:
    """Return the image of what a deployment serves, which has passed with these samples; sealed and tested if need be.

    Raises:
        SandboxError: E110 to E121; E183, it answers a sample otherwise.
    """
    from sandbox.image import engine

    name = (state.served or state.wanted).name
    serving, made_of = images.sealable(state, f"{endpoint}/{name}")
    if not samples:
        context.report(Event("test", "note", NO_SAMPLES, endpoint, name))
    if image := settings.sealed(made_of):  # it is an image already, and what serves runs from it
        if samples:
            moving.smoke(context, endpoint, name, samples, "this machine")
        return tested.Tested(image, image, tuple(each.name for each in samples), state.changed)
    passed = tested.find(context.home, images.key(made_of, serving), samples)
    if passed is not None:
        with contextlib.closing(engine.connect()) as client:
            if client.images(filters={"label": images.SEALED}, quiet=True).count(passed.image):
                return passed
    made = images.make_sealed(context, endpoint, name)
    return tested.Tested(made.id, made.name, made.samples, "")


@dataclass(frozen=True)
class _Way:
    """What is promoted, and where to."""

    context: Context
    host: "Host"
    state: EndpointState
    found: DeploymentState
    passed: tested.Tested

    @property
    def name(self) -> str:
        """The deployment's name here."""
        return self.found.wanted.name

    def would(self, target: "APIClient", pace: Pace) -> Promoted:
        """Return what would be done; the host is asked which images it has, and nothing else."""
        image = self.passed.image
        there = bool(target.images(filters={"label": images.SEALED}, quiet=True).count(image))
        return Promoted(
            self.host.name, self.state.name, self.name, generations.name_of(self.name, image), image, "",
            self.passed.samples, changed=not there, steps=pace.steps, dry_run=True,
        )  # fmt: skip

    def go(self, target: "APIClient", pace: Pace, samples: tuple[Sample, ...]) -> Promoted:
        """Ship the image, and let the host do the rest."""
        from sandbox.hosts import program, run
        from sandbox.image import engine, ship

        context, host, image = self.context, self.host, self.passed.image
        program.ensure(context.home, engine.connect, target, host, context.report)
        with contextlib.closing(engine.connect()) as source:
            whose = (self.state.name, self.name)
            shipped = ship.ship(
                source, target, image, context.report, host.registry,
                name=host.name, whose=whose, kept=context.home.at("images"),
            )  # fmt: skip
        variables = references(self.found)
        sent = Bundle(_endpoint(self.state), self.name, image, who.this(), shipped.digest, variables, samples, pace)
        said = _Heard(context, host.name)
        code = run.run(
            host, [VERB], stdin=json.dumps(bundle.as_mapping(sent)).encode(), on_line=said.line, on_error=said.error
        )
        result = said.result(code)
        context.store.note(self.state.name, "promote", f"deployment {self.name} to {host.name}: {image}")
        return Promoted(
            host.name, self.state.name, self.name, result["deployment"], result["image"], result["digest"],
            self.passed.samples, int(result["generation"]), result["traffic"], bool(result["changed"]),
            shipped.bytes_sent, pace.steps,
        )  # fmt: skip


def _endpoint(state: EndpointState) -> dict[str, Any]:
    """Return what of an endpoint is the same on a host: not its traffic, its port or its keys."""
    said = shapes.endpoint_mapping(state.endpoint)
    kept = {key: each for key, each in (said.get("properties") or {}).items() if key != settings.PORT}
    return {
        **{key: each for key, each in said.items() if key not in {"traffic", "mirror_traffic", "properties"}},
        **({"properties": kept} if kept else {}),
    }


def references(state: DeploymentState) -> dict[str, str]:
    """Return the variables that name secrets: the names travel, and the host looks up secrets of its own."""
    variables = (state.serving.variables if state.serving else {}) or {}
    return {name: value for name, value in variables.items() if refers_to_secret(value)}


class _Heard:
    """What the host says, line by line: events, then a result or an error."""

    def __init__(self, context: Context, host: str) -> None:
        self._context, self._host = context, host
        self._said: dict[str, Any] = {}
        self._errors: deque[str] = deque(maxlen=LAST_LINES)

    def error(self, text: str) -> None:
        """Keep a line of its standard error, which says something only where all else fails."""
        self._errors.append(text)

    def line(self, text: str) -> None:
        """Take one line; what is none of ours is passed over."""
        with contextlib.suppress(ValueError, TypeError, KeyError):
            said = json.loads(text)
            if "event" in said:
                event = said["event"]
                self._context.report(Event(**{**event, "text": f"{self._host}: {event['text']}"}))
            else:
                self._said = dict(said)

    def result(self, code: int) -> dict[str, Any]:
        """Return the result.

        Raises:
            SandboxError: what the host said; E192, it said nothing before it ended.
            KeyboardInterrupt: Ctrl-C or SIGTERM here was handed on, and it has ended by that; its exit code.
        """
        if "result" in self._said:
            found: dict[str, Any] = self._said["result"]
            return found
        if "error" not in self._said:
            if code in {INTERRUPTED, TERMINATED}:
                raise KeyboardInterrupt(code)
            why = f"it ended with code {code} before it said how it went"
            broken = Refused("E192", f"the promotion on {self._host} broke off", why, "say the same again: it goes on")
            broken.log = tuple(self._errors)
            raise broken
        said = self._said["error"]
        error = Refused(said["code"], f"on {self._host}: {said['what']}", said["why"] or "", said["fix"] or "")
        error.log = tuple(said.get("log") or ())
        error.exit_code = int(said["exit_code"])
        raise error
