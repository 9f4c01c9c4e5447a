"""One pod: the model, and the gateway's Envoy beside it. As the restricted Pod Security Standard wants it. Pure."""

from typing import Any, Final

from sandbox.export.bundle import GATEWAY_PORT, HOME, READY_PATH, USER, Bundle, Member
from sandbox.export.paper import Said
from sandbox.export.words import unlimited
from sandbox.gateway import alone
from sandbox.model.container import SERVER_PORT
from sandbox.model.deployment import KubernetesDeployment
from sandbox.model.serving import Probe, ResourceAmounts

HTTP: Final = "http"
WATCH: Final = "watch"
MODEL: Final = "model"
KEYS_FOLDER: Final = "/var/run/keys"
LEAVE_S: Final = 5  # until every node has heard that a pod is going
_GPU: Final = "nvidia.com/gpu"


def config_of(name: str) -> str:
    """Return the ConfigMap with the files of the gateway."""
    return f"{name}-envoy"


def secret_of(name: str) -> str:
    """Return the Secret with the variables of a deployment."""
    return f"{name}-variables"


def template(bundle: Bundle, member: Member, name: str, labels: dict[str, str], keys: str) -> dict[Any, Any]:
    """Return the template of the pods of a deployment."""
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
    return {
        "metadata": {"labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": member.grace_s + LEAVE_S,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [spread],
            "containers": [_model(member, name), _gateway(bundle, member)],
            "volumes": [
                {"name": "tmp", "emptyDir": {}},
                {"name": "gateway-tmp", "emptyDir": {"sizeLimit": "16Mi"}},
                {"name": "gateway", "configMap": {"name": config_of(name)}},
                {"name": "keys", "secret": {"secretName": keys, "defaultMode": 0o440}},
            ],
        },
    }


def _model(member: Member, name: str) -> dict[Any, Any]:
    deployment = member.deployment
    env: list[dict[str, Any]] = [{"name": key, "value": value} for key, value in HOME.items()]
    given = {"name": secret_of(name)}
    env += [{"name": key, "valueFrom": {"secretKeyRef": {**given, "key": key}}} for key in member.secrets]
    said: dict[Any, Any] = {
        "name": MODEL,
        "image": member.image,
        "ports": [{"name": MODEL, "containerPort": SERVER_PORT, "protocol": "TCP"}],
        "env": env,
    }
    if deployment.startup_probe:
        said["startupProbe"] = {**_probe(deployment.startup_probe, MODEL), "successThreshold": 1}
    said["readinessProbe"] = _probe(deployment.readiness_probe, MODEL)
    said["livenessProbe"] = {**_probe(deployment.liveness_probe, MODEL), "successThreshold": 1}
    if unlimited(member):
        said[Said(unlimited(member))] = None
    said["resources"] = _resources(member)
    return {**said, **_hardened("tmp")}


def _gateway(bundle: Bundle, member: Member) -> dict[Any, Any]:
    ready = {"httpGet": {"path": alone.READY, "port": WATCH}, "periodSeconds": 5, "timeoutSeconds": 2}
    hardened = _hardened("gateway-tmp", LEAVE_S + member.timeout_s)  # what the model still works on passes through it
    hardened["volumeMounts"] += [
        {"name": "gateway", "mountPath": alone.FOLDER, "readOnly": True},
        {"name": "keys", "mountPath": KEYS_FOLDER, "readOnly": True},
    ]
    return {
        "name": "gateway",
        "image": bundle.gateway_image,
        "command": ["envoy"],
        "args": alone.words(),
        "ports": [
            {"name": HTTP, "containerPort": GATEWAY_PORT, "protocol": "TCP"},
            {"name": WATCH, "containerPort": alone.WATCH_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": ready,
        "livenessProbe": {**ready, "periodSeconds": 10},
        "resources": {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "512Mi"}},
        **hardened,
    }


def _hardened(tmp: str, leave_s: int = LEAVE_S) -> dict[str, Any]:
    return {
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "lifecycle": {"preStop": {"sleep": {"seconds": leave_s}}},
        "volumeMounts": [{"name": tmp, "mountPath": "/tmp"}],  # noqa: S108 - in a container
    }


def _probe(probe: Probe, port: str) -> dict[str, Any]:
    return {
        "httpGet": {"path": READY_PATH, "port": port},
        "initialDelaySeconds": probe.initial_delay,
        "periodSeconds": probe.period,
        "timeoutSeconds": probe.timeout,
        "successThreshold": probe.success_threshold,
        "failureThreshold": probe.failure_threshold,
    }


def _resources(member: Member) -> dict[str, Any]:
    """What the deployment says itself for Kubernetes, else all of its size; a GPU is asked for as limit alone."""
    deployment = member.deployment
    if isinstance(deployment, KubernetesDeployment):
        said = {"requests": _amounts(deployment.resources.requests), "limits": _amounts(deployment.resources.limits)}
        if said["requests"] or said["limits"]:
            return {key: value for key, value in said.items() if value}
    amounts = {}
    if member.cpus is not None:
        amounts["cpu"] = f"{round(member.cpus * 1000)}m"
    if member.memory is not None:
        amounts["memory"] = f"{member.memory // 2**20}Mi"
    limits = {**amounts, **({_GPU: str(member.gpus)} if member.gpus else {})}
    return {key: value for key, value in (("requests", amounts), ("limits", limits)) if value}


def _amounts(given: ResourceAmounts) -> dict[str, str]:
    said = {"cpu": given.cpu, "memory": given.memory, _GPU: given.gpu}
    return {key: value for key, value in said.items() if value is not None}
