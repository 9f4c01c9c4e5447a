"""What an instance may use of this machine, and what is said of it."""

import os

import pytest

from sandbox.backend.process import limits, machine
from sandbox.backend.process.limits import GIB, Machine
from sandbox.backend.protocol import InstanceSpec

EIGHT = Machine(cores=8, can_bind=True, memory_bytes=16 * GIB, gpus=2)


def spec(**fields):
    return InstanceSpec("shop", "blue", "r1", 0, "/python", "/app", **fields)


@pytest.mark.parametrize(
    ("asked", "bound"), [(None, None), (2, 2), (0.5, 1), (1.5, 2), (7.5, None), (8, None), (64, None)]
)
def test_an_instance_is_bound_to_whole_cores_where_it_asks_for_fewer_than_there_are(asked, bound):
    assert limits.bound_cores(spec(cpus=asked), 8) == bound


@pytest.mark.parametrize(
    ("fields", "there", "said"),
    [
        ({}, Machine(8, can_bind=True, memory_bytes=None, gpus=0), []),
        ({"cpus": 2}, Machine(8, True, None, 0), ["2 cores: bound to so many of 8"]),
        ({"cpus": 1}, Machine(8, True, None, 0), ["1 core: bound to so many of 8"]),
        ({"cpus": 0.5}, Machine(8, True, None, 0), ["0.5 cores: bound to 1 of 8; a part of a core is not enforced"]),
        ({"cpus": 8}, Machine(8, True, None, 0), ["8 cores: as many as this machine has"]),
        ({"cpus": 16}, Machine(8, True, None, 0), ["16 cores: this machine has 8, the instance may use them all"]),
        (
            {"cpus": 4},
            Machine(8, False, None, 0),
            ["4 cores: not enforced here; OMP_NUM_THREADS and its like are set to it"],
        ),
        ({"memory_bytes": 7 * GIB}, Machine(8, True, None, 0), ["7 GiB of memory: not enforced here"]),
        (
            {"memory_bytes": 28 * GIB},
            Machine(8, True, 16 * GIB, 0),
            ["28 GiB of memory: not enforced here, and this machine has 16 GiB"],
        ),
        ({}, EIGHT, ["no GPU: the script sees none, although this machine has"]),
        ({"gpus": 1}, Machine(8, True, None, 0), ["1 GPU: this machine has none that nvidia-smi lists"]),
        (
            {"gpus": 1},
            EIGHT,
            ["1 GPU: of 2, by CUDA_VISIBLE_DEVICES; memory of a GPU is not limited, instances may share one"],
        ),
        ({"gpus": 4}, EIGHT, ["4 GPUs: this machine has 2, shared with other instances"]),
        (
            {"gpus": 1, "variables": {"CUDA_VISIBLE_DEVICES": "1"}},
            EIGHT,
            ["GPUs: as CUDA_VISIBLE_DEVICES of the deployment says"],
        ),
    ],
)
def test_it_is_said_what_is_enforced_and_what_is_not(fields, there, said):
    assert limits.sentences(spec(**fields), there) == said


def test_a_size_without_gpu_sees_none_and_one_with_gpus_sees_its_own():
    assert limits.variables(spec(), (), can_bind=True) == {"CUDA_VISIBLE_DEVICES": ""}
    ours = limits.variables(spec(gpus=2), ("0", "3"), can_bind=True)
    assert ours == {"CUDA_VISIBLE_DEVICES": "0,3", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert limits.variables(spec(gpus=2), (), can_bind=True) == {}


def test_threads_of_libraries_are_limited_where_processes_cannot_be_bound():
    ours = limits.variables(spec(cpus=1.5), (), can_bind=False)
    assert ours == {"CUDA_VISIBLE_DEVICES": "", **dict.fromkeys(limits.THREAD_VARIABLES, "2")}


def test_gpus_are_chosen_for_an_instance_unless_the_user_has_done_it():
    assert limits.wants_gpus(spec(gpus=1))
    assert not limits.wants_gpus(spec())
    assert not limits.wants_gpus(spec(gpus=1, variables={"CUDA_VISIBLE_DEVICES": "0"}))


def test_who_comes_gets_what_fewest_use_and_shares_when_there_is_no_more():
    there = ["0", "1", "2"]
    assert machine.least_used(1, there, []) == ("0",)
    assert machine.least_used(1, there, ["0"]) == ("1",)
    assert machine.least_used(2, there, ["0", "1"]) == ("0", "2")
    assert machine.least_used(1, there, ["0", "1", "2", "0"]) == ("1",)
    assert machine.least_used(5, there, []) == ("0", "1", "2")
    assert machine.least_used(0, there, []) == ()


LISTING = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 1g.5gb      Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
"""


def smi(folder, text, code=0):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\nexit {code}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_gpus_are_those_that_the_driver_lists(tmp_path):
    shell = smi(tmp_path, LISTING)
    assert machine.gpus(shell) == ["0", "1"]
    assert machine.gpus({**shell, "CUDA_VISIBLE_DEVICES": "1"}) == ["1"], "what the developer's shell leaves"
    assert machine.gpus({**shell, "CUDA_VISIBLE_DEVICES": ""}) == []


def test_without_a_driver_there_are_no_gpus(tmp_path):
    assert machine.gpus({"PATH": str(tmp_path)}) == []
    assert machine.gpus(smi(tmp_path, "NVIDIA-SMI has failed\n", 9)) == []


def test_the_machine_has_cores_and_memory():
    assert 1 <= machine.core_count() <= (os.cpu_count() or 1)
    assert machine.memory_bytes() > 2**28
