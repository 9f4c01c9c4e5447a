"""Use cases that only look: invoke, logs, status."""

import contextlib
import http.client
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from sandbox.backend.protocol import Instance
from sandbox.gateway.errors import GatewayError
from sandbox.model import settings, traffic
from sandbox.model.errors import SandboxError
from sandbox.model.state import DeploymentState, EndpointState, Failure
from sandbox.ops import endpoints, generations, scoring, tested
from sandbox.ops.context import Context, failure_of
from sandbox.ops.publish import locked_out, told
from sandbox.ops.readiness import own_files_of
from sandbox.ops.revisions import INITIALIZER_LOG
from sandbox.store import owner
from sandbox.store.generations import Generations

INVOKE_S = 3600.0  # the gateway's own limits are shorter
CONTAINERS = ("inference-server", "storage-initializer")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the endpoint, whatever its status."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def invoke(
    context: Context, name: str, data: bytes, *, deployment: str | None = None, content_type: str = "application/json"
) -> Reply:
    """Send one request through the gateway, with the endpoint's own key or a fresh token.

    Raises:
        NotFound: E050; E051, the deployment that is named does not exist.
        SandboxError: E065, the gateway cannot be reached.
    """
    state = context.endpoint(name)
    if context.gateway.running() is None:  # whoever has the port now must not be sent a key
        raise SandboxError("E065", f"endpoint {name} does not answer: the gateway is off", "", "sandbox up")
    headers = {"Content-Type": content_type}
    if deployment is not None:
        context.deployment(name, deployment)
        headers["azureml-model-deployment"] = deployment.lower()
    found = endpoints.credentials(context, name)
    headers["Authorization"] = f"Bearer {found.get('primaryKey') or found.get('accessToken')}"
    connection = http.client.HTTPConnection("127.0.0.1", state.port, timeout=INVOKE_S)
    try:
        connection.request("POST", scoring.path(state, deployment), data, headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheaders(), answer.read())
    except (OSError, http.client.HTTPException) as error:
        why = str(error) or type(error).__name__
        raise SandboxError("E065", f"endpoint {name} does not answer on port {state.port}", why, "sandbox up") from None
    finally:
        connection.close()
        context.gateway.shorten_logs()


def own_files(context: Context, endpoint: str) -> Callable[[str], str]:
    """Return what writes the developer's own paths into an answer that names copies of the code.

    Raises:
        NotFound: E050.
    """
    serving = [each for each in context.endpoint(endpoint).deployments.values() if each.serving is not None]
    each_one = [own_files_of(each.served or each.wanted, each.serving.code_root) for each in serving if each.serving]
    return lambda text: reduce(lambda said, own: own(said), each_one, text)


def logs(
    context: Context,
    endpoint: str,
    name: str,
    *,
    lines: int = 5000,
    container: str = CONTAINERS[0],
    follow: bool = False,
) -> Iterator[str]:
    """Give the last lines of a deployment's log, then (``follow``) new ones as they come.

    Of several instances each line names its instance. A deployment that failed shows the log of its last attempt.

    Raises:
        NotFound: E050, E051.
        SandboxError: E066, there is no such container.
    """
    _, found = context.deployment(endpoint, name)
    name, endpoint = name.lower(), endpoint.lower()
    if container not in CONTAINERS:
        raise SandboxError("E066", f"there is no container {container!r}", "", f"one of {', '.join(CONTAINERS)}")
    if container == CONTAINERS[1]:
        yield from _last(_initializer_log(context, endpoint, name, found), lines)
        return
    own = own_files_of(found.served or found.wanted, found.serving.code_root if found.serving else None)
    if not follow:
        instances = _of(context, endpoint, name, found)
        if not instances and found.failure:
            yield from found.failure.log[-lines:]
        for instance in instances:
            prefix = f"[{instance.index}] " if len(instances) > 1 else ""
            yield from (f"{prefix}{own(line)}" for line in context.backend.tail(instance, lines))
        return
    for line in context.backend.follow(lambda: _of(context, endpoint, name, None), lines):
        yield f"[{line.index}] {own(line.text)}" if found.wanted.instance_count > 1 else own(line.text)


def _of(context: Context, endpoint: str, name: str, state: DeploymentState | None) -> list[Instance]:
    """The instances whose logs are asked for: those that serve; where there are none, all."""
    found = [each for each in context.backend.instances(endpoint) if each.deployment == name]
    if state is None or state.serving is None:
        return found
    serving = state.serving.id
    return [each for each in found if each.revision == serving] or found


