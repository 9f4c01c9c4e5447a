"""What a new instance gets of the machine, beside the others that run."""

import os
import secrets
import time
from collections.abc import Sequence

from sandbox.backend.process import cgroup, limits, machine, processes
from sandbox.backend.process.place import Record
from sandbox.backend.protocol import InstanceSpec


def gpus(spec: InstanceSpec) -> list[str]:
    """Return the GPUs to choose from; none where it wants none. May take seconds: a program of the driver is asked."""
    return machine.gpus(os.environ) if limits.wants_gpus(spec) else []


def record(spec: InstanceSpec, port: int, gpus: Sequence[str], others: Sequence[Record]) -> Record:
    """Choose cores and GPUs for an instance, those that fewest of the ``others`` use, and give it a name."""
    cores = machine.cores()
    bound = limits.bound_cores(spec, len(cores)) if cores else None
    identity = secrets.token_hex(6)
    above = cgroup.place() if spec.memory_bytes else None
    return Record(
        id=identity,
        port=port,
        started=time.time(),
        boot=processes.boot_id(),
        oom_kills=processes.oom_kills(),
        gpus=machine.least_used(spec.gpus, gpus, [name for other in others for name in other.gpus]),
        cores=machine.least_used(bound or 0, cores, [number for other in others for number in other.cores]),
        cgroup=os.path.join(above, f"endpoint-sandbox-{identity}") if above else None,
    )


def variables(spec: InstanceSpec, record: Record) -> dict[str, str]:
    """Return the variables that limit the instance."""
    return limits.variables(spec, record.gpus, can_bind=bool(machine.cores()))


def machine_here() -> limits.Machine:
    """Return what this machine has and can do."""
    return limits.Machine(
        cores=machine.core_count(),
        can_bind=bool(machine.cores()),
        memory_bytes=machine.memory_bytes(),
        gpus=len(machine.gpus(os.environ)),
        can_limit=cgroup.place() is not None,
    )
