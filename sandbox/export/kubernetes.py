"""``kubectl apply -k``: Deployments, Services and the rest; split and mirror are the cluster's own (Gateway API). Pure.

An HTTPRoute cannot check keys, so each pod has the gateway's own Envoy beside the model: it checks keys, limits how
many requests one instance is asked at once, and answers as Azure does. Only its port is let in.
"""

from typing import Any

from sandbox.export import envoy, kubernetes_pod, kubernetes_route, secrets
from sandbox.export.bundle import KEY_NAMES, Bundle, Member
from sandbox.export.kubernetes_pod import HTTP, KEYS_FOLDER, WATCH
from sandbox.export.paper import File, Said, document, documents
from sandbox.gateway import alone
from sandbox.gateway.description import ExternalKeys
from sandbox.model.errors import SandboxError

LONGEST_NAME = 63
CHANGE = ("Applied again, the pods are replaced one by one: the name of the ConfigMap holds the hash of its content.",)


def name_of(bundle: Bundle, member: Member) -> str:
    """Return what everything of a deployment is called."""
    return f"{bundle.name}-{member.name}"


def files(bundle: Bundle) -> list[File]:
    """Return all files.

    Raises:
        SandboxError: E196, a name is too long.
    """
    for name in (name_of(bundle, member) for member in bundle.members):
        if len(name) > LONGEST_NAME:
            why = f"a Service of Kubernetes has at most {LONGEST_NAME}"
            raise SandboxError("E196", f"the name {name} has {len(name)} characters", why, "choose shorter names")
    keys = ExternalKeys(files=tuple(f"{KEYS_FOLDER}/{name}" for name in KEY_NAMES))
    made = [File("kustomization.yaml", document(_head(bundle), _kustomization(bundle)))]
    made.append(File("route.yaml", documents(kubernetes_route.head(bundle), kubernetes_route.objects(bundle))))
    for member in bundle.members:
        made.append(File(f"{member.name}.yaml", documents(_about(bundle, member), _objects(bundle, member))))
        made += envoy.files(f"envoy/{member.name}", bundle.beside(member, keys), CHANGE)
    return [
        *made,
        *secrets.as_files(bundle, "; pods read the new ones within a minute or two", _given(bundle)),
    ]


def _given(bundle: Bundle) -> list[str]:
    """The lines that give the secrets to the cluster; values are in files, not in arguments."""
    space = f" -n {bundle.namespace}" if bundle.namespace else ""
    apply = f"--dry-run=client -o yaml | kubectl apply{space} -f -"
    keys = " ".join(f"--from-file={name}={secrets.FOLDER}/{name}" for name in KEY_NAMES)
    lines = [f"kubectl create secret generic {_keys(bundle)}{space} {keys} {apply}"]
    for member in bundle.members:
        if member.secrets:
            name = kubernetes_pod.secret_of(name_of(bundle, member))
            path = secrets.env_of(member.name)
            lines.append(f"kubectl create secret generic {name}{space} --from-env-file={path} {apply}")
    return lines


def _keys(bundle: Bundle) -> str:
    return f"{bundle.name}-keys"


def _head(bundle: Bundle) -> list[str]:
    space = f" -n {bundle.namespace}" if bundle.namespace else ""
    return [
        f"Endpoint {bundle.name!r} on a cluster with the Gateway API (1.3 or newer) and Kubernetes 1.30 or newer.",
        f"Written by: {bundle.said}",
        "",
        *([f"First, once:     kubectl create namespace {bundle.namespace}"] if bundle.namespace else []),
        f"Start:           sh secrets.sh && kubectl apply{space} -k .      (images have to be pushed)",
        f"Ask:             KEY=$(cat {secrets.FOLDER}/{KEY_NAMES[0]})",
        f"                 AT=$(kubectl get{space} gateway {bundle.name} -o jsonpath='{{.status.addresses[0].value}}')",
        '                 curl -H "authorization: Bearer $KEY" http://$AT/score -d @request.json',
        "Change traffic:  the weights in route.yaml, then  kubectl apply -k .      or:",
        f'                 {bundle.said} --traffic "{bundle.example}"',
        f"Stop:            kubectl delete{space} -k .",
        "",
        "Secrets are in no file here: secrets.sh makes the keys and gives them to the cluster.",
        "An HTTPRoute cannot check keys: the Envoy in each pod does, and a NetworkPolicy lets nothing else be reached.",
        "TLS: give the listener in route.yaml a certificate of your cluster.",
    ]


