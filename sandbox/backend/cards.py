"""The GPUs of this machine one by one: load, memory, heat, and whose processes use them, as the driver tells (NVML)."""

import contextlib
import ctypes
import os
from collections.abc import Iterator, Sequence
from ctypes import Structure, byref, c_char_p, c_uint, c_ulonglong, c_void_p
from dataclasses import dataclass
from typing import Any

from sandbox.backend import gpus
from sandbox.backend.protocol import Instance

LONGEST_NAME = 96  # bytes
HEAT_OF_THE_CHIP = 0


class _Memory(Structure):
    _fields_ = (("total", c_ulonglong), ("free", c_ulonglong), ("used", c_ulonglong))


class _Load(Structure):
    _fields_ = (("gpu", c_uint), ("memory", c_uint))


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU. ``busy_percent``, ``celsius`` and ``watts`` are None where it does not tell; ``used_by``: instances."""

    index: int
    name: str
    used_bytes: int
    total_bytes: int
    busy_percent: int | None = None
    celsius: int | None = None
    watts: float | None = None
    used_by: tuple[str, ...] = ()  # ENDPOINT/DEPLOYMENT/INDEX


@dataclass(frozen=True, slots=True)
class Seen:
    """The GPUs; or what keeps them from being seen, and what helps."""

    cards: tuple[Card, ...] = ()
    missing: str = ""
    fix: str = ""


def look(instances: Sequence[Instance], driver: Any = None) -> Seen:
    """Ask every GPU once; raises nothing.

    Args:
        instances: those whose processes are looked for.
        driver: the driver's library; None: the one of this machine.
    """
    driver, count = driver or gpus.library(), c_uint()
    if driver is None:
        missing = f"a deployment asks for GPUs, and the driver's library {gpus.LIBRARY} is not here or does not work"
        return Seen(missing=missing, fix="install NVIDIA's driver; nvidia-smi then lists the GPUs")
    if driver.nvmlDeviceGetCount_v2(byref(count)) != 0 or not count.value:
        return Seen(missing="the driver lists no GPU", fix="look at what nvidia-smi says")
    return Seen(tuple(_card(driver, number, instances) for number in range(count.value)))


def _card(driver: Any, number: int, instances: Sequence[Instance]) -> Card:
    device, name = c_void_p(), ctypes.create_string_buffer(LONGEST_NAME)
    driver.nvmlDeviceGetHandleByIndex_v2(c_uint(number), byref(device))
    driver.nvmlDeviceGetName(device, ctypes.cast(name, c_char_p), c_uint(LONGEST_NAME))
    memory, load, heat, power = _Memory(), _Load(), c_uint(), c_uint()
    driver.nvmlDeviceGetMemoryInfo(device, byref(memory))
    knows_load = driver.nvmlDeviceGetUtilizationRates(device, byref(load)) == 0
    knows_heat = driver.nvmlDeviceGetTemperature(device, c_uint(HEAT_OF_THE_CHIP), byref(heat)) == 0
    knows_power = driver.nvmlDeviceGetPowerUsage(device, byref(power)) == 0
    return Card(
        number,
        name.value.decode(errors="replace"),
        memory.used,
        memory.total,
        load.gpu if knows_load else None,
        heat.value if knows_heat else None,
        power.value / 1000 if knows_power else None,
        tuple(dict.fromkeys(name for pid in gpus.processes(driver, device) for name in _whose(pid, instances))),
    )


def _whose(pid: int, instances: Sequence[Instance]) -> Iterator[str]:
    """Give the instance that a process belongs to: by its session, or by the container that its control group names."""
    session, group = None, ""
    with contextlib.suppress(OSError):
        session = os.getsid(pid)
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            group = file.read()
    for each in instances:
        if each.pid in {pid, session} if each.backend == "process" else each.id in group:
            yield f"{each.endpoint}/{each.deployment}/{each.index}"
