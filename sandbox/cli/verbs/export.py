"""The table of the command export."""

from sandbox.cli.verbs.begin import JSON
from sandbox.cli.verbs.endpoint import MIRROR, TRAFFIC
from sandbox.cli.words import Flag, Group, Verb

_FLAGS = (
    Flag(("endpoint",), "The endpoint.", "ENDPOINT", "argument", required=True, of="endpoint"),
    Flag(("--to",), "Folder of the files; ENDPOINT-KIND, here, unless given.", "FOLDER", of="folder"),
    Flag(("--image-prefix",), "Repository that the images are pushed to: registry.example/shop.", "REGISTRY/NAME"),
    TRAFFIC.saying('Live traffic in percent, there: "blue=90 green=10". As it is here unless given.'),
    MIRROR.saying('Copies in percent, there: "green=10". As it is here unless given.'),
    Flag(("--gateway-image",), "Image with Envoy; the one of the Envoy project unless given.", "IMAGE"),
    Flag(
        ("--repeat-in-flight",),
        "When an instance is lost, ask another what it had begun to work on.",
        kind="switch",
    ),
    Flag(("--force",), "Overwrite what was changed by hand, or is not of an export.", kind="switch"),
    JSON,
)
_PORT = Flag(("--port",), "Where clients reach the gateway; 8080 unless given.", "PORT", "number")
_LISTEN = Flag(("--listen",), "The address of the machine that it listens on; 127.0.0.1 unless given.", "ADDRESS")
_OF_KUBERNETES = (
    Flag(("--namespace",), "Namespace of everything.", "NAME"),
    Flag(("--gateway-class",), "GatewayClass of the cluster; eg (Envoy Gateway) unless given.", "NAME"),
    Flag(("--hostname",), "Host name that the route is for; any unless given.", "NAME"),
)
_KEYS = "Only sealed deployments are exported, and no secret is written: keys are made where it is started."


def _verb(kind: str, summary: str, about: str, *more: Flag) -> Verb:
    flags = (*_FLAGS[:-1], *more, _FLAGS[-1])
    prefix = " --image-prefix registry.example/shop" if kind in {"kubernetes", "swarm"} else ""
    examples = (
        f"sandbox export {kind} shop{prefix}",
        f'sandbox export {kind} shop{prefix} --traffic "blue=50 green=50"',
    )
    return Verb(kind, summary, flags, f"export:{kind}", examples, f"{about}\n{_KEYS}", kind="own")


EXPORT = Group(
    "export",
    "an endpoint as files for tools of your own",
    (
        _verb(
            "compose",
            "for docker compose: gateway and deployments on one machine",
            "Write a folder that works with `docker compose up` alone.",
            _LISTEN,
            _PORT,
        ),
        _verb(
            "systemd",
            "for systemd and docker, on one machine",
            "Write units that run gateway and deployments as containers of Docker.",
            _LISTEN,
            _PORT,
        ),
        _verb(
            "swarm",
            "for a Swarm of several machines",
            "Write a stack for `docker stack deploy`: a gateway on every node, deployments spread over them.",
            _PORT,
        ),
        _verb(
            "kubernetes",
            "for a cluster with the Gateway API",
            "Write manifests for `kubectl apply -k`; split and mirror are an HTTPRoute, keys are checked in each pod.",
            *_OF_KUBERNETES,
        ),
    ),
)


def group(name: str) -> Group:
    """Return the table."""
    assert name == EXPORT.name
    return EXPORT
