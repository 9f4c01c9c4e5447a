"""Make what runs what is asked for: after a reboot, a crash, a command that was killed. Said again, it does nothing."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event
from sandbox.model.state import DeploymentState, EndpointState
from sandbox.ops import deployments, endpoints, removal, rollout, strays
from sandbox.ops.context import Context, begin, failure_of, with_deployment
from sandbox.ops.publish import publish
from sandbox.ops.readiness import wait_ready
from sandbox.reconcile.plan import Plan, plan
from sandbox.store import owner


@dataclass(frozen=True, slots=True)
class Healed:
    """What was done, and which deployments (endpoint, name) could not be started."""

    plan: Plan
    failed: tuple[tuple[str, str], ...] = ()


def heal(context: Context, leave_alone: Collection[tuple[str, str]] = ()) -> Healed:
    """Start what is missing, end what nobody asked for, go on with what was interrupted; return what was done.

    A deployment that cannot be started keeps its error in its state and does not keep the others from being healed.
    ``leave_alone``: deployments (endpoint, name) that are not started this time.
    """
    resume(context)
    failed = []
    states = context.store.all()
    done = plan(states, context.backend.instances(), busy=_busy(states))
    for endpoint, name in dict.fromkeys((missing.endpoint, missing.deployment) for missing in done.start):
        if (endpoint, name) not in leave_alone and not _start(context, endpoint, name):
            failed.append((endpoint, name))
    if done or states:
        publish(context)
    removal.stop(context, done.stop)
    strays.end(context)
    return Healed(done, tuple(failed))


def resume(context: Context) -> None:
    """Go on with deletions and roll-outs whose process has ended."""
    for state in context.store.all():
        if state.state == "Deleting":
            endpoints.delete(context, state.name)
            continue
        for name, deployment in state.deployments.items():
            operation = deployment.operation
            if operation is None or owner.works(operation.owner):
                continue
            if deployment.state == "Deleting":
                deployments.finish_deletion(context, state.name, name)
                continue
            _go_on(context, state, name)


def _go_on(context: Context, state: EndpointState, name: str) -> None:
    with context.store.alone(state.name):
        current, found = context.deployment(state.name, name)
        if found.operation is None or owner.works(found.operation.owner):
            return
        operation = begin(found.operation.verb)
        context.store.write(with_deployment(current, name, replace(found, operation=operation)))
    try:
        rollout.carry_out(context, state.name, name, operation)
    except SandboxError as error:
        _tell(context, state.name, name, error)


def _start(context: Context, endpoint: str, name: str) -> bool:
    """Start what a deployment lacks; tell whether it runs now.

    It is an operation of its own: two who heal at once must not start the same instance twice.
    """
    operation = begin("heal")
    with context.store.alone(endpoint):
        state = context.store.find(endpoint)
        found = state.deployments.get(name) if state else None
        if state is None or found is None or found.serving is None or found.state == "Deleting":
            return True
        if found.operation is not None and owner.works(found.operation.owner):
            return True
        context.store.write(with_deployment(state, name, replace(found, operation=operation)))
    missing = plan([with_deployment(state, name, found)], context.backend.instances(endpoint)).start
    indexes = [each.index for each in missing if each.deployment == name]
    made_of = found.served or found.wanted
    started = []
    outcome = replace(found, operation=None)
    try:
        with context.step("start", f"{len(indexes)} missing of {made_of.instance_count}", endpoint, name):
            started = [rollout.start_instance(context, made_of, found.serving, index) for index in indexes]
        wait_ready(context, made_of, started)
        if found.state == "Failed" and found.wanted == made_of:
            outcome = replace(outcome, failure=None, state="Succeeded")
        context.store.note(endpoint, "heal", f"deployment {name}: {len(started)} started")
    except SandboxError as error:
        removal.stop(context, started, grace_s=1)
        _tell(context, endpoint, name, error)
        outcome = replace(outcome, failure=failure_of(error), state="Failed")
        return False
    finally:
        context.change(endpoint, name, lambda each: replace(each, operation=None, **_changed(found, outcome)))
    return True


def _changed(before: DeploymentState, after: DeploymentState) -> dict[str, Any]:
    return {key: getattr(after, key) for key in ("state", "failure") if getattr(after, key) != getattr(before, key)}


def _tell(context: Context, endpoint: str, name: str, error: SandboxError) -> None:
    context.report(Event("ready", "failed", error.what, endpoint, name))


def _busy(states: list[EndpointState]) -> frozenset[str]:
    return frozenset(
        each.operation.id
        for state in states
        for each in state.deployments.values()
        if each.operation is not None and owner.works(each.operation.owner)
    )
