"""``docker stack deploy``: a gateway on every node of a Swarm, deployments spread over all of them. Pure.

The gateway finds the tasks by the names of the overlay network (dnsrr), so no node needs IPVS.
"""

import hashlib
from typing import Any

from sandbox.export import envoy, secrets, words
from sandbox.export.bundle import GATEWAY_PORT, HOME, KEY_NAMES, USER, Bundle, Member
from sandbox.export.paper import File, Said, document
from sandbox.gateway import alone
from sandbox.gateway.description import ExternalKeys, NamedUpstream
from sandbox.model.container import SERVER_PORT

FOLDER = "gateway"
SECRETS = "/run/secrets"
CHANGE = ("A config of a Swarm never changes: say docker stack deploy again, which replaces the gateways one by one.",)
VERSION = "KEYS"  # the variable that tells newer keys from older ones
SETTLE = "3s"  # between two tasks of a roll-out: the gateways have then seen the last one


def files(bundle: Bundle) -> list[File]:
    """Return all files: ``stack.yml``, the gateway's folder, and the script that makes the keys."""
    upstreams = {
        member.name: NamedUpstream(member.name, SERVER_PORT, max(1, member.deployment.instance_count))
        for member in bundle.members
    }
    paths = tuple(f"{SECRETS}/{name}" for name in KEY_NAMES)
    gateway = envoy.files(FOLDER, bundle.described(upstreams, ExternalKeys(files=paths)), CHANGE)
    keep = [
        f'docker secret inspect "{_secret(bundle, name)}" >/dev/null 2>&1 || '
        f'docker secret create "{_secret(bundle, name)}" {secrets.FOLDER}/{name} >/dev/null'
        for name in KEY_NAMES
    ]
    renew = f" with {VERSION}=2, 3 ... , then deploy with it; from then on it has to be said at each deploy"
    return [
        File("stack.yml", document(_head(bundle), _stack(bundle, gateway))),
        *gateway,
        *secrets.as_files(bundle, renew, keep),
    ]


def _secret(bundle: Bundle, name: str) -> str:
    """A secret of a Swarm never changes: new keys are new secrets."""
    return f"{bundle.name}-{name}-${{{VERSION}:-1}}"


def _head(bundle: Bundle) -> list[str]:
    stack = f"docker stack deploy --with-registry-auth -c stack.yml {bundle.name}"
    return [
        f"Endpoint {bundle.name!r}: a gateway on every node of a Swarm, and its deployments spread over them.",
        f"Written by: {bundle.said}",
        "",
        f"Start:           sh secrets.sh && {stack}      (on a manager; images have to be pushed)",
        f"Ask:             any node; NODE=127.0.0.1; KEY=$(cat {secrets.FOLDER}/{KEY_NAMES[0]})",
        f'                 curl -H "authorization: Bearer $KEY" http://$NODE:{bundle.port}/score -d @request.json',
        f'Change traffic:  {bundle.said} --traffic "{bundle.example}", then deploy as above',
        f"Scale:           docker service scale {bundle.name}_{bundle.members[0].name}=8",
        "                 Export again for it: the gateways count what may be asked at once.",
        f"Stop:            docker stack rm {bundle.name}",
        "",
        "Let clients, or a load balancer before them, try another node when one does not answer: the gateway of a node",
        "is as gone as the node, and is away for a moment while it is replaced.",
        "A new image of a deployment is rolled out task by task: the next begins when the last is healthy.",
        'Swarm ignores security_opt: write "no-new-privileges": true into daemon.json of each node.',
        'There is no TLS here, and the overlay is not encrypted unless you add driver_opts: {encrypted: "true"}.',
    ]


def _stack(bundle: Bundle, gateway: list[File]) -> dict[Any, Any]:
    services: dict[Any, Any] = {bundle.gateway: _gateway(bundle, gateway)}
    for member in bundle.members:
        services[Said(f"Image {member.identity}")] = None
        services[member.name] = _deployment(member)
    networks: dict[Any, Any] = {
        Said("One for each deployment: they reach the gateways, and not each other."): None,
    }
    for member in bundle.members:
        networks[_network(member)] = {
            "driver": "overlay",
            "internal": not member.has_egress,
        }
    return {
        "version": "3.9",
        "services": services,
        "networks": networks,
        Said("Their names hold the hash of what they hold: what changed gets a new name, and is rolled out."): None,
        "configs": {
            _config(file): {"name": f"{bundle.name}-{_config(file)}", "file": f"./{file.path}"} for file in gateway
        },
        "secrets": {name: {"name": _secret(bundle, name), "external": True} for name in KEY_NAMES},
    }


