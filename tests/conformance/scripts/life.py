"""run() does what can go wrong with a process; the request's body names it."""

import os
import threading
import time

SEEN = {"inits": 0, "running": 0, "most at once": 0}
LOCK = threading.Lock()


def init():
    SEEN["inits"] += 1


def loop(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(100))
    return "looped"


def swallow(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            loop(end - time.monotonic())
        except Exception:
            SEEN["swallowed"] = True
    return "swallowed"


def cleanup(seconds):
    try:
        loop(seconds)
    finally:
        SEEN["cleaned"] = True


def together(seconds):
    with LOCK:
        SEEN["running"] += 1
        SEEN["most at once"] = max(SEEN["most at once"], SEEN["running"])
    time.sleep(seconds)
    with LOCK:
        SEEN["running"] -= 1
    return os.getpid()


def streaming(seconds):
    import flask

    def pieces():
        for _ in range(int(seconds * 10)):
            time.sleep(0.1)
            yield "."

    return flask.Response(pieces())


def run(text):
    what, _, seconds = text.partition(" ")
    known = {
        "loop": loop,
        "swallow": swallow,
        "cleanup": cleanup,
        "sleep": lambda seconds: time.sleep(seconds) or "slept",
        "together": together,
        "stream": streaming,
        "die": lambda _: os._exit(7),
        "segfault": lambda _: os.kill(os.getpid(), 11),
        "pid": lambda _: os.getpid(),
        "seen": lambda _: SEEN,
    }
    return known[what](float(seconds or 0))
