"""The board on which all workers count, in memory that they share with the supervisor (a mapped file).

One slot for each worker, written by that worker alone; the totals of workers that are gone, written by the supervisor
alone. Nobody waits for anybody: a process killed in the middle of a write leaves a board that others go on with.

Counters never go down. ``retire`` adds a slot to the totals in a second area and then makes that area the valid one by
a single store, the epoch; the area also says which generations of each slot it includes. A reader whose epoch has
changed meanwhile reads again.
"""

import contextlib
import logging
import mmap
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Final

from inference_http.telemetry import cells
from inference_http.telemetry.board_file import BoardFile
from inference_http.telemetry.cells import BoardNumber, Counters, Sums
from inference_http.telemetry.slot import Slot

PRIVATE_SLOTS: Final = 256
READS: Final = 100  # attempts at a view that no retirement disturbs; each takes microseconds, a retirement is rare

logger = logging.getLogger("azmlinfsrv")


@dataclass(frozen=True, slots=True)
class WorkerView:
    """What one worker says of itself; seconds are Unix time in ``started`` and monotonic in ``heartbeat``."""

    slot: int
    version: str
    numbers: dict[str, float]


@dataclass(slots=True)
class View:
    """The whole board at one moment."""

    sums: Sums = field(default_factory=Sums)
    workers: list[WorkerView] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    created: float = 0.0  # Unix time


