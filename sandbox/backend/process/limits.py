"""What an instance may use of the machine: what is enforced here, and the sentences that say so."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.backend.protocol import InstanceSpec

GIB = 2**30
GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"
# How many threads libraries of numbers start, where an instance cannot be bound to cores.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is. ``can_bind``: processes can be bound to cores; ``can_limit``: their memory can be limited."""

    cores: int
    can_bind: bool
    memory_bytes: int | None
    gpus: int
    can_limit: bool = False


def bound_cores(spec: InstanceSpec, there: int) -> int | None:
    """Return to how many cores the instance is bound; None: to none, it may use all."""
    if spec.cpus is None or math.ceil(spec.cpus) >= there:
        return None
    return max(1, math.ceil(spec.cpus))


def wants_gpus(spec: InstanceSpec) -> bool:
    """Tell whether GPUs have to be chosen for it: what the user says of them counts as it is."""
    return spec.gpus > 0 and GPU_VARIABLE not in spec.variables


def variables(spec: InstanceSpec, gpus: Sequence[str], *, can_bind: bool) -> dict[str, str]:
    """Return the variables that limit the instance.

    A size without GPU sees none, as in Azure. GPUs are numbered as the driver does it, which CUDA by itself does not.
    """
    found = {GPU_VARIABLE: ",".join(gpus)} if gpus or not spec.gpus else {}
    if gpus:
        found["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if spec.cpus is not None and not can_bind:
        found |= dict.fromkeys(THREAD_VARIABLES, str(max(1, math.ceil(spec.cpus))))
    return found


def sentences(spec: InstanceSpec, machine: Machine) -> list[str]:
    """Say which of the asked-for cores, memory and GPUs are enforced here, and which are not."""
    return [*_cores(spec, machine), *_memory(spec, machine), *_gpus(spec, machine, spec.variables)]


def _cores(spec: InstanceSpec, machine: Machine) -> list[str]:
    if spec.cpus is None:
        return []
    asked = f"{spec.cpus:g} {'core' if spec.cpus == 1 else 'cores'}"
    if math.ceil(spec.cpus) > machine.cores:
        return [f"{asked}: this machine has {machine.cores}, the instance may use them all"]
    if math.ceil(spec.cpus) == machine.cores:
        return [f"{asked}: as many as this machine has"]
    if not machine.can_bind:
        return [f"{asked}: not enforced here; {THREAD_VARIABLES[0]} and its like are set to it"]
    bound = bound_cores(spec, machine.cores)
    if bound != spec.cpus:
        return [f"{asked}: bound to {bound} of {machine.cores}; a part of a core is not enforced"]
    return [f"{asked}: bound to so many of {machine.cores}"]


def _memory(spec: InstanceSpec, machine: Machine) -> list[str]:
    if spec.memory_bytes is None:
        return []
    enforced = "enforced by a control group" if machine.can_limit else "not enforced here"
    asked = f"{spec.memory_bytes / GIB:.3g} GiB of memory: {enforced}"
    if machine.memory_bytes is not None and spec.memory_bytes > machine.memory_bytes:
        return [f"{asked}, and this machine has {machine.memory_bytes / GIB:.3g} GiB"]
    return [asked]


def _gpus(spec: InstanceSpec, machine: Machine, user: Mapping[str, str]) -> list[str]:
    if GPU_VARIABLE in user:
        return [f"GPUs: as {GPU_VARIABLE} of the deployment says"]
    if not spec.gpus:
        return ["no GPU: the script sees none, although this machine has"] if machine.gpus else []
    asked = f"{spec.gpus} GPU{'s' if spec.gpus > 1 else ''}"
    if not machine.gpus:
        return [f"{asked}: this machine has none that nvidia-smi lists"]
    if spec.gpus > machine.gpus:
        return [f"{asked}: this machine has {machine.gpus}, shared with other instances"]
    return [f"{asked}: of {machine.gpus}, by {GPU_VARIABLE}; memory of a GPU is not limited, instances may share one"]
