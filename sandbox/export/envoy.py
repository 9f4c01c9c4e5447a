"""The three files of a gateway in a container, with comments that say what may be edited. Pure."""

from collections.abc import Sequence

from sandbox.export.paper import File, Said, document
from sandbox.gateway import alone
from sandbox.gateway.description import EndpointEntry
from sandbox.gateway.words import Json

PERCENT = "numerator"


def files(folder: str, endpoint: EndpointEntry, change: Sequence[str]) -> list[File]:
    """Return the files.

    Args:
        folder: where they go, below that of the export.
        endpoint: what the gateway does.
        change: lines that say how a change of ``routes.yaml`` becomes true here.
    """
    start = [
        f"What Envoy, the gateway of endpoint {endpoint.name!r}, starts with: its port, the check of keys, the log.",
        "It holds no key: they are read where it runs. Who changes it has to start the gateway again.",
    ]
    clusters = [
        "Where the deployments are, how they are probed, how much each may be asked at once.",
        "A deployment is here twice: for live requests, and for copies (~mirror).",
        *change,
    ]
    routes = ["Who gets which requests. The first route that fits decides, so their order is the rule.", *change]
    return [
        File(f"{folder}/{alone.BOOTSTRAP}", document(start, alone.bootstrap(endpoint))),
        File(f"{folder}/{alone.CLUSTERS}", document(clusters, alone.cluster_file(endpoint))),
        File(f"{folder}/{alone.ROUTES}", document(routes, _explained(alone.route_file(endpoint), endpoint))),
    ]


def _explained(said: Json, endpoint: EndpointEntry) -> Json:
    """Put comments before the routes that people want to change."""
    (configuration,) = said["resources"]
    (host,) = configuration["virtual_hosts"]
    known = {deployment.name: deployment for deployment in endpoint.deployments}
    routes: list[object] = []
    total = 0
    for route in host["routes"]:
        deployment = known.get(route.get("name", ""))
        pinned = "headers" in route["match"]
        if deployment is not None and pinned:
            routes.append(
                Said(f"Requests that name {deployment.name} themselves: regardless of traffic, never copied.")
            )
        elif deployment is not None:
            total += deployment.live_percent
            routes.append(Said(_share(deployment.name, deployment.live_percent, total, endpoint)))
        routes.append(route)
    return {**said, "resources": [{**configuration, "virtual_hosts": [{**host, "routes": routes}]}]}


def _share(name: str, percent: int, total: int, endpoint: EndpointEntry) -> str:
    text = f"{percent} percent of the traffic is for {name}"
    if total < 100:
        text += f".\nThe {PERCENT} is the sum of this share and those before it: {total}."
    elif percent < 100:
        text += ": what the routes before it have left."
    else:
        text += "."
    if endpoint.mirror:
        text += (
            f"\nCopies of {endpoint.mirror.mirror_percent} percent go to {endpoint.mirror.name}; answers are dropped."
        )
    return text
