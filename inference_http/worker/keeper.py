"""A process forked from the zygote that has loaded the script and called init() once, and from then on only forks.

Two uses: WORKER_PRELOAD (S125), where workers take everything as it is; and ``__keep__`` in a script with ``--reload``,
where workers drop the script, import the new code and get the named values before its init() (see ``kept.py``).

Code that has run may leave threads or CUDA behind, and a fork of such a process may hang: then the supervisor is told,
and workers load for themselves.
"""

import dataclasses
import gc
import logging
from typing import NoReturn

from inference_http.config.settings import Settings
from inference_http.process.control import Message, Task, Wire
from inference_http.telemetry import insights
from inference_http.user import errors
from inference_http.worker import forksafe, kept, runtime
from inference_http.worker.main import Worker
from inference_http.worker.zygote import Zygote

logger = logging.getLogger("azmlinfsrv")


class Keeper(Zygote):
    """``whole``: workers take script and state as they are. Else they get the kept values alone."""

    def __init__(self, settings: Settings, wire: Wire, task: Task, *, whole: bool) -> None:
        super().__init__(settings, wire)
        self._task = task
        self._whole = whole
        self._loaded: runtime.Loaded | errors.UserScriptError | None = None
        self._state: kept.State | None = None

    def load(self) -> None:
        """Load the script and call init(); what is wrong with it is for a worker to say."""
        around = kept.Surroundings()
        try:
            with around:
                loaded = runtime.load(self.settings, telemetry=False)
        except errors.UserScriptError as error:
            self._loaded = error
            if not self._whole:
                self._object(["the script did not load a second time"])
                return
        else:
            self._loaded = loaded
            reasons = forksafe.objections()
            if reasons:
                self._object(reasons)
                return
            if not self._whole:
                self._state = kept.State.of(loaded, self.settings, self._task.data, around)
                self._loaded = None
        gc.collect()
        gc.freeze()
        self.spares.soon()
        self.wire.post("loaded", names=sorted(self._state.values) if self._state else [])

    def work(self, worker: Worker) -> NoReturn:
        """Be a worker, in a forked child."""
        loaded = self._loaded
        if isinstance(loaded, runtime.Loaded):
            loaded = dataclasses.replace(loaded, insights=insights.create(self.settings))
        worker.run(loaded, self._state)

    def _obey(self, message: Message) -> None:
        if message["op"] == "forget":
            self.spares.drop()
            self._loaded = self._state = None
            gc.unfreeze()
            gc.collect()
        else:
            super()._obey(message)

    def _object(self, reasons: list[str]) -> None:
        self._unsafe = True
        self.wire.post("unsafe", reasons=reasons, suspects=["init"])
