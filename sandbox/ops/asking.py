"""Use cases that only look: invoke, status."""

import contextlib
import http.client
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from sandbox.backend import cards
from sandbox.backend.protocol import Instance
from sandbox.gateway.errors import GatewayError
from sandbox.hosts.certificate import Finding
from sandbox.model import settings, traffic
from sandbox.model.errors import SandboxError, UsageError
from sandbox.model.state import EndpointState, Failure
from sandbox.ops import endpoint_keys, generations, production, scoring, tested
from sandbox.ops.backends import contained, seen
from sandbox.ops.context import Context, failure_of
from sandbox.ops.publish import locked_out, told
from sandbox.ops.readiness import own_files_of
from sandbox.ops.revisions import limits
from sandbox.store import owner
from sandbox.store.generations import Generations

_SENDABLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
INVOKE_S = 3600.0  # the gateway's own limits are shorter


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
        UsageError: E010, there is no such content type.
        SandboxError: E065, the gateway cannot be reached.
    """
    if not _SENDABLE.fullmatch(content_type):
        why = "a header takes signs of ASCII, and no line end"
        raise UsageError(
            "E010", f"the content type {content_type!r} cannot be sent", why, "for instance application/json"
        )
    state = context.endpoint(name)
    if context.gateway.running() is None:  # whoever has the port now must not be sent a key
        raise SandboxError("E065", f"endpoint {name} does not answer: the gateway is off", "", "sandbox up")
    headers = {"Content-Type": content_type}
    if deployment is not None:
        context.deployment(name, deployment)
        headers["azureml-model-deployment"] = deployment.lower()
    found = endpoint_keys.credentials(context, name)
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
    ``endpoints``), keys that are gone, a port that somebody else has; an engine that does not answer (E110 to E113),
    so that nobody can tell how many of its containers run.
    """

    home: str
    gateway: int | None
    endpoints: tuple[EndpointStatus, ...] = field(default=())
    troubles: Mapping[str, Failure] = field(default_factory=dict)
    gpus: cards.Seen | None = None  # what those of this machine do; None: no deployment asks for one
    certificate: tuple[Finding, ...] = ()  # of a host


def status(context: Context) -> Status:
    """Look at everything; changes nothing."""
    instances, unseen = seen(context.backend)
    states, damaged = context.store.look()
    troubles = {name: failure_of(error) for name, error in damaged.items()}
    if unseen is not None:
        troubles |= {state.name: failure_of(unseen) for state in states if contained(state)}
    troubles |= {state.name: failure_of(error) for state in states if (error := locked_out(context, state)) is not None}
    gateway = None
    with contextlib.suppress(GatewayError):
        gateway = context.gateway.running()
        if gateway is not None:
            context.gateway.shorten_logs()
            busy = context.gateway.busy({state.name: state.port for state in states if state.state != "Deleting"})
            troubles |= {name: failure_of(told(error)) for name, error in busy.items()}
    found = tuple(_endpoint(context, state, instances) for state in states)
    asks = any(limits(each.asked)["gpus"] for state in states for each in state.deployments.values())
    seen_gpus = cards.look(instances) if asks else None
    return Status(
        context.home.root,
        gateway.pid if gateway else None,
        found,
        troubles,
        seen_gpus,
        production.findings(context.home),
    )


def _endpoint(context: Context, state: EndpointState, instances: Sequence[Instance]) -> EndpointStatus:
    return EndpointStatus(
        state.name,
        state.state,
        state.endpoint.auth_mode,
        state.port,
        f"{production.base(context.home, state)}{scoring.path(state)}",
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
