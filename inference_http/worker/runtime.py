"""What a worker serves with, put together: script, scorer, application, clocks and HTTP.

``load`` does what belongs to the user (import, init()), ``assemble`` what belongs to us; between the two a process may
fork (WORKER_PRELOAD), so ``load`` starts no thread of ours.
"""

import dataclasses
import datetime as dt
import hashlib
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inference_http import contract
from inference_http.compat import aml_response
from inference_http.config.settings import Settings
from inference_http.process.control import Task
from inference_http.scoring import ids as request_ids
from inference_http.scoring.deadline import Call, Deadlines
from inference_http.scoring.scorer import Scorer
from inference_http.telemetry import insights, logs, metrics
from inference_http.telemetry.board import Board
from inference_http.user import errors, importing, script
from inference_http.watch.watcher import version_of
from inference_http.web import swagger
from inference_http.web.app import create_app
from inference_http.web.fastroute import fast
from inference_http.web.httpd import Httpd
from inference_http.worker import inventory
from inference_http.worker.origins import names_of

if TYPE_CHECKING:
    from inference_http.worker.kept import State

ERROR_SHOWN = 300  # characters of a failure that go into a header
STUCK_GRACE_MS = 300  # after the scoring timeout: what run() gets to end before another thread answers for it

logger = logging.getLogger("azmlinfsrv")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The user's part, ready: the script after init(), and what loading it did to this process."""

    script: script.Script
    import_s: float
    init_s: float
    modules: list[str]  # libraries' modules that loading imported, in order: what a zygote preloads
    environment: dict[str, str | None]  # variables that the script set: value after, None = removed
    own: dict[str, str]  # the user's own modules and their files
    insights: insights.Insights | None
    sources: inventory.Sources | None = None
    kept: list[str] | None = None  # names of values from before; None: there were none to keep, or none that hold


def load(
    settings: Settings,
    phase: Callable[[str], None] = lambda _: None,
    *,
    state: "State | None" = None,
    data: str = "",
    telemetry: bool = True,
    sources: inventory.Sources | None = None,
) -> Loaded:
    """Import the script and call init(). Raises errors.UserScriptError.

    ``phase`` hears "import", then "init". ``state`` is what an earlier version's init() has made in this process;
    ``data`` tells the watched data files apart from those that it was made with. ``sources`` has looked on from before.
    """
    now = settings.where_links_lead_now()
    if now.entry_script and now.entry_script != settings.entry_script:
        os.environ[contract.ENV_ENTRY_SCRIPT] = now.entry_script
    settings = now
    aml_response.use_strict_json(on=settings.strict_json)
    logs.install_print_hook()
    logs.load_logging_json(settings)
    client = insights.create(settings) if telemetry else None
    holds = state is not None and state.prepare(settings, data)
    sources = sources or inventory.Sources()
    newest = importing.newest_module()
    phase("import")
    started = time.perf_counter()
    kept = None
    try:
        with inventory.Variables(_folders(settings)) as variables:
            loaded = script.load(settings)
            import_s = time.perf_counter() - started
            if holds and state is not None:
                kept = state.give(loaded.module)
            phase("init")
            init_s = script.call_init(loaded)
    except errors.UserScriptError as error:
        if client is not None:
            client.log_exception(error)
            client.close()
        raise
    names = [*(state.stay if state is not None and holds else ()), *importing.modules_since(newest)]
    own = inventory.own_modules(loaded.roots, names)
    return Loaded(
        script=loaded,
        import_s=import_s,
        init_s=init_s,
        modules=inventory.libraries(names, own),
        environment=variables.values(),
        own=own,
        insights=client,
        sources=sources,
        kept=kept,
    )


def _folders(settings: Settings) -> list[str]:
    """The user's folders as far as they are known before the script is loaded."""
    entry = os.path.dirname(settings.entry_script) if settings.entry_script else None
    return [folder for folder in (entry, settings.app_root) if folder]


class Runtime:
    """A worker's serving parts."""

    def __init__(
        self,
        settings: Settings,
        task: Task,
        loaded: Loaded,
        sockets: Sequence[socket.socket],
        stuck: Callable[[str], None],
    ) -> None:
        self._loaded = loaded
        self._task = task
        self._stuck = stuck
        if task.debug is not None:
            settings = dataclasses.replace(settings, threads=1)
        board = Board.open(task.board)
        self.slot = board.slot(task.slot)
        self._newest = importing.newest_module()
        self.version = _version(loaded, task.data)
        self._since = dt.datetime.now(dt.timezone.utc)
        self._news: tuple[str, str | None] = ("current" if task.reloading else "off", None)
        self.slot.set_version(self.version)
        self.slot.set("import_seconds", loaded.import_s)
        self.slot.set("init_seconds", loaded.init_s)
        self.deadlines = Deadlines(
            settings.scoring_timeout_ms, settings.worker_timeout_s, STUCK_GRACE_MS, self._on_stuck
        )
        self.deadlines.suspended = task.debug is not None
        self._worker_timeout_s = settings.worker_timeout_s
        self.scorer = Scorer(
            settings,
            loaded.script,
            deadlines=self.deadlines,
            insights=loaded.insights,
        )
        documents = swagger.Swagger(settings, loaded.script, loaded.script.schema)
        app = create_app(settings, self.scorer, documents, lambda: metrics.render(board), self.detail)
        self.httpd = Httpd(settings, fast(app, self.scorer), sockets, self.slot)
        self.tell("current", None)

    def tell(self, state: str, error: str | None) -> None:
        """What has become of the newest code: "current" (it is this one), "loading", or "broken" and why.

        With --reload every answer carries the version of the code that made it, and the failure of a newer one.
        """
        if self._task.reloading:
            self._news = (state, error)
            self.httpd.mark(self.version, error[:ERROR_SHOWN] if error else None)

    def detail(self) -> dict[str, Any]:
        """What ``GET /?detail`` answers."""
        state, error = self._news
        return {
            "status": "Healthy",
            "version": self.version,
            "since": self._since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "reload": state,
            "error": error,
        }

    def report(self) -> dict[str, Any]:
        """What the supervisor hears when this worker is ready."""
        loaded = self._loaded
        return {
            "import_s": loaded.import_s,
            "init_s": loaded.init_s,
            "modules": loaded.modules,
            "environment": loaded.environment,
            "files": sorted(set(loaded.own.values())),
            "version": self.version,
            "roots": list(loaded.script.roots),
            "keep": list(names_of(loaded.script.module)),
            "kept": loaded.kept,
            "torn": self._task.reloading and loaded.sources is not None and loaded.sources.differ(),
        }

    def imported_late(self) -> list[str]:
        """Libraries that run() has imported since."""
        names = importing.modules_since(self._newest)
        return inventory.libraries(names, inventory.own_modules(self._loaded.script.roots, names))

    def _on_stuck(self, call: Call) -> None:
        limit_ms = int(self._worker_timeout_s * 1000) if call.overrun == "worker" else None
        token = request_ids.bind(call.context.request_id)
        try:
            self.httpd.answer_for_thread(call.thread_id, self.scorer.timeout_answer(call.context, limit_ms))
        finally:
            request_ids.unbind(token)
        self._stuck("run() did not end when its time was over")


def _version(loaded: Loaded, data: str) -> str:
    """A short text for the user's source files, and for the watched data files where there are any."""
    version = version_of(loaded.own.values())
    return hashlib.sha256(f"{version} {data}".encode()).hexdigest()[:12] if data else version