class Board:
    """The mapped memory. ``create`` it in the supervisor, ``open`` it by its ``handle`` (a path) in the workers.

    A missing board must not keep a worker from serving: where no file can be made or opened, the board is this
    process's own memory, and a warning says so.
    """

    def __init__(self, memory: mmap.mmap, handle: str, file: BoardFile | None = None) -> None:
        self.handle = handle
        self._memory = memory
        self._file = file
        self._lock = threading.Lock()
        self._view = memoryview(memory)
        self.integers: memoryview[int] = self._view.cast("q")
        self.floats: memoryview[float] = self._view.cast("d")
        self.slots = self.integers[cells.AT_SLOTS]

    @classmethod
    def create(cls, slots: int) -> "Board":
        """A new board with room for ``slots`` workers at a time, in a file that only this user may read and write."""
        try:
            file = BoardFile(cells.CELL * cells.slot_at(slots, slots))
        except OSError as error:
            logger.warning("/metrics will know single workers only, as no temporary file can be made: %s", error)
            return cls._private(slots)
        return cls(_lay_out(file.memory, slots), file.path, file)

    @classmethod
    def open(cls, handle: str) -> "Board":
        """The board of another process, by its ``handle``. Raises ValueError for a file of another kind."""
        if not handle:
            return cls._private(PRIVATE_SLOTS)
        try:
            descriptor = os.open(handle, os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            logger.warning("/metrics will know single workers only, as the file for them is gone: %s", error)
            return cls._private(PRIVATE_SLOTS)
        try:
            size = os.fstat(descriptor).st_size
            memory = mmap.mmap(descriptor, size) if size >= cells.CELL * cells.HEADER else None
        finally:
            os.close(descriptor)
        if memory is not None:
            slots = _slots_of(memory)
            if slots is not None and size == cells.CELL * cells.slot_at(slots, slots):
                return cls(memory, handle)
            memory.close()
        raise ValueError(f"{handle} is no metrics board of this version of the server")

    @classmethod
    def _private(cls, slots: int) -> "Board":
        memory = mmap.mmap(-1, cells.CELL * cells.slot_at(slots, slots))
        return cls(_lay_out(memory, slots), "")

    def close(self) -> None:
        """Let go of the memory, its slots included; its creator also removes the file. Idempotent."""
        with contextlib.suppress(BufferError):  # a view that somebody still holds: the memory goes when it goes
            for view in (self.integers, self.floats, self._view):
                view.release()
            self._memory.close()
        if self._file is not None:
            self._file.remove()

    def slot(self, index: int) -> Slot:
        """The place of one worker."""
        if not 0 <= index < self.slots:
            raise IndexError(f"the metrics board has no slot {index}: it was made for {self.slots} workers at a time")
        return Slot(self.integers, self.floats, cells.slot_at(index, self.slots))

    # --- The supervisor's side -------------------------------------------------------------------------------------

    def add(self, name: BoardNumber, amount: float = 1) -> None:
        """Count something that happens to the server as a whole."""
        with self._lock:
            self.floats[cells.BOARD_NUMBERS[name]] += amount

    def set(self, name: BoardNumber, value: float) -> None:
        """Set one of the server's numbers."""
        self.floats[cells.BOARD_NUMBERS[name]] = value

    def retire(self, index: int) -> None:
        """Keep what a worker has counted, now that its process has ended, and make its slot free for another one.

        Every step is taken under the lock anew: processors that reorder writes keep them on their side of a lock.
        """
        base = self.slot(index).base
        with self._lock:
            epoch = self.integers[cells.AT_EPOCH]
            valid, other = (cells.area_at((epoch + turn) & 1, self.slots) for turn in (0, 1))
            generations = max(self.integers[base + cells.AT_GENERATION] + 1, self._included(valid, index))
            if generations > self._included(valid, index):
                self._include(base, valid, other)
                self.integers[other + cells.COUNTERS + index] = generations
                epoch += 1
        with self._lock:
            self.integers[cells.AT_EPOCH] = epoch
        with self._lock:
            cells.fill(self.integers, base + cells.AT_GENERATION + 1, base + cells.SLOT)
        with self._lock:
            self.integers[base + cells.AT_GENERATION] = generations

    def _include(self, base: int, valid: int, other: int) -> None:
        """Make the other area: the valid one and the counters of the slot at ``base``."""
        sums = Sums()
        self._counters(valid).add_to(sums)
        self._counters(base + cells.AT_COUNTERS).add_to(sums)
        self._counters(other).replace(sums)
        source, target = valid + cells.COUNTERS, other + cells.COUNTERS
        self.integers[target : target + self.slots] = self.integers[source : source + self.slots]

    def _included(self, area: int, index: int) -> int:
        """How many generations of a slot an area includes."""
        return self.integers[area + cells.COUNTERS + index]

    # --- Any process -----------------------------------------------------------------------------------------------

    def view(self) -> View:
        """The sums over all workers, those that are gone included, and what each living one says."""
        for _ in range(READS):
            epoch = self.integers[cells.AT_EPOCH]
            view = self._read(cells.area_at(epoch & 1, self.slots))
            if self.integers[cells.AT_EPOCH] == epoch:
                break
        return view

    def _read(self, area: int) -> View:
        view = View(created=self.floats[cells.AT_CREATED])
        view.numbers = {name: self.floats[at] for name, at in cells.BOARD_NUMBERS.items()}
        self._counters(area).add_to(view.sums)
        for index in range(self.slots):
            slot = self.slot(index)
            if self.integers[slot.base + cells.AT_GENERATION] < self._included(area, index):
                continue  # its counters are in the area already
            self._counters(slot.base + cells.AT_COUNTERS).add_to(view.sums)
            if slot.get("pid"):
                numbers = {name: self.floats[slot.base + at] for name, at in cells.SLOT_NUMBERS.items()}
                view.workers.append(WorkerView(index, slot.version(), numbers))
        return view

    def _counters(self, base: int) -> Counters:
        return Counters(self.integers, self.floats, base)


def _lay_out(memory: mmap.mmap, slots: int) -> mmap.mmap:
    with memoryview(memory) as view, view.cast("q") as integers, view.cast("d") as floats:
        integers[cells.AT_SLOTS] = slots
        floats[cells.AT_CREATED] = time.time()
        integers[cells.AT_MAGIC] = cells.MAGIC
    return memory


def _slots_of(memory: mmap.mmap) -> int | None:
    with memoryview(memory)[: cells.CELL * cells.HEADER] as view, view.cast("q") as integers:
        return integers[cells.AT_SLOTS] if integers[cells.AT_MAGIC] == cells.MAGIC else None
