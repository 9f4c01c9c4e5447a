"""Which changes of the user's files make a reload, and when a burst of them is over.

The system's events say that something may have changed; contents decide whether it did, so a touch, a checkout back and
forth or an editor's habit of saving by rename is no reload, or one. Where events do not arrive the files are looked at
again and again instead; where they were expected and one was missed, that is noticed and the watcher changes over.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Final, Literal

from inference_http.watch.events import Events, why
from inference_http.watch.rules import Rules, silent_file_system
from inference_http.watch.tree import FOLDER_LIMIT, Mark, Tree, mark_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

logger = logging.getLogger("azmlinfsrv")

DEBOUNCE_S: Final = 0.012  # of quiet after the last event; three times as long when several files change
SETTLE_LIMIT_S: Final = 2.0  # after that a change is told although files still change
POLL_S: Final = 0.4  # between two looks where there are no events
SLOW_LOOK_S: Final = 5.0  # between two looks where there are, for those that were missed
_LOOK_SHARE: Final = 20  # a look that takes long is taken less often: it may use 1/20 of the time
_IN_FLIGHT_S: Final = 0.25  # what an event may take from the change to here
AFTER_GIT_S: Final = 0.05  # git has ended, and events of its last files may be on their way
_GIT_LOCK_AGE_S: Final = 10.0  # an older lock was left behind by a git that crashed


class Watcher:
    """Tells of changes in the user's files, one call for each burst.

    Args:
        roots: folders, watched with all below them but environments, repositories' insides and caches; of a file, its
            folder. Links are followed, also when they come to lead elsewhere; paths are told with them resolved.
        include: patterns of the files that count (``rules.Rules``).
        exclude: patterns of files and folders that do not.
        poll: True looks instead of listening for events, False does not ask whether events can be trusted here.
        on_change: called with the sorted paths of new, changed and deleted files, on the watcher's thread. Changes
            made while it runs are told afterwards.
        models: folders in which every file counts; they may lie in a root.
        debounce_s: how long nothing may happen before a change is told.
    """

    def __init__(
        self,
        roots: Sequence[str],
        include: Sequence[str],
        exclude: Sequence[str] = (),
        poll: bool | None = None,  # noqa: FBT001 - a setting with three values
        *,
        on_change: Callable[[list[str]], None],
        models: Sequence[str] = (),
        debounce_s: float = DEBOUNCE_S,
    ) -> None:
        rules, all_files = Rules(include, exclude), Rules(["*"], exclude)
        self._tree = Tree({**dict.fromkeys(models, all_files), **dict.fromkeys(roots, rules)}, rules)
        self._git_locks = [lock for lock in map(_git_lock, roots) if lock]
        self._poll = poll
        self._on_change = on_change
        self._debounce_s = debounce_s
        self._events: Events | None = None
        self._reason: str | None = None  # why there are looks, although events may arrive too
        self._lock = threading.RLock()  # of the tree and the observed folders
        self._changed = threading.Condition()  # of the four below
        self._pending: dict[str, Mark | None] = {}
        self._walk = False  # a folder changed: only a walk tells what that means
        self._last_event = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    @property
    def kind(self) -> Literal["events", "polling"]:
        """How changes are noticed now."""
        return "polling" if self._reason else "events"

    @property
    def reason(self) -> str | None:
        """Why it is polling; None with events."""
        return self._reason

    def start(self) -> None:
        """Begin. What changes after this returns is told; never raises: polling works everywhere."""
        with self._lock:
            survey = self._tree.look()
            if self._poll:
                self._reason = "asked for"
            elif self._poll is None:
                self._reason = silent_file_system(list(survey.tops))
            if not self._poll:  # also where events cannot be trusted: those that come are heard at once
                self._events = Events(self._note)
                self._tree.survey = survey  # so that early events are judged
                self._observe()
            self._tree.remember(self._tree.look())
        if survey.too_large:
            logger.warning(
                "reload: %s has more than %d folders; watched are the script's own folder and the files it imported. "
                "Exclude data with --reload-exclude",
                survey.too_large,
                FOLDER_LIMIT,
            )
        self._thread.start()

    def stop(self) -> None:
        """Tell nothing any more; no thread stays. Not to be called from ``on_change``."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident:
            self._thread.join()
        if self._events is not None:
            self._events.stop()

    def add_files(self, paths: Iterable[str]) -> None:
        """Files that count too, wherever they are: what the script imported. Known ones cost nothing."""
        with self._lock:
            if self._tree.add(paths):
                known = self._tree.survey.files
                self._tree.survey = self._tree.look()
                self._observe()
                survey = self._tree.look()
                fresh = {path: mark for path, mark in survey.files.items() if path not in known}
                survey.files = known | fresh  # what changed among the known ones is still to be told
                self._tree.remember(survey)

    def data_digest(self) -> str:
        """A short text for the names and contents of the files that count and are no Python; empty without any."""
        with self._lock:
            return self._tree.data_digest()

    # --- Watchdog's thread -------------------------------------------------------------------------------------------

    def _note(self, path: str, folder: bool) -> None:  # noqa: FBT001 - a callback
        if self._tree.interesting(path, folder=folder):
            with self._changed:
                self._walk = self._walk or folder or os.path.islink(path)
                self._pending[path] = mark_of(path)
                self._last_event = time.monotonic()
                self._changed.notify_all()

    # --- The watcher's thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = self._pause(0)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._stopping, pause)
                if self._stopping:
                    return
                told = bool(self._pending)
            if told:
                changed = self._settled()
            else:
                started = time.monotonic()
                changed = self._looked()
                pause = self._pause(time.monotonic() - started)
            if changed and not self._stopping:
                self._tell(changed)

    def _pause(self, look_s: float) -> float:
        return max(POLL_S if self._reason else SLOW_LOOK_S, look_s * _LOOK_SHARE)

    def _tell(self, changed: list[str]) -> None:
        try:
            self._on_change(changed)
        except Exception:
            logger.exception("reload: the change of %s could not be acted on", ", ".join(changed))

    def _settled(self) -> list[str]:
        """Wait until the burst is over, then compare what it touched."""
        give_up = time.monotonic() + SETTLE_LIMIT_S
        busy_at = float("-inf")
        while not self._stopping:
            with self._changed:
                quiet_s = self._debounce_s * (1 if len(self._pending) < 3 else 3)
                left = self._last_event + quiet_s - time.monotonic()
                if left > 0 and time.monotonic() < give_up:
                    self._changed.wait(left)
                    continue
                marks = {path: mark_of(path) for path in self._pending}
                now = time.monotonic()
                if self._git_is_busy():
                    busy_at = now
                if now >= give_up or (marks == self._pending and now >= busy_at + AFTER_GIT_S):
                    walk, self._walk = self._walk, False
                    self._pending = {}
                    break
                self._pending, self._last_event = marks, now
        else:
            return []
        with self._lock:
            if not walk:
                return self._tree.changes_of(marks)
            changed = self._tree.changes(self._tree.look())
            if self._observe():  # what came into a new folder before it was observed
                changed = sorted({*changed, *self._tree.changes(self._tree.look())})
            return changed

    def _looked(self) -> list[str]:
        """Look at everything without having been told to; where events were expected, find out why none came."""
        with self._lock:
            survey = self._tree.look()
            if survey.files == self._tree.survey.files:
                self._tree.survey = survey
                self._observe()
                return []
        time.sleep(_IN_FLIGHT_S if self._events else self._debounce_s)
        if self._pending:
            return []  # it was only about to be told
        with self._lock:
            again = self._tree.look()
            if again.files != survey.files:
                return []  # still being written; the next look is soon enough
            changed = self._tree.changes(again)
            observed_anew = self._observe()
            if changed and not observed_anew and not self._reason:
                self._change_over(f"{changed[0]} changed and no event told so")
            return changed

    def _observe(self) -> bool:
        """Observe what the last survey says. Returns whether that is not what was observed before."""
        if self._events is None:
            return False
        try:
            return self._events.observe(self._tree.survey.observed)
        except (OSError, ImportError) as error:
            self._events.stop()
            self._events = None
            self._change_over(why(error))
            return True

    def _change_over(self, reason: str) -> None:
        logger.warning("reload: looking for changes every %g s, because %s", POLL_S, reason)
        self._reason = reason

    def _git_is_busy(self) -> bool:
        """Whether a checkout is under way: git holds this file from its first change to its last."""
        for lock in self._git_locks:
            mark = mark_of(lock)
            if mark and time.time() - mark[0] / 1e9 < _GIT_LOCK_AGE_S:
                return True
        return False


