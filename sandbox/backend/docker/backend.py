"""Instances as containers. What is known of them stands on their labels; beside that only their last lines are kept."""

import contextlib
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox import files
from sandbox.backend import ports
from sandbox.backend.docker import doors, left, words
from sandbox.backend.docker.engine import Connection, Engine
from sandbox.backend.docker.failure import explain, refused
from sandbox.backend.docker.seen import instance_of
from sandbox.backend.protocol import PROBE_S, STOPPED, Failure, Instance, InstanceSpec, LogLine, Readiness
from sandbox.backend.usage import Used, of_statistics
from sandbox.home import Home
from sandbox.model.container import Container
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

KEPT_LINES = 5000  # of the log of an instance that was stopped
PORT_TRIES = 5
REMOVAL_S, PAUSE_S = 10.0, 0.02
_TAKEN = ("port is already allocated", "address already in use")


class DockerBackend:
    """Runs instances in containers of one engine. Without containers the engine is not asked, and need not be there."""

    name = "docker"

    def __init__(self, home: Home, connect: Callable[[], Connection]) -> None:
        """``connect`` returns the engine that is to be used now; it is called when it is needed first."""
        self._home = home
        self._engine = Engine(home, connect)

    # --- Start -------------------------------------------------------------------------------------------------------

    def start(self, spec: InstanceSpec) -> Instance:
        """Start an instance and return without waiting until it is ready; one that runs already is returned as it is.

        Raises:
            SandboxError: E110 to E113, the engine; E117, it refuses the container; E118, a GPU cannot be had.
        """
        container = spec.container
        assert container is not None
        client = self._engine.begin()
        name = words.name(self._engine.owner, spec)
        found = self._named(name)
        if found is not None:
            if found.state != "exited":
                return found
            self._keep(found)
            self._remove(found.id)
        for attempt in range(PORT_TRIES):
            with contextlib.ExitStack() as held:
                inside = words.inside(spec, container)
                outside = {port: self._port(held, spec, port) for port in inside}
            try:
                self._create(client, name, spec, container, outside)
            except SandboxError as error:
                if not any(sign in error.why for sign in _TAKEN) or attempt == PORT_TRIES - 1:
                    raise
                continue
            break
        made = self._named(name)
        if made is None:
            raise SandboxError("E117", f"{name} was removed while it was started", "", "say the command again")
        return made

    @staticmethod
    def _port(held: contextlib.ExitStack, spec: InstanceSpec, port: int) -> int:
        """Return a free port of this machine; a debugger's is the one that was said."""
        return port if port == words.debug_port(spec) else ports.number(held.enter_context(ports.reserve()))

    def _create(
        self, client: "APIClient", name: str, spec: InstanceSpec, container: Container, outside: Mapping[int, int]
    ) -> None:
        from docker.errors import APIError

        network = self._engine.network()
        cpus, podman = self._engine.cpus, self._engine.podman
        ours = {words.OWNER: self._engine.owner, words.ROOT: self._home.root, words.MACHINE: left.machine()}
        door = doors.folder(self._home, name) if not container.egress else ""
        lender = doors.open_for(client, name, container, door, ours, podman=podman) if door and container.own else ""
        asked = words.host_config(
            spec, container, outside, network=network, cpus=cpus, podman=podman, door=door, lender=lender
        )
        made = None
        try:
            made = client.create_container(
                container.image,
                command=words.command(spec, container),
                name=name,
                hostname=None if lender else f"{spec.deployment}-{spec.index}"[:63],
                user=None if container.own else words.user(),
                working_dir=None if container.own else spec.app_root,
                environment=words.environment(spec, container),
                ports=list(outside),
                labels={**words.labels(self._engine.owner, spec, container, outside, door), **ours},
                host_config=client.create_host_config(**asked),
            )["Id"]
            client.start(made)
        except APIError as error:
            if made is None and error.status_code == 409:  # another command was faster
                return
            if made is not None:  # what could not be started is left behind by the engine
                self._remove(made)
            if lender:
                doors.forget(client, f"{door}/s")
            raise refused(name, str(error.explanation or error)) from None

    def limits(self, spec: InstanceSpec) -> list[str]:
        """Say in sentences what is asked for and cannot be had; the rest is enforced."""
        self._engine.begin()
        return words.sentences(spec, self._engine.cpus, self._engine.memory_bytes)

    # --- Which there are ---------------------------------------------------------------------------------------------

    def instances(self, endpoint: str | None = None) -> list[Instance]:
        """Return what was started and not stopped, as it is now, also what has ended by itself.

        Raises:
            SandboxError: E110 to E113, there are some and the engine does not answer.
        """
        client = self._engine.used()
        if client is None:
            return []
        wanted = [
            f"{words.OWNER}={self._engine.owner}",
            words.INDEX,
            *([f"{words.ENDPOINT}={endpoint}"] if endpoint else []),
        ]
        found = client.containers(all=True, filters={"label": wanted})
        return sorted(map(self._observed, found), key=lambda one: (one.endpoint, one.deployment, one.index))

    def _named(self, name: str) -> Instance | None:
        client = self._engine.begin()
        found = client.containers(all=True, filters={"name": f"^/?{re.escape(name)}$"})
        return self._observed(found[0]) if found else None

    def _observed(self, found: Mapping[str, Any]) -> Instance:
        loops = found["State"] == "restarting" and self._loops(found["Id"])
        return instance_of(found, self._home.instances, loops=loops)

    def _loops(self, container: str) -> bool:
        found = self._inspect(container)
        return found is not None and found["RestartCount"] >= words.CRASHES

    def _inspect(self, container: str) -> dict[str, Any] | None:
        client = self._engine.used()
        if client is None:
            return None
        from docker.errors import NotFound

        try:
            return dict(client.inspect_container(container))
        except NotFound:
            return None

    def ready(self, instance: Instance, limit_s: float = PROBE_S) -> Readiness:
        """Ask once whether it serves, ``limit_s`` seconds at most. From the first yes on the engine starts it again."""
        from sandbox.backend import ending, probe

        found = self._inspect(instance.id)
        if found is None:
            return STOPPED
        state, policy = found["State"], found["HostConfig"]["RestartPolicy"]["Name"]
        if state["Status"] in {"exited", "dead"} or found["RestartCount"] >= words.CRASHES:
            failure = self.failure(instance)
            return Readiness(False, failure.summary if failure else "it has ended", failure)
        said = found["Config"]["Labels"]
        port = instance.probe_port or instance.port
        if said[words.OWN] == "yes":
            status, answer = probe.ask(port, limit_s, path=said[words.PROBE_PATH], by=instance.socket)
        else:
            status, answer = probe.ask(port, limit_s, by=instance.socket)
        ready = status is not None and 200 <= status < 400 if said[words.OWN] == "yes" else status == 200
        if ready and policy in {"no", ""}:
            client = self._engine.begin()
            if not self._engine.podman:  # whose API has no such call: there the agent starts it again
                client.update_container(instance.id, restart_policy={"Name": "unless-stopped"})
        detail = str(answer.get("message") or answer.get("status") or f"status {status}")
        broken = None if said[words.OWN] == "yes" else answer.get("error")  # with --reload: the newest code
        return Readiness(ready, detail, ending.broken(str(broken), self.tail(instance, 2000)) if broken else None)

    def failure(self, instance: Instance) -> Failure | None:
        """Say why an instance has ended; None while it runs."""
        found = self._inspect(instance.id)
        if found is None or (found["State"]["Running"] and found["RestartCount"] < words.CRASHES):
            return None
        return explain(found, self.tail(instance, 2000))

    def usage(self, instances: Sequence[Instance], *, memory: bool = True) -> dict[str, Used]:  # noqa: ARG002
        """Return what they use, by id; those of which the engine does not say it are left out."""
        from docker.errors import APIError

        client = self._engine.used()
        found: dict[str, Used] = {}
        for each in instances if client else ():
            with contextlib.suppress(APIError):
                used = of_statistics(client.stats(each.id, stream=False, one_shot=True)) if client else None
                found |= {each.id: used} if used else {}
        return found

    # --- Logs --------------------------------------------------------------------------------------------------------

    def tail(self, instance: Instance, lines: int) -> list[str]:
        """Return the last lines of its log, also after its end, and of those that were in its place before."""
        from sandbox.backend import logs
        from sandbox.backend.docker import logs as docker_logs

        found = [] if self._inspect(instance.id) is None else docker_logs.tail(self._engine.begin(), instance.id, lines)
        return [*(logs.tail(instance.log, lines - len(found)) if len(found) < lines else ()), *found]

    def follow(self, select: Callable[[], Sequence[Instance]], lines: int) -> Iterator[LogLine]:
        """Give the last lines of each instance in the order of time, then new ones as they come."""
        from sandbox.backend.docker import logs as docker_logs

        client = self._engine.used()
        if client is not None:
            yield from docker_logs.follow(client, select, lines)

    # --- Stop --------------------------------------------------------------------------------------------------------

    def stop(self, instance: Instance, grace_s: float) -> None:
        """End it: requests get ``grace_s`` seconds to finish. Nothing of it is left but the end of its log.

        Raises:
            SandboxError: E121, the engine cannot end it.
        """
        client = self._engine.used()
        if client is None:
            return
        from docker.errors import APIError, NotFound

        try:
            with contextlib.suppress(NotFound):
                if grace_s > 0:
                    client.stop(instance.id, timeout=math.ceil(grace_s))
                else:
                    with contextlib.suppress(APIError):  # it does not run
                        client.kill(instance.id)
                self._keep(instance)
        except APIError as error:
            why = str(error.explanation or error)
            raise SandboxError("E121", f"container {instance.id[:12]} cannot be ended", why, "try again") from None
        finally:
            self._remove(instance.id)
            if instance.socket:
                doors.forget(client, instance.socket)

    def _keep(self, instance: Instance) -> None:
        lines = self.tail(instance, KEPT_LINES)
        if os.path.isdir(os.path.dirname(os.path.dirname(instance.log))):  # else the whole deployment is being removed
            files.write(instance.log, "".join(f"{line}\n" for line in lines).encode())

    def _remove(self, container: str) -> None:
        """Remove a container; it is gone when this returns, also where another command removes it just now."""
        from docker.errors import APIError, NotFound

        client = self._engine.begin()
        deadline = time.monotonic() + REMOVAL_S
        try:
            client.remove_container(container, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409:
                raise refused(container[:12], str(error.explanation or error)) from None
        while self._inspect(container) is not None and time.monotonic() < deadline:
            time.sleep(PAUSE_S)

    def remove(self, endpoint: str, deployment: str, revision: str) -> None:
        """Remove what is remembered of these instances, logs included; one that runs is ended first."""
        for instance in self.instances(endpoint):
            if (instance.deployment, instance.revision) == (deployment, revision):
                self.stop(instance, 0)
                shutil.rmtree(os.path.dirname(instance.log), ignore_errors=True)
        self._engine.leave()

    def end_strays(self) -> list[str]:
        """End containers of endpoints of which this home has no folder any more; return their names."""
        gone = [one for one in self.instances() if not os.path.isdir(os.path.join(self._home.endpoints, one.endpoint))]
        for instance in gone:
            self.stop(instance, 0)
        self._engine.leave()
        return [f"{one.endpoint}/{one.deployment}/{one.index}" for one in gone]
