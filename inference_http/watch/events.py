"""The system's word that something changed, through watchdog, which is imported only here and only when used."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver, ObservedWatch

_LIMITS: Final = {
    errno.ENOSPC: "the limit of watched folders is reached: raise it with sysctl fs.inotify.max_user_watches=524288",
    errno.EMFILE: "the limit of watchers is reached: raise it with sysctl fs.inotify.max_user_instances=1024",
}


class Events:
    """Observed folders, and a function that is told of each path that may have changed, and whether it is a folder."""

    def __init__(self, tell: Callable[[str, bool], None]) -> None:
        self._tell = tell
        self._observer: BaseObserver | None = None
        self._watches: dict[tuple[str, bool, int], ObservedWatch] = {}  # folder, with all below it, inode

    def observe(self, folders: Mapping[str, bool]) -> bool:
        """Observe these folders (value: with all below them) and no others. Returns whether anything was changed.

        A folder that was replaced by another one of the same name is observed anew.

        Raises:
            OSError: events cannot be had; ``why`` puts it in words.
            ImportError: watchdog is not installed.
        """
        wanted = {(folder, whole, _inode(folder)) for folder, whole in folders.items()}
        wanted = {watch for watch in wanted if watch[2]}
        if wanted == self._watches.keys():
            return False
        observer = self._observer or self._start()
        for key in self._watches.keys() - wanted:
            with contextlib.suppress(KeyError, OSError):  # gone with its folder
                observer.unschedule(self._watches[key])
            del self._watches[key]
        for folder, whole, inode in sorted(wanted - self._watches.keys()):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # gone since the walk
                self._watches[folder, whole, inode] = self._schedule(observer, folder, whole=whole)
        if sys.platform.startswith("linux"):
            # watchdog says nothing when only folders further down could not be watched; one watch more would fail too.
            observer.unschedule(self._schedule(observer, os.sep, whole=False))
        return True

    def stop(self) -> None:
        """Observe nothing any more; no thread stays."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
        self._observer = None
        self._watches.clear()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Called by watchdog, on its thread."""
        for path in (event.src_path, event.dest_path):
            if path:
                self._tell(os.fsdecode(path), event.is_directory)

    def _start(self) -> BaseObserver:
        from watchdog.observers import Observer

        self._observer = Observer()
        self._observer.start()
        return self._observer

    def _schedule(self, observer: BaseObserver, folder: str, *, whole: bool) -> ObservedWatch:
        handler: Any = self  # only dispatch() is called; its base class would cost an import of watchdog up here
        return observer.schedule(handler, folder, recursive=whole, event_filter=_kinds())


def why(error: Exception) -> str:
    """In words for the user: why there are no events."""
    if isinstance(error, ImportError):
        return f"watchdog cannot be imported ({error})"
    if isinstance(error, OSError) and error.errno in _LIMITS:
        return _LIMITS[error.errno]
    return f"the system offers no events here ({error})"


def _kinds() -> list[type[FileSystemEvent]]:
    """Only what follows a change: reading alone makes thousands of "opened" and "closed" events as libraries load."""
    from watchdog import events

    kinds: list[type[FileSystemEvent]] = [
        events.FileClosedEvent,  # after writing
        events.FileCreatedEvent,
        events.FileMovedEvent,
        events.FileDeletedEvent,
        events.DirCreatedEvent,
        events.DirMovedEvent,
        events.DirDeletedEvent,
    ]
    if not sys.platform.startswith("linux"):
        kinds.append(events.FileModifiedEvent)  # nobody else tells when a file was closed
    return kinds


def _inode(folder: str) -> int:
    try:
        return os.stat(folder).st_ino or 1
    except OSError:
        return 0