def version_of(paths: Iterable[str]) -> str:
    """Twelve hexadecimal digits for the content of these files and their names relative to each other.

    The same code has the same version in any folder, on any machine and in any order of ``paths``. Files that cannot be
    read count as absent.
    """
    files = sorted({os.path.realpath(path) for path in paths})
    folder = os.path.commonpath([os.path.dirname(file) for file in files]) if files else ""
    digest = hashlib.sha256()
    for file in files:
        try:
            with open(file, "rb") as content:
                data = content.read()
        except OSError:
            continue
        name = os.path.relpath(file, folder).replace(os.sep, "/").encode(errors="surrogateescape")
        digest.update(b"%d %s %d " % (len(name), name, len(data)) + data)
    return digest.hexdigest()[:12]


def _git_lock(folder: str) -> str | None:
    """The lock file of the repository around a folder."""
    folder = os.path.realpath(folder)
    while True:
        git = os.path.join(folder, ".git")
        if os.path.isdir(git):
            return os.path.join(git, "index.lock")
        if os.path.isfile(git):  # a worktree: the file names its folder
            with open(git, encoding="utf-8", errors="surrogateescape") as file:
                return os.path.join(folder, file.read().removeprefix("gitdir:").strip(), "index.lock")
        if folder == os.path.dirname(folder):
            return None
        folder = os.path.dirname(folder)
