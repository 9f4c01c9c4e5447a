"""Look, heal, wait; again. Keeps nothing that a new one could not find out."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.agent.place import alone, ours
from sandbox.api import Sandbox
from sandbox.backend.protocol import Instance
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event, Report
from sandbox.model.serving import Probe
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


@dataclass(slots=True)
class Liveness:
    """What one instance has shown of its liveness: Azure's rule, a row of failures as long as the threshold."""

    since: float
    asked: float = 0.0
    failures: int = 0

    def due(self, probe: Probe, now: float) -> bool:
        """Tell whether it is time to ask."""
        return now - self.since >= probe.initial_delay and now - self.asked >= probe.period

    def dead(self, probe: Probe, now: float, *, answered: bool) -> bool:
        """Take an answer into account; tell whether the instance has to be replaced."""
        self.asked = now
        self.failures = 0 if answered else self.failures + 1
        return self.failures >= probe.failure_threshold


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
        instances = context.backend.instances()
        probes = {
            (state.name, name, each.serving.id): (each.served or each.wanted).liveness_probe
            for state in context.store.look()[0]
            for name, each in state.deployments.items()
            if each.serving
            and each.serving.debug_port is None  # a debugger may have stopped all of it
            and not (each.operation and owner.works(each.operation.owner))  # else somebody waits for it
        }
        known = {each.id for each in instances}
        self._liveness = {key: each for key, each in self._liveness.items() if key in known}
        for instance in instances:
            probe = probes.get((instance.endpoint, instance.deployment, instance.revision))
            if instance.state != "exited" and probe is not None:
                self._look_at(context, instance, probe)

    def _look_at(self, context: Context, instance: Instance, probe: Probe) -> None:
        now = self._clock()
        seen = self._liveness.setdefault(instance.id, Liveness(now))
        if not seen.due(probe, now):
            return
        found = context.backend.ready(instance)
        if not seen.dead(probe, now, answered=found.ready):
            return
        text = f"instance {instance.index} failed its liveness probe {seen.failures} times ({found.detail}): restarted"
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
