"""Who waits for the network: the scoring thread while it has nothing else to do, else a thread that stands by.

A request that the scoring thread has read itself needs no hand-over: two threads that pass it on wake each other and
wait for the interpreter's lock, which costs more than all the rest of a short answer. While run() takes its time
somebody has to wait for the network nevertheless, as probes are answered and waiting requests are counted then.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from inference_http.debug import debuggee

LOOK_S = 0.0025  # how long the scoring thread answers what is there before it looks at the network again
STAND_IN_S = 0.005  # how long it may be away before somebody else waits for the network
REST_AFTER = 20  # looks without anything to do; then the one that stands by sleeps until it is woken

logger = logging.getLogger("azmlinfsrv")


class Loop:
    """Turns of waiting for the network, one thread at a time.

    ``wait`` waits so many seconds at most, ``tick_s`` or none, handles what has come, and returns whether there will be
    another turn; ``wake`` ends a wait that another thread is in. What belongs to the loop's thread belongs to whoever
    has the turn.
    """

    def __init__(self, wait: Callable[[float], bool], tick_s: float, wake: Callable[[], None]) -> None:
        self._wait, self._tick_s, self._wake = wait, tick_s, wake
        self._calls: deque[Callable[[], None]] = deque()
        self._turn = threading.Lock()
        self._wanted = False  # by the scoring thread
        self._waiting = False  # the scoring thread waits for the network
        self._turns = 0  # of the scoring thread
        self._left_at = 0.0  # monotonic; when it had its last one
        self._resting = False
        self._work = threading.Event()
        self._ended = False

    def start(self) -> None:
        """Start the thread that stands by; it has all the turns until somebody else calls ``turn``."""
        thread = threading.Thread(target=self._stand_by, name="inference-http loop", daemon=True)
        debuggee.exempt(thread)
        thread.start()

    def call(self, what: Callable[[], None]) -> None:
        """Let ``what`` be called on the loop's thread. Any thread; also a signal's handler, so there is no lock."""
        self._calls.append(what)
        self._wake()

    def turn(self, idle: Callable[[], bool]) -> bool:
        """Wait once for the network on the scoring thread; only look, every now and then, while it is not ``idle``.

        Returns whether it is ``idle`` still. Who goes to work without this word leaves nobody with the network.
        """
        if not self._ended and (idle() or time.monotonic() - self._left_at >= LOOK_S):
            self._take_turn(idle)
        still = idle()
        if self._resting and not still:
            self._work.set()
        return still

    def _take_turn(self, idle: Callable[[], bool]) -> None:
        if not self._turn.acquire(blocking=False):
            self._wanted = True
            self._wake()
            self._turn.acquire()
        self._wanted = False
        self._waiting = True
        try:
            if not self._ended:
                self._once(self._tick_s if idle() else 0)
        finally:
            self._turns += 1
            self._left_at = time.monotonic()
            self._waiting = False
            self._turn.release()

    def abandon(self) -> None:
        """In a process that the script forks: nobody waits for the network there, and no lock is taken any more."""
        self._ended = True

    def _once(self, longest_s: float) -> None:
        try:
            self._ended = not self._wait(longest_s)
        except Exception:
            logger.exception("the network cannot be waited for")
            time.sleep(STAND_IN_S)  # what fails again and again must not take the whole machine
        while self._calls:
            self._call(self._calls.popleft())

    def _call(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception:
            logger.exception("a connection could not be handled")

    def _stand_by(self) -> None:
        seen, still = self._turns, 0
        while not self._ended:
            if self._turns == seen and not self._waiting and self._turn.acquire(blocking=False):
                self._stand_in()
            still = still + 1 if self._turns == seen else 0
            seen = self._turns
            if still < REST_AFTER:
                time.sleep(STAND_IN_S)
                continue
            self._work.clear()
            self._resting = True
            # Where its turn has ended meanwhile, it may have gone to work before it could know that we rest.
            while self._waiting and not self._work.wait(self._tick_s):
                pass
            self._resting = False
            still = 0

    def _stand_in(self) -> None:
        try:
            while not self._wanted and not self._ended:
                self._once(self._tick_s)
        finally:
            self._turn.release()
