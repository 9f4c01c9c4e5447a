"""Which backend runs a deployment, and both of them as one."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from sandbox.backend.protocol import (
    PROBE_S,
    Backend,
    Failure,
    Instance,
    InstanceSpec,
    LogLine,
    Readiness,
    Unreachable,
)
from sandbox.home import Home
from sandbox.model import settings
from sandbox.model.deployment import Deployment
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError
from sandbox.model.state import EndpointState

if TYPE_CHECKING:
    import queue

    from sandbox.backend.docker.backend import DockerBackend
    from sandbox.backend.process.backend import ProcessBackend
    from sandbox.backend.usage import Used

BackendName = Literal["process", "docker"]
VARIABLE = "SANDBOX_BACKEND"
LOOK_S = 0.5  # how often it is asked whether a backend has got an instance
ALL = 10**6  # lines


def choose(
    deployment: Deployment,
    given: str | None,
    before: BackendName | None,
    environ: Mapping[str, str] = os.environ,
    *,
    usual: str | None = None,
) -> BackendName:
    """Return what runs a deployment: what was said, its property, what only one can, what runs it now, the settings.

    Args:
        deployment: what is to be run.
        given: of ``--backend``; None: nothing was said.
        before: what runs it now, None for a new one.
        environ: where ``SANDBOX_BACKEND`` is looked up.
        usual: what its endpoint says for all of its deployments, which wins over that variable.

    Raises:
        SandboxError: E122, it needs a container and is to be a process, or there is no such backend.
    """
    container = needs_container(deployment)
    said = given or settings.backend(deployment)
    from_shell = environ.get(VARIABLE)
    ways = (said, "--backend" if given else settings.BACKEND), (usual, settings.BACKEND), (from_shell, VARIABLE)
    for value, source in ways:
        if value not in (None, "", "process", "docker"):
            raise SandboxError("E122", f"there is no backend {value!r}", f"{source} names it", "give process or docker")
    if said == "process" and container:
        what = f"deployment {deployment.name!r} cannot be a process: {container}"
        raise SandboxError("E122", what, "only Docker has containers", "leave the backend out, or say docker")
    if said:
        return "docker" if said == "docker" else "process"
    if container:
        return "docker"
    return before or ("docker" if (usual or from_shell) == "docker" else "process")


def needs_container(deployment: Deployment) -> str:
    """Return why a deployment has to be a container, "" where it has not."""
    environment = deployment.environment
    if settings.sealed(deployment):
        return "it runs from a sealed image"
    if not isinstance(environment, Environment):
        return ""
    if environment.build is not None:
        return "its environment is a Dockerfile"
    return "inference_config says that it brings its own server" if environment.inference_config is not None else ""


class Backends:
    """Both backends, each asked for what is its own; the engine of containers only where there are some."""

    name = "all"

    def __init__(self, home: Home) -> None:
        self._home = home

    @cached_property
    def process(self) -> "ProcessBackend":
        """Instances as processes; loaded when it is asked for, because commands that only show need neither."""
        from sandbox.backend.process.backend import ProcessBackend

        return ProcessBackend(self._home)

    @cached_property
    def docker(self) -> "DockerBackend":
        """Instances as containers."""
        from sandbox.backend.docker.backend import DockerBackend

        return DockerBackend(self._home, _engine)

    def _of(self, instance: Instance) -> Backend:
        return self.docker if instance.backend == "docker" else self.process

    def _for(self, spec: InstanceSpec) -> Backend:
        return self.process if spec.container is None else self.docker

    def start(self, spec: InstanceSpec) -> Instance:
        """Start an instance in the backend that its description is for."""
        return self._for(spec).start(spec)

    def instances(self, endpoint: str | None = None) -> list[Instance]:
        """Return those of both."""
        return [*self.process.instances(endpoint), *self.docker.instances(endpoint)]

    def ready(self, instance: Instance, limit_s: float = PROBE_S) -> Readiness:
        """Ask once whether it serves."""
        return self._of(instance).ready(instance, limit_s)

    def failure(self, instance: Instance) -> Failure | None:
        """Say why an instance has ended; None while it runs."""
        return self._of(instance).failure(instance)

    def stop(self, instance: Instance, grace_s: float) -> None:
        """End it."""
        self._of(instance).stop(instance, grace_s)

    def remove(self, endpoint: str, deployment: str, revision: str) -> None:
        """Remove what both remember of a revision; containers that cannot be reached now are ended by a later heal."""
        self.process.remove(endpoint, deployment, revision)
        with contextlib.suppress(Unreachable):
            self.docker.remove(endpoint, deployment, revision)

    def end_strays(self) -> list[str]:
        """End what was started for this home and is in no record of it."""
        return [*self.process.end_strays(), *self.docker.end_strays()]

    def limits(self, spec: InstanceSpec) -> list[str]:
        """Say which of the asked-for cores, memory and GPUs are enforced, and which are not."""
        return self._for(spec).limits(spec)

    def usage(self, instances: Sequence[Instance], *, memory: bool = True) -> "dict[str, Used]":
        """Return what those that run use, by id."""
        containers = [each for each in instances if each.backend == "docker"]
        processes = [each for each in instances if each.backend == "process"]
        found = self.process.usage(processes, memory=memory)
        return found | self.docker.usage(containers) if containers else found

    def tail(self, instance: Instance, lines: int) -> list[str]:
        """Return the last lines of its log."""
        return self._of(instance).tail(instance, lines)

    def follow(self, select: Callable[[], Sequence[Instance]], lines: int) -> Iterator[LogLine]:
        """Give the last lines of each instance, then new ones as they come.

        Each backend is heard from when it has an instance on, in a thread of its own: there may be one later.
        """
        import queue
        import threading

        heard: queue.SimpleQueue[LogLine | BaseException | str] = queue.SimpleQueue()
        hearing: set[str] = set()
        ended = False
        history = lines

        def hear(backend: Backend, history: int) -> None:
            try:
                mine = backend.follow(
                    lambda: [] if ended else [e for e in select() if e.backend == backend.name], history
                )
                for line in mine:
                    heard.put(line)
            except Exception as error:  # noqa: BLE001 - raised again where it is heard
                heard.put(error)
            finally:
                heard.put(backend.name)

        try:
            while True:
                found = {each.backend for each in select()}
                for backend in (self.process, self.docker) if found - hearing else ():
                    if backend.name in found - hearing:
                        hearing.add(backend.name)
                        threading.Thread(target=hear, args=(backend, history), daemon=True).start()
                history = ALL
                if not hearing:
                    return
                yield from _arrived(heard, hearing)
        finally:
            ended = True


def _arrived(heard: "queue.SimpleQueue[LogLine | BaseException | str]", hearing: set[str]) -> Iterator[LogLine]:
    """Give what has come until it is time to look for other backends again; those that have ended leave ``hearing``."""
    import queue

    until = time.monotonic() + LOOK_S
    with contextlib.suppress(queue.Empty):
        while (left := until - time.monotonic()) > 0:
            said = heard.get(timeout=left)
            if isinstance(said, BaseException):
                raise said
            if isinstance(said, str):
                hearing.discard(said)
                return
            yield said


def seen(backend: Backend, endpoint: str | None = None) -> tuple[list[Instance], Unreachable | None]:
    """Return the instances that can be seen now, and what keeps containers from being seen, None where they are."""
    if not isinstance(backend, Backends):
        return backend.instances(endpoint), None
    try:
        return backend.instances(endpoint), None
    except Unreachable as error:
        return backend.process.instances(endpoint), error


def contained(state: EndpointState) -> bool:
    """Tell whether an endpoint has, or may have, containers: nothing is known of them while they cannot be seen."""
    found = state.deployments.values()
    return any("docker" in (each.backend, each.serving.backend if each.serving else "") for each in found)


def _engine() -> "tuple[object, str]":
    from sandbox.image import address, engine

    where = address.find()
    return engine.connect_to(where), where.url
