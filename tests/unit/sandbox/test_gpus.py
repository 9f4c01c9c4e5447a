"""GPUs: how the engine is asked for them, what is missing, and what the driver tells of them."""

import ctypes
import os

import pytest

from sandbox.backend import cards, gpus
from sandbox.backend.protocol import Instance
from sandbox.cli.commands.status import gpu_lines
from sandbox.image import gpu
from sandbox.image.gpu import Local
from sandbox.ops.asking import Status

TOOLKIT = {"Runtimes": {"runc": {}, "nvidia": {}}}
CDI = {"Runtimes": {"runc": {}}, "CDISpecDirs": ["/etc/cdi", "/var/run/cdi"]}
NEITHER = {"Runtimes": {"runc": {}}, "CDISpecDirs": None}


@pytest.mark.parametrize(
    ("info", "local", "way", "said"),
    [
        (TOOLKIT, Local(driver=True, described=False), "nvidia", None),
        (TOOLKIT, None, "nvidia", None),
        (CDI, Local(driver=True, described=True), "cdi", None),
        ({**CDI, "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]}, None, "cdi", None),
        (CDI, Local(driver=True, described=False), "", "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"),
        (NEITHER, Local(driver=True, described=False), "", "NVIDIA Container Toolkit"),
        (NEITHER, None, "", "NVIDIA Container Toolkit"),
        ({**NEITHER, "BuildahVersion": "1.28.2"}, Local(driver=True, described=True), "", "--backend process"),
        (TOOLKIT, Local(driver=False, described=False), "nvidia", "nvidia-smi"),
    ],
)
def test_what_is_missing_is_found_before_a_container_is_started(info, local, way, said):
    lack = gpu.lack(info, local)
    assert gpu.way(info, local) == way
    assert (lack is None) if said is None else (lack is not None and said in lack.fix)


def test_what_describes_devices_is_looked_for_where_the_engine_reads_it(tmp_path):
    info = {"CDISpecDirs": [str(tmp_path)]}
    assert gpu.here("unix:///run/docker.sock", info).described is False
    (tmp_path / "nvidia.yaml").write_text("cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n")
    assert gpu.here("unix:///run/docker.sock", info).described is True
    assert gpu.here("ssh://host", info) is None
    assert gpu.here("unix:///run/docker.sock", {**info, "OperatingSystem": "Docker Desktop"}) is None


class Driver:
    """The functions of the driver's library that are called: one GPU, which does not tell its power."""

    def __init__(self, *pids):
        self.pids = pids

    def __getattr__(self, name):
        if not name.startswith("nvml"):
            raise AttributeError(name)
        return getattr(self, f"_{name.removeprefix('nvmlDeviceGet')}", lambda *_: 3)

    def _Count_v2(self, count):  # noqa: N802
        count._obj.value = 1
        return 0

    def _HandleByIndex_v2(self, _, device):  # noqa: N802
        device._obj.value = 7
        return 0

    def _Name(self, _, name, length):  # noqa: N802
        ctypes.memmove(name, b"NVIDIA T4", 10)
        return length.value - 96

    def _MemoryInfo(self, _, memory):  # noqa: N802
        memory._obj.used, memory._obj.total = 2**30, 16 * 2**30
        return 0

    def _UtilizationRates(self, _, load):  # noqa: N802
        load._obj.gpu = 37
        return 0

    def _Temperature(self, _, kind, heat):  # noqa: N802
        heat._obj.value = 41 + kind.value
        return 0

    def _ComputeRunningProcesses_v3(self, _, many, found):  # noqa: N802
        many._obj.value = len(self.pids)
        for place, pid in zip(found, self.pids, strict=False):
            place.pid = pid
        return 0


def instance(**fields):
    said = {"endpoint": "shop", "deployment": "blue", "revision": "1", "index": 0, "id": "none", "pid": None}
    return Instance(**{**said, "port": 1, "state": "running", "exit_code": None, "started": 0.0, "log": "", **fields})


def test_a_card_is_shown_with_the_instances_that_use_it():
    mine = instance(pid=os.getsid(0))
    seen = cards.look([mine, instance(deployment="green", pid=1)], Driver(os.getpid(), 2**22 + 1))
    assert seen == cards.Seen((cards.Card(0, "NVIDIA T4", 2**30, 16 * 2**30, 37, 41, None, ("shop/blue/0",)),))


def test_without_a_driver_that_is_said(monkeypatch):
    monkeypatch.setattr(gpus, "library", lambda: None)
    seen = cards.look([])
    assert "libnvidia-ml.so.1" in seen.missing
    assert "nvidia-smi" in seen.fix


def test_status_says_what_gpus_do_where_a_deployment_asks_for_one():
    card = cards.Card(0, "NVIDIA T4", 2**30, 16 * 2**30, 37, 41, 70.5, ("shop/blue/0",))
    line = "GPU 0  NVIDIA T4  1.0 of 16.0 GiB  37 % busy  41 °C  70 W  shop/blue/0"
    assert gpu_lines(Status("", None, (), {}, cards.Seen((card,)))) == ["", line]
    missing = cards.Seen(missing="no package", fix="install it")
    assert gpu_lines(Status("", None, (), {}, missing)) == ["\nno package.\n  fix: install it"]
    assert gpu_lines(Status("", None)) == []
