"""The units themselves.

``docker create``, then ``docker start --attach``: systemd has the client, starts all of it again when the container
ends, and the output goes to the journal, which rotates it. What is secret comes by LoadCredential. Pure.
"""

from collections.abc import Sequence
from typing import Final

from sandbox.export import secrets, words
from sandbox.export.bundle import GATEWAY_PORT, HOME, USER, Bundle, Member
from sandbox.gateway import alone

FOLDER: Final = "gateway"
PLACE: Final = "/etc/endpoint-sandbox"  # on the machine; a folder for each endpoint
DOCKER: Final = "/usr/bin/docker"
INSTANCE: Final = "\0i"  # the words of systemd, put in when everything else is quoted
CREDENTIALS: Final = "\0d"
_SPECIAL = {INSTANCE: "%i", CREDENTIALS: "${CREDENTIALS_DIRECTORY}"}
_ENV: Final = "secret.env"
_PLAIN = frozenset("-_=./:@,+\0")
_RESTART_S = 2
_WIDTH = 70
_START_S = 60

Pairs = Sequence[tuple[str, str]]


def name_of(bundle: Bundle, member: Member) -> str:
    """Return the name of a deployment's network and of the unit of its instances, without its end."""
    return f"{bundle.name}-{member.name}"


def units(bundle: Bundle) -> dict[str, str]:
    """Return all units by their names."""
    instances = [
        f"{name_of(bundle, member)}@{number}.service"
        for member in bundle.members
        for number in range(1, max(1, member.deployment.instance_count) + 1)
    ]
    gateway = f"{bundle.name}-{bundle.gateway}.service"
    found = {
        f"{bundle.name}.target": _unit(
            f"Endpoint {bundle.name}: a unit for each instance of its deployments, and one for the gateway.",
            Unit=(
                ("Description", f"Endpoint {bundle.name}"),
                *(("Wants", unit) for unit in (gateway, *instances)),
            ),
            Install=(("WantedBy", "multi-user.target"),),
        ),
        f"{bundle.name}-networks.service": _networks(bundle),
        gateway: _gateway(bundle),
    }
    return found | {f"{name_of(bundle, member)}@.service": _instance(bundle, member) for member in bundle.members}


def _networks(bundle: Bundle) -> str:
    made: dict[str, Sequence[str]] = {_public(bundle): ()}
    made |= {name_of(bundle, each): () if each.has_egress else ("--internal",) for each in bundle.members}
    service: list[tuple[str, str]] = [("Type", "oneshot"), ("RemainAfterExit", "yes")]
    for name, flags in made.items():
        create = " ".join((DOCKER, "network", "create", *flags, name))
        there = f"{DOCKER} network inspect {name} >/dev/null 2>&1"
        service.append(("ExecStart", line(["/bin/sh", "-c", f"{there} || {create}"])))
    service += [("ExecStop", f"-{line([DOCKER, 'network', 'rm', name])}") for name in made]
    return _unit(
        "A network for each deployment: they reach the gateway, and not each other. Without egress it leads nowhere.",
        Unit=_about(bundle, f"networks of endpoint {bundle.name}", ("docker.service",)),
        Service=service,
    )


def _public(bundle: Bundle) -> str:
    return f"{bundle.name}-{bundle.gateway}-public"


def _about(bundle: Bundle, description: str, needed: Sequence[str]) -> Pairs:
    return (
        ("Description", description[:1].upper() + description[1:]),
        ("PartOf", f"{bundle.name}.target"),
        *(("Requires", unit) for unit in needed),
        *(("After", unit) for unit in needed),
    )


def _instance(bundle: Bundle, member: Member) -> str:
    network = name_of(bundle, member)
    name = f"{network}-{INSTANCE}"
    flags = [*("--network", network), *("--network-alias", network), "--init"]
    for key, value in HOME.items():
        flags += ["--env", f"{key}={value}"]
    memory = words.megabytes(member)
    if member.cpus is not None:
        flags += ["--cpus", f"{member.cpus:g}"]
    if memory is not None:
        flags += ["--memory", f"{memory}m", "--memory-swap", f"{memory}m"]
    if member.gpus:
        flags += ["--gpus", str(member.gpus)]
    probe = member.deployment.readiness_probe
    flags += [
        *("--health-cmd", _shell(words.check(member))),
        *("--health-interval", f"{min(probe.period, words.LONGEST_INTERVAL_S)}s"),
        *("--health-timeout", f"{probe.timeout + 1}s"),
        *("--health-retries", str(probe.failure_threshold)),
        *("--stop-timeout", str(member.grace_s)),
        *_hardened(words.TMPFS, words.PROCESSES),
    ]
    env = f"{PLACE}/{bundle.name}/{secrets.env_of(member.name)}" if member.secrets else ""
    comment = f"Deployment {member.name}: image {member.identity}\n{words.unlimited(member)}".rstrip("\n")
    return _unit(
        comment,
        Unit=_about(
            bundle,
            f"endpoint {bundle.name}, deployment {member.name}, instance %i",
            ("docker.service", f"{bundle.name}-networks.service"),
        ),
        Service=_runs(name, flags, [member.image], env=env, grace_s=member.grace_s),
    )


