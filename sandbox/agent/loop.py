"""Look, heal, wait; again. Keeps nothing that a new one could not find out."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.agent.liveness import Liveness
from sandbox.agent.place import alone, ours
from sandbox.api import Sandbox
from sandbox.backend.protocol import Instance
from sandbox.model.deployment import Deployment
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event, Report
from sandbox.ops.backends import seen
from sandbox.ops.context import Context, of_system
from sandbox.store import owner

EVERY_S = 2.0
LONGEST_PAUSE_S = 300.0  # between attempts to start what does not start


@dataclass(slots=True)
class Pause:
    """How long something that fails is left alone: twice as long each time."""

    until: float = 0.0
    length_s: float = 1.0

    def longer(self, now: float) -> None:
        """Wait twice as long as before."""
        self.length_s = min(LONGEST_PAUSE_S, self.length_s * 2)
        self.until = now + self.length_s


class Loop:
    """One agent for one home."""

    def __init__(self, box: Sandbox, report: Report, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._box, self._report, self._clock = box, report, clock
        self._ended = threading.Event()
        self._pauses: dict[tuple[str, str], Pause] = {}
        self._liveness: dict[str, Liveness] = {}

    def run(self, every_s: float = EVERY_S) -> None:
        """Work until ``end`` is called, or the home is removed; what it held is ended before.

        Raises:
            SandboxError: E068, another agent works for this home.
        """
        told = None
        with alone(self._box.home):
            while not self._ended.is_set():
                trouble = self._trouble()
                if trouble is not None and trouble != told:  # once, not each round: the log would have no end
                    self._report(Event("ready", "failed", trouble))
                told = trouble
                if not ours(self._box.home):
                    break
                self._ended.wait(every_s)

    def _trouble(self) -> str | None:
        """Do one round; return what kept it from its end: a damaged file, a port that is taken, a full disk.

        It may be mended by the next round.
        """
        try:
            troubles = self.once()
        except OSError as error:
            return _text(of_system(error))
        except SandboxError as error:
            return _text(error)
        return "; ".join(f"{name}: {_text(error)}" for name, error in troubles.items()) or None

    def end(self) -> None:
        """Let ``run`` return. Any thread, any signal."""
        self._ended.set()

    def once(self) -> Mapping[str, SandboxError]:
        """One round: replace what is dead, then heal; return what is wrong with endpoints, by their names."""
        context = self._box.context(self._report)
        self._replace_dead(context)
        now = self._clock()
        left_alone = {key for key, pause in self._pauses.items() if pause.until > now}
        healed = self._box.heal(self._report, leave_alone=frozenset(left_alone))
        for key in healed.failed:
            self._pauses.setdefault(key, Pause()).longer(self._clock())
        for key in self._pauses.keys() - left_alone - set(healed.failed):
            del self._pauses[key]
        return healed.troubles

    def _replace_dead(self, context: Context) -> None:
        instances, _ = seen(context.backend)
        made_of = {
            (state.name, name, each.serving.id): each.served or each.wanted
            for state in context.store.look()[0]
            for name, each in state.deployments.items()
            if each.serving
            and each.serving.debug_port is None  # a debugger may have stopped all of it
            and not (each.operation and owner.works(each.operation.owner))  # else somebody waits for it
        }
        known = {each.id for each in instances}
        self._liveness = {key: each for key, each in self._liveness.items() if key in known}
        for instance in instances:
            deployment = made_of.get((instance.endpoint, instance.deployment, instance.revision))
            if instance.state != "exited" and deployment is not None:
                self._look_at(context, instance, deployment)

    def _look_at(self, context: Context, instance: Instance, deployment: Deployment) -> None:
        now = self._clock()
        if instance.id not in self._liveness:
            age = max(0.0, time.time() - instance.started)
            self._liveness[instance.id] = Liveness.of(deployment.startup_probe, now - age, now)
        seen = self._liveness[instance.id]
        probe = seen.probe(deployment)
        if not seen.due(probe, now):
            return
        kind = "liveness" if seen.started else "startup"
        found = context.backend.ready(instance, probe.timeout)
        if not seen.dead(probe, self._clock(), answered=found.ready):
            return
        text = f"instance {instance.index} failed its {kind} probe {seen.failures} times ({found.detail}): restarted"
        self._report(Event("stop", "note", text, instance.endpoint, instance.deployment))
        context.store.note(instance.endpoint, "liveness", f"deployment {instance.deployment}: {text}")
        context.backend.stop(instance, probe.timeout)


def _text(error: SandboxError) -> str:
    return f"{error}: {error.why}" if error.why else str(error)


def serve(box: Sandbox, report: Report) -> None:
    """Run an agent in this process until it is told to end (SIGTERM, SIGINT)."""
    loop = Loop(box, report)
    before = {number: signal.signal(number, lambda *_: loop.end()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        loop.run()
    finally:
        for number, previous in before.items():
            with contextlib.suppress(TypeError):
                signal.signal(number, previous)
