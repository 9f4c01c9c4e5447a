"""How a deployment is served: requests, probes, scaling, resources, with Azure's defaults (spec section 2)."""

from dataclasses import dataclass, field
from typing import Literal

from sandbox.model.problem import Violation

LONGEST_REQUEST_MS = {"managed": 180_000, "kubernetes": 300_000}


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """What one request may take. The times are milliseconds."""

    request_timeout_ms: int = 5000
    max_concurrent_requests_per_instance: int = 1
    max_queue_wait_ms: int = 500


@dataclass(frozen=True, slots=True)
class Probe:
    """How an instance is asked whether it is alive, or ready. The times are seconds."""

    initial_delay: int = 10
    period: int = 10
    timeout: int = 2
    success_threshold: int = 1
    failure_threshold: int = 30


@dataclass(frozen=True, slots=True)
class ScaleSettings:
    """How many instances there are: always ``instance_count`` (default), or as many as the load asks for."""

    type: Literal["default", "target_utilization"] = "default"
    min_instances: int = 1
    max_instances: int = 1
    target_utilization_percentage: int = 70
    polling_interval: int = 1  # seconds


@dataclass(frozen=True, slots=True)
class ResourceAmounts:
    """Amounts as Kubernetes writes them: ``"500m"``, ``"1.5"``, ``"512Mi"``, ``"1"``."""

    cpu: str | None = None
    memory: str | None = None
    gpu: str | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """What an instance of a Kubernetes deployment is given at least and at most."""

    requests: ResourceAmounts = field(default_factory=ResourceAmounts)
    limits: ResourceAmounts = field(default_factory=ResourceAmounts)


def check_requests(settings: RequestSettings, kind: str) -> list[Violation]:
    """Find limits that only Azure's service looks at."""
    most = LONGEST_REQUEST_MS[kind]
    found = []
    if not 1 <= settings.request_timeout_ms <= most:
        path = ("request_settings", "request_timeout_ms")
        what = f"{settings.request_timeout_ms} ms for one request"
        found.append(Violation("E033", path, what, f"a {kind} deployment has 1 to {most} ms", f"at most {most}"))
    if settings.max_concurrent_requests_per_instance < 1:
        path = ("request_settings", "max_concurrent_requests_per_instance")
        what = f"{settings.max_concurrent_requests_per_instance} requests at once"
        found.append(Violation("E033", path, what, "an instance answers at least one", "give 1 or more"))
    if settings.max_queue_wait_ms < 0:
        path = ("request_settings", "max_queue_wait_ms")
        found.append(Violation("E033", path, "a negative wait", "", "give 0 or more"))
    return found


def check_probe(probe: Probe, key: str) -> list[Violation]:
    """Find times and counts that no probe can have."""
    found = []
    for name in ("period", "timeout", "success_threshold", "failure_threshold"):
        value = getattr(probe, name)
        if value < 1:
            found.append(Violation("E033", (key, name), f"{name} is {value}", "the least is 1", "give 1 or more"))
    if probe.initial_delay < 0:
        found.append(Violation("E033", (key, "initial_delay"), f"initial_delay is {probe.initial_delay}", "", "0"))
    if key != "readiness_probe" and probe.success_threshold > 1:
        what = f"success_threshold of {key} is {probe.success_threshold}"
        why = "one good answer shows that an instance is alive; Azure takes 1 only"
        found.append(Violation("W062", (key, "success_threshold"), what, why, "remove it"))
    return found


def check_scale(scale: ScaleSettings, kind: str) -> list[Violation]:
    """Find what Azure's service refuses about scaling."""
    if scale.type == "default":
        return []
    found = []
    if kind == "managed":
        why = "managed deployments are scaled by Azure Monitor's autoscale, not by this key"
        fix = "scale_settings: {type: default}, or type: kubernetes"
        what = "target_utilization on a managed deployment"
        found.append(Violation("E041", ("scale_settings", "type"), what, why, fix))
    if scale.min_instances > scale.max_instances:
        what = f"min_instances {scale.min_instances} is more than max_instances {scale.max_instances}"
        found.append(Violation("E041", ("scale_settings", "min_instances"), what, "", "lower it, or raise the other"))
    if not 1 <= scale.target_utilization_percentage <= 100:
        path = ("scale_settings", "target_utilization_percentage")
        found.append(Violation("E033", path, f"{scale.target_utilization_percentage} percent", "", "give 1 to 100"))
    for name in ("min_instances", "polling_interval"):
        value = getattr(scale, name)
        if value < 0:
            found.append(Violation("E033", ("scale_settings", name), f"{name} is {value}", "", "give 0 or more"))
    return found
