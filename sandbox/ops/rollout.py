"""Bring up what a deployment shall be, beside what it is, and change over when it is ready.

Nothing is locked while anything is built, started or waited for. After each wait the state is read again: who finds
another operation in it was superseded, removes what it made and says so. Killed at any point, the next command or
``heal`` goes on from what is written and from what runs.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

from sandbox.backend.protocol import Instance, InstanceSpec
from sandbox.home import VARIABLE
from sandbox.model.deployment import Deployment
from sandbox.model.errors import SandboxError
from sandbox.model.state import DeploymentState, Operation, Revision
from sandbox.ops import debugging, removal, revisions, space
from sandbox.ops.context import Context, failure_of, of_system, with_deployment
from sandbox.ops.publish import publish
from sandbox.ops.readiness import wait_ready
from sandbox.store import owner
from sandbox.store.endpoints import now


class Superseded(SandboxError):
    """Another command took over; what it does counts."""


def go(context: Context, endpoint: str, name: str, operation: Operation, *, wait: bool) -> DeploymentState:
    """Do what was decided, here or (``wait`` False) in a process of its own."""
    if wait:
        return carry_out(context, endpoint, name, operation)
    _elsewhere(context, endpoint, name, operation)
    return context.deployment(endpoint, name)[1]


def carry_out(context: Context, endpoint: str, name: str, operation: Operation) -> DeploymentState:
    """Make the deployment what ``wanted`` says; the operation is this process's own.

    Raises:
        SandboxError: whatever kept it from being ready; what served before serves on.
    """
    try:
        state = _mine(context, endpoint, name, operation)
        serving = state.serving
        kept = serving if serving and _is_whole(serving) and revisions.same(context.home, state) else None
        if kept is not None:
            done = _rescale(context, endpoint, name, operation, kept)
        else:
            done = _replace(context, endpoint, name, operation)
    except Superseded:
        raise
    except SandboxError as error:
        _failed(context, endpoint, name, operation, error)
        raise
    except OSError as error:
        failure = of_system(error)
        _failed(context, endpoint, name, operation, failure)
        raise failure from error
    except BaseException:  # Ctrl-C and bugs: as if we had been killed, but tidy
        _interrupted(context, endpoint, name, operation)
        raise
    space.tidy(context)
    context.store.note(endpoint, operation.verb, f"deployment {name} is ready")
    return done


def _is_whole(revision: Revision) -> bool:
    """Tell whether what instances of a revision start from is still there: somebody may have removed it."""
    folders = [folder for folder in (revision.model_dir, revision.code_root) if folder is not None]
    python = revision.backend == "docker" or os.path.exists(revision.python)
    return python and all(os.path.isdir(folder) for folder in folders)


def _replace(context: Context, endpoint: str, name: str, operation: Operation) -> DeploymentState:
    """A new revision: built, started, ready, published; then the old one ends."""
    state = _mine(context, endpoint, name, operation)
    number = str(state.last_revision + 1)
    _leftovers(context, endpoint, name, state)
    state = _write(context, endpoint, name, operation, coming=number, last_revision=int(number))
    started: list[Instance] = []
    try:
        revision = debugging.another(context, revisions.make(context, state, number))
        _mine(context, endpoint, name, operation)
        started = _start(context, state.asked, revision, range(state.asked.instance_count))
        code_root = revision.container.code if revision.container else revision.code_root
        wait_ready(context, state.asked, started, code_root)
        done = _write(
            context, endpoint, name, operation,
            serving=revision, served=state.asked, coming=None, state="Succeeded", failure=None, fresh=False,
            before=state.before if state.debugging else None, debug_port=revision.debug_port,
        )  # fmt: skip
    except BaseException:
        removal.stop(context, removal_of(context, endpoint, name, number), grace_s=1)
        raise
    _tell_gateway(context, endpoint, name, operation, before=state, new=started)
    _end_old(context, endpoint, name, number, [each.id for each in done.kept])
    return _release(context, endpoint, name, operation) or done


def _rescale(context: Context, endpoint: str, name: str, operation: Operation, revision: Revision) -> DeploymentState:
    """The same revision with another number of instances, or with other rules at the gateway."""
    state = _mine(context, endpoint, name, operation)
    wanted = state.asked
    found = [each for each in _alive(context, endpoint, name) if each.revision == revision.id]
    missing = sorted(set(range(wanted.instance_count)) - {each.index for each in found})
    served = (state.served or wanted).instance_count
    begun = [each for each in found if served <= each.index < wanted.instance_count]  # by a command that was killed
    started = _start(context, wanted, revision, missing)
    try:
        wait_ready(context, wanted, [*begun, *started])
        done = _write(
            context, endpoint, name, operation, served=wanted, state="Succeeded", failure=None, coming=None,
            before=state.before if state.debugging else None,
        )  # fmt: skip
    except BaseException:
        removal.stop(context, started, grace_s=1)
        raise
    _tell_gateway(context, endpoint, name, operation, before=state, new=started)
    wrong = [  # those of other revisions are what an interrupted change-over left
        each
        for each in _alive(context, endpoint, name)
        if each.revision != revision.id or each.index >= wanted.instance_count
    ]
    removal.stop(context, wrong)
    removal.forget_revisions(context, endpoint, name, [revision.id, *(each.id for each in done.kept)])
    return _release(context, endpoint, name, operation) or done


def _tell_gateway(
    context: Context, endpoint: str, name: str, operation: Operation, *, before: DeploymentState, new: list[Instance]
) -> None:
    """Let the gateway send requests to the new instances; where it cannot, those that served serve on, and are said to.

    ``before`` is the deployment as it was, ``new`` what was started since.
    """
    try:
        with context.step("gateway", "published", endpoint, name):
            publish(context, endpoint)
    except (SandboxError, OSError):
        with contextlib.suppress(SandboxError, OSError):
            kept = {key: getattr(before, key) for key in ("serving", "served", "before", "fresh")}
            _write(context, endpoint, name, operation, **kept)
            publish(context)  # where it cannot be told that either, they stay until somebody heals
            removal.stop(context, new)
        raise


def _end_old(context: Context, endpoint: str, name: str, number: str, kept: list[str]) -> None:
    """The old instances finish what they have, and end."""
    old = [each for each in _alive(context, endpoint, name) if each.revision != number]
    if old:
        with context.step("stop", f"{len(old)} old instance{'s' if len(old) > 1 else ''}", endpoint, name):
            removal.stop(context, old)
    removal.forget_revisions(context, endpoint, name, (number, *kept))


def start_instance(context: Context, deployment: Deployment, revision: Revision, index: int) -> Instance:
    """Start one instance of a revision; the secrets that its variables name are looked up now."""
    from sandbox.store import connections_inject

    variables = connections_inject.resolve(context.home, revision.variables)
    return context.backend.start(_spec(deployment, revision, index, variables))


def _spec(deployment: Deployment, revision: Revision, index: int, variables: Mapping[str, str]) -> InstanceSpec:
    return InstanceSpec(
        endpoint=deployment.endpoint_name.lower(),
        deployment=deployment.name.lower(),
        revision=revision.id,
        index=index,
        python=revision.python,
        python_path=revision.python_path,
        app_root=revision.app_root,
        variables=variables,
        **revisions.limits(deployment),
        arguments=(*revision.arguments, *debugging.arguments(revision, index)),
        container=revision.container,
    )


def removal_of(context: Context, endpoint: str, name: str, revision: str) -> list[Instance]:
    """Return the instances of one revision."""
    return [each for each in removal.of_deployment(context, endpoint, name) if each.revision == revision]


def _start(
    context: Context, deployment: Deployment, revision: Revision, indexes: "range | list[int]"
) -> list[Instance]:
    if not indexes:
        return []
    many = f"{len(indexes)} instances" if len(indexes) > 1 else "1 instance"
    with context.step("start", many, deployment.endpoint_name, deployment.name) as told:
        for sentence in context.backend.limits(_spec(deployment, revision, 0, {})):
            told.note(sentence)
        return [start_instance(context, deployment, revision, index) for index in indexes]


def _alive(context: Context, endpoint: str, name: str) -> list[Instance]:
    return [each for each in removal.of_deployment(context, endpoint, name) if each.state != "exited"]


def _leftovers(context: Context, endpoint: str, name: str, state: DeploymentState) -> None:
    """End what an earlier attempt left: everything that does not serve."""
    serving = state.serving.id if state.serving else None
    left = [each for each in removal.of_deployment(context, endpoint, name) if each.revision != serving]
    if any(each.state != "exited" for each in left):
        publish(context)  # it may still know them: who was killed before it was told has written down that others serve
    served = {each.id for each in left if context.backend.ready(each).ready}  # they may be at work on a request
    removal.stop(context, [each for each in left if each.id not in served], grace_s=1)
    removal.stop(context, [each for each in left if each.id in served])
    removal.forget_revisions(context, endpoint, name, [each.id for each in state.kept])


def _mine(context: Context, endpoint: str, name: str, operation: Operation) -> DeploymentState:
    state = context.store.find(endpoint)
    found = state.deployments.get(name) if state else None
    if found is None or found.operation is None or found.operation.id != operation.id:
        what = f"deployment {name} was changed by another command meanwhile"
        raise Superseded("E063", what, "this command stopped and left nothing behind", "look at it, and decide anew")
    return found


def _write(context: Context, endpoint: str, name: str, mine: Operation, **changes: object) -> DeploymentState:
    with context.store.alone(endpoint):
        found = _mine(context, endpoint, name, mine)
        state = context.endpoint(endpoint)
        changed: DeploymentState = replace(found, **changes, changed=now())  # type: ignore[arg-type]
        context.store.write(with_deployment(state, name, changed))
        return changed


def _release(context: Context, endpoint: str, name: str, operation: Operation) -> DeploymentState | None:
    """The operation is over; None where another one has begun since."""
    with contextlib.suppress(Superseded):
        return _write(context, endpoint, name, operation, operation=None)
    return None


def _failed(context: Context, endpoint: str, name: str, operation: Operation, error: SandboxError) -> None:
    with contextlib.suppress(SandboxError, OSError):  # that it failed counts, not that it cannot be written down
        _write(
            context, endpoint, name, operation,
            state="Failed", failure=failure_of(error), coming=None, operation=None,
        )  # fmt: skip
        context.store.note(endpoint, operation.verb, f"deployment {name} failed: {error.what}", code=error.code)


def _interrupted(context: Context, endpoint: str, name: str, operation: Operation) -> None:
    with contextlib.suppress(SandboxError, OSError):
        if (
            _mine(context, endpoint, name, operation).state == "Succeeded"
        ):  # the old ones, if any, end with the next heal
            _release(context, endpoint, name, operation)
            return
    _failed(context, endpoint, name, operation, SandboxError("E063", "interrupted before it was ready"))


def _elsewhere(context: Context, endpoint: str, name: str, operation: Operation) -> None:
    """Let a process of its own go on. It signs the operation as its own before this one may end."""
    words = [sys.executable, "-m", "sandbox.ops.detached", endpoint, name, operation.id]
    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, VARIABLE: context.home.root},
    )
    assert child.stdout is not None
    with child.stdout as said:
        ready = said.readline()
    child.returncode = 0  # it goes on after we have ended; nothing here waits for it
    if not ready.startswith(b"taken"):
        raise SandboxError(
            "E063", "the process that goes on in the background did not start", "", "leave --no-wait out"
        )


def take_over(context: Context, endpoint: str, name: str, operation_id: str) -> Operation:
    """Sign an operation as this process's own.

    Raises:
        SandboxError: E063, it is somebody else's.
    """
    with context.store.alone(endpoint):
        state, found = context.deployment(endpoint, name)
        if found.operation is None or found.operation.id != operation_id:
            raise Superseded("E063", f"deployment {name} was changed by another command meanwhile")
        taken = replace(found.operation, owner=owner.this())
        context.store.write(with_deployment(state, name, replace(found, operation=taken)))
        return taken
