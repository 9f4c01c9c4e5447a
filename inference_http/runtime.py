"""What a worker serves with, put together: script, scorer, application, clocks and HTTP.

``load`` does what belongs to the user (import, init()), ``assemble`` what belongs to us; between the two a process may
fork (WORKER_PRELOAD), so ``load`` starts no thread of ours.
"""

import dataclasses
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from inference_http import errors, insights, logs, metrics, script, swagger
from inference_http.app import create_app
from inference_http.board import Board
from inference_http.control import Task
from inference_http.deadline import Call, Deadlines
from inference_http.fastroute import fast
from inference_http.httpd import Httpd
from inference_http.scoring import Scorer
from inference_http.settings import Settings
from inference_http.watch import version_of

STUCK_GRACE_MS = 300  # after the scoring timeout: what run() gets to end before another thread answers for it


logger = logging.getLogger("azmlinfsrv")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The user's part, ready: the script after init(), and what loading it did to this process."""

    script: script.Script
    import_s: float
    init_s: float
    modules: list[str]  # third-party modules that loading imported, in order: what a zygote preloads
    environment: dict[str, str | None]  # variables that loading changed: value after, None = removed
    files: list[str]  # the user's own source files
    insights: insights.Insights | None


def load(settings: Settings, phase: Callable[[str], None] = lambda _: None) -> Loaded:
    """Import the script and call init(). Raises errors.UserScriptError. ``phase`` hears "import", then "init"."""
    logs.install_print_hook()
    logs.load_logging_json(settings)
    logger.info("Starting up app insights client")
    telemetry = insights.create(settings)
    modules, environment = set(sys.modules), dict(os.environ)
    phase("import")
    started = time.perf_counter()
    try:
        loaded = script.load(settings)
        import_s = time.perf_counter() - started
        phase("init")
        init_s = script.call_init(loaded)
    except errors.UserScriptError as error:
        if telemetry is not None:
            telemetry.log_exception(error)
            telemetry.close()
        raise
    mine = script.user_modules(loaded)
    return Loaded(
        script=loaded,
        import_s=import_s,
        init_s=init_s,
        modules=[name for name in list(sys.modules) if name not in modules and name not in mine and _by_name(name)],
        environment=_changes(environment, dict(os.environ)),
        files=sorted(set(mine.values())),
        insights=telemetry,
    )


def _by_name(name: str) -> bool:
    """Whether importing this name elsewhere gives the same module; names made up at run time do not."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and spec.name == name and spec.origin is not None


def _changes(before: dict[str, str], after: dict[str, str]) -> dict[str, str | None]:
    names = before.keys() | after.keys()
    return {name: after.get(name) for name in sorted(names) if before.get(name) != after.get(name)}


class Runtime:
    """A worker's serving parts."""

    def __init__(
        self, settings: Settings, task: Task, loaded: Loaded, sockets: Sequence[socket.socket], stuck: Callable[[str], None]
    ) -> None:
        self._loaded = loaded
        self._task = task
        self._stuck = stuck
        if task.debug is not None:
            settings = dataclasses.replace(settings, threads=1)
        board = Board.open(task.board)
        self.slot = board.slot(task.slot)
        self.version = version_of(loaded.files)
        self.slot.set_version(self.version)
        self.slot.set("import_seconds", loaded.import_s)
        self.slot.set("init_seconds", loaded.init_s)
        self.deadlines = Deadlines(settings.scoring_timeout_ms, settings.worker_timeout_s, STUCK_GRACE_MS, self._on_stuck)
        self.deadlines.suspended = task.debug is not None
        self.scorer = Scorer(
            settings,
            loaded.script,
            deadlines=self.deadlines,
            insights=loaded.insights,
        )
        documents = swagger.Swagger(settings, loaded.script, loaded.script.schema)
        app = create_app(settings, self.scorer, documents, lambda: metrics.render(board))
        self.httpd = Httpd(settings, fast(app, self.scorer), sockets, self.slot)
        self.set_broken(task.broken)

    def set_broken(self, text: str | None) -> None:
        """Tell on every answer that a newer version of the code exists and does not serve; None: no longer so."""
        if self._task.reloading:
            self.httpd.mark(self.version, text)

    def report(self) -> dict[str, Any]:
        """What the supervisor hears when this worker is ready."""
        loaded = self._loaded
        return {
            "import_s": loaded.import_s,
            "init_s": loaded.init_s,
            "modules": loaded.modules,
            "environment": loaded.environment,
            "files": loaded.files,
            "version": self.version,
        }

    def _on_stuck(self, call: Call) -> None:
        self.httpd.answer_for_thread(call.thread_id, self.scorer.timeout_answer(call.context))
        self._stuck("run() did not end when its time was over")
