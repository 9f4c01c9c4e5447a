"""One command on a host: a container of the host image that is there as long as the command takes.

The engine's socket is given to it for that time and to nothing that stays. It has no rights but those that its first
process needs to become a user without any.
"""

import contextlib
import getpass
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.hosts import frames, inside, program, reach, site
from sandbox.hosts.known import Host
from sandbox.hosts.wire import Wire
from sandbox.image import labels
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from docker import APIClient

COMMAND = f"{labels.PREFIX}command"  # label of the containers of commands: the verb
BY = f"{labels.PREFIX}by"  # label: who said it, USER@MACHINE
CLIENT = "SANDBOX_CLIENT"  # variable: the same, for locks and the history
LEASH = "__leash"
BEGINNING_S = 600.0  # a container that is made is started at once
_PASSED = ("TERM", "COLORTERM", "NO_COLOR", "LANG", "TZ")
_TMPFS = {"/tmp": "rw,nosuid,nodev,size=256m,mode=1777"}  # noqa: S108

Line = Callable[[str], None]


def run(
    host: Host,
    argv: Sequence[str],
    *,
    stdin: bytes | None = None,
    tty: bool = False,
    on_line: Line | None = None,
    on_error: Line | None = None,
    image: str = "",
    variables: Mapping[str, str] | None = None,
) -> int:
    """Carry out ``sandbox ARGV`` on a host; return its exit code. Ctrl-C is handed on, and waited for.

    When this process ends, or the connection breaks, the command is ended as by Ctrl-C.

    Args:
        host: where.
        argv: verb and arguments.
        stdin: standard input of the command; None for nothing, or with ``tty`` for the keyboard.
        tty: the command gets a terminal of its own, drawn on ours.
        on_line: told of each line of its standard output; None: it goes to ours.
        on_error: told of each line of its standard error; None: it goes to ours.
        image: the id of the host image there; "" for what ``program.ensure`` has brought.
        variables: more environment variables; no secrets, as the engine shows them.

    Raises:
        SandboxError: E152 to E156, the host is not reached or lost; E162, the host image is not there; E163, the engine
            does not start it.
    """
    client = reach.engine(host)
    with (
        contextlib.closing(client),
        reach.telling(host),
        started(client, host, argv, tty=tty, image=image, variables=variables or {}) as wire,
    ):
        return wire.talk(stdin, tty=tty, on_line=on_line, on_error=on_error)


@contextlib.contextmanager
def started(
    client: "APIClient",
    host: Host,
    argv: Sequence[str],
    *,
    tty: bool,
    image: str = "",
    variables: Mapping[str, str],
) -> Iterator[Wire]:
    """Start the container of a command and give the wire to it; it is removed when it ends.

    Raises:
        SandboxError: E162, E163.
    """
    from docker.errors import APIError

    image = image or program.there(client)
    if not image:
        what = f"the program is not on {host.name} yet"
        raise SandboxError(
            "E162", what, "this version of it was never brought there", f"sandbox host doctor {host.name}"
        )
    try:
        made = client.create_container(
            image,
            [LEASH, "terminal" if tty else "plain"],
            stdin_open=True,
            environment={**environment(host, variables), site.IMAGE: image},
            labels={COMMAND: argv[0] if argv else "", BY: who(), labels.HOME: ""},
            host_config=host_config(client, host),
        )["Id"]
        try:
            wire = Wire(client, made)
            client.start(made)
            wire.send(frames.frame(frames.WORDS, json.dumps(list(argv)).encode()))
        except BaseException:
            with contextlib.suppress(APIError):
                client.remove_container(made, force=True)
            raise
    except APIError as error:
        why = str(error.explanation or error)
        raise SandboxError("E163", f"the command does not start on {host.name}", why, "see why") from None
    with contextlib.closing(wire):
        yield wire


def sweep(client: "APIClient") -> None:
    """Remove containers of commands whose user went away before they began; the others remove themselves."""
    from docker.errors import APIError

    for each in client.containers(all=True, filters={"label": COMMAND, "status": "created"}):
        if time.time() - each["Created"] > BEGINNING_S:
            with contextlib.suppress(APIError):
                client.remove_container(each["Id"], force=True)


def host_config(client: "APIClient", host: Host) -> dict[str, Any]:
    """Return what the container of a command may do and see."""
    from docker.types import LogConfig, Mount

    made: dict[str, Any] = client.create_host_config(
        network_mode="host",
        pid_mode="host",
        auto_remove=True,
        read_only=True,
        cap_drop=["ALL"],
        cap_add=list(inside.CAPABILITIES),
        security_opt=["no-new-privileges"],
        tmpfs=_TMPFS,
        binds=[f"{host.folder}:{host.folder}:rw"],  # in this form the engine makes the folder where there is none
        mounts=[Mount(host.socket, host.socket, type="bind")],
        log_config=LogConfig(type="none"),  # what a command prints is for who said it: keys, for instance
    )
    return made


def environment(host: Host, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a command on a host."""
    passed = {name: os.environ[name] for name in _PASSED if os.environ.get(name)}
    own = {"SANDBOX_HOME": host.folder, "SANDBOX_BACKEND": "docker", inside.SOCKET: host.socket, CLIENT: who()}
    return {"LANG": "C.UTF-8", **passed, **own, **variables}


def who() -> str:
    """Return who is at work, as locks and the history name them: USER@MACHINE."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{platform.node() or 'unknown'}"
