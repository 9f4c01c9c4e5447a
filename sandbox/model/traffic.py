"""Who gets which share of the requests, and which mixtures are possible (spec section 1)."""

from collections.abc import Collection, Mapping

from sandbox.model.problem import Violation

MOST_MIRRORED = 50  # percent


def live(weights: Mapping[str, int]) -> dict[str, int]:
    """Return the weights as they are stored: names in lower case, zeros left out."""
    return {name.lower(): share for name, share in weights.items() if share != 0}


def still_mirrored(mirror: Mapping[str, int], weights: Mapping[str, int]) -> dict[str, int]:
    """Return what is left of a mirror that nobody spoke of: who is given live requests receives no copies any more."""
    return {name: share for name, share in mirror.items() if name.lower() not in live(weights)}


def check(traffic: Mapping[str, int], mirror: Mapping[str, int], *, kubernetes: bool = False) -> list[Violation]:
    """Find what is wrong with live and mirrored traffic together; Azure's service would refuse it, its loader not."""
    return [
        *_twice(traffic, "traffic"),
        *_twice(mirror, "mirror_traffic"),
        *_live(traffic),
        *_mirror(traffic, mirror, kubernetes=kubernetes),
    ]


def _twice(weights: Mapping[str, int], key: str) -> list[Violation]:
    """Names differ in more than their case: Azure writes them in lower case and keeps one of the two."""
    first: dict[str, str] = {}
    return [
        Violation("E039", (key, name), f"{name} and {first[name.lower()]} are one deployment", "", "leave one")
        for name in weights
        if first.setdefault(name.lower(), name) != name
    ]


def _live(traffic: Mapping[str, int]) -> list[Violation]:
    found = [
        Violation("E039", ("traffic", name), f"{share} percent of the traffic", "", "give 0 to 100")
        for name, share in traffic.items()
        if not 0 <= share <= 100
    ]
    total = sum(traffic.values())
    if not found and total not in (0, 100):
        parts = " + ".join(f"{name} {share}" for name, share in traffic.items())
        why = "every request goes somewhere (100), or the endpoint has no traffic yet (0)"
        biggest = max(traffic, key=lambda name: traffic[name])
        rest = 100 - (total - traffic[biggest])
        fix = f"for instance {biggest}: {rest}" if rest > 0 else "lower the others"
        found.append(Violation("E039", ("traffic",), f"traffic sums to {total}: {parts}", why, fix))
    return found


def _mirror(traffic: Mapping[str, int], mirror: Mapping[str, int], *, kubernetes: bool) -> list[Violation]:
    mirrored = {name: share for name, share in mirror.items() if share != 0}
    if not mirrored:
        return []
    if kubernetes:
        why = "Azure mirrors traffic of managed endpoints only"
        fix = "remove mirror_traffic, or remove compute: the endpoint is then a managed one"
        return [Violation("E040", ("mirror_traffic",), "mirror_traffic on a Kubernetes endpoint", why, fix)]
    found = []
    if len(mirrored) > 1:
        what = f"mirror_traffic names {len(mirrored)} deployments: {', '.join(mirrored)}"
        found.append(Violation("E040", ("mirror_traffic",), what, "one deployment can receive copies", "leave one"))
    for name, share in mirrored.items():
        path = ("mirror_traffic", name)
        if not 0 < share <= MOST_MIRRORED:
            why = f"at most {MOST_MIRRORED} percent can be copied"
            found.append(Violation("E040", path, f"{share} percent of mirrored traffic", why, "give 1 to 50"))
        if live(traffic).get(name.lower()):
            why = "a deployment receives live requests or copies, never both"
            fix = f"remove {name} from traffic or from mirror_traffic"
            found.append(Violation("E040", path, f"{name!r} has live and mirrored traffic", why, fix))
    return found


def unknown(weights: Mapping[str, int], deployments: Collection[str], key: str = "traffic") -> list[Violation]:
    """Find shares of deployments that the endpoint does not have."""
    known = {name.lower() for name in deployments}
    have = f"the endpoint has: {', '.join(sorted(known))}" if known else "the endpoint has no deployments yet"
    return [
        Violation("E039", (key, name), f"there is no deployment {name!r}", have, "create it first")
        for name in live(weights)
        if name not in known
    ]
