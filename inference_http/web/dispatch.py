"""Which thread answers which request.

The *scoring* queue is answered by the main thread (or by ``--threads`` pool threads); everything else (health, swagger,
metrics, refusals) by one control thread, so that a busy run() never delays a probe.
"""

import contextlib
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from queue import Empty, SimpleQueue

from inference_http import contract
from inference_http.config.settings import Settings
from inference_http.debug import debuggee
from inference_http.telemetry.slot import Slot
from inference_http.web.channel import Channel
from inference_http.web.writing import Refusal

Meanwhile = Callable[[Callable[[], bool]], bool]


class Dispatcher:
    """Which thread answers which request. waitress calls ``add_task`` from its loop and from answering threads."""

    def __init__(self, settings: Settings, slot: Slot) -> None:
        self._scoring: SimpleQueue[Channel | None] = SimpleQueue()
        self._control: SimpleQueue[Channel | None] = SimpleQueue()
        self._max_waiting = settings.max_waiting or sys.maxsize
        self._slot = slot
        self._stopped = threading.Event()
        self._pool = settings.threads if settings.threads > 1 else 0
        self._busy = False

    def start(self) -> None:
        """Start the threads. With one scoring thread there is none to start: the caller's main thread is it."""
        self._spawn("control", self._control)
        for number in range(self._pool):
            self._spawn(f"scoring-{number + 1}", self._scoring)

    def add_task(self, channel: Channel) -> None:
        """Queue the connection's first request."""
        request = channel.requests[0]
        if request.error or "/" + request.path.lstrip("/") != contract.ROUTE_SCORE:
            self._control.put(channel)
            return
        waiting = self._scoring.qsize()
        about_to_run = not self._pool and not self._busy  # the thread that reads takes the first one itself
        if waiting >= self._max_waiting + about_to_run:
            text = f"{waiting} requests are waiting for run() already (--max-waiting {self._max_waiting})"
            request.error = Refusal(HTTPStatus.TOO_MANY_REQUESTS, text, close=False, retry_after_s=1)
            self._control.put(channel)
            return
        self._scoring.put(channel)

    def waiting(self) -> int:
        """Requests that wait for run()."""
        return self._scoring.qsize()

    def stop(self) -> None:
        """End ``run_scoring`` once what waits has been answered."""
        self._stopped.set()
        self._scoring.put(None)

    def abandon(self) -> None:
        """In a process that the script forks: end ``run_scoring`` there, and leave what waits to the worker."""
        with contextlib.suppress(Empty):
            while True:
                self._scoring.get_nowait()
        self.stop()

    def run_scoring(self, meanwhile: Meanwhile | None = None) -> None:
        """Answer scoring requests on the calling thread until ``stop``.

        ``meanwhile`` is called before each, with what tells whether there is nothing to answer; it returns soon after a
        request was queued, and says whether there is nothing still.
        """
        if self._pool:
            self._stopped.wait()
        else:
            self._answer(self._scoring, meanwhile)

    def replace_stuck_thread(self) -> None:
        """Answer what waits behind a stuck run() on one more thread; the worker is about to be replaced."""
        self._spawn("scoring-relief", self._scoring)

    def _spawn(self, name: str, queue: "SimpleQueue[Channel | None]") -> None:
        thread = threading.Thread(target=self._answer, args=(queue,), name=f"inference-http {name}", daemon=True)
        if queue is self._control:
            debuggee.exempt(thread)  # probes are answered while run() stands at a breakpoint
        thread.start()

    def _answer(self, queue: "SimpleQueue[Channel | None]", meanwhile: Meanwhile | None = None) -> None:
        scoring_queue = queue is self._scoring
        while True:
            while meanwhile is not None and meanwhile(queue.empty):
                pass
            channel = queue.get()
            if channel is None:
                if scoring_queue:  # for whoever else answers from here
                    queue.put(None)
                return
            if not scoring_queue:
                channel.service()
                continue
            self._slot.in_flight(+1)
            self._busy = True
            try:
                channel.service()
            finally:
                self._busy = False
                self._slot.in_flight(-1)
