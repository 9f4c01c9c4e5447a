"""The sandbox as the screens see it: every call goes through ``sandbox.api``."""

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.api import Sandbox
from sandbox.model.errors import SandboxError
from tui import asked, commands, jobs, rates
from tui.looks import About, Answer, Group, Line, Look, Note, Numbers, Request, Row, Word
from tui.source import Order
from tui.trouble import of_failure

if TYPE_CHECKING:
    from sandbox.gateway.stats import Snapshot
    from sandbox.model.state import Failure
    from sandbox.ops.asking import DeploymentStatus, EndpointStatus
    from sandbox.ops.watching import Usage

WINDOW_S = 6.0  # rates are of the last so many seconds
KEPT = 300  # readings that a curve shows at most
USAGE_S, MEMORY_S = 2.0, 10.0  # processor time is read often, memory costs more
_WORDS: Mapping[str, Word] = {"Creating": "starting", "Updating": "updating", "Deleting": "deleting"}


class Box:
    """One home. ``look`` remembers the readings before, from which rates are made; one thread calls it."""

    def __init__(self, home: str | None = None) -> None:
        self._sandbox = Sandbox(home)
        self._watching = self._sandbox.watching()  # for all looks: it keeps the connection to an engine
        self.place = self._sandbox.home.root
        self._readings: deque[Snapshot] = deque()
        self._usage: dict[tuple[str, str], Usage] = {}
        self._cpu: dict[tuple[str, str], tuple[float, float]] = {}
        self._percent: dict[tuple[str, str], float] = {}
        self._usage_at = self._memory_at = float("-inf")
        self._instances: frozenset[str] = frozenset()
        self._series: dict[tuple[str, str], tuple[Numbers, ...]] = {}

    # --- Looking -----------------------------------------------------------------------------------------------------

    def look(self) -> Look:
        """Look at everything; a connection to an engine that broke meanwhile is made anew first."""
        try:
            return self._look()
        except SandboxError:
            raise
        except Exception:  # noqa: BLE001 - whatever broke, a new one says what is wrong as every command does
            self._watching = self._sandbox.watching()
            return self._look()

    def _look(self) -> Look:
        from sandbox.agent import place

        watching = self._watching
        status = watching.status()
        at = time.monotonic()
        self._take(watching.numbers(), at)
        if at - self._usage_at >= USAGE_S:
            instances = [each for found in status.endpoints for one in found.deployments for each in one.instances]
            ids = frozenset(each.id for each in instances)
            memory = at - self._memory_at >= MEMORY_S or ids != self._instances
            self._take_usage(watching.usage(instances, memory=memory), at)
            self._instances, self._memory_at = ids, at if memory else self._memory_at
        groups = tuple(self._group(found, status.troubles.get(found.name)) for found in status.endpoints)
        there = {found.name for found in status.endpoints}
        groups += tuple(_damaged(name, failure) for name, failure in status.troubles.items() if name not in there)
        known = {row.key for group in groups for row in group.rows}
        old = self._series
        self._series = {
            row.key: (*old.get(row.key, ())[-KEPT + 1 :], row.numbers) for group in groups for row in group.rows
        }
        self._cpu = {key: found for key, found in self._cpu.items() if key in known}
        work = jobs.read(self._jobs)
        notes = [_note(said) for said in watching.journal()]
        notes += [Note(job.began, job.endpoint, job.title, job.command) for job in work]
        return Look(
            at,
            status.gateway,
            place.running(self._sandbox.home),
            groups,
            tuple(sorted(notes, key=lambda note: note.at)),
            work,
            self._series,
        )

    def _take(self, reading: "Snapshot | None", at: float) -> None:
        if reading is None:
            self._readings.clear()
            return
        self._readings.append(reading)
        while len(self._readings) > 2 and at - self._readings[1].at >= WINDOW_S:
            self._readings.popleft()

    def _take_usage(self, usage: "dict[tuple[str, str], Usage]", at: float) -> None:
        seconds = at - self._usage_at
        for key, found in usage.items():
            before = self._cpu.get(key)
            if before is not None and found.cpu_s >= before[1]:
                self._percent[key] = 100 * (found.cpu_s - before[1]) / (at - before[0])
            self._cpu[key] = (at, found.cpu_s)
        if seconds > 0:
            memories = {key: found.memory_bytes for key, found in self._usage.items()}
            self._usage_at, self._usage = at, {}
            for key, found in usage.items():
                memory = found.memory_bytes if found.memory_bytes is not None else memories.get(key)
                self._usage[key] = replace(found, memory_bytes=memory)

    def _group(self, found: "EndpointStatus", failure: "Failure | None") -> Group:
        word: Word = _WORDS.get(found.state, "failed" if found.state == "Failed" or failure else "ready")
        trouble = of_failure(failure) if failure else None
        rows = tuple(self._row(found, each) for each in found.deployments)
        return Group(found.name, word, found.port, found.scoring_uri, found.auth_mode, rows, trouble)

    def _row(self, endpoint: "EndpointStatus", found: "DeploymentStatus") -> Row:
        key = (endpoint.name, found.name)
        failure = found.failure
        return Row(
            endpoint.name,
            found.name,
            _word(found),
            found.live_percent,
            found.mirror_percent,
            found.wanted,
            found.running,
            found.revision or "",
            found.development,
            found.revision is not None and found.state != "Deleting",
            self._numbers(key),
            of_failure(failure) if failure is not None else None,
        )

    def _numbers(self, key: tuple[str, str]) -> Numbers:
        usage = self._usage.get(key)
        numbers = Numbers()
        if len(self._readings) > 1:
            first, last = self._readings[0], self._readings[-1]
            seconds = last.at - first.at
            numbers = rates.between(first.live.get(key), last.live.get(key), seconds)
            copies = rates.between(first.mirror.get(key), last.mirror.get(key), seconds)
            numbers = replace(numbers, copies=copies.rps)
        if usage is None:
            return numbers
        gpu, gpu_memory = usage.gpu_percent, usage.gpu_bytes
        cpu = self._percent.get(key)
        return replace(numbers, cpu=cpu, memory=usage.memory_bytes, gpu=gpu, gpu_memory=gpu_memory)

    def about(self, endpoint: str, deployment: str) -> About:
        """Look at one deployment closely."""
        return asked.about(self._sandbox.watching(), endpoint, deployment)

    def follow(
        self, endpoint: str | None, deployment: str | None, lines: int, ended: Callable[[], bool]
    ) -> Iterator[Line]:
        """Give lines of logs until nobody wants them any more."""
        for found in self._sandbox.watching().follow(endpoint, deployment, lines, ended):
            yield Line(found.endpoint, found.deployment, found.text, found.index)

    def requests(self, after: int) -> tuple[Sequence[Request], int]:
        """Give the requests since a position."""
        found, position = self._sandbox.watching().requests(after)
        return [
            Request(
                each.at,
                each.endpoint,
                each.deployment,
                each.method,
                each.path,
                each.status,
                each.ms,
                each.received,
                each.sent,
                each.request_id,
                each.details,
            )
            for each in found
        ], position

    def hosts(self) -> Sequence[str]:
        """Give the names of the hosts that something can be promoted to."""
        return [host.name for host in self._sandbox.hosts.list()]

    def attach(self, endpoint: str, deployment: str) -> str:
        """Give the entry of launch.json by which VS Code attaches; "" where no debugger can."""
        found = self._sandbox.online_deployments.debug(deployment, endpoint)  # it is on: nothing changes
        return json.dumps(found.attach.entry, indent=4) if found.attach else ""

    # --- Changing ----------------------------------------------------------------------------------------------------

    def set_traffic(
        self,
        endpoint: str,
        live: Mapping[str, int],
        mirror: Mapping[str, int],
        seen: tuple[Mapping[str, int], Mapping[str, int]],
    ) -> None:
        """Change who gets which share.

        Raises:
            SandboxError: E140, somebody else has changed it since; E056, a share that cannot be.
        """
        self._sandbox.online_endpoints.update(name=endpoint, traffic=dict(live), mirror=dict(mirror), seen=seen)

    def invoke(self, endpoint: str, deployment: str | None, data: str) -> Answer:
        """Send one request."""
        began = time.monotonic()
        found = self._sandbox.online_endpoints.invoke(endpoint, data.encode(), deployment=deployment)
        seconds = time.monotonic() - began
        return Answer(found.status, seconds, tuple(found.headers), found.body.decode("utf-8", "replace"))

    def begin(self, order: Order) -> str:
        """Begin work in a process of its own."""
        return jobs.begin(self._jobs, self.place, order)

    def again(self, job: str) -> str:
        """Begin the same work once more."""
        return jobs.begin(self._jobs, self.place, jobs.order(self._jobs, job))

    def cancel(self, job: str) -> None:
        """Let a job stop, as Ctrl-C would."""
        jobs.cancel(self._jobs, job)

    @property
    def _jobs(self) -> str:
        return os.path.join(self.place, "jobs")


def _damaged(name: str, failure: "Failure") -> Group:
    """Return an endpoint of which nothing can be read."""
    return Group(name, "failed", 0, "", "", (), of_failure(failure))


def _word(found: "DeploymentStatus") -> Word:
    if found.interrupted:
        return "interrupted"
    if found.state in _WORDS:
        return _WORDS[found.state]
    if found.state == "Failed":
        return "failed"
    if found.wanted == 0:
        return "stopped"
    return "ready" if found.running >= found.wanted else "degraded"


def _note(said: Mapping[str, Any]) -> Note:
    endpoint, verb, text = (str(said.get(key, "")) for key in ("endpoint", "verb", "text"))
    shown = text if text.split(" ")[0] in {"traffic", "mirror", "deployment"} else f"endpoint {text}"
    if verb == "delete" and shown.startswith("deployment"):
        shown = f"{shown} deleted"
    elif verb in {"create", "update"} and shown.startswith("deployment") and len(shown.split()) == 2:
        shown = f"{verb} {shown}"
    return Note(str(said.get("at", "")), endpoint, shown, commands.of_note(endpoint, verb, text), "code" in said)
