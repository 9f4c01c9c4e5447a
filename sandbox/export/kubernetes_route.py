"""Gateway and HTTPRoute: the split and the mirror as the cluster's own gateway does them. Pure."""

from typing import Any

from sandbox.export.bundle import Bundle, Member
from sandbox.export.paper import Said
from sandbox.gateway.words import HEADER_DEPLOYMENT

PORT = 80


def head(bundle: Bundle) -> list[str]:
    """Return the comment above both."""
    return [
        f"Who gets which requests of endpoint {bundle.name!r}: change weights and percent, then  kubectl apply -k .",
        f"Requests that name a deployment in {HEADER_DEPLOYMENT} (exactly so) go there; the rest by weight.",
        "A name that there is not is refused with 404 by the pod that gets it.",
    ]


def objects(bundle: Bundle) -> list[dict[Any, Any]]:
    """Return the Gateway and the HTTPRoute."""
    labels = {"app.kubernetes.io/part-of": bundle.name}
    listener: dict[Any, Any] = {"name": "http", "protocol": "HTTP", "port": PORT}
    if bundle.hostname:
        listener["hostname"] = bundle.hostname
    hosts = {"hostnames": [bundle.hostname]} if bundle.hostname else {}
    rules: list[Any] = [_pinned(bundle, member) for member in bundle.members]
    if bundle.traffic:
        rules += [Said("Everything else, by weight."), _shared(bundle)]
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": bundle.name, "labels": labels},
            "spec": {
                Said("The class of your cluster's implementation."): None,
                "gatewayClassName": bundle.gateway_class,
                "listeners": [listener],
            },
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": bundle.name, "labels": labels},
            "spec": {"parentRefs": [{"name": bundle.name}], **hosts, "rules": rules},
        },
    ]


def _pinned(bundle: Bundle, member: Member) -> dict[Any, Any]:
    header = {"name": HEADER_DEPLOYMENT, "value": member.name}
    match = {"path": {"type": "PathPrefix", "value": "/"}, "headers": [header]}
    return {"matches": [match], "backendRefs": [_to(bundle, member)], **_timeouts([member])}


def _shared(bundle: Bundle) -> dict[Any, Any]:
    live = [member for member in bundle.members if bundle.traffic.get(member.name)]
    copies = [
        {
            "type": "RequestMirror",
            "requestMirror": {"backendRef": _to(bundle, member), "percent": bundle.mirror[member.name]},
        }
        for member in bundle.members
        if bundle.mirror.get(member.name)
    ]
    rule: dict[Any, Any] = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}
    if copies:
        rule["filters"] = copies
    rule["backendRefs"] = [{**_to(bundle, member), "weight": bundle.traffic[member.name]} for member in live]
    return {**rule, **_timeouts(live)}


def _to(bundle: Bundle, member: Member) -> dict[str, Any]:
    return {"name": f"{bundle.name}-{member.name}", "port": PORT}


def _timeouts(members: list[Member]) -> dict[Any, Any]:
    """The pods keep each deployment's own limit; this one is only above them. A stream has none."""
    if any("sandbox.stream_idle_ms" in member.deployment.properties for member in members):
        return {"timeouts": {"request": "0s"}}
    longest = max(member.deployment.request_settings.request_timeout_ms for member in members)
    return {"timeouts": {"request": f"{-(-longest // 1000) + 1}s"}}
