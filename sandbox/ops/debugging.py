"""A deployment to which a debugger can attach: its port, the server's flags, switched on and off while it serves."""

import contextlib
import os
from dataclasses import replace

from sandbox.model.environment import Environment
from sandbox.model.errors import NotFound, SandboxError
from sandbox.model.state import DeploymentState, Revision
from sandbox.ops import ports
from sandbox.ops.context import Context

FIRST_PORT, LAST_PORT = 5678, 5777


def port(context: Context, endpoint: str, name: str) -> int | None:
    """Return the port that the deployment has, else the first free one that no other deployment has."""
    taken = {
        each.debug_port: (state.name, other)
        for state in context.store.look()[0]
        for other, each in state.deployments.items()
        if each.debug_port is not None
    }
    own = next((number for number, who in taken.items() if who == (endpoint, name)), None)
    free = (each for each in range(FIRST_PORT, LAST_PORT + 1) if each not in taken and ports.free(each))
    return own or next(free, None)


def arguments(revision: Revision, index: int) -> tuple[str, ...]:
    """Return the server's flags: one instance is debugged, the others answer meanwhile."""
    return ("--debug", str(revision.debug_port)) if revision.debug_port is not None and index == 0 else ()


def another(context: Context, revision: Revision) -> Revision:
    """Return a revision whose debugger's port is free: a container keeps its ports until it is removed."""
    if revision.debug_port is None or revision.container is None or ports.free(revision.debug_port):
        return revision
    taken = {each.debug_port for state in context.store.look()[0] for each in state.deployments.values()}
    free = (each for each in range(FIRST_PORT, LAST_PORT + 1) if each not in taken and ports.free(each))
    return replace(revision, debug_port=next(free, revision.debug_port))


def refuse(state: DeploymentState) -> None:
    """Refuse to debug what has no script of the developer's that could be debugged.

    Raises:
        SandboxError: E144.
    """
    wanted = state.wanted
    what = f"deployment {wanted.name!r} cannot be debugged"
    code, environment = wanted.code_configuration, wanted.environment
    if state.serving is None:
        raise SandboxError("E144", what, "it does not serve", "correct it first, or create it with --vscode-debug")
    if isinstance(environment, Environment) and environment.inference_config is not None:
        why = "its container brings a server of its own, which knows nothing of our debugger"
        raise SandboxError("E144", what, why, "start a debugger in that server, and publish its port there")
    if code is None or code.code is None or code.scoring_script is None:
        raise SandboxError("E144", what, "it has no scoring script of yours", "give it a code_configuration")
    if not os.path.isfile(os.path.join(code.code, code.scoring_script)):
        why = f"{os.path.join(code.code, code.scoring_script)} is not there any more, and it is what would be debugged"
        raise SandboxError("E144", what, why, "bring the file back, or update the deployment with -f FILE")
    if state.backend == "docker" and getattr(wanted, "egress_public_network_access", "") == "disabled":
        why = "egress_public_network_access is disabled: its containers have no network, so no debugger reaches them"
        raise SandboxError("E144", what, why, "--set egress_public_network_access=enabled, debug, and set it back")


def switched(context: Context, found: DeploymentState, *, on: bool) -> DeploymentState:
    """Return what is to be made of a deployment; the locks of its endpoint and of ports are held."""
    if on:
        before = found.before if found.debugging else found.serving
        chosen = found.debug_port or port(context, found.wanted.endpoint_name, found.wanted.name)
        return replace(found, debugging=True, before=before, debug_port=chosen)
    before = found.before if found.before is not None and _is_there(found.before) else None
    kept = before.debug_port if before is not None else None
    return replace(found, debugging=False, before=before, debug_port=kept, fresh=found.fresh or before is None)


def _is_there(revision: Revision) -> bool:
    return all(os.path.isdir(path) for path in (revision.code_root, revision.model_dir) if path is not None)


def give_back(context: Context, endpoint: str, before: DeploymentState) -> None:
    """Let a deployment be as it was, after it could not be switched: what served has not stopped to."""

    def as_it_was(now: DeploymentState) -> DeploymentState:
        if now.operation is not None:  # somebody else's
            return now
        kept = ("state", "failure", "debugging", "before", "debug_port", "fresh")
        return replace(now, **{key: getattr(before, key) for key in kept})

    with contextlib.suppress(NotFound):
        context.change(endpoint, before.wanted.name, as_it_was)
