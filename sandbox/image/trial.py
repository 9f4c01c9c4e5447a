"""An image run as it is: no files of this machine, no rights, nothing of ours around it. Does it answer?"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.backend import ports, probe
from sandbox.backend.docker import failure as docker_failure
from sandbox.backend.docker import words
from sandbox.image import dockerfile
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

PAUSE_S = 0.1
LINES = 500


class NotRunning(SandboxError):
    """An image that does not serve; ``log`` holds its last lines."""

    log: tuple[str, ...] = ()


def run(
    client: "APIClient",
    image: str,
    limit_s: float,
    variables: dict[str, str],
    ask: Callable[[int], None] | None = None,
) -> float:
    """Run an image once, read-only and without rights, until it is ready; return the seconds that took.

    Args:
        client: of the engine that has it.
        image: its id.
        limit_s: the longest it may take.
        variables: those that are not in the image: secrets.
        ask: is given the port of this machine that the server answers on, once it is ready; what it raises is raised.

    Raises:
        SandboxError: E120, it ends, or is not ready in time.
    """
    with ports.reserve() as held:
        port = ports.number(held)
    began = time.monotonic()
    made = client.create_container(
        image,
        ports=[dockerfile.PORT],
        environment=variables,
        host_config=client.create_host_config(
            port_bindings={dockerfile.PORT: (ports.HOST, port)},
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            tmpfs=words.TMPFS,
            init=True,
        ),
    )["Id"]
    try:
        client.start(made)
        while time.monotonic() - began < limit_s:
            status, said = probe.ask(port)
            if status == 200:
                took = time.monotonic() - began
                if ask is not None:
                    ask(port)
                return took
            found = client.inspect_container(made)
            if not found["State"]["Running"]:
                log = client.logs(made, tail=LINES).decode("utf-8", "replace").splitlines()
                raise _failed(docker_failure.explain(found, log).summary, log)
            time.sleep(PAUSE_S)
        log = client.logs(made, tail=LINES).decode("utf-8", "replace").splitlines()
        raise _failed(f"not ready in {limit_s:g} s: {said.get('message', '')}", log)
    finally:
        client.remove_container(made, force=True, v=True)


def _failed(summary: str, log: list[str]) -> NotRunning:
    what = f"the sealed image does not serve: {summary}"
    fix = "what it needs has to be in code, model, environment or environment_variables"
    error = NotRunning("E120", what, "it was run as it is, with nothing of this machine in it", fix)
    error.log = tuple(log[-20:])
    return error
