"""What every use case works with, and the few steps that all of them share."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sandbox import files
from sandbox.backend.protocol import Backend
from sandbox.home import Home
from sandbox.model.errors import NotFound, SandboxError
from sandbox.model.progress import Event, Report, Step, quiet
from sandbox.model.state import DeploymentState, EndpointState, Failure, Operation
from sandbox.store import owner
from sandbox.store.endpoints import Endpoints, now

if TYPE_CHECKING:
    from sandbox.gateway.gateway import Gateway

GRACE_S = 30.0  # for the requests of an instance that is told to end


@dataclass(frozen=True)
class Context:
    """One home, its parts, and who wants to hear about progress."""

    home: Home
    backend: Backend
    report: Report = quiet
    store: Endpoints = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", Endpoints(self.home))

    @cached_property
    def gateway(self) -> "Gateway":
        """The gateway of this home."""
        from sandbox.ops import production  # here: http.client takes its time, and to show needs none

        return production.gateway(self.home)

    @classmethod
    def of(cls, home: Home, report: Report = quiet) -> "Context":
        """Make the context of a home, which is made when it is not there."""
        from sandbox.ops.backends import Backends

        return cls(home.make(), Backends(home), report)

    # --- What is asked for -------------------------------------------------------------------------------------------

    def endpoint(self, name: str) -> EndpointState:
        """Return an endpoint.

        Raises:
            NotFound: E050.
        """
        found = self.store.find(name)
        if found is None:
            names = self.store.names()
            why = f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}" if names else "there is none yet"
            raise NotFound("E050", f"no endpoint {name!r}", why, self._how_to_make(name, some=bool(names)))
        return found

    def _how_to_make(self, name: str, *, some: bool) -> str:
        from sandbox.hosts import production  # here: it is for an error

        if (host := production.read(self.home)) is not None:  # nothing is created there by hand
            make = f"sandbox promote {name} --to {host.host}"
        elif some:
            make = f"sandbox online-endpoint create -n {name}"
        else:
            return "sandbox init shop, then sandbox up shop"
        return f"name one that there is; or make it: {make}" if some else make

    def deployment(self, endpoint: str, name: str) -> tuple[EndpointState, DeploymentState]:
        """Return a deployment and its endpoint.

        Raises:
            NotFound: E050, E051.
        """
        state = self.endpoint(endpoint)
        found = state.deployments.get(name.lower())
        if found is None:
            names = ", ".join(state.deployments)
            why = f"its deployments are {names}" if names else "it has no deployment yet"
            fix = f"sandbox online-deployment create -f DEPLOYMENT.yml -e {endpoint} -n {name}"
            raise NotFound("E051", f"endpoint {endpoint} has no deployment {name!r}", why, fix)
        return state, found

    def change(self, endpoint: str, name: str, to: Callable[[DeploymentState], DeploymentState]) -> EndpointState:
        """Change a deployment's state under the endpoint's lock."""
        with self.store.alone(endpoint):
            state, found = self.deployment(endpoint, name)
            return self.store.write(with_deployment(state, name, to(found)))

    # --- Progress ----------------------------------------------------------------------------------------------------

    def step(self, step: Step, text: str, endpoint: str, deployment: str = "") -> "Telling":
        """Tell that a step begins and, on leaving the ``with`` block, how it ended and how long it took."""
        return Telling(self.report, step, text, endpoint, deployment)


class Telling:
    """The beginning and the end of one step, told."""

    def __init__(self, report: Report, step: Step, text: str, endpoint: str, deployment: str) -> None:
        self._report, self._event = report, Event(step, "begin", text, endpoint, deployment)
        self._began = 0.0

    def __enter__(self) -> "Telling":  # noqa: PYI034 - typing.Self came with 3.11
        self._began = time.monotonic()
        self._report(self._event)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        seconds = time.monotonic() - self._began
        if error is None:
            self._report(replace(self._event, state="done", seconds=seconds))
        else:
            text = error.what if isinstance(error, SandboxError) else kind.__name__ if kind else ""
            self._report(replace(self._event, state="failed", text=text, seconds=seconds))

    def note(self, text: str) -> None:
        """Tell something about the step."""
        self._report(replace(self._event, state="note", text=text))


def with_deployment(state: EndpointState, name: str, deployment: DeploymentState | None) -> EndpointState:
    """Return the endpoint with a deployment replaced; None removes it."""
    others = {each: found for each, found in state.deployments.items() if each != name.lower()}
    return replace(state, deployments=others if deployment is None else {**others, name.lower(): deployment})


def begin(verb: str) -> Operation:
    """Sign what this process begins to do."""
    return Operation(secrets.token_hex(6), verb, owner.this(), now())


def refuse_if_busy(state: DeploymentState | EndpointState | None, what: str) -> None:
    """Refuse while another command works on the same thing; one that died is no obstacle.

    Raises:
        SandboxError: E053, as Azure's 409.
    """
    if state is None or state.operation is None or not owner.works(state.operation.owner):
        return
    operation = state.operation
    why = f"process {operation.owner.partition(':')[0]} is at work on it since {operation.began} ({operation.verb})"
    raise SandboxError("E053", f"{what} is being changed by another command", why, "wait for it, or end that process")


def refuse_if_deleted(state: EndpointState) -> None:
    """Refuse to make anything in an endpoint that is on its way out.

    Raises:
        SandboxError: E053.
    """
    if state.state == "Deleting":
        refuse_if_busy(state, f"endpoint {state.name}")
        fix = f"sandbox online-endpoint delete -n {state.name} goes on with it; then create it anew"
        raise SandboxError("E053", f"endpoint {state.name} is being deleted", "its deletion was interrupted", fix)


def of_system(error: OSError) -> SandboxError:
    """Return what an error of the file system that nobody foresaw is told as: a full disk, a folder of another user."""
    what = f"{error.filename} cannot be used" if error.filename else "a file cannot be used"
    fix = "make room, or correct the permissions; then say the same again"
    return SandboxError("E003", what, error.strerror or str(error), fix)


def no_room(error: BaseException) -> bool:
    """Tell whether an error of the file system, or one that tells of it, means that the disk is full."""
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in files.FULL


def failure_of(error: SandboxError) -> Failure:
    """Keep an error with the state that it explains."""
    log = tuple(getattr(error, "log", ()))
    return Failure(error.code, error.what, error.why, error.fix, log)
