"""The layout of the shared memory in which workers count: where what is. Knows no files and no processes.

Everything is a cell of 8 aligned bytes, an integer or a float, read and written in one piece: no value is ever torn,
whoever dies when.

    header | area 0 | area 1 | slot 0 | slot 1 | ...
    area   = counters of workers that are gone | for each slot the number of generations that they include
    slot   = generation | version of the code | gauges | counters
"""

from bisect import bisect_left
from typing import Final, Literal

CELL: Final = 8  # bytes
MAGIC: Final = 0x494E46485454_0001  # the last four digits are the layout's version

BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # s
BUCKETS: Final = len(BOUNDS) + 1
CODES: Final = 32  # status codes that are told apart; the last place is for all others
OTHER: Final = -1  # their code

BoardNumber = Literal["worker_restarts", "reloads_ok", "reloads_failed", "reload_broken"]
SlotNumber = Literal[
    "pid", "heartbeat", "in_flight", "waiting", "init_seconds", "import_seconds", "resident_bytes", "started"
]

AT_MAGIC, AT_SLOTS, AT_EPOCH, AT_CREATED = range(4)
BOARD_NUMBERS: Final[dict[str, int]] = {
    "worker_restarts": 4,
    "reloads_ok": 5,
    "reloads_failed": 6,
    "reload_broken": 7,
}
HEADER: Final = 8

AT_GENERATION, AT_VERSION = 0, 1
VERSION_CELLS: Final = 2
SLOT_NUMBERS: Final[dict[str, int]] = {
    "pid": 3,
    "heartbeat": 4,
    "in_flight": 5,
    "waiting": 6,
    "init_seconds": 7,
    "import_seconds": 8,
    "resident_bytes": 9,
    "started": 10,
}
AT_COUNTERS: Final = 16
COUNTERS: Final = 2 * CODES + BUCKETS + 1
SLOT: Final = 128  # a kilobyte


def fill(cells: "memoryview[int]", begin: int, end: int) -> None:
    """Set cells to zero, which is the same for integers and floats."""
    cells[begin:end] = memoryview(bytes(CELL * (end - begin))).cast("q")


def area_at(number: int, slots: int) -> int:
    """The first cell of area 0 or 1."""
    return HEADER + number * (COUNTERS + slots)


def slot_at(index: int, slots: int) -> int:
    """The first cell of a slot."""
    return area_at(2, slots) + index * SLOT


class Counters:
    """The counters that begin at cell ``base``: requests by status code, latencies by bucket, and their sum.

    The number of latencies is the sum of the buckets and no cell of its own, so that it can never differ from it.
    """

    __slots__ = ("_base", "_buckets", "_cells", "_codes", "_floats", "_sum")

    def __init__(self, cells: "memoryview[int]", floats: "memoryview[float]", base: int) -> None:
        self._cells = cells
        self._floats = floats
        self._base = base
        self._buckets = base + 2 * CODES
        self._sum = self._buckets + BUCKETS
        self._codes: dict[int, int] = {}  # code -> cell of its count

    def count(self, code: int, seconds: float) -> None:
        """Count one request. Not atomic: one thread at a time."""
        cells = self._cells
        at = self._codes.get(code) or self._place(code)
        cells[at] += 1
        at = self._buckets + bisect_left(BOUNDS, seconds)
        cells[at] += 1
        self._floats[self._sum] += seconds

    def total(self) -> int:
        """How many requests were counted."""
        return sum(self._cells[self._buckets : self._sum].tolist())

    def _place(self, code: int) -> int:
        """The cell of a code's count; a new code is entered while there is room."""
        cells = self._cells
        last = self._buckets - 2
        for at in range(self._base, last if code > 0 else 0, 2):
            if cells[at] in (0, code):
                cells[at] = code
                self._codes[code] = at + 1
                return at + 1
        cells[last] = OTHER
        self._codes[code] = last + 1
        return last + 1

    def add_to(self, sums: "Sums") -> None:
        """Add what is counted here to ``sums``."""
        values = self._cells[self._base : self._sum].tolist()
        for at in range(0, 2 * CODES, 2):
            code, count = values[at], values[at + 1]
            if code:
                sums.requests[code] = sums.requests.get(code, 0) + count
        for bucket, count in enumerate(values[2 * CODES :]):
            sums.buckets[bucket] += count
        sums.seconds += self._floats[self._sum]

    def replace(self, sums: "Sums") -> None:
        """Let exactly ``sums`` be counted here."""
        cells = self._cells
        fill(cells, self._base, self._sum)
        self._codes.clear()
        for code, count in sums.requests.items():
            cells[self._place(code)] += count
        for bucket, count in enumerate(sums.buckets):
            cells[self._buckets + bucket] = count
        self._floats[self._sum] = sums.seconds


class Sums:
    """Counters added up."""

    __slots__ = ("buckets", "requests", "seconds")

    def __init__(self) -> None:
        self.requests: dict[int, int] = {}  # by status code
        self.buckets = [0] * BUCKETS
        self.seconds = 0.0
