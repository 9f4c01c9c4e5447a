"""Deleting an endpoint, with everything below it. Killed at any point, it is gone on with, or said again."""

import contextlib
from dataclasses import replace

from sandbox.model.errors import SandboxError
from sandbox.model.state import EndpointState
from sandbox.ops import endpoints, removal, space
from sandbox.ops.context import Context, begin, refuse_if_busy
from sandbox.ops.publish import publish


def delete(context: Context, name: str) -> None:
    """Delete an endpoint with its deployments, its keys and everything that runs for it.

    Said again, it goes on with what was interrupted. One whose file is damaged is deleted as well.

    Raises:
        NotFound: E050.
        SandboxError: E053, one of its deployments is being changed, or another command deletes it.
    """
    operation = begin("delete")
    with context.store.alone(name):
        state = _whole(context, name)
        name = state.name if state else name.lower()
        refuse_if_busy(state, f"endpoint {name}")
        for each, deployment in state.deployments.items() if state else ():
            refuse_if_busy(deployment, f"deployment {each}")
        if state is not None:
            context.store.write(replace(state, state="Deleting", operation=operation))
        else:  # what it says cannot be kept: without it, what still runs is ended by the next who heals
            _forget(context, name)
    with context.step("delete", f"endpoint {name}", name):
        try:
            publish(context)
            removal.stop_all(context, name)
            with context.store.alone(name):
                _forget(context, name)
        except BaseException:
            _release(context, name)
            raise
        publish(context)  # the gateway ends with the last endpoint
        space.tidy(context)
    context.store.note(name, "delete", "deleted")


def _whole(context: Context, name: str) -> EndpointState | None:
    """Return the endpoint; None for one whose file is damaged."""
    try:
        return context.endpoint(name)
    except SandboxError as error:
        if error.code != "E004":
            raise
        return None


def _forget(context: Context, name: str) -> None:
    """Remove what is remembered of an endpoint; the caller holds its lock."""
    endpoints.forget_secrets(context, name)  # first: a new endpoint of this name must not be opened by them
    context.store.remove(name)


def _release(context: Context, name: str) -> None:
    """Let go of a deletion that failed, so that it can be said again while this process lives."""
    with contextlib.suppress(SandboxError), context.store.alone(name):
        found = context.store.find(name)
        if found is not None:
            context.store.write(replace(found, operation=None))
