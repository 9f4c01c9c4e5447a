"""Instances as processes of this machine, each a server of its own in a session of its own.

No process of ours watches them: they live on when we end, and whoever comes next finds them (see ``place``).
"""

import contextlib
import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from sandbox.backend import rotation
from sandbox.backend.process import cgroup, processes
from sandbox.backend.process.locks import locked
from sandbox.backend.process.place import Place, Record, Said
from sandbox.backend.protocol import PROBE_S, STOPPED, Failure, Instance, InstanceSpec, LogLine, Readiness
from sandbox.backend.usage import Used, of_leaders
from sandbox.home import Home
from sandbox.model.errors import SandboxError

LONGEST_STOP_S = 600.0  # somebody else's, which has to be over first
PAUSE_S = 0.01
READ_LINES = 2000  # of the log, for the cause of an end


class ProcessBackend:
    """Runs instances without Docker. Holds nothing in memory that another process could not find on disk."""

    name = "process"

    def __init__(self, home: Home) -> None:
        self._root = home.instances
        self._owner = hashlib.sha256(os.fsencode(os.path.realpath(home.root))).hexdigest()[:12]

    # --- Start -------------------------------------------------------------------------------------------------------

    def start(self, spec: InstanceSpec) -> Instance:
        """Start an instance and return without waiting until it is ready; one that runs already is returned as it is.

        Raises:
            SandboxError: E085, the interpreter cannot be started; E088, a variable is not possible; E005, somebody else
                is at it.
        """
        place = Place(self._root, spec.endpoint, spec.deployment, spec.revision, spec.index)
        with place.mine(LONGEST_STOP_S):
            before = place.read()
            if before is not None:
                found = self._observe(place, before)
                if found.state != "exited":
                    return found
                processes.end_all(self._mark(place, before.id), place.name)  # workers of a server that was killed
                cgroup.remove(before.cgroup)  # its record stays until the next one takes its place
            return self._start(place, spec)

    def _start(self, place: Place, spec: InstanceSpec) -> Instance:
        from sandbox.backend import ports  # here, as below: to look at instances is quick
        from sandbox.backend.process import launch, share, variables

        gpus = share.gpus(spec)
        with place.born() as alive, ports.reserve() as held:
            with locked(os.path.join(self._root, "sharing.lock")):
                others = [record for one in self._places() if one.lives() and (record := one.read())]
                record = share.record(spec, ports.number(held), gpus, others)
                place.write(record)
            if record.cgroup and spec.memory_bytes:
                cgroup.make(record.cgroup, spec.memory_bytes)
            rotation.set_aside(place.log)
            environment = variables.environment(
                spec.python, share.variables(spec, record), spec.variables, self._mark(place, record.id), os.environ
            )
            try:
                pid = launch.spawn(launch.command(place, spec, record), environment, place.log, alive, held.fileno())
            except (OSError, ValueError) as error:
                self._forget(place, record)
                raise launch.refused(place, spec, error) from None
        processes.adopt(pid)
        return replace(_instance(place, record, "starting"), pid=pid)

    def limits(self, spec: InstanceSpec) -> list[str]:
        """Say in sentences which of the asked-for cores, memory and GPUs are enforced here, and which are not."""
        from sandbox.backend.process import limits, share

        return limits.sentences(spec, share.machine_here())

    # --- Which there are ---------------------------------------------------------------------------------------------

    def instances(self, endpoint: str | None = None) -> list[Instance]:
        """Return what was started and not stopped, as it is now, also what has ended by itself."""
        processes.collect()
        found = []
        for place in self._places(endpoint):
            record = place.read()
            if record is not None:
                with contextlib.suppress(OSError):
                    rotation.rotate(place.log)  # nobody else does it: there is no process of ours beside the instance
                found.append(self._observe(place, record))
        return found

    def _places(self, *names: str | None) -> Iterator[Place]:
        wanted = [name for name in names if name is not None]
        for endpoint in _folders(self._root, wanted[:1]):
            for deployment in _folders(os.path.join(self._root, endpoint), wanted[1:2]):
                for revision in _folders(os.path.join(self._root, endpoint, deployment), wanted[2:3]):
                    folder = os.path.join(self._root, endpoint, deployment, revision)
                    indices = sorted(int(name) for name in _folders(folder, []) if name.isdigit())
                    yield from (Place(self._root, endpoint, deployment, revision, index) for index in indices)

    def _observe(self, place: Place, record: Record) -> Instance:
        """Return the instance as it is: the lock tells whether it runs, the process itself who it is."""
        lives, said = place.lives(), place.said()
        if said.id != record.id:  # it has not said so yet, or never will
            return _instance(place, record, "starting" if lives else "exited")
        if lives:
            return replace(_instance(place, record, "running"), pid=said.pid)
        return replace(_instance(place, record, "exited"), exit_code=_exit_code(place, said))

    def ready(self, instance: Instance, limit_s: float = PROBE_S) -> Readiness:
        """Ask once whether it serves, and wait ``limit_s`` seconds at most."""
        from sandbox.backend import ending, logs, probe

        place = _place(self._root, instance)
        record = place.read()
        if record is None or record.id != instance.id:
            return STOPPED
        if not place.lives():  # asked before the port, which may be somebody else's by now
            failure = self.failure(instance)
            return Readiness(False, failure.summary if failure else "it has ended", failure)
        status, found = probe.ask(instance.port, limit_s)
        detail = str(found.get("message") or found.get("status") or f"status {status}")
        broken = found.get("error")  # with --reload: the newest code
        failure = ending.broken(str(broken), logs.tail(place.log, READ_LINES)) if broken else None
        return Readiness(status == 200, detail, failure)

    def failure(self, instance: Instance) -> Failure | None:
        """Say why an instance has ended; None while it runs."""
        place = _place(self._root, instance)
        record = place.read()
        if record is None or record.id != instance.id or place.lives():
            return None
        from sandbox.backend import ending, logs

        return ending.explain(
            self._observe(place, record).exit_code,
            logs.tail(place.log, READ_LINES),
            rebooted=record.boot != processes.boot_id(),
            oom_kills=_oom_kills(record),
        )

    def usage(self, instances: Sequence[Instance], *, memory: bool = True) -> dict[str, Used]:
        """Return what they use with all that they have started, by id."""
        return of_leaders({each.id: each.pid for each in instances if each.pid is not None}, memory=memory)

    # --- Logs --------------------------------------------------------------------------------------------------------

    def tail(self, instance: Instance, lines: int) -> list[str]:
        """Return the last lines of its log, older parts included."""
        from sandbox.backend import logs

        return logs.tail(instance.log, lines)

    def follow(self, select: Callable[[], Sequence[Instance]], lines: int) -> Iterator[LogLine]:
        """Give the last lines of each instance in the order of time, then new ones as they come; see ``logs``."""
        from sandbox.backend import logs

        return logs.follow(select, lines)

    # --- Stop --------------------------------------------------------------------------------------------------------

    def stop(self, instance: Instance, grace_s: float) -> None:
        """End it: requests get ``grace_s`` seconds to finish. Nothing of it is left but its log.

        Raises:
            SandboxError: E087, a process cannot be ended.
        """
        place = _place(self._root, instance)
        if not os.path.isdir(place.folder):  # removed by hand: its mark is left
            processes.end_all(self._mark(place, instance.id), place.name)
            return
        with place.mine(max(LONGEST_STOP_S, grace_s)):
            self._stop(place, instance.id, grace_s)

    def _stop(self, place: Place, identity: str, grace_s: float) -> None:
        record, said, mark = place.read(), place.said(), self._mark(place, identity)
        if record is None or record.id != identity:  # another run by now: only what is left of this one
            processes.end_all(mark, place.name)
            return
        if grace_s > 0:
            self._ask_to_end(place, record, grace_s)
        deadline = time.monotonic() + processes.END_S
        processes.end_all(mark, place.name)
        while place.lives():  # so new that its mark cannot be seen yet
            if time.monotonic() > deadline:
                why, fix = f"{place.alive} is still locked", "end the process that has it open"
                raise SandboxError("E087", f"{place.name} cannot be ended", why, fix)
            time.sleep(PAUSE_S)
            processes.end_all(mark, place.name)
        if said.id == identity and said.pid is not None:
            processes.reap(said.pid)
        self._forget(place, record)

    def _forget(self, place: Place, record: Record) -> None:
        cgroup.remove(record.cgroup)
        place.forget()

    def _ask_to_end(self, place: Place, record: Record, grace_s: float) -> None:
        """Send SIGTERM, once: the second one would cut off what the first one lets finish."""
        deadline, asked = time.monotonic() + grace_s, False
        while place.lives() and time.monotonic() < deadline:
            said = place.said()
            if said.id == record.id and said.pid is not None and not asked and not place.asked_to_end(record):
                asked = True
                with contextlib.suppress(OSError):  # a full disk keeps nobody from ending
                    place.ask_to_end(record)  # before it is sent: whoever comes after us then waits the whole grace
                processes.send(said.pid, said.began, signal.SIGTERM)
            time.sleep(PAUSE_S)

    def remove(self, endpoint: str, deployment: str, revision: str) -> None:
        """Remove what is remembered of these instances, logs included; one that runs is ended first."""
        import shutil

        for place in list(self._places(endpoint, deployment, revision)):
            with place.mine(LONGEST_STOP_S):
                record = place.read()
                if record is not None:
                    self._stop(place, record.id, 0)
                shutil.rmtree(place.folder, ignore_errors=True)
        folder = os.path.join(self._root, endpoint, deployment, revision)
        with contextlib.suppress(OSError):  # others keep something there
            while folder != self._root:
                os.rmdir(folder)
                folder = os.path.dirname(folder)

    def end_strays(self) -> list[str]:
        """End the processes of instances of this home that no record tells of, and return the instances' names.

        There are some when somebody has removed the home while instances ran.
        """
        running = processes.marks(f"{self._owner}/")
        known = {self._mark(place, record.id) for place in self._places() if (record := place.read())}
        strays = sorted(running - known)  # records are read last: each is written before its process is made
        for mark in strays:
            processes.end_all(mark, mark.partition("/")[2])
        return [mark.partition("/")[2].rpartition("/")[0] for mark in strays]

    def _mark(self, place: Place, identity: str) -> str:
        return f"{self._owner}/{place.endpoint}/{place.deployment}/{place.revision}/{place.index}/{identity}"