def _kustomization(bundle: Bundle) -> dict[Any, Any]:
    space = {"namespace": bundle.namespace} if bundle.namespace else {}
    maps = [
        {
            "name": kubernetes_pod.config_of(name_of(bundle, member)),
            "files": [f"envoy/{member.name}/{name}" for name in (alone.BOOTSTRAP, alone.CLUSTERS, alone.ROUTES)],
        }
        for member in bundle.members
    ]
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        **space,
        "resources": ["route.yaml", *(f"{member.name}.yaml" for member in bundle.members)],
        "configMapGenerator": maps,
    }


def _about(bundle: Bundle, member: Member) -> list[str]:
    return [f"Deployment {member.name!r} of endpoint {bundle.name!r}.", f"Image {member.identity}"]


def _objects(bundle: Bundle, member: Member) -> list[dict[Any, Any]]:
    name = name_of(bundle, member)
    labels = {"app.kubernetes.io/name": member.name, "app.kubernetes.io/part-of": bundle.name}
    meta = {"name": name, "labels": labels}
    found = [
        _deployment(bundle, member, meta),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": labels, "ports": [{"name": HTTP, "port": 80, "targetPort": HTTP, "protocol": "TCP"}]},
        },
        _policy(member, meta),
    ]
    if _most(member) > 1:
        found.append(
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": meta,
                "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}},
            }
        )
    if _scales(member):
        found.append(_scaler(member, meta))
    return found


def _scales(member: Member) -> bool:
    return member.deployment.scale_settings.type == "target_utilization"


def _most(member: Member) -> int:
    scale = member.deployment.scale_settings
    return scale.max_instances if _scales(member) else member.deployment.instance_count


def _deployment(bundle: Bundle, member: Member, meta: dict[str, Any]) -> dict[Any, Any]:
    spec: dict[Any, Any] = {}
    if _scales(member):
        spec[Said("How many: the HorizontalPodAutoscaler below decides.")] = None
    else:
        spec["replicas"] = member.deployment.instance_count
    template = kubernetes_pod.template(bundle, member, meta["name"], meta["labels"], _keys(bundle))
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {
            **spec,
            "selector": {"matchLabels": meta["labels"]},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": template,
        },
    }


def _policy(member: Member, meta: dict[str, Any]) -> dict[Any, Any]:
    spec: dict[Any, Any] = {
        "podSelector": {"matchLabels": meta["labels"]},
        "policyTypes": ["Ingress"],
        Said(
            f"The gateway in the pod, and its counters ({alone.COUNTERS}); the model itself is reached by it alone."
        ): None,
        "ingress": [{"ports": [{"protocol": "TCP", "port": HTTP}, {"protocol": "TCP", "port": WATCH}]}],
    }
    if not member.has_egress:
        spec["policyTypes"] = ["Ingress", "Egress"]
        spec[Said("egress_public_network_access: disabled; names are not looked up either.")] = None
        spec["egress"] = []
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def _scaler(member: Member, meta: dict[str, Any]) -> dict[Any, Any]:
    scale = member.deployment.scale_settings
    target = {"type": "Utilization", "averageUtilization": scale.target_utilization_percentage}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta,
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": meta["name"]},
            "minReplicas": max(1, scale.min_instances),
            "maxReplicas": max(1, scale.max_instances),
            Said(
                "Azure means busy instances; cores of the model are the nearest that every cluster can measure."
            ): None,
            "metrics": [
                {
                    "type": "ContainerResource",
                    "containerResource": {"name": "cpu", "container": "model", "target": target},
                }
            ],
        },
    }
