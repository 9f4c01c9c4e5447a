"""Exports: an endpoint and its sealed deployments as files for tools that are not ours."""

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from sandbox.export import write
from sandbox.export.bundle import GATEWAY_IMAGE, GATEWAY_PORT, KINDS, Bundle, Kind, Member
from sandbox.image import engine, labels, sealed
from sandbox.model import settings, traffic
from sandbox.model.errors import SandboxError, UsageError
from sandbox.model.state import DeploymentState, EndpointState
from sandbox.ops import answers, images, revisions, tested
from sandbox.ops.context import Context

if TYPE_CHECKING:
    from docker import APIClient

_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9._-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ELSEWHERE = frozenset({"kubernetes", "swarm"})  # whose machines have images from a registry alone


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is asked for beside the endpoint. ``folder`` "": one named after endpoint and kind, here.

    ``image_prefix`` is the repository that images are pushed to, ``REGISTRY/NAME``; "" for those of this engine.
    ``traffic`` and ``mirror`` None: as they are now.
    """

    folder: str = ""
    image_prefix: str = ""
    gateway_image: str = GATEWAY_IMAGE
    listen: str = "127.0.0.1"
    port: int = GATEWAY_PORT
    traffic: Mapping[str, int] | None = None
    mirror: Mapping[str, int] | None = None
    repeat_in_flight: bool = False
    namespace: str = ""
    gateway_class: str = "eg"
    hostname: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """``images``: what the files say, with the id behind it; ``left_out``: deployments without traffic, not sealed."""

    kind: Kind
    folder: str
    files: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    images: Mapping[str, str]
    left_out: tuple[str, ...]
    push: bool


def export(context: Context, kind: str, name: str, chosen: Chosen) -> Exported:
    """Write the files; the sealed images get the names that the files say, in the engine here.

    Raises:
        NotFound: E050.
        UsageError: E196, what is asked for cannot be.
        SandboxError: E110 to E112, the engine; E195, not sealed; E196; E197, E198, the folder.
    """
    known = next((each for each in KINDS if each == kind), None)
    if known is None:
        raise UsageError("E196", f"there is no export {kind!r}", "", f"one of {', '.join(KINDS)}")
    state = context.endpoint(name.lower())
    check(state, known, chosen)
    live = traffic.live(state.endpoint.traffic if chosen.traffic is None else chosen.traffic)
    before = traffic.still_mirrored(state.endpoint.mirror_traffic, live)
    mirror = traffic.live(before if chosen.mirror is None else chosen.mirror)
    for problem in (*traffic.check(live, mirror), *traffic.unknown({**live, **mirror}, state.deployments)):
        raise UsageError(problem.code, problem.what, problem.why, problem.fix)
    client = engine.connect()
    members, left_out = _members(context, client, state, chosen, {*live, *mirror})
    folder = os.path.abspath(chosen.folder or f"{state.name}-{known}")
    bundle = Bundle(
        state.endpoint,
        members,
        live,
        mirror,
        gateway_image=chosen.gateway_image,
        listen=chosen.listen,
        port=chosen.port,
        repeat_in_flight=chosen.repeat_in_flight,
        said=_said(known, state.name, chosen),
        namespace=chosen.namespace,
        gateway_class=chosen.gateway_class,
        hostname=chosen.hostname,
    )
    made = import_module(f"sandbox.export.{known}").files(bundle)
    written = write.write(folder, made, force=chosen.force)
    context.store.note(state.name, "export", f"{known}: {folder}")
    return Exported(
        known,
        folder,
        tuple(file.path for file in made),
        written.changed,
        written.removed,
        {member.image: member.identity for member in members},
        left_out,
        bool(chosen.image_prefix),
    )


def check(state: EndpointState, kind: Kind, chosen: Chosen) -> None:
    """See that an endpoint can be exported so.

    Raises:
        SandboxError: E196.
    """
    if state.endpoint.auth_mode != "key":
        what = f"endpoint {state.name!r} lets in by {state.endpoint.auth_mode}"
        why = "those tokens are signed by this sandbox, whose private key stays here"
        raise SandboxError("E196", what, why, "auth_mode: key")
    if kind in _ELSEWHERE and not chosen.image_prefix:
        why = "the other machines get images from a registry"
        raise UsageError("E196", f"an export for {kind} needs --image-prefix", why, "--image-prefix REGISTRY/NAME")
    if chosen.namespace and not _LABEL.fullmatch(chosen.namespace):
        fix = "small letters, digits and dashes, 63 at most"
        raise UsageError("E196", f"{chosen.namespace!r} is no namespace of Kubernetes", "", fix)
    if chosen.image_prefix and not _REPOSITORY.fullmatch(chosen.image_prefix):
        fix = "REGISTRY/NAME in lower case, without a tag: registry.example/shop"
        raise UsageError("E196", f"{chosen.image_prefix!r} is no repository of images", "", fix)


def _members(
    context: Context, client: "APIClient", state: EndpointState, chosen: Chosen, needed: set[str]
) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """Return the deployments that are sealed; those without traffic need not be."""
    found, left_out = [], []
    for name, each in sorted(state.deployments.items()):
        try:
            image = _sealed(context, client, state.name, each)
        except SandboxError as error:
            if name in needed or error.code not in {"E120", "E195"}:
                raise
            left_out.append(name)
            continue
        found.append(_member(client, state.name, each, image, chosen.image_prefix))
    if not found:
        fix = f"sandbox seal -n DEPLOYMENT -e {state.name}"
        raise SandboxError("E195", f"no deployment of endpoint {state.name!r} is sealed", "", fix)
    for member in found:
        check_variables(member)
    return tuple(found), tuple(left_out)


def check_variables(member: Member) -> None:
    """See that the names of variables with secrets can stand in a script and in a file of variables.

    Raises:
        SandboxError: E196.
    """
    for name in member.secrets:
        if not _VARIABLE.fullmatch(name):
            what = f"the variable {name!r} of deployment {member.name!r} cannot be exported"
            why = "its value is a secret, and a file of variables takes letters, digits, dots, dashes and underscores"
            raise SandboxError("E196", what, why, "name it otherwise")


def _sealed(context: Context, client: "APIClient", endpoint: str, state: DeploymentState) -> str:
    """Return the id of the image that holds what serves; raises SandboxError E120, E195."""
    name = state.wanted.name.lower()
    serving, made_of = images.sealable(state, f"{endpoint}/{name}")
    if settings.sealed(made_of) and serving.container is not None:
        return serving.container.image
    passed = tested.find(context.home, images.key(made_of, serving), answers.of(context, state))
    fix = f"sandbox seal -n {name} -e {endpoint}"
    if passed is None:
        why = "or was changed since; what is exported is what was tried as sealed"
        raise SandboxError("E195", f"deployment {name!r} is not sealed", why, fix)
    try:
        return str(sealed.inspect(client, passed.image)["Id"])
    except SandboxError as error:
        raise SandboxError("E195", f"the sealed image of deployment {name!r} is gone", error.why, fix) from None


def _member(client: "APIClient", endpoint: str, state: DeploymentState, image: str, prefix: str) -> Member:
    """Return a deployment with a name of its image that says which it is; once pushed, by its digest."""
    made_of = state.served or state.wanted
    repository = prefix or f"{labels.REPOSITORY}/sealed"
    tag = f"{endpoint}-{made_of.name.lower()}-{image.removeprefix('sha256:')[:12]}"
    client.tag(image, repository, tag)
    pushed = [each for each in client.inspect_image(image)["RepoDigests"] or () if each.startswith(f"{repository}@")]
    limits = revisions.limits(made_of)
    return Member(
        made_of,
        pushed[0] if pushed and prefix else f"{repository}:{tag}",
        image,
        limits["cpus"],
        limits["memory_bytes"],
        limits["gpus"],
    )


def _said(kind: Kind, endpoint: str, chosen: Chosen) -> str:
    """Return the command that writes the same again, but for traffic."""
    usual = Chosen()
    words = ["sandbox", "export", kind, endpoint]
    flags = {
        "--to": (chosen.folder, usual.folder),
        "--image-prefix": (chosen.image_prefix, usual.image_prefix),
        "--gateway-image": (chosen.gateway_image, usual.gateway_image),
        "--listen": (chosen.listen, usual.listen),
        "--port": (str(chosen.port), str(usual.port)),
        "--namespace": (chosen.namespace, usual.namespace),
        "--gateway-class": (chosen.gateway_class, usual.gateway_class),
        "--hostname": (chosen.hostname, usual.hostname),
    }
    for flag, (value, default) in flags.items():
        words += [flag, value] if value != default else []
    return shlex.join([*words, *(["--repeat-in-flight"] if chosen.repeat_in_flight else [])])
