"""Making the process of an instance."""

import contextlib
import fcntl
import json
import os
import signal

from inference_http import contract
from sandbox.backend import ports
from sandbox.backend.process.place import Place, Record
from sandbox.backend.protocol import InstanceSpec
from sandbox.model.errors import SandboxError

BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot.py")
_FIRST_SPARE = 16  # descriptors from here on do not collide with the few that the process is given
_RESET = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGPIPE}


def command(place: Place, spec: InstanceSpec, record: Record) -> list[str]:
    """Return the command line of an instance; everybody on the machine can read it."""
    setup = {
        "id": record.id,
        "app_root": spec.app_root,
        "python_path": list(spec.python_path),
        "cores": list(record.cores),
        "cgroup": record.cgroup,
        "port_held": ports.CAN_HOLD,
    }
    flags = ["--host", ports.HOST, "--port", str(record.port), *_health_port(spec), *spec.arguments]
    return [spec.python, BOOT, place.name, json.dumps(setup, separators=(",", ":")), *flags]


def _health_port(spec: InstanceSpec) -> list[str]:
    """Give a second port for probes, where the user asks for one, a free number: instances share one machine here."""
    given = {name.upper(): value for name, value in spec.variables.items()}
    wanted = given.get(contract.ENV_HEALTH_PORT) or given.get(contract.ENV_SEPARATE_HEALTH) == "true"
    return ["--health_port", "0"] if wanted else []


def spawn(words: list[str], environment: dict[str, str], log: str, alive: int, port: int) -> int:
    """Start a process of its own session that keeps nothing of ours but its lock, its port and its log."""
    with contextlib.ExitStack() as spare:

        def aside(descriptor: int) -> int:
            moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST_SPARE)
            spare.callback(os.close, moved)
            return moved

        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        spare.callback(os.close, output)
        actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        ]
        given = [(output, 1), (output, 2), (alive, 3)] + ([(port, 4)] if ports.CAN_HOLD else [])
        actions += [(os.POSIX_SPAWN_DUP2, aside(ours), theirs) for ours, theirs in given]
        return os.posix_spawn(
            words[0], words, environment, file_actions=actions, setsid=True, setsigmask=(), setsigdef=_RESET
        )


def refused(place: Place, spec: InstanceSpec, error: OSError | ValueError) -> SandboxError:
    """Return what to tell where the system makes no process of it."""
    if isinstance(error, ValueError):  # a NUL in a value, "=" in a name; the value may be secret
        what = f"{place.name} cannot be started: {error}"
        return SandboxError("E088", what, "no process can have such a variable", "correct environment_variables")
    what = f"{spec.python} cannot be started for {place.name}"
    return SandboxError("E085", what, error.strerror or str(error), "build the environment again, or name another one")
