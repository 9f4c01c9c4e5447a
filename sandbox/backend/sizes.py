"""How large Azure's virtual machines are, and the amounts that Kubernetes writes.

Sizes: Microsoft's pages on virtual machine sizes; those that online deployments can have (spec section 2,
``instance_type``) and the common ones that clusters are made of. Most series are regular: memory grows with the cores.
"""

import re
from dataclasses import dataclass

from sandbox.model.errors import SandboxError

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Size:
    """What one machine has; a share of a GPU counts as one."""

    cpus: float
    memory_bytes: int
    gpus: int = 0


# Names without "Standard_", {} standing for the cores; GiB of memory for each core; the cores that there are.
_SERIES: tuple[tuple[str, float, tuple[int, ...]], ...] = (
    ("d{}_v3 d{}s_v3", 4, (2, 4, 8, 16, 32, 48, 64)),
    ("d{}_v4 d{}s_v4 d{}d_v4 d{}ds_v4", 4, (2, 4, 8, 16, 32, 48, 64)),
    ("d{}a_v4 d{}as_v4 d{}_v5 d{}s_v5 d{}d_v5 d{}ds_v5 d{}as_v5 d{}ads_v5", 4, (2, 4, 8, 16, 32, 48, 64, 96)),
    ("d{}s_v6 d{}ds_v6 d{}as_v6 d{}ads_v6", 4, (2, 4, 8, 16, 32, 48, 64, 96, 128)),
    ("e{}_v3 e{}s_v3 e{}_v4 e{}s_v4 e{}d_v4 e{}ds_v4", 8, (2, 4, 8, 16, 20, 32, 48)),
    ("e{}a_v4 e{}as_v4", 8, (2, 4, 8, 16, 20, 32, 48, 64)),
    ("e{}_v5 e{}s_v5 e{}d_v5 e{}ds_v5 e{}as_v5 e{}ads_v5", 8, (2, 4, 8, 16, 20, 32, 48, 64)),
    ("e{}s_v6 e{}ds_v6 e{}as_v6 e{}ads_v6", 8, (2, 4, 8, 16, 20, 32, 48, 64)),
    ("f{} f{}s", 2, (1, 2, 4, 8, 16)),
    ("f{}s_v2", 2, (2, 4, 8, 16, 32, 48, 64, 72)),
    ("f{}as_v6", 4, (2, 4, 8, 16, 32, 48, 64)),
    ("fx{}mds", 21, (4, 12, 24, 36, 48)),
    ("l{}s_v2", 8, (8, 16, 32, 48, 64, 80)),
    ("l{}s_v3 l{}as_v3", 8, (8, 16, 32, 48, 64, 80)),
)

