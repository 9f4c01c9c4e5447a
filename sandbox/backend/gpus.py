"""What processes do on NVIDIA's GPUs, told by the driver's own library (NVML); nothing where there is none."""

import ctypes
import functools
import time
from ctypes import Structure, byref, c_uint, c_ulonglong, c_void_p
from dataclasses import dataclass
from typing import Any

LIBRARY = "libnvidia-ml.so.1"
MOST = 512  # processes of one GPU
WINDOW_S = 10.0  # work longer ago does not count
UNKNOWN = 2**64 - 1


class _Process(Structure):
    _fields_ = (("pid", c_uint), ("memory", c_ulonglong), ("instance", c_uint), ("part", c_uint))


class _Sample(Structure):
    _fields_ = (
        ("pid", c_uint),
        ("at", c_ulonglong),  # microseconds
        ("percent", c_uint),
        ("memory", c_uint),
        ("encoder", c_uint),
        ("decoder", c_uint),
    )


@dataclass(frozen=True, slots=True)
class Work:
    """Of one process on all GPUs: percent of one GPU's time, None where the driver does not say; bytes of memory."""

    percent: float | None = None
    memory_bytes: int = 0

    def __add__(self, other: "Work") -> "Work":
        known = [each for each in (self.percent, other.percent) if each is not None]
        return Work(sum(known) if known else None, self.memory_bytes + other.memory_bytes)


@functools.cache
def library() -> Any:
    """Return the driver's library, ready to be asked; None on a machine without one."""
    try:
        found = ctypes.CDLL(LIBRARY)
        return found if found.nvmlInit_v2() == 0 else None
    except (OSError, AttributeError):
        return None


def work(driver: Any = None) -> dict[int, Work]:
    """Return what each process that has a GPU open does, by its id."""
    driver = driver or library()
    count = c_uint()
    if driver is None or driver.nvmlDeviceGetCount_v2(byref(count)) != 0:
        return {}
    found: dict[int, Work] = {}
    for number in range(count.value):
        device = c_void_p()
        if driver.nvmlDeviceGetHandleByIndex_v2(c_uint(number), byref(device)) == 0:
            for pid, each in _on(driver, device):
                found[pid] = found.get(pid, Work()) + each
    return found


def processes(driver: Any, device: c_void_p) -> list[int]:
    """Return the ids of the processes that compute on one GPU."""
    found, many = (_Process * MOST)(), c_uint(MOST)
    if driver.nvmlDeviceGetComputeRunningProcesses_v3(device, byref(many), found) != 0:
        return []
    return [each.pid for each in found[: many.value]]


def _on(driver: Any, device: c_void_p) -> list[tuple[int, Work]]:
    processes, many = (_Process * MOST)(), c_uint(MOST)
    if driver.nvmlDeviceGetComputeRunningProcesses_v3(device, byref(many), processes) != 0:
        return []
    running = {each.pid: 0 if each.memory == UNKNOWN else each.memory for each in processes[: many.value]}
    busy = _busy(driver, device) if running else {}
    return [(pid, Work(busy.get(pid, 0.0 if busy else None), memory)) for pid, memory in running.items()]


def _busy(driver: Any, device: c_void_p) -> dict[int, float]:
    samples, many = (_Sample * MOST)(), c_uint(MOST)
    since = c_ulonglong(int((time.time() - WINDOW_S) * 1e6))
    if driver.nvmlDeviceGetProcessUtilization(device, samples, byref(many), since) != 0:
        return {}
    newest: dict[int, tuple[int, float]] = {}
    for each in samples[: many.value]:
        if each.at >= newest.get(each.pid, (0, 0.0))[0]:
            newest[each.pid] = (each.at, float(each.percent))
    return {pid: percent for pid, (_, percent) in newest.items()}
