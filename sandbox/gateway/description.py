"""What the gateway is to do, as values: endpoints, their deployments, who gets which share. Knows nothing of Envoy.

A ``Description`` checks itself when it is made: one that exists can be published. The rules about names and shares are
those of ``sandbox.model``; what is added here is what only a gateway can get wrong (ports, addresses, keys).
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from sandbox.gateway import offered
from sandbox.gateway.errors import DescriptionError
from sandbox.gateway.offered import Public
from sandbox.model import names, traffic
from sandbox.model.problem import Violation
from sandbox.model.serving import Probe, RequestSettings

LONGEST_SOCKET_PATH = 107  # bytes; sun_path of Linux holds 108 with its end
KEY = re.compile(r"[A-Za-z0-9._~+/=-]{16,512}")  # what a bearer token may consist of (RFC 6750)
KEY_FILE = re.compile(r"/[A-Za-z0-9._/-]+")
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
PROBE_PATH = re.compile(r"/[!-~]*")


@dataclass(frozen=True, slots=True)
class TcpUpstream:
    """An instance that listens on ``host``:``port``; ``host`` is an address, no name. May be probed on another port."""

    host: str
    port: int
    probe_port: int | None = None


@dataclass(frozen=True, slots=True)
class SocketUpstream:
    """An instance that listens on the unix socket at ``path``."""

    path: str


@dataclass(frozen=True, slots=True)
class NamedUpstream:
    """So many ``instances`` as the network's own names lead to: ``name`` is looked up again and again."""

    name: str
    port: int
    instances: int = 1


Upstream = TcpUpstream | SocketUpstream | NamedUpstream


@dataclass(frozen=True, slots=True)
class KeyAuth:
    """Two keys, either opens the endpoint: one stays valid while the other is replaced."""

    primary: str = field(repr=False)
    secondary: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """Signed tokens (JWT) of one issuer for one audience, checked with public keys (``jwks``: JSON text, RFC 7517)."""

    issuer: str
    audience: str
    jwks: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExternalKeys:
    """Keys that are in no configuration: either opens the endpoint. The gateway reads them where it runs.

    ``files`` (absolute paths) are read again when they change, ``variables`` of its environment once.
    """

    files: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


Auth = KeyAuth | TokenAuth | ExternalKeys


@dataclass(frozen=True, slots=True)
class DeploymentEntry:
    """One deployment and the instances that answer for it; ``readiness`` None: an instance counts as ready at once.

    ``stream_idle_ms``: the time limit holds for each silence, not for the whole answer (streams may then be endless).
    ``repeat_in_flight``: also repeat a request on another instance that an instance may have begun to work on.
    """

    name: str
    upstreams: tuple[Upstream, ...] = ()
    live_percent: int = 0
    mirror_percent: int = 0
    requests: RequestSettings = field(default_factory=RequestSettings)
    readiness: Probe | None = None
    readiness_path: str = "/"
    stream_idle_ms: int | None = None
    repeat_in_flight: bool = False

    @property
    def most_requests(self) -> int:
        """How many requests may be under way or wait before the next is refused with 429 (spec section 4)."""
        instances = sum(each.instances if isinstance(each, NamedUpstream) else 1 for each in self.upstreams)
        return max(1, 2 * self.requests.max_concurrent_requests_per_instance * max(1, instances))


@dataclass(frozen=True, slots=True)
class EndpointEntry:
    """One endpoint: the port that is its own, who may call it, its deployments.

    ``hostname`` (lower case) and ``public`` say how a host offers it; without a public listener they mean nothing.
    """

    name: str
    port: int
    auth: Auth
    deployments: tuple[DeploymentEntry, ...] = ()
    status_mapping: Literal["azure", "raw"] = "azure"
    hostname: str = ""
    public: bool = True

    @property
    def mirror(self) -> DeploymentEntry | None:
        """The deployment that receives copies, if any."""
        return next((deployment for deployment in self.deployments if deployment.mirror_percent), None)


@dataclass(frozen=True, slots=True)
class Description:
    """Everything the gateway does.

    Raises:
        DescriptionError: it could not be published; every reason is in the text.
    """

    endpoints: tuple[EndpointEntry, ...] = ()
    host: str = "127.0.0.1"
    public: Public | None = None

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise DescriptionError("the gateway cannot do this", "\n".join(problems))


