"""One worker's place on the board of metrics (board.py)."""

import os
import threading
import time

from inference_http.telemetry import cells
from inference_http.telemetry.cells import Counters, SlotNumber
from inference_http.telemetry.resident import resident_bytes


class Slot:
    """One worker's place. Its methods may be called from all threads of the worker, by one Slot object in it.

    ``observe`` costs 0.4 us, ``in_flight`` 0.2 us, ``waiting`` 0.05 us, ``heartbeat`` 9 us (CPython 3.11).
    """

    def __init__(self, integers: "memoryview[int]", floats: "memoryview[float]", base: int) -> None:
        self.base = base  # the number of its first cell
        self._integers = integers
        self._floats = floats
        self._in_flight = base + cells.SLOT_NUMBERS["in_flight"]
        self._waiting = base + cells.SLOT_NUMBERS["waiting"]
        self._counters = Counters(integers, floats, base + cells.AT_COUNTERS)
        self._lock = threading.Lock()

    # --- The worker's side -----------------------------------------------------------------------------------------

    def observe(self, status: int, seconds: float) -> None:
        """Count one answered request and the time that its answer took."""
        with self._lock:
            self._counters.count(status, seconds)

    def in_flight(self, change: int) -> None:
        """Count a request that begins (+1) or ends (-1)."""
        with self._lock:
            self._floats[self._in_flight] += change

    def waiting(self, count: int) -> None:
        """How many requests wait for run()."""
        self._floats[self._waiting] = count

    def heartbeat(self) -> None:
        """The worker lives; called about once a second. The first one makes the worker known (pid, start)."""
        if self.get("pid") != os.getpid():
            self.set("started", time.time())
            self.set("pid", os.getpid())
        self.set("resident_bytes", resident_bytes())
        self.set("heartbeat", time.monotonic())

    def set(self, name: SlotNumber, value: float) -> None:
        """Set one of the worker's numbers."""
        self._floats[self.base + cells.SLOT_NUMBERS[name]] = value

    def set_version(self, version: str) -> None:
        """The version of the code that answers: ASCII; the first 16 characters count."""
        data = version.encode("ascii", "replace")[: cells.VERSION_CELLS * cells.CELL]
        words = memoryview(data.ljust(cells.VERSION_CELLS * cells.CELL, b"\0")).cast("q")
        for at in reversed(range(cells.VERSION_CELLS)):  # a reader takes one whose first cell is empty for none
            self._integers[self.base + cells.AT_VERSION + at] = words[at]

    # --- Any process -----------------------------------------------------------------------------------------------

    def get(self, name: SlotNumber) -> float:
        """One of the worker's numbers; 0 while it is not known."""
        return self._floats[self.base + cells.SLOT_NUMBERS[name]]

    def beat(self) -> float:
        """The last heartbeat, monotonic seconds (the same clock in all processes of a machine); 0 before the first."""
        return self.get("heartbeat")

    def served(self) -> int:
        """Requests that this worker has answered or begun."""
        return self._counters.total() + int(self.get("in_flight"))

    def version(self) -> str:
        """What ``set_version`` set; "" while nothing was."""
        at = self.base + cells.AT_VERSION
        data = self._integers[at : at + cells.VERSION_CELLS].tobytes()
        return "" if data.startswith(b"\0") else data.rstrip(b"\0").decode("ascii", "replace")
