"""How far an image has come on its way, for people: told twice a second at most."""

import time
from types import TracebackType

from sandbox.model.progress import Event, Report

EVERY_S = 0.5
MEGABYTE = 1_000_000


class Told:
    """One image on its way; as a context it tells the beginning, and the end when it is a failure."""

    def __init__(self, report: Report, text: str, whose: tuple[str, str]) -> None:
        self._report, self._text, self._whose = report, text, whose
        self._began = self._last = time.monotonic()

    def __enter__(self) -> "Told":  # noqa: PYI034 - typing.Self came with 3.11
        self._report(Event("image", "begin", self._text, *self._whose))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._report(Event("image", "failed", self._text, *self._whose, time.monotonic() - self._began))

    def note(self, text: str) -> None:
        """Say something that people should know."""
        self._report(Event("image", "note", text, *self._whose))

    def far(self, text: str, done: int, total: int = 0) -> None:
        """Say how many bytes of how many have gone (0: nobody knows)."""
        now = time.monotonic()
        if now - self._last >= EVERY_S or (total and done >= total):
            self._last = now
            of = f" of {megabytes(total)}" if total else ""
            self._report(Event("image", "line", f"{text} {megabytes(done)}{of}", *self._whose))

    def end(self, layers: int, sent: int) -> None:
        """Say that it is there."""
        what = f"{megabytes(sent)} in {layers} layer{'s' * (layers != 1)}" if layers else "it is there"
        seconds = time.monotonic() - self._began
        self._report(Event("image", "done", f"{self._text}: {what}", *self._whose, seconds))


def megabytes(size: int) -> str:
    """Write a number of bytes."""
    return f"{size / MEGABYTE:.1f} MB" if size < 100 * MEGABYTE else f"{size / MEGABYTE:.0f} MB"
