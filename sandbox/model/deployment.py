"""An online deployment: one version of code, model and environment under an endpoint (spec section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from sandbox.model import asset, names, serving
from sandbox.model import environment as environments
from sandbox.model.asset import Model
from sandbox.model.collector import DataCollector
from sandbox.model.environment import Environment
from sandbox.model.problem import Violation
from sandbox.model.reference import AssetReference
from sandbox.model.serving import Probe, RequestSettings, Resources, ScaleSettings

MOST_INSTANCES = 50  # of one deployment, in Azure


@dataclass(frozen=True, slots=True)
class CodeConfiguration:
    """The folder with the code (absolute, or a reference) and the script in it that has init() and run()."""

    code: str | None = None
    scoring_script: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """What managed and Kubernetes deployments have in common."""

    kind: ClassVar[Literal["managed", "kubernetes"]]

    name: str
    endpoint_name: str
    description: str | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    model: Model | AssetReference | None = None
    model_mount_path: str | None = None
    code_configuration: CodeConfiguration | None = None
    environment: Environment | AssetReference | None = None
    environment_variables: Mapping[str, str | None] = field(default_factory=dict)  # None: given without a value
    instance_type: str | None = None
    instance_count: int = 1
    app_insights_enabled: bool = False
    request_settings: RequestSettings = field(default_factory=RequestSettings)
    liveness_probe: Probe = field(default_factory=Probe)
    readiness_probe: Probe = field(default_factory=Probe)
    startup_probe: Probe | None = None
    scale_settings: ScaleSettings = field(default_factory=ScaleSettings)
    data_collector: DataCollector | None = None


@dataclass(frozen=True, slots=True)
class ManagedDeployment(Deployment):
    """A deployment that Azure runs on machines of its own."""

    kind = "managed"

    egress_public_network_access: Literal["enabled", "disabled"] = "enabled"
    private_network_connection: bool | None = None


@dataclass(frozen=True, slots=True)
class KubernetesDeployment(Deployment):
    """A deployment on an attached cluster."""

    kind = "kubernetes"

    scale_settings: ScaleSettings = field(default_factory=lambda: ScaleSettings("target_utilization"))
    resources: Resources = field(default_factory=Resources)


def check(deployment: Deployment) -> list[Violation]:
    """Find what cannot be, each value by itself being fine. Needs no file."""
    found = [*names.check(deployment.name), *names.check(deployment.endpoint_name, "endpoint_name")]
    if deployment.kind == "kubernetes" and not found:
        found += _together(deployment)
    found += _instances(deployment)
    found += serving.check_requests(deployment.request_settings, deployment.kind)
    found += serving.check_probe(deployment.liveness_probe, "liveness_probe")
    found += serving.check_probe(deployment.readiness_probe, "readiness_probe")
    found += serving.check_probe(deployment.startup_probe, "startup_probe") if deployment.startup_probe else []
    found += serving.check_scale(deployment.scale_settings, deployment.kind)
    if isinstance(deployment.model, Model):
        found += asset.check(deployment.model, ("model",))
    if isinstance(deployment.environment, Environment):
        found += environments.check(deployment.environment, ("environment",))
    return [*found, *_references(deployment), *_code(deployment), *_mount(deployment)]


def _together(deployment: Deployment) -> list[Violation]:
    least, most = names.KUBERNETES_TOGETHER
    length = len(deployment.name) + len(deployment.endpoint_name)
    if least <= length <= most:
        return []
    what = f"the names of endpoint and deployment have {length} characters together"
    return [Violation("E038", ("name",), what, f"on Kubernetes they have {least} to {most}", "choose a shorter one")]


def _instances(deployment: Deployment) -> list[Violation]:
    count, path = deployment.instance_count, ("instance_count",)
    if count < 0:
        return [Violation("E033", path, f"instance_count is {count}", "", "give 1 or more")]
    if count == 0:
        return [Violation("W063", path, "instance_count is 0", "nothing answers until it is raised", "give 1 or more")]
    if count > MOST_INSTANCES:
        why = f"Azure runs at most {MOST_INSTANCES} instances of one deployment"
        return [Violation("W063", path, f"instance_count is {count}", why, f"at most {MOST_INSTANCES}")]
    return []


def _references(deployment: Deployment) -> list[Violation]:
    if deployment.kind != "kubernetes":
        return []
    return [
        Violation(
            "E041",
            (key,),
            f"{value.text!r} in a Kubernetes deployment",
            "Azure takes assets of registries in managed deployments only",
            f"copy it into the workspace, then azureml:{value.name}:{value.version or 1}",
        )
        for key, value in (("model", deployment.model), ("environment", deployment.environment))
        if isinstance(value, AssetReference) and value.registry
    ]


def _code(deployment: Deployment) -> list[Violation]:
    code = deployment.code_configuration
    if code is None or (code.code is None) == (code.scoring_script is None):
        return []
    missing, given = ("scoring_script", "code") if code.code else ("code", "scoring_script")
    why = "code is the folder, scoring_script the file in it that has init() and run()"
    fix = "add scoring_script: score.py" if missing == "scoring_script" else "add code: ., or the script's folder"
    return [Violation("E031", ("code_configuration",), f"{given} without {missing}", why, fix)]


def _mount(deployment: Deployment) -> list[Violation]:
    mount, environment = deployment.model_mount_path, deployment.environment
    if mount is None:
        return []
    if not mount.startswith("/"):
        what, why = f"model_mount_path {mount!r} is not absolute", "it is a path inside the container"
        return [Violation("E033", ("model_mount_path",), what, why, f"write /{mount}")]
    if isinstance(environment, Environment) and environment.inference_config is None:
        why = "it is for containers that bring their own server, which is what inference_config says"
        return [Violation("W062", ("model_mount_path",), "model_mount_path without inference_config", why, "remove it")]
    return []
