"""What deployments log: one of them, or several as one, in the order of time; those that come and go as well."""

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from sandbox.backend.protocol import Instance, LogLine
from sandbox.environment.materials import CODE
from sandbox.model.errors import NotFound, SandboxError, UsageError
from sandbox.model.state import DeploymentState
from sandbox.ops.backends import seen
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
    previous: bool = False,
) -> Iterator[str]:
    """Give the last lines of a deployment's log, then (``follow``) new ones as they come.

    Of several instances each line names its instance. A deployment that failed shows the log of its last attempt.
    ``previous``: the log of the revision before instead.

    Raises:
        NotFound: E050, E051; E127, there is no earlier log.
        SandboxError: E066, there is no such container.
        UsageError: E010, what is asked for of the revision before is not kept.
    """
    refuse(previous=previous, follow=follow, container=container)
    _, found = context.deployment(endpoint, name)
    name, endpoint = name.lower(), endpoint.lower()
    if container not in CONTAINERS:
        raise SandboxError("E066", f"there is no container {container!r}", "", f"one of {', '.join(CONTAINERS)}")
    if container == CONTAINERS[1]:
        yield from _last(_initializer_log(context, endpoint, name, found), lines)
        return
    if follow:
        heard = following(context, endpoint, name, lines=lines)
    else:
        heard = merged(context, endpoint, name, lines=lines, previous=previous)
    yield from (line.text for line in heard)


def refuse(*, previous: bool, follow: bool, container: str = CONTAINERS[0]) -> None:
    """Refuse what cannot be had of a revision that is gone.

    Raises:
        UsageError: E010.
    """
    if previous and follow:
        why = "nothing comes from a revision that is gone"
        raise UsageError("E010", "--previous and --follow exclude each other", why, "leave one of them out")
    if previous and container == CONTAINERS[1]:
        why = "of a revision that is gone the server's log is kept alone"
        raise UsageError("E010", f"--previous has no log of {container}", why, "leave --container out")


def merged(
    context: Context, endpoint: str | None, deployment: str | None, *, lines: int, previous: bool = False
) -> Iterator[LogLine]:
    """Give the last ``lines`` lines of each instance, all in the order of time.

    Args:
        context: where.
        endpoint: None: of all endpoints.
        deployment: None: of all deployments.
        lines: so many of each.
        previous: those of the revision before, of deployments that have one.

    Raises:
        NotFound: E050, E051; E127, ``previous`` and there is none.
    """
    from sandbox.backend import logs

    if previous:
        yield from _merged_before(context, endpoint, deployment, lines)
        return
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

    def know(self, name: Name, state: DeploymentState, instances: int, code_root: str | None = None) -> None:
        """Learn how a deployment is now, or was: with the copy of its code then."""
        copy = code_root or (state.serving.code_root if state.serving else None)
        own = own_files_of(state.served or state.wanted, copy)
        self._known[name] = own, "[{}] " if instances > 1 else ""

    def line(self, line: LogLine) -> LogLine:
        """Return a line as it is shown."""
        own, mark = self._known.get((line.endpoint, line.deployment), (str, ""))
        return replace(line, text=f"{mark.format(line.index)}{own(line.text)}")


def _merged_before(context: Context, endpoint: str | None, deployment: str | None, lines: int) -> Iterator[LogLine]:
    from sandbox.backend import logs

    told: list[tuple[Iterable[LogLine], float]] = []
    shown = _Shown()
    for (where, name), state in _chosen(context, endpoint, deployment).items():
        revision, texts = _before(context, where, name, state, lines)
        code = (state.served or state.wanted).code_configuration
        folder = os.path.basename(code.code.rstrip("/")) if code and code.code else ""
        copy = os.path.join(context.home.instances, where, name, revision, CODE, folder)
        shown.know((where, name), state, len(texts), copy)
        for index, text in sorted(texts.items()):
            told.append(([LogLine(where, name, index, line) for line in text], 0.0))
    if not told:
        which = "/".join(filter(None, (endpoint, deployment))) or "any endpoint"
        why = "no other revision was replaced or failed, or none of them logged anything"
        raise NotFound("E127", f"there are no earlier logs of {which}", why, "leave --previous out: the logs of now")
    yield from map(shown.line, logs.merged(told))


def _before(
    context: Context, endpoint: str, name: str, state: DeploymentState, lines: int
) -> tuple[str, dict[int, list[str]]]:
    """Return the newest revision but the one that is shown now, and the last lines of each of its instances."""
    from sandbox.backend import logs
    from sandbox.ops import earlier

    now = {state.serving.id if state.serving else str(state.last_revision), state.coming}
    kept = earlier.find(os.path.join(context.home.instances, endpoint, name))
    running = [each for each in seen(context.backend, endpoint)[0] if each.deployment == name]
    revisions = {*kept, *(each.revision for each in running)} - now
    if not revisions:
        return "", {}
    newest = max(revisions, key=int)
    texts = {index: logs.tail(path, lines) for index, path in kept.get(newest, {}).items()}
    ending = {each.index: context.backend.tail(each, lines) for each in running if each.revision == newest}
    return newest, texts | ending


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
