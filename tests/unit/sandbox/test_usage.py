"""What instances use: as the engine's statistics tell it, and the driver of GPUs."""

import ctypes
import os

import pytest

from sandbox.backend import gpus, usage


def test_cached_files_are_no_memory_of_a_container():
    said = {
        "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
        "memory_stats": {"usage": 900, "stats": {"inactive_file": 300}},
    }
    assert usage.of_statistics(said) == usage.Used(2.5, 600)
    older = {"usage": 900, "stats": {"total_inactive_file": 100}}
    assert usage.of_statistics(said | {"memory_stats": older}) == usage.Used(2.5, 800)


def test_a_container_that_does_not_run_uses_nothing_that_could_be_told():
    assert usage.of_statistics({"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}}) is None


def test_a_process_is_of_the_session_that_began_it():
    assert usage.session_of(os.getpid()) == os.getsid(0)
    assert usage.session_of(2**30) == 0
    assert usage.container_of(os.getpid(), ["no such container"]) is None
    assert usage.container_of(2**30, ["any"]) is None


class Driver:
    """Answers as NVML does, into the memory that it is given."""

    def __init__(self, processes, samples, status=0):
        self.processes, self.samples, self.status = processes, samples, status

    def nvmlDeviceGetCount_v2(self, count):  # noqa: N802 - as the library names it
        count._obj.value = 2
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, number, device):  # noqa: N802 - likewise
        device._obj.value = number.value + 1
        return 0

    def nvmlDeviceGetComputeRunningProcesses_v3(self, device, many, found):  # noqa: N802 - likewise
        here = self.processes[device.value - 1]
        many._obj.value = len(here)
        for place, (pid, memory) in enumerate(here):
            found[place].pid, found[place].memory = pid, memory
        return 0

    def nvmlDeviceGetProcessUtilization(self, device, found, many, since):  # noqa: N802 - likewise
        assert since.value > 0
        here = self.samples[device.value - 1]
        many._obj.value = len(here)
        for place, (pid, at, percent) in enumerate(here):
            found[place].pid, found[place].at, found[place].percent = pid, at, percent
        return self.status


def test_work_on_all_gpus_is_added_and_the_newest_sample_counts():
    driver = Driver(
        [[(7, 100), (8, 50)], [(7, 30)]],
        [[(7, 10, 40), (7, 20, 60), (9, 5, 99)], [(7, 1, 5)]],
    )
    assert gpus.work(driver) == {7: gpus.Work(65.0, 130), 8: gpus.Work(0.0, 50)}


def test_what_the_driver_does_not_say_is_not_known():
    driver = Driver([[(7, 2**64 - 1)], []], [[], []], status=3)
    assert gpus.work(driver) == {7: gpus.Work(None, 0)}


def test_the_structures_are_laid_out_as_the_driver_writes_them():
    assert ctypes.sizeof(gpus._Process) == 24
    assert ctypes.sizeof(gpus._Sample) == 32


@pytest.mark.skipif(gpus.library() is not None, reason="this machine has GPUs")
def test_without_a_driver_there_is_no_work():
    assert gpus.work() == {}
