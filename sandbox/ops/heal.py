"""Make what runs what is asked for: after a reboot, a crash, a command that was killed. Said again, it does nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.backend.protocol import Instance
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event
from sandbox.model.state import DeploymentState, EndpointState, Operation
from sandbox.ops import deletion, deployments, removal, rollout, strays
from sandbox.ops.backends import contained, seen
from sandbox.ops.context import Context, begin, failure_of, of_system, with_deployment
from sandbox.ops.publish import Troubles, publish
from sandbox.ops.readiness import wait_ready
from sandbox.reconcile.plan import Plan, plan
from sandbox.store import owner

_SOMEBODY_WAS_FASTER = frozenset({"E050", "E051", "E053"})


@dataclass(frozen=True, slots=True)
class Healed:
    """What was done, and which deployments (endpoint, name) could not be started.

    ``troubles``: what is wrong with endpoints as a whole (a damaged file, a port that somebody else has, a deletion
    that cannot be finished), by their names. They were left as they are.
    """

    plan: Plan
    failed: tuple[tuple[str, str], ...] = ()
    troubles: Mapping[str, SandboxError] = field(default_factory=dict)


def heal(context: Context, leave_alone: Collection[tuple[str, str]] = ()) -> Healed:
    """Start what is missing, end what nobody asked for, go on with what was interrupted; return what was done.

    A deployment that cannot be started keeps its error in its state. Neither it nor an endpoint that is in trouble
    keeps the others from being healed.
    ``leave_alone``: deployments (endpoint, name) that are not started this time.
    """
    troubles = resume(context)
    failed = []
    done = _look(context)
    for endpoint, name in dict.fromkeys((missing.endpoint, missing.deployment) for missing in done.start):
        if (endpoint, name) not in leave_alone and not _start(context, endpoint, name):
            failed.append((endpoint, name))
    if done or context.store.names():
        troubles = {**publish(context), **troubles}
    removal.stop(context, done.stop)
    _forget(context, done.stop)
    strays.end(context)
    deletion.sweep(context)
    return Healed(done, tuple(failed), troubles)


def _look(context: Context) -> Plan:
    """Compare what is asked for with what runs, each endpoint while nobody else changes it.

    Instances are looked for first: those that a command starts later are not among them, and a command that has ended
    meanwhile has written down what it made.
    """
    instances, unseen = seen(context.backend)
    names = context.store.names()
    found = [plan([], [each for each in instances if each.endpoint not in names])]
    for name in names:
        with context.store.alone(name):
            try:
                state = context.store.find(name)
            except SandboxError:  # damaged: what it shall run nobody can tell, so that what runs stays
                continue
            if state is not None and unseen is not None and contained(state):  # so is what of it runs
                continue
            states = [] if state is None else [state]
            if any(_works(each.operation) for each in states):  # a deletion, which ends them itself
                continue
            found.append(plan(states, [each for each in instances if each.endpoint == name], busy=_busy(states)))
    return Plan(
        tuple(missing for each in found for missing in each.start),
        tuple(instance for each in found for instance in each.stop),
    )


def _forget(context: Context, ended: Collection[Instance]) -> None:
    """Remove the folders of revisions that have ended, but of a deployment that somebody works on, or that failed."""
    for endpoint, name in dict.fromkeys((each.endpoint, each.deployment) for each in ended):
        with context.store.alone(endpoint):
            state = context.store.find(endpoint)
            found = state.deployments.get(name) if state else None
            if found is None:
                removal.forget(context, endpoint, name)
            elif found.state == "Succeeded" and found.operation is None:
                removal.forget_revisions(context, endpoint, name, [each.id for each in found.kept])


def resume(context: Context) -> Troubles:
    """Go on with deletions and roll-outs whose process has ended.

    Returns:
        What is wrong with endpoints, by name: a damaged file, what kept a deletion from being finished.
    """
    states, troubles = context.store.look()
    for state in states:
        try:
            if state.state == "Deleting":
                if not _works(state.operation):
                    deletion.delete(context, state.name)
                continue
            for name, deployment in state.deployments.items():
                if _works(deployment.operation):
                    continue
                if deployment.state == "Deleting":
                    deployments.delete(context, state.name, name)
                elif deployment.operation is not None:
                    _go_on(context, state, name)
        except SandboxError as error:
            if error.code not in _SOMEBODY_WAS_FASTER:
                _tell(context, state.name, "", error)
                troubles[state.name] = error
    return troubles


def _works(operation: Operation | None) -> bool:
    return operation is not None and owner.works(operation.owner)


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
        if found.operation is not None:  # somebody is at it; or was, until a moment ago, and whoever heals next goes on
            return True
        context.store.write(with_deployment(state, name, replace(found, operation=operation)))
    missing = plan([with_deployment(state, name, found)], removal.of_endpoint(context, endpoint)).start
    indexes = [each.index for each in missing if each.deployment == name]
    made_of = found.served or found.wanted
    started = []
    outcome = replace(found, operation=None)
    try:
        with context.step("start", f"{len(indexes)} missing of {made_of.instance_count}", endpoint, name):
            started = [rollout.start_instance(context, made_of, found.serving, index) for index in indexes]
        wait_ready(context, made_of, started)
        if found.state == "Failed" and found.asked == made_of:
            outcome = replace(outcome, failure=None, state="Succeeded")
        context.store.note(endpoint, "heal", f"deployment {name}: {len(started)} started")
    except (SandboxError, OSError) as error:
        removal.stop(context, started, grace_s=1)
        failure = of_system(error) if isinstance(error, OSError) else error
        _tell(context, endpoint, name, failure)
        outcome = replace(outcome, failure=failure_of(failure), state="Failed")
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
        if each.operation is not None and _works(each.operation)
    )
