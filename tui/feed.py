"""Threads that ask, so that the screen never waits: one that looks at everything again and again, and errands.

They are daemons: leaving waits for none of them. What must not be cut off is a job, in a process of its own.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from textual.message import Message

from tui.looks import Look, Trouble
from tui.trouble import of_error

Found = TypeVar("Found")
EVERY_S = 1.0


class Looked(Message):
    """Everything was looked at; a newer one takes the place of one that waits."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look

    def can_replace(self, message: Message) -> bool:
        """Latest wins."""
        return isinstance(message, Looked)


class Returned(Message):
    """An errand is back; ``call`` is to be carried out where widgets may be touched."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self.call = call


class Feed:
    """Looks once in a while, and hands what it saw to ``post``, which may be called in any thread."""

    def __init__(self, look: Callable[[], Look], post: Callable[[Message], Any], every: float = EVERY_S) -> None:
        self._look, self._post, self._every = look, post, every
        self._wake = threading.Event()
        self._ended = False
        self.paused = False
        self._last = Look(time.monotonic())

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="feed", daemon=True).start()

    def now(self) -> None:
        """Look at once, whatever the time."""
        self._wake.set()

    def end(self) -> None:
        """Look no more."""
        self._ended = True
        self._wake.set()

    def _run(self) -> None:
        while not self._ended:
            if not self.paused:
                self.once()
            self._wake.wait(self._every)
            self._wake.clear()

    def once(self) -> None:
        """Look, and tell; where that fails the last look is told again with the reason, and its age tells the rest."""
        try:
            self._last = self._look()
        except Exception as error:  # noqa: BLE001 - whatever the source does, the screen says it and goes on
            self._last = replace(self._last, trouble=of_error(error))
        if not self._ended:
            self._post(Looked(self._last))


class Errands:
    """Questions and changes that take their time. Of those with the same name only the newest one's answer counts."""

    def __init__(self, post: Callable[[Message], Any]) -> None:
        self._post = post
        self._newest: dict[str, object] = {}

    def run(
        self,
        work: Callable[[], Found],
        then: Callable[[Found], Any],
        failed: Callable[[Trouble], Any],
        name: str = "",
    ) -> None:
        """Do ``work`` in a thread; then, on the screen's side, call ``then`` with what it found, or ``failed``."""
        ticket = object()
        if name:
            self._newest[name] = ticket

        def wanted() -> bool:
            return not name or self._newest.get(name) is ticket

        def back(call: Callable[[], Any]) -> None:
            self._post(Returned(lambda: call() if wanted() else None))

        def run() -> None:
            try:
                found = work()
            except Exception as error:  # noqa: BLE001 - it is shown
                trouble = of_error(error)
                back(lambda: failed(trouble))
            else:
                back(lambda: then(found))

        threading.Thread(target=run, name=f"errand {name}", daemon=True).start()
