"""What deployments log: one of them, or several as one, in the order of time; those that come and go as well."""

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from sandbox.backend.protocol import Instance, LogLine
from sandbox.model.errors import SandboxError
from sandbox.model.state import DeploymentState
from sandbox.ops.context import Context
from sandbox.ops.readiness import own_files_of
from sandbox.ops.revisions import INITIALIZER_LOG

CONTAINERS = ("inference-server", "storage-initializer")
Name = tuple[str, str]  # endpoint, deployment


def of_one(
    context: Context,
    endpoint: str,
    name: str,
    *,
    lines: int = 5000,
    container: str = CONTAINERS[0],
    follow: bool = False,
) -> Iterator[str]:
    """Give the last lines of a deployment's log, then (``follow``) new ones as they come.

    Of several instances each line names its instance. A deployment that failed shows the log of its last attempt.

    Raises:
        NotFound: E050, E051.
        SandboxError: E066, there is no such container.
    """
    _, found = context.deployment(endpoint, name)
    name, endpoint = name.lower(), endpoint.lower()
    if container not in CONTAINERS:
        raise SandboxError("E066", f"there is no container {container!r}", "", f"one of {', '.join(CONTAINERS)}")
    if container == CONTAINERS[1]:
        yield from _last(_initializer_log(context, endpoint, name, found), lines)
        return
    heard = following(context, endpoint, name, lines=lines) if follow else merged(context, endpoint, name, lines=lines)
    yield from (line.text for line in heard)


def merged(context: Context, endpoint: str | None, deployment: str | None, *, lines: int) -> Iterator[LogLine]:
    """Give the last ``lines`` lines of each instance, all in the order of time.

    Args:
        context: where.
        endpoint: None: of all endpoints.
        deployment: None: of all deployments.
        lines: so many of each.

    Raises:
        NotFound: E050, E051.
    """
    from sandbox.backend import logs

    told: list[tuple[Iterable[LogLine], float]] = []
    shown = _Shown()
    for (where, name), state in _chosen(context, endpoint, deployment).items():
        instances = _of(context, where, name, state)
        shown.know((where, name), state, len(instances))
        if not instances and state.failure:
            kept = [LogLine(where, name, 0, line) for line in state.failure.log[-lines:]]
            told.append((kept, logs.moment(state.changed)))
        for each in instances:
            texts = context.backend.tail(each, lines)
            told.append(([LogLine(where, name, each.index, text) for text in texts], each.started))
    yield from map(shown.line, logs.merged(told))


def following(context: Context, endpoint: str | None, deployment: str | None, *, lines: int) -> Iterator[LogLine]:
    """Give the last ``lines`` lines of each instance, then new ones as they come; see ``merged``.

    Deployments that come later are heard from their first line on, those that end leave; it ends when none is left.

    Raises:
        NotFound: E050, E051.
    """
    _chosen(context, endpoint, deployment)
    where, only = (each.lower() if each else None for each in (endpoint, deployment))
    shown = _Shown()

    def select() -> list[Instance]:
        for state in context.store.look()[0]:
            for name, each in state.deployments.items():
                shown.know((state.name, name), each, (each.served or each.wanted).instance_count)
        return [each for each in context.backend.instances(where) if only in (None, each.deployment)]

    yield from map(shown.line, context.backend.follow(select, lines))


class _Shown:
    """Lines as people read them: with the developer's own paths, and of several instances behind the one's number."""

    def __init__(self) -> None:
        self._known: dict[Name, tuple[Callable[[str], str], str]] = {}

    def know(self, name: Name, state: DeploymentState, instances: int) -> None:
        """Learn how a deployment is now."""
        own = own_files_of(state.served or state.wanted, state.serving.code_root if state.serving else None)
        self._known[name] = own, "[{}] " if instances > 1 else ""

    def line(self, line: LogLine) -> LogLine:
        """Return a line as it is shown."""
        own, mark = self._known.get((line.endpoint, line.deployment), (str, ""))
        return replace(line, text=f"{mark.format(line.index)}{own(line.text)}")


def _chosen(context: Context, endpoint: str | None, deployment: str | None) -> dict[Name, DeploymentState]:
    if endpoint is not None and deployment is not None:
        state, found = context.deployment(endpoint, deployment)
        return {(state.name, deployment.lower()): found}
    states = context.store.look()[0] if endpoint is None else [context.endpoint(endpoint)]
    return {(state.name, name): found for state in states for name, found in state.deployments.items()}


def _of(context: Context, endpoint: str, name: str, state: DeploymentState) -> list[Instance]:
    """The instances whose logs are asked for: those that serve; where there are none, all."""
    found = [each for each in context.backend.instances(endpoint) if each.deployment == name]
    if state.serving is None:
        return found
    serving = state.serving.id
    return [each for each in found if each.revision == serving] or found


def _initializer_log(context: Context, endpoint: str, name: str, state: DeploymentState) -> str:
    revision = state.serving.id if state.serving else str(state.last_revision)
    return os.path.join(context.home.instances, endpoint, name, revision, INITIALIZER_LOG)


def _last(path: str, lines: int) -> Iterator[str]:
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as file:
        yield from (line.rstrip("\n") for line in deque(file, lines))