def _place(root: str, instance: Instance) -> Place:
    return Place(root, instance.endpoint, instance.deployment, instance.revision, instance.index)


def _instance(place: Place, record: Record, state: Literal["starting", "running", "exited"]) -> Instance:
    return Instance(
        endpoint=place.endpoint,
        deployment=place.deployment,
        revision=place.revision,
        index=place.index,
        id=record.id,
        pid=None,
        port=record.port,
        state=state,
        exit_code=None,
        started=record.started,
        log=place.log,
        gpus=record.gpus,
    )


def _oom_kills(record: Record) -> int:
    """Return how many processes were killed for want of memory since it was started, of its own if that is known."""
    return cgroup.oom_kills(record.cgroup) if record.cgroup else processes.oom_kills() - record.oom_kills


def _exit_code(place: Place, said: Said) -> int | None:
    """Return how it ended: by its own word, else by the system's to its parent, which only we may be."""
    seen = processes.reap(said.pid) if said.pid is not None else None
    if said.exit_code is not None or seen is None:
        return said.exit_code
    place.say_end(said, seen)
    return seen


def _folders(path: str, wanted: Sequence[str]) -> list[str]:
    """Return the names of the folders in ``path``, of those that are wanted; none: of all."""
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and (not wanted or entry.name in wanted))
    except (FileNotFoundError, NotADirectoryError):
        return []