def _problems(description: Description) -> Iterable[str]:
    if not _is_address(description.host):
        yield f"the gateway's host {description.host!r} is no IP address"
    yield from _twice("endpoint", (endpoint.name.lower() for endpoint in description.endpoints))
    yield from _twice("port", (str(endpoint.port) for endpoint in description.endpoints))
    yield from _twice("host name", (endpoint.hostname for endpoint in description.endpoints if endpoint.hostname))
    yield from offered.problems(description.public) if description.public else ()
    for endpoint in description.endpoints:
        yield from (f"endpoint {endpoint.name!r}: {problem}" for problem in _of_endpoint(endpoint))


def _of_endpoint(endpoint: EndpointEntry) -> Iterable[str]:
    yield from _said(names.check(endpoint.name))
    yield from _port(endpoint.port)
    if endpoint.hostname and not offered.HOST_NAME.fullmatch(endpoint.hostname):
        yield f"{endpoint.hostname!r} is no full name of a host"
    yield from _of_auth(endpoint.auth)
    yield from _twice("deployment", (deployment.name.lower() for deployment in endpoint.deployments))
    live = {deployment.name: deployment.live_percent for deployment in endpoint.deployments}
    mirror = {deployment.name: deployment.mirror_percent for deployment in endpoint.deployments}
    yield from _said(traffic.check(live, mirror))
    for deployment in endpoint.deployments:
        yield from (f"deployment {deployment.name!r}: {problem}" for problem in _of_deployment(deployment))


def _of_auth(auth: Auth) -> Iterable[str]:
    if isinstance(auth, ExternalKeys):
        if not (auth.files or auth.variables):
            yield "keys outside of the configuration need a file or a variable"
        yield from (f"{path!r} is no absolute path of a key" for path in auth.files if not KEY_FILE.fullmatch(path))
        yield from (f"{name!r} is no name of a variable" for name in auth.variables if not VARIABLE.fullmatch(name))
    elif isinstance(auth, KeyAuth):
        for which in ("primary", "secondary"):
            if not KEY.fullmatch(getattr(auth, which)):
                yield f"the {which} key is not 16 to 512 letters, digits and ._~+/=-"
    elif not (auth.issuer and auth.audience and auth.jwks):
        yield "tokens need an issuer, an audience and public keys"


def _of_deployment(deployment: DeploymentEntry) -> Iterable[str]:
    yield from _said(names.check(deployment.name))
    for upstream in deployment.upstreams:
        yield from _of_upstream(upstream)
    if deployment.requests.request_timeout_ms < 1:
        yield "request_timeout_ms is less than 1"
    if deployment.requests.max_concurrent_requests_per_instance < 1:
        yield "max_concurrent_requests_per_instance is less than 1"
    if deployment.stream_idle_ms is not None and deployment.stream_idle_ms < 1:
        yield "stream_idle_ms is less than 1"
    if not PROBE_PATH.fullmatch(deployment.readiness_path):
        yield f"{deployment.readiness_path!r} is no path to probe"
    probe = deployment.readiness
    if probe and min(probe.period, probe.timeout, probe.success_threshold, probe.failure_threshold) < 1:
        yield "times and counts of a probe are at least 1"


def _of_upstream(upstream: Upstream) -> Iterable[str]:
    if isinstance(upstream, SocketUpstream):
        if not upstream.path.startswith("/") or "\0" in upstream.path:
            yield f"{upstream.path!r} is no absolute path of a socket"
        elif len(upstream.path.encode()) > LONGEST_SOCKET_PATH:
            yield f"the path of a socket has at most {LONGEST_SOCKET_PATH} bytes: {upstream.path}"
        return
    if isinstance(upstream, NamedUpstream):
        if not HOST_NAME.fullmatch(upstream.name):
            yield f"{upstream.name!r} is no name of a host"
        yield from _port(upstream.port)
        return
    if not _is_address(upstream.host):
        yield f"{upstream.host!r} is no IP address"
    yield from _port(upstream.port)
    yield from _port(upstream.port if upstream.probe_port is None else upstream.probe_port)


def _port(port: int) -> Iterable[str]:
    if not 1 <= port <= 65535:
        yield f"{port} is no port"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _twice(what: str, values: Iterable[str]) -> Iterable[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{what} {value} appears {count} times"


def _said(violations: Iterable[Violation]) -> Iterable[str]:
    for violation in violations:
        yield ": ".join(part for part in (violation.what, violation.why) if part)