# Names, cores, GiB of memory, GPUs.
_OTHERS: tuple[tuple[str, int, float, int], ...] = (
    ("b1s", 1, 1, 0),
    ("b1ms", 1, 2, 0),
    ("b2s", 2, 4, 0),
    ("b2ms", 2, 8, 0),
    ("b4ms", 4, 16, 0),
    ("b8ms", 8, 32, 0),
    ("b12ms", 12, 48, 0),
    ("b16ms", 16, 64, 0),
    ("b20ms", 20, 80, 0),
    ("d1_v2 ds1_v2", 1, 3.5, 0),
    ("d2_v2 ds2_v2", 2, 7, 0),
    ("d3_v2 ds3_v2", 4, 14, 0),
    ("d4_v2 ds4_v2", 8, 28, 0),
    ("d5_v2 ds5_v2", 16, 56, 0),
    ("d11_v2 ds11_v2", 2, 14, 0),
    ("d12_v2 ds12_v2", 4, 28, 0),
    ("d13_v2 ds13_v2", 8, 56, 0),
    ("d14_v2 ds14_v2", 16, 112, 0),
    ("d15_v2 ds15_v2", 20, 140, 0),
    ("e64_v3 e64s_v3", 64, 432, 0),
    ("e64_v4 e64s_v4 e64d_v4 e64ds_v4", 64, 504, 0),
    ("e96a_v4 e96as_v4", 96, 672, 0),
    ("e96_v5 e96s_v5 e96d_v5 e96ds_v5 e96as_v5 e96ads_v5 e96as_v6 e96ads_v6", 96, 672, 0),
    ("e96s_v6 e96ds_v6", 96, 768, 0),
    ("nc6", 6, 56, 1),
    ("nc12", 12, 112, 2),
    ("nc24 nc24r", 24, 224, 4),
    ("nc6s_v2 nc6s_v3", 6, 112, 1),
    ("nc12s_v2 nc12s_v3", 12, 224, 2),
    ("nc24s_v2 nc24s_v3 nc24rs_v2 nc24rs_v3", 24, 448, 4),
    ("nc4as_t4_v3", 4, 28, 1),
    ("nc8as_t4_v3", 8, 56, 1),
    ("nc16as_t4_v3", 16, 110, 1),
    ("nc64as_t4_v3", 64, 440, 4),
    ("nc24ads_a100_v4", 24, 220, 1),
    ("nc48ads_a100_v4", 48, 440, 2),
    ("nc96ads_a100_v4", 96, 880, 4),
    ("nc40ads_h100_v5", 40, 320, 1),
    ("nc80adis_h100_v5", 80, 640, 2),
    ("nd6s", 6, 112, 1),
    ("nd12s", 12, 224, 2),
    ("nd24s nd24rs", 24, 448, 4),
    ("nd40rs_v2", 40, 672, 8),
    ("nd96asr_v4", 96, 900, 8),
    ("nd96amsr_a100_v4 nd96isr_h100_v5", 96, 1900, 8),
    ("nd96isr_h200_v5", 96, 1850, 8),
    ("nv6", 6, 56, 1),
    ("nv12", 12, 112, 2),
    ("nv24", 24, 224, 4),
    ("nv12s_v3", 12, 112, 1),
    ("nv24s_v3", 24, 224, 2),
    ("nv48s_v3", 48, 448, 4),
    ("nv6ads_a10_v5", 6, 55, 1),
    ("nv12ads_a10_v5", 12, 110, 1),
    ("nv18ads_a10_v5", 18, 220, 1),
    ("nv36ads_a10_v5", 36, 440, 1),
    ("nv36adms_a10_v5", 36, 880, 1),
    ("nv72ads_a10_v5", 72, 880, 2),
)

_QUANTITY = re.compile(r"^(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<unit>[eE][+-]?\d+|[A-Za-z]{0,2})$")
_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_UNITS |= {f"{name}i": 1024.0**power for power, name in enumerate("KMGTPE", start=1)}


def instance_type(name: str) -> Size | None:
    """Return what a machine of this size has, whatever the case of its name; None for one that is not in the table."""
    wanted = name.strip().lower().removeprefix("standard_")
    for names, cores, memory_gib, gpus in _OTHERS:
        if wanted in names.split():
            return Size(cores, round(memory_gib * GIB), gpus)
    return _regular(wanted)


def _regular(name: str) -> Size | None:
    for names, each_gib, cores in _SERIES:
        for template in names.split():
            before, after = template.split("{}")
            number = name.removeprefix(before).removesuffix(after)
            if name == f"{before}{number}{after}" and number.isdecimal() and int(number) in cores:
                return Size(int(number), round(each_gib * int(number) * GIB))
    return None


def cpus(text: str) -> float:
    """Return how many cores ``"500m"``, ``"1.5"`` or ``"2"`` are.

    Raises:
        SandboxError: E033, it is no such amount.
    """
    return _amount(text, "cores", '"500m", "1.5" or "2"')


def memory(text: str) -> int:
    """Return how many bytes ``"512Mi"``, ``"2G"`` or ``"1.5Gi"`` are.

    Raises:
        SandboxError: E033, it is no such amount.
    """
    return round(_amount(text, "memory", '"512Mi" or "2G"'))


def _amount(text: str, what: str, like: str) -> float:
    found = _QUANTITY.match(text.strip())
    unit = found["unit"] if found else "?"
    if found is None or (unit not in _UNITS and not unit[1:].lstrip("+-").isdecimal()):
        raise SandboxError("E033", f"{text!r} is no amount of {what}", "it is not as Kubernetes writes them", like)
    if unit in _UNITS:
        return float(found["number"]) * _UNITS[unit]
    return float(f"{found['number']}{unit}")
