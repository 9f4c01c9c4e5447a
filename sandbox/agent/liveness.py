"""When an instance counts as dead: Azure's rule, which is that of Kubernetes. Time is a number here."""

from dataclasses import dataclass

from sandbox.model.deployment import Deployment
from sandbox.model.serving import Probe


@dataclass(slots=True)
class Liveness:
    """What one instance has shown. ``since`` is when it began; ``started``: its startup probe is through, or none is.

    A row of failures as long as the threshold makes it dead. Until it has started its startup probe alone counts,
    however long that takes: a model that takes an hour to load is not dead.
    """

    since: float
    started: bool = True
    asked: float = float("-inf")
    failures: int = 0
    successes: int = 0

    @classmethod
    def of(cls, startup: Probe | None, since: float, now: float) -> "Liveness":
        """Begin to look at an instance, which may have begun long ago: then it has started."""
        return cls(
            since, startup is None or now - since > startup.initial_delay + startup.period * startup.failure_threshold
        )

    def probe(self, deployment: Deployment) -> Probe:
        """Return the probe that counts now."""
        return deployment.liveness_probe if self.started else deployment.startup_probe or deployment.liveness_probe

    def due(self, probe: Probe, now: float) -> bool:
        """Tell whether it is time to ask."""
        return now - self.since >= probe.initial_delay and now - self.asked >= probe.period

    def dead(self, probe: Probe, now: float, *, answered: bool) -> bool:
        """Take an answer into account; tell whether the instance has to be replaced."""
        self.asked = now
        self.successes = self.successes + 1 if answered else 0
        self.failures = 0 if answered else self.failures + 1
        if not self.started and self.successes >= probe.success_threshold:
            self.started, self.asked, self.successes = True, float("-inf"), 0
        return self.failures >= probe.failure_threshold
