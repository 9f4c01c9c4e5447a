"""Plays the situations that the chosen tests need, several at once and in the background, each once."""

import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.conformance.launch import SIDES
from tests.conformance.play import Record, play
from tests.conformance.situations import SITUATIONS

AT_ONCE = 4  # plays under way; most of a play is waiting for a process to start


class Stage:
    """Records by side and situation. ``announce`` starts the plays, ``record`` waits for one."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="conformance-"))
        self.pool = ThreadPoolExecutor(AT_ONCE)
        self.records: dict[tuple[str, str], Future[Record]] = {}

    def announce(self, names: list[str]) -> None:
        for name in names:
            for side in SIDES:
                if (side, name) not in self.records:
                    folder = self.folder / side / name
                    folder.mkdir(parents=True)
                    self.records[side, name] = self.pool.submit(play, side, SITUATIONS[name], folder)

    def record(self, side: str, name: str) -> Record:
        self.announce([name])
        return self.records[side, name].result()

    def close(self) -> None:
        self.pool.shutdown(cancel_futures=True)
        shutil.rmtree(self.folder, ignore_errors=True)
