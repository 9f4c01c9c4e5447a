"""How large Azure's machines are, and what amounts mean."""

import pytest

from sandbox.backend import sizes
from sandbox.backend.sizes import GIB, Size
from sandbox.model.errors import SandboxError


@pytest.mark.parametrize(
    ("name", "cores", "gib", "gpus"),
    [
        ("Standard_DS1_v2", 1, 3.5, 0),
        ("Standard_DS2_v2", 2, 7, 0),
        ("Standard_DS3_v2", 4, 14, 0),
        ("STANDARD_DS14_V2", 16, 112, 0),
        ("standard_f4s_v2", 4, 8, 0),
        ("Standard_F72s_v2", 72, 144, 0),
        ("Standard_D2as_v4", 2, 8, 0),
        ("Standard_D96ads_v5", 96, 384, 0),
        ("Standard_E2s_v3", 2, 16, 0),
        ("Standard_E64s_v3", 64, 432, 0),
        ("Standard_E96as_v4", 96, 672, 0),
        ("Standard_NC6s_v3", 6, 112, 1),
        ("Standard_NC64as_T4_v3", 64, 440, 4),
        ("Standard_NC24ads_A100_v4", 24, 220, 1),
        ("Standard_ND40rs_v2", 40, 672, 8),
        ("Standard_ND96isr_H100_v5", 96, 1900, 8),
        (" Standard_B4ms ", 4, 16, 0),
    ],
)
def test_sizes_are_those_of_azures_pages(name, cores, gib, gpus):
    assert sizes.instance_type(name) == Size(cores, int(gib * GIB), gpus)


@pytest.mark.parametrize(
    "name", ["", "local", "Standard_D3s_v3", "Standard_D_v3", "Standard_D02s_v4x", "defaultinstancetype"]
)
def test_a_size_that_is_not_in_the_table_is_unknown(name):
    assert sizes.instance_type(name) is None


@pytest.mark.parametrize(("text", "cores"), [("500m", 0.5), ("1.5", 1.5), ("2", 2.0), ("100m", 0.1), (".5", 0.5)])
def test_cores_as_kubernetes_writes_them(text, cores):
    assert sizes.cpus(text) == cores


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512Mi", 512 * 2**20),
        ("2G", 2 * 10**9),
        ("1.5Gi", 3 * 2**29),
        ("1e3", 1000),
        ("128974848", 128974848),
        ("64k", 64000),
        ("1E", 10**18),
        ("1000m", 1),
    ],
)
def test_memory_as_kubernetes_writes_it(text, size):
    assert sizes.memory(text) == size


@pytest.mark.parametrize("text", ["", "much", "1x", "-1", "1 Gi", "1Kib", "1e", "1ki"])
def test_other_texts_are_no_amounts(text):
    with pytest.raises(SandboxError) as raised:
        sizes.memory(text)
    assert raised.value.code == "E033"
    assert repr(text) in raised.value.what
