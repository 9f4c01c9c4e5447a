"""Waiting until instances can answer, and knowing at once when they never will."""

import os
import time
from collections.abc import Callable, Sequence

from sandbox.backend.protocol import Failure, Instance
from sandbox.model.deployment import Deployment
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event
from sandbox.ops.context import Context

POLL_S = 0.05
TELL_S = 5.0  # how often somebody who waits is told what is waited for
LAST_LINES = 20


class NotReady(SandboxError):
    """Instances that do not answer; ``log`` holds the last lines of one of them."""

    log: tuple[str, ...] = ()


def limit_s(deployment: Deployment) -> float:
    """Return how long an instance may take: as long as its readiness probe lets it (spec section 2)."""
    probe = deployment.startup_probe or deployment.readiness_probe
    return float(probe.initial_delay + probe.period * probe.failure_threshold)


def wait_ready(
    context: Context, deployment: Deployment, instances: Sequence[Instance], code_root: str | None = None
) -> None:
    """Return when every instance has said that it is ready. The probes' times say how long that may take.

    ``code_root``: the copy of the code that runs; errors name the developer's own files in its place.

    Raises:
        SandboxError: E054, one ended (its own error is in the text); E055, the time is over.
    """
    if not instances:
        return
    endpoint, name = deployment.endpoint_name, deployment.name
    limit = limit_s(deployment)
    own_files = own_files_of(deployment, code_root)
    with context.step("ready", f"ready, {limit:g} s at most", endpoint, name):
        began = told = time.monotonic()
        waiting = list(instances)
        while waiting:
            detail = ""
            for instance in list(waiting):
                found = context.backend.ready(instance)
                if found.ready:
                    waiting.remove(instance)
                    continue
                if found.failure is not None:
                    raise _ended(deployment, found.failure, own_files)
                detail = found.detail
            if not waiting:
                return
            now = time.monotonic()
            if now - began > limit:
                raise _late(context, deployment, waiting[0], limit, detail)
            if now - told > TELL_S:
                told = now
                context.report(Event("ready", "note", detail or "init() runs", endpoint, name, now - began))
            time.sleep(POLL_S)


def own_files_of(deployment: Deployment, code_root: str | None) -> Callable[[str], str]:
    """Return what writes the path of the developer's folder where a text names that of its copy, ``code_root``."""
    code = deployment.code_configuration
    if code is None or code.code is None or code_root is None or not os.path.isdir(code.code):
        return lambda text: text
    copy, own = code_root.rstrip("/"), code.code.rstrip("/")
    return lambda text: text.replace(f"{copy}/", f"{own}/")


def _ended(deployment: Deployment, failure: Failure, own_files: Callable[[str], str]) -> NotReady:
    what = f"deployment {deployment.name!r} cannot start: {own_files(failure.summary)}"
    why = own_files(f"{failure.file}:{failure.line}") if failure.file and failure.line else ""
    fix = "correct the script, then say the same again" if failure.kind == "script" else ""
    error = NotReady("E054", what, why, fix)
    error.log = tuple(own_files(line) for line in failure.traceback or failure.log)
    return error


def _late(context: Context, deployment: Deployment, instance: Instance, limit: float, detail: str) -> NotReady:
    why = f"the instance says: {detail}" if detail else "it gave no answer"
    fix = "give init() more time: readiness_probe.failure_threshold or .initial_delay; or look at what it waits for"
    error = NotReady("E055", f"deployment {deployment.name!r} was not ready in {limit:g} s", why, fix)
    error.log = tuple(context.backend.tail(instance, LAST_LINES))
    return error