def _initializer_log(context: Context, endpoint: str, name: str, state: DeploymentState) -> str:
    revision = state.serving.id if state.serving else str(state.last_revision)
    return os.path.join(context.home.instances, endpoint, name, revision, INITIALIZER_LOG)


def _last(path: str, lines: int) -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as file:
        yield from (line.rstrip("\n") for line in deque(file, lines))


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """A deployment at one moment: asked for, and found."""

    name: str
    state: str
    live_percent: int
    mirror_percent: int
    wanted: int  # instances
    running: int
    revision: str | None
    development: bool
    failure: Failure | None
    interrupted: bool  # its command has ended in the middle; `sandbox up` goes on
    instances: tuple[Instance, ...] = ()
    debugging: bool = False  # by `sandbox debug`: one instance, until it is switched off
    debug_port: int | None = None  # a debugger may attach there
    image: str = ""  # id of the sealed image that it runs from, or (made of files) was sealed as and passed
    digest: str = ""  # name of that image in a registry


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """An endpoint at one moment."""

    name: str
    state: str
    auth_mode: str
    port: int
    scoring_uri: str
    deployments: tuple[DeploymentStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at one moment. ``gateway`` is the process of the gateway, None where it does not run.

    ``troubles`` are about endpoints as a whole, by name: a file that is damaged (such an endpoint is not among
    ``endpoints``), keys that are gone, a port that somebody else has.
    """

    home: str
    gateway: int | None
    endpoints: tuple[EndpointStatus, ...] = field(default=())
    troubles: Mapping[str, Failure] = field(default_factory=dict)


def status(context: Context) -> Status:
    """Look at everything; changes nothing."""
    instances = context.backend.instances()
    states, damaged = context.store.look()
    troubles = {name: failure_of(error) for name, error in damaged.items()}
    troubles |= {state.name: failure_of(error) for state in states if (error := locked_out(context, state)) is not None}
    gateway = None
    with contextlib.suppress(GatewayError):
        gateway = context.gateway.running()
        if gateway is not None:
            context.gateway.shorten_logs()
            busy = context.gateway.busy({state.name: state.port for state in states if state.state != "Deleting"})
            troubles |= {name: failure_of(told(error)) for name, error in busy.items()}
    found = tuple(_endpoint(context, state, instances) for state in states)
    return Status(context.home.root, gateway.pid if gateway else None, found, troubles)


def _endpoint(context: Context, state: EndpointState, instances: Sequence[Instance]) -> EndpointStatus:
    return EndpointStatus(
        state.name,
        state.state,
        state.endpoint.auth_mode,
        state.port,
        f"http://127.0.0.1:{state.port}{scoring.path(state)}",
        tuple(_deployment(context, state, name, instances) for name in state.deployments),
    )


def _deployment(context: Context, state: EndpointState, name: str, instances: Sequence[Instance]) -> DeploymentStatus:
    deployment = state.deployments[name]
    serving = deployment.serving
    mine = tuple(each for each in instances if (each.endpoint, each.deployment) == (state.name, name))
    running = [each for each in mine if serving and each.revision == serving.id and each.state != "exited"]
    operation = deployment.operation
    return DeploymentStatus(
        name,
        deployment.state,
        traffic.live(state.endpoint.traffic).get(name, 0),
        traffic.live(state.endpoint.mirror_traffic).get(name, 0),
        (deployment.served or deployment.wanted).instance_count,
        len(running),
        serving.id if serving else None,
        deployment.follows,
        deployment.failure,
        operation is not None and not owner.works(operation.owner),
        mine,
        deployment.debugging,
        deployment.debug_port,
        *_image(context, state, name),
    )


def _image(context: Context, state: EndpointState, name: str) -> tuple[str, str]:
    """Return the id of a deployment's sealed image and its digest, "" for what there is not; shown, never relied on."""
    deployment = state.deployments[name]
    if deployment.serving is None:
        return "", ""
    with contextlib.suppress(SandboxError):
        if image := settings.sealed(deployment.wanted):
            return image, generations.digests(Generations(context.home, state.name).read()).get(image, "")
        return tested.last(context.home, state.name, name, deployment.serving), ""
    return "", ""
