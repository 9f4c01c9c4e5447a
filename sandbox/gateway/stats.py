"""What the gateway has counted for each deployment, live requests and copies apart."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.gateway.admin import Admin

CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests that were sent to the instances of a deployment. Counters only grow while the gateway runs.

    ``answered`` counts statuses of the model by class ("2xx"), before any mapping; a lost connection counts as 5xx.
    """

    requests: int = 0
    answered: Mapping[str, int] = field(default_factory=dict)
    active: int = 0  # under way now
    retried: int = 0
    refused: int = 0  # 429: too many under way
    timed_out: int = 0  # 408
    unreachable: int = 0  # attempts to connect that failed
    instances: int = 0
    healthy: int = 0
    latency_ms: Mapping[float, int] = field(default_factory=dict)  # upper bound -> requests up to it, cumulative

    def quantile(self, share: float) -> float | None:
        """Return an upper bound of the time that ``share`` (0 to 1) of the requests took; None where none is known."""
        total = max(self.latency_ms.values(), default=0)
        if not total:
            return None
        return min(bound for bound, count in self.latency_ms.items() if count >= share * total)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment (monotonic seconds). Keys are (endpoint, deployment)."""

    at: float
    live: Mapping[tuple[str, str], Counts]
    mirror: Mapping[tuple[str, str], Counts]


_NUMBERS = {
    "upstream_rq_total": "requests",
    "upstream_rq_active": "active",
    "upstream_rq_retry": "retried",
    "upstream_rq_pending_overflow": "refused",
    "upstream_rq_timeout": "timed_out",
    "upstream_cx_connect_fail": "unreachable",
    "membership_total": "instances",
    "membership_healthy": "healthy",
}
_TIME = "upstream_rq_time"


def snapshot(admin: Admin) -> Snapshot:
    """Ask for all counters at once."""
    names = "|".join([*_NUMBERS, *(f"upstream_rq_{one}" for one in CLASSES), _TIME])
    lines = admin.ask(f"/stats?histogram_buckets=cumulative&filter=^cluster\\.[^.]*~[^.]*\\.({names})$")
    return read(lines.decode(), time.monotonic())


def read(text: str, at: float) -> Snapshot:
    """Read Envoy's text: ``cluster.ENDPOINT~DEPLOYMENT[~mirror].NAME: VALUE``."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        _, cluster, number = name.split(".", 2)
        found.setdefault(cluster, {})[number] = value
    live: dict[tuple[str, str], Counts] = {}
    mirror: dict[tuple[str, str], Counts] = {}
    for cluster, values in found.items():
        endpoint, deployment, *copies = cluster.split("~")
        (mirror if copies else live)[endpoint, deployment] = _counts(values)
    return Snapshot(at, live, mirror)


def _counts(values: Mapping[str, str]) -> Counts:
    answered = {one: int(values[f"upstream_rq_{one}"]) for one in CLASSES if f"upstream_rq_{one}" in values}
    numbers = {ours: int(values[theirs]) for theirs, ours in _NUMBERS.items() if theirs in values}
    return Counts(answered=answered, latency_ms=_buckets(values.get(_TIME, "")), **numbers)


def _buckets(text: str) -> dict[float, int]:
    """Read ``B0.5(0,12) B1(3,40)``: in each bracket first those of the last interval, then those since the start."""
    buckets = {}
    for part in text.split():
        bound, _, counts = part.partition("(")
        if bound.startswith("B") and "," in counts:
            buckets[float(bound[1:])] = int(counts.rstrip(")").split(",")[1])
    return buckets
