"""What ``--reload`` and ``--debug`` add to the supervisor: watch the code, roll the workers, follow the debugger.

Both end in the same act, a new generation of workers (``fleet.roll``): after an edit, when a debugger attaches (a plain
worker would pay for a debugger it does not need, ten times its speed on Python <= 3.11), and when it leaves.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from inference_http.config.settings import Settings
from inference_http.debug.session import launched_session
from inference_http.process.control import Message
from inference_http.process.fleet import Fleet, Member

if TYPE_CHECKING:
    from inference_http.debug.listener import Listener
    from inference_http.telemetry.board import Board
    from inference_http.watch.watcher import Watcher

NAMES_SHOWN: Final = 4  # changed files named in one log line

logger = logging.getLogger("azmlinfsrv")


class Development:
    """Reload and debugger of one server.

    All methods run in the supervisor's loop; threads hand over by ``call_soon``.
    """

    def __init__(
        self,
        settings: Settings,
        fleet: Fleet,
        board: "Board",
        call_soon: Callable[[Callable[[], None]], None],
        give_up: Callable[[str], None],
        *,
        end: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._fleet = fleet
        self._board = board
        self._call_soon = call_soon
        self._give_up = give_up
        self._end = end
        self._launched = launched_session()
        self._watcher: Watcher | None = None
        self._listener: Listener | None = None
        self._changed_at: float | None = None
        self._announced = 0  # the generation that the log has told of
        self.debugging = False

    def start(self) -> bool:
        """Begin to watch and to listen. False: no worker may start before a debugger has attached."""
        if self._settings.reload:
            self._watcher = _watcher(self._settings, lambda paths: self._call_soon(lambda: self._changed(paths)))
            # Watching begins before the code is read, and costs the first answer nothing: the zygote imports meanwhile.
            self._watcher.start()
            logger.info("Reloading when files change (%s)", self._watcher.reason or "file system events")
        if self._settings.debug_port is None and self._launched is None:
            return True
        waits = self._settings.wait_for_client or self._settings.debug_connect or self._launched is not None
        self._listener = self._listen(waits=waits)
        if waits:
            logger.info("The script is loaded when a debugger has attached")
        return not waits

    def stop(self) -> None:
        """Leave no thread and no process."""
        if self._watcher is not None:
            self._watcher.stop()
        if self._listener is not None:
            self._listener.stop()

    def endpoint(self) -> dict[str, Any] | None:
        """What a new worker needs to join the debugger's session; None: it shall not."""
        if self._listener is None or not self.debugging:
            return None
        from inference_http.debug.listener import DebugError

        try:
            return self._listener.endpoint()
        except DebugError:
            return None  # the session has ended just now, and the word of it is on its way

    def waiting_for_debugger(self) -> str | None:
        """Why nothing is loaded yet, for those who ask."""
        if self._listener is None or self.debugging or self._fleet.generation:
            return None
        return f"Not ready: waiting for a debugger to attach to port {self._listener.port}"

    # --- Reload ------------------------------------------------------------------------------------------------------

    def _changed(self, paths: Sequence[str]) -> None:
        if self.waiting_for_debugger():
            return
        self._changed_at = time.monotonic()
        logger.info("Changed: %s", self._names(paths))
        self._fleet.roll()

    def _names(self, paths: Sequence[str]) -> str:
        more = f" and {len(paths) - NAMES_SHOWN} more" if len(paths) > NAMES_SHOWN else ""
        return ", ".join(map(self.shown, paths[:NAMES_SHOWN])) + more

    def shown(self, path: str) -> str:
        """A file's name for people: below the script's folder relative to it."""
        entry = self._settings.where_links_lead_now().entry_script
        folder = os.path.realpath(os.path.dirname(entry) if entry else self._settings.app_root)
        return os.path.relpath(path, folder) if os.path.realpath(path).startswith(folder + os.sep) else path

    def data(self) -> str:
        """Tells the contents of the watched files that are no code apart; empty where there are none."""
        return self._watcher.data_digest() if self._watcher is not None else ""

    def took_over(self, member: Member) -> None:
        """A worker of the newest code serves."""
        if self._watcher is not None:
            self._watcher.add_files(member.report["files"])
        self._board.set("reload_broken", 0)
        if member.generation == self._announced:
            return
        self._announced = member.generation
        if self._changed_at is None:
            return
        report = member.report
        logger.info(
            "Reloaded in %.3f s (import %.3f s, init %.3f s): version %s answers now",
            time.monotonic() - self._changed_at,
            report["import_s"],
            report["init_s"],
            report["version"],
        )
        self._board.add("reloads_ok")
        self._changed_at = None

    def start_failed(self, message: Message) -> None:
        """The newest code does not load; its own failure is in the log above."""
        if self._settings.reload:
            self._board.add("reloads_failed")
            self._board.set("reload_broken", 1)
            if self._watcher is not None:
                self._watcher.add_files(message.get("files", ()))
            still = "The version before serves on" if self._fleet.serving() else "Nothing serves"
            logger.error("%s until the code is fixed: %s", still, message["title"])

    # --- Debugger ----------------------------------------------------------------------------------------------------

    def _listen(self, *, waits: bool) -> "Listener":
        from inference_http.debug.launched import LaunchedListener
        from inference_http.debug.listener import Listener

        attached = partial(self._call_soon, partial(self._debugger, attached=True))
        detached = partial(self._call_soon, partial(self._debugger, attached=False))
        listener: Listener
        if self._launched is not None:
            ended = partial(self._call_soon, self._end)
            listener = LaunchedListener(self._launched, on_attach=attached, on_detach=detached, on_end=ended)
        else:
            host, port, connect = (
                self._settings.debug_host,
                self._settings.debug_port or 0,
                self._settings.debug_connect,
            )
            listener = Listener(host, port, connect=connect, on_attach=attached, on_detach=detached)
        listener.start()
        if waits:
            threading.Thread(target=self._await_listener, args=(listener,), daemon=True).start()
        return listener

    def _await_listener(self, listener: "Listener") -> None:
        """Waiting for a debugger that cannot come would be waiting for ever."""
        from inference_http.debug.listener import DebugError

        try:
            listener.wait_ready()
        except DebugError as error:
            cause = str(error)
            self._call_soon(lambda: self._give_up(cause))

    def _debugger(self, *, attached: bool) -> None:
        if attached == self.debugging:
            return
        self.debugging = attached
        self._fleet.roll(1 if attached else self._settings.worker_count)


def _watcher(settings: Settings, on_change: Callable[[list[str]], None]) -> "Watcher":
    from inference_http.watch.watcher import Watcher

    # The name of the script and not its folder: where its links lead is looked up again each time.
    roots = [settings.entry_link or settings.entry_script or settings.app_root]
    if settings.source_dir:
        roots.append(os.path.join(settings.app_root, settings.source_dir))
    models = [os.path.abspath(settings.model_dir)] if settings.reload_model and settings.model_dir else []
    include, exclude, poll = settings.reload_include, settings.reload_exclude, settings.reload_poll
    return Watcher(roots, include, exclude, poll, on_change=on_change, models=models)
