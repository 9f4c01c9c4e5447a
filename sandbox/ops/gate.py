"""A gate: the new version is watched for a while, and found good or bad by its answers and its instances."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from sandbox.backend.protocol import Instance
from sandbox.gateway.errors import GatewayError
from sandbox.gateway.stats import Counts
from sandbox.model.errors import SandboxError
from sandbox.ops.context import Context

POLL_S = 0.5
ENOUGH = 20  # requests, to judge before the time is over
MISSES = 2  # looks in a row at which an instance does not serve
LOG_LINES = 20


class Failed(SandboxError):
    """A gate that is shut; ``log`` are the last lines of the instance that it was about."""

    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """Requests and errors of one side since the gate was opened."""

    requests: int = 0
    errors: int = 0

    @property
    def percent(self) -> float:
        """Errors in percent of the requests."""
        return 100 * min(self.errors, self.requests) / self.requests if self.requests else 0.0


class Gate:
    """Watches the deployment ``name`` of an endpoint; ``others`` serve beside it, or served before."""

    def __init__(self, context: Context, endpoint: str, name: str, others: Collection[str], most: float) -> None:
        """``most``: percent of errors that are let through, or as many as the others have in the same time."""
        from sandbox.hosts import production
        from sandbox.image import engine

        self._context, self._endpoint, self._name = context, endpoint, name
        self._client = engine.connect()
        self._others = frozenset(others) - {name}
        self._most = most
        settings = production.read(context.home)
        logs = f"sandbox --host {settings.host if settings else 'NAME'} logs {endpoint}"
        self._fix = f"traffic is back where it was; correct what the log shows, and promote again; {logs} shows more"
        self._misses: dict[str, int] = {}
        self._restarts: dict[str, int] = {}  # by instance, when it was first looked at

    def watch(self, seconds: float) -> Seen:
        """Watch for so long, and look once at the end; return what the new version was asked.

        Raises:
            SandboxError: E185, it is bad.
        """
        began, before = time.monotonic(), self._counts()
        while True:
            left = seconds - (time.monotonic() - began)
            last = left <= 0
            self._look_at_instances(last=last)
            now = self._counts()
            if any(now[side][0] < before[side][0] for side in now):  # the gateway began to count anew
                before = dict.fromkeys(now, (0, 0))
            new, old = (
                Seen(*(one - other for one, other in zip(now[side], before[side], strict=True))) for side in now
            )
            if (last or new.requests >= ENOUGH) and new.percent > max(self._most, old.percent):
                raise self._errors(new, old, time.monotonic() - began)
            if last:
                return new
            time.sleep(min(POLL_S, left))

    def _counts(self) -> dict[str, tuple[int, int]]:
        """Requests and errors of the new version, and of the others, as the gateway has counted them."""
        try:
            found = self._context.gateway.stats().live
        except GatewayError as error:
            raise Failed("E185", f"the gateway does not answer: {error.what}", error.why, error.fix) from None
        sides = {"new": (0, 0), "old": (0, 0)}
        for (endpoint, name), counts in found.items():
            side = "new" if name == self._name else "old" if name in self._others else ""
            if endpoint == self._endpoint and side:
                requests, errors = sides[side]
                sides[side] = (requests + counts.requests, errors + _errors(counts))
        return sides

    def _look_at_instances(self, *, last: bool) -> None:
        context, (_, state) = self._context, self._context.deployment(self._endpoint, self._name)
        serving = state.serving.id if state.serving else ""
        wanted = (state.served or state.wanted).instance_count
        found = [
            each
            for each in context.backend.instances(self._endpoint)
            if (each.deployment, each.revision) == (self._name, serving)
        ]
        if len(found) < wanted:
            raise Failed("E185", f"{wanted - len(found)} of {wanted} instances of {self._name} are gone", "", self._fix)
        for each in found:
            self._look_at(each, last=last)

    def _look_at(self, instance: Instance, *, last: bool) -> None:
        found = self._context.backend.ready(instance)
        if (times := self._restarted(instance)) > self._restarts.setdefault(instance.id, times):
            raise self._bad(instance, "it has ended, and the engine has started it again")
        missed = 0 if found.ready else self._misses.get(instance.id, 0) + 1
        self._misses[instance.id] = missed
        if found.failure is None and missed < MISSES and not (last and missed):
            return
        raise self._bad(instance, found.failure.summary if found.failure else found.detail)

    def _restarted(self, instance: Instance) -> int:
        """Count how often the engine has started an instance again."""
        from sandbox.image import sealed

        return sealed.restarts(self._client, instance.id)

    def _bad(self, instance: Instance, summary: str) -> Failed:
        error = Failed("E185", f"instance {instance.index} of {self._name} does not serve: {summary}", "", self._fix)
        error.log = self._log(instance)
        return error

    def _errors(self, new: Seen, old: Seen, seconds: float) -> Failed:
        what = f"{self._name} answered {new.errors} of {new.requests} requests with errors in {seconds:.0f} s"
        beside = f"; the version before: {old.percent:.3g} percent of {old.requests}" if old.requests else ""
        error = Failed("E185", what, f"{new.percent:.3g} percent, {self._most:g} are let through{beside}", self._fix)
        mine = [each for each in self._context.backend.instances(self._endpoint) if each.deployment == self._name]
        error.log = self._log(mine[0]) if mine else ()
        return error

    def _log(self, instance: Instance) -> tuple[str, ...]:
        return tuple(self._context.backend.tail(instance, LOG_LINES))


def _errors(counts: Counts) -> int:
    """Count what a client would call the version's fault; statuses of the 400s are the client's own."""
    return counts.answered.get("5xx", 0) + counts.refused + counts.timed_out