def _network(member: Member) -> str:
    return f"of-{member.name}"


def _config(file: File) -> str:
    stem = file.path.rpartition("/")[2].partition(".")[0]
    return f"{stem}-{hashlib.sha256(file.text.encode()).hexdigest()[:12]}"


def _gateway(bundle: Bundle, files_: list[File]) -> dict[Any, Any]:
    configs = [
        {"source": _config(file), "target": f"{alone.FOLDER}/{file.path.rpartition('/')[2]}", "mode": 0o444}
        for file in files_
    ]
    owned = {"uid": str(USER), "gid": str(USER), "mode": 0o400}
    return {
        "image": bundle.gateway_image,
        "entrypoint": ["envoy"],
        "command": alone.words(),
        Said("The port of each node itself; the routing mesh is not used."): None,
        "ports": [{"target": GATEWAY_PORT, "published": bundle.port, "mode": "host", "protocol": "tcp"}],
        "configs": configs,
        "secrets": [{"source": name, "target": name, **owned} for name in KEY_NAMES],
        "networks": [_network(member) for member in bundle.members],
        "healthcheck": words.gateway_healthcheck(),
        **_hardened(),
        "deploy": {
            "mode": "global",
            "endpoint_mode": "dnsrr",
            "update_config": {"parallelism": 1, "order": "stop-first", "delay": "10s", "failure_action": "rollback"},
            "restart_policy": {"condition": "any", "delay": "1s"},
            "resources": {"limits": {"memory": f"{words.GATEWAY_MEMORY_MB}M", "pids": words.GATEWAY_PROCESSES}},
        },
    }


def _deployment(member: Member) -> dict[Any, Any]:
    said: dict[Any, Any] = {"image": member.image, "environment": HOME}
    if member.secrets:
        said[Said("Read when the stack is deployed; managers keep it, and `docker service inspect` shows it.")] = None
        said["env_file"] = [f"./{secrets.env_of(member.name)}"]
    said["networks"] = [_network(member)]
    if not member.has_egress:
        said[Said("egress_public_network_access: disabled; the network leads nowhere.")] = None
    said |= {
        "healthcheck": {**words.healthcheck(member), "interval": _interval(member)},
        "stop_grace_period": f"{member.grace_s}s",
        "init": True,
        **_hardened(),
        "deploy": _spread(member),
    }
    return said


def _interval(member: Member) -> str:
    """A roll-out waits for it at each task."""
    return f"{min(member.deployment.readiness_probe.period, 3)}s"


def _spread(member: Member) -> dict[Any, Any]:
    limits: dict[Any, Any] = {}
    if words.unlimited(member):
        limits[Said(words.unlimited(member))] = None
    if member.cpus is not None:
        limits["cpus"] = f"{member.cpus:g}"
    memory = words.megabytes(member)
    if memory is not None:
        limits["memory"] = f"{memory}M"
    limits["pids"] = words.PROCESSES
    resources: dict[Any, Any] = {"limits": limits}
    if member.gpus:
        kind = {"kind": "NVIDIA-GPU", "value": member.gpus}
        said = "Nodes offer it by node-generic-resources in daemon.json."
        resources["reservations"] = {Said(said): None, "generic_resources": [{"discrete_resource_spec": kind}]}
    careful = {"parallelism": 1, "order": "start-first", "delay": SETTLE, "monitor": SETTLE}
    return {
        "replicas": max(1, member.deployment.instance_count),
        Said("Every task by its own address: the gateways probe and choose, and no node needs IPVS."): None,
        "endpoint_mode": "dnsrr",
        "update_config": {**careful, "failure_action": "rollback"},
        "rollback_config": careful,
        "restart_policy": {"condition": "any", "delay": "1s"},
        "resources": resources,
    }


def _hardened() -> dict[Any, Any]:
    return {
        "user": f"{USER}:{USER}",
        "read_only": True,
        Said("Swarm takes no options of it: programs in it cannot be run."): None,
        "volumes": [{"type": "tmpfs", "target": "/tmp"}],  # noqa: S108 - in a container
        "cap_drop": ["ALL"],
        "logging": {"driver": "json-file", "options": words.LOG},
    }
