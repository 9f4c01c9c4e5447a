"""Deleting an endpoint, with everything below it. Killed at any point, it is gone on with, or said again."""

import contextlib
from dataclasses import replace

from sandbox.model.errors import SandboxError
from sandbox.model.state import EndpointState
from sandbox.ops import endpoints, removal, space
from sandbox.ops.context import Context, begin, no_room, refuse_if_busy
from sandbox.ops.publish import publish
from sandbox.store.secret_files import SecretFiles


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
        if state is None or not _marked(context, replace(state, state="Deleting", operation=operation)):
            _forget(context, name)  # at once: what still runs is then ended by the next who heals
    with context.step("delete", f"endpoint {name}", name):
        try:
            _off_the_gateway(context)
            removal.stop_all(context, name)
            with context.store.alone(name):
                _forget(context, name)
        except BaseException:
            _release(context, name)
            raise
        publish(context)  # the gateway ends with the last endpoint
        space.tidy(context)
    context.store.note(name, "delete", "deleted")
    context.store.retire(name)


def sweep(context: Context) -> None:
    """Remove what commands left that were killed between two files: keys, journals and locks of no endpoint."""
    secrets = [name for group in ("keys", "tokens") for name in SecretFiles(context.home, group).names()]
    for name in sorted({*context.store.strangers(), *secrets} - set(context.store.names())):
        with context.store.alone(name):  # whoever creates it makes its keys under this lock
            if name not in context.store.names():
                endpoints.forget_secrets(context, name)
                context.store.retire(name)


def _marked(context: Context, state: EndpointState) -> bool:
    """Write down that it is being deleted; tell whether the disk has room for that."""
    try:
        context.store.write(state)
    except OSError as error:
        if not no_room(error):
            raise
        return False
    return True


def _off_the_gateway(context: Context) -> None:
    """Publish without it; where the disk is full, later: what is removed meanwhile makes room."""
    try:
        publish(context)
    except SandboxError as error:
        if not no_room(error):
            raise


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
