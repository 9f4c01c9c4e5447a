"""``docker compose up``: the gateway and the deployments as containers of one engine. Pure."""

from typing import Any

from sandbox.export import envoy, secrets, words
from sandbox.export.bundle import GATEWAY_PORT, HOME, KEY_VARIABLES, USER, Bundle, Member
from sandbox.export.paper import File, Said, document
from sandbox.gateway import alone
from sandbox.gateway.description import ExternalKeys, NamedUpstream
from sandbox.model.container import SERVER_PORT

FOLDER = "gateway"
PUBLIC = "public"  # the network by which the gateway's port is reached
CHANGE = (
    "Envoy takes over what is here when a file of this folder is replaced, within milliseconds; no request fails.",
    "Editors that write into the file itself are not noticed: edit a copy, then  mv copy routes.yaml",
)


def files(bundle: Bundle) -> list[File]:
    """Return all files: ``docker-compose.yml``, the gateway's folder, and the script that makes the keys."""
    upstreams = {
        member.name: NamedUpstream(member.name, SERVER_PORT, max(1, member.deployment.instance_count))
        for member in bundle.members
    }
    endpoint = bundle.described(upstreams, ExternalKeys(variables=KEY_VARIABLES))
    return [
        File("docker-compose.yml", document(_head(bundle), _project(bundle))),
        *envoy.files(FOLDER, endpoint, CHANGE),
        *secrets.as_variables(bundle, f", and  docker compose up -d --force-recreate {bundle.gateway}"),
    ]


def _head(bundle: Bundle) -> list[str]:
    url = f"http://{bundle.listen}:{bundle.port}/score"
    return [
        f"Endpoint {bundle.name!r}: its gateway and its deployments, as containers of one engine.",
        f"Written by: {bundle.said}",
        "",
        "Start:           sh secrets.sh && docker compose up -d",
        f"Ask:             . ./{secrets.GATEWAY_ENV}",
        f'                 curl -H "authorization: Bearer ${KEY_VARIABLES[0]}" {url} -d @request.json',
        f'Change traffic:  {bundle.said} --traffic "{bundle.example}"   (or edit {FOLDER}/{alone.ROUTES}, see there)',
        "                 It is taken over at once; nothing has to be started again.",
        "Stop:            docker compose down",
        "",
        "A new version is a new deployment beside the old: export again, `docker compose up -d`, then change traffic.",
        f"There is no TLS here: let a proxy that has it lead to port {bundle.port}.",
        "Docker does not start a container again because its healthcheck fails; the gateway leaves it out meanwhile.",
    ]


def _project(bundle: Bundle) -> dict[Any, Any]:
    services: dict[Any, Any] = {bundle.gateway: _gateway(bundle)}
    for member in bundle.members:
        services[Said(f"Image {member.identity}")] = None
        services[member.name] = _deployment(member)
    networks: dict[Any, Any] = {
        PUBLIC: {"driver": "bridge"},
        Said("One for each deployment: they reach the gateway, and not each other."): None,
    }
    for member in bundle.members:
        networks[_network(member)] = {"internal": not member.has_egress}
    return {"services": services, "networks": networks}


def _network(member: Member) -> str:
    return f"of-{member.name}"


def _gateway(bundle: Bundle) -> dict[Any, Any]:
    return {
        "image": bundle.gateway_image,
        "entrypoint": ["envoy"],
        "command": alone.words(),
        "ports": [f"{bundle.listen}:{bundle.port}:{GATEWAY_PORT}"],
        Said("The folder, not its files: a file that is replaced is seen in the container."): None,
        "volumes": [f"./{FOLDER}:{alone.FOLDER}:ro"],
        "env_file": [f"./{secrets.GATEWAY_ENV}"],
        "networks": [PUBLIC, *(_network(member) for member in bundle.members)],
        "healthcheck": words.gateway_healthcheck(),
        "mem_limit": f"{words.GATEWAY_MEMORY_MB}m",
        **_hardened(words.GATEWAY_TMPFS, words.GATEWAY_PROCESSES),
    }


def _deployment(member: Member) -> dict[Any, Any]:
    said: dict[Any, Any] = {
        "image": member.image,
        "scale": max(1, member.deployment.instance_count),
        "environment": HOME,
    }
    if member.secrets:
        said["env_file"] = [f"./{secrets.env_of(member.name)}"]
    said["networks"] = [_network(member)]
    if not member.has_egress:
        said = {**said, Said("egress_public_network_access: disabled; the network leads nowhere."): None}
    said |= {"healthcheck": words.healthcheck(member), "stop_grace_period": f"{member.grace_s}s"}
    memory = words.megabytes(member)
    if words.unlimited(member):
        said[Said(words.unlimited(member))] = None
    if member.cpus is not None:
        said[Said("Docker refuses more cores than the machine has.")] = None
        said["cpus"] = member.cpus
    if memory is not None:
        said |= {"mem_limit": f"{memory}m", "memswap_limit": f"{memory}m"}
    if member.gpus:
        device = {"driver": "nvidia", "count": member.gpus, "capabilities": ["gpu"]}
        said["deploy"] = {"resources": {"reservations": {"devices": [device]}}}
    return {**said, "init": True, **_hardened(words.TMPFS, words.PROCESSES)}


def _hardened(tmpfs: str, processes: int) -> dict[str, Any]:
    return {
        "restart": "unless-stopped",
        "user": f"{USER}:{USER}",
        "read_only": True,
        "tmpfs": [tmpfs],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "pids_limit": processes,
        "logging": {"driver": "json-file", "options": words.LOG},
    }
