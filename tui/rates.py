"""What happened between two readings of counters that only grow. Pure."""

from collections.abc import Mapping
from typing import Protocol

from tui.looks import Numbers


class Counted(Protocol):
    """What of the gateway's counts is used here (``sandbox.gateway.stats.Counts``)."""

    @property
    def requests(self) -> int:
        """All that were sent to the deployment."""

    @property
    def answered(self) -> Mapping[str, int]:
        """By class of status: "2xx"."""

    @property
    def latency_ms(self) -> Mapping[float, int]:
        """Upper bound -> requests up to it, cumulative."""


def between(before: Counted | None, after: Counted | None, seconds: float) -> Numbers:
    """Return the rate, the quantiles and the share of errors; a reading that is smaller means a new beginning.

    Without a request there is no quantile and no share of errors, and that is not the same as zero.
    """
    if after is None or before is None or seconds <= 0:
        return Numbers()
    if after.requests < before.requests:
        return Numbers(rps=after.requests / seconds)
    asked = after.requests - before.requests
    answers = {each: count - before.answered.get(each, 0) for each, count in after.answered.items()}
    total = sum(answers.values())
    bad = answers.get("4xx", 0) + answers.get("5xx", 0)
    buckets = {bound: count - before.latency_ms.get(bound, 0) for bound, count in after.latency_ms.items()}
    return Numbers(
        rps=asked / seconds,
        p50=quantile(buckets, 0.5),
        p95=quantile(buckets, 0.95),
        errors=100 * bad / total if total > 0 else None,
    )


def quantile(buckets: Mapping[float, int], share: float) -> float | None:
    """Return the time that ``share`` (0 to 1) of the requests stayed below, as if even within a bucket; or None."""
    total = max(buckets.values(), default=0)
    if total <= 0:
        return None
    wanted = share * total
    low, below = 0.0, 0
    for bound in sorted(buckets):
        count = buckets[bound]
        if count >= wanted:
            inside = count - below
            return bound if inside <= 0 else min(bound, low + (bound - low) * ((wanted - below) / inside))
        low, below = bound, count
    return low