def _shell(check: Sequence[str]) -> str:
    """A check as one line of a shell; its words hold no double quotes."""
    plain = [word.replace("'", '"') for word in check]
    return " ".join(f"'{word}'" if " " in word else word for word in plain)


def _gateway(bundle: Bundle) -> str:
    name = f"{bundle.name}-{bundle.gateway}"
    flags = [
        *("--network", _public(bundle)),
        *("--publish", f"{bundle.listen}:{bundle.port}:{GATEWAY_PORT}"),
        *("--volume", f"{PLACE}/{bundle.name}/{FOLDER}:{alone.FOLDER}:ro"),
        *("--memory", f"{words.GATEWAY_MEMORY_MB}m"),
        *("--entrypoint", "envoy"),
        *("--health-cmd", _shell(words.gateway_check())),
        *("--health-interval", "5s"),
        *_hardened(words.GATEWAY_TMPFS, words.GATEWAY_PROCESSES),
    ]
    connect = [[DOCKER, "network", "connect", name_of(bundle, member), name] for member in bundle.members]
    env = f"{PLACE}/{bundle.name}/{secrets.GATEWAY_ENV}"
    return _unit(
        "The gateway: an Envoy that reads the files below, and its keys from a credential.",
        Unit=_about(bundle, f"endpoint {bundle.name}, gateway", ("docker.service", f"{bundle.name}-networks.service")),
        Service=_runs(name, flags, [bundle.gateway_image, *alone.words()], env=env, grace_s=5, connect=connect),
    )


def _hardened(tmpfs: str, processes: int) -> list[str]:
    return [
        *("--user", f"{USER}:{USER}"),
        "--read-only",
        *("--tmpfs", tmpfs),
        *("--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges"),
        *("--pids-limit", str(processes)),
        *("--log-driver", "none"),
    ]


def _runs(
    name: str,
    flags: Sequence[str],
    image: Sequence[str],
    *,
    env: str,
    grace_s: int,
    connect: Sequence[Sequence[str]] = (),
) -> Pairs:
    """A container: made anew at each start, so that what the unit says is what runs; ``image`` with its command."""
    given = ["--env-file", f"{CREDENTIALS}/{_ENV}"] if env else []
    remove = f"-{line([DOCKER, 'rm', '--force', name])}"
    return (
        *([("LoadCredential", f"{_ENV}:{env}")] if env else []),
        ("ExecStartPre", remove),
        ("ExecStartPre", line([DOCKER, "create", "--name", name, *flags, *given, *image], image[0])),
        *(("ExecStartPre", line(each)) for each in connect),
        ("ExecStart", line([DOCKER, "start", "--attach", name])),
        ("ExecStop", line([DOCKER, "stop", "--time", str(grace_s), name])),
        ("ExecStopPost", remove),
        ("SuccessExitStatus", "143"),
        ("Restart", "always"),
        ("RestartSec", str(_RESTART_S)),
        ("TimeoutStartSec", str(_START_S)),
        ("TimeoutStopSec", str(grace_s + 15)),
    )


def _unit(comment: str, **sections: Pairs) -> str:
    lines = [f"# {each}" for each in comment.split("\n")]
    for name, pairs in sections.items():
        lines += ["", f"[{name}]", *(f"{key}={value}" for key, value in pairs)]
    return "\n".join(lines) + "\n"


def line(command: Sequence[str], last: str = "") -> str:
    """Return a command as systemd reads it: quoted where it must be, without its own meaning of % and $.

    Lines are broken before flags, and before the word that comes ``last``: after it there are no flags of the command.
    """
    lines = [""]
    for word in map(_quoted, command):
        lone = word.startswith("--") or word == _quoted(last)
        if lone and len(lines[-1]) + len(word) > _WIDTH:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    said = " \\\n    ".join(lines)
    for placeholder, meaning in _SPECIAL.items():
        said = said.replace(placeholder, meaning)
    return said


def _quoted(word: str) -> str:
    if word and all(sign.isalnum() or sign in _PLAIN for sign in word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
