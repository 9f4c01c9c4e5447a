"""A command that kills itself: ``python dying.py HOME POINT VERB [WORD ...]``.

POINT is the number of the event at which it dies (from 1; only those are counted between which something is written),
``0.25s`` for a moment, or 0: it lives.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sandbox.api import Edit, Sandbox


def die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def set_key(box, report, name, endpoint, key, value):
    edit = Edit("set", tuple(key.split(".")), int(value) if value.isdigit() else value)
    box.online_deployments.update(name=name, endpoint=endpoint, edits=[edit], report=report)


def traffic(box, report, name, *shares):
    live = {deployment: int(share) for deployment, _, share in (each.partition("=") for each in shares)}
    box.online_endpoints.update(name=name, traffic=live, report=report)


VERBS = {
    "endpoint": lambda box, report, file: box.online_endpoints.create(file, report=report),
    "create": lambda box, report, file: box.online_deployments.create(file, report=report),
    "set": set_key,
    "delete": lambda box, report, name, endpoint: box.online_deployments.delete(name, endpoint, report=report),
    "delete-endpoint": lambda box, report, name: box.online_endpoints.delete(name, report=report),
    "traffic": traffic,
    "receive": lambda box, report, path: box.promotions.receive(json.loads(Path(path).read_text()), report=report),
    "rollback": lambda box, report, name, *to: box.promotions.rollback(name, *map(int, to), report=report),
    "up": lambda box, report, *paths: box.up(list(paths), report=report),
    "down": lambda box, report: box.down(report=report),
}


def main(home, point, verb, *words):
    seen = 0

    def report(event):
        nonlocal seen
        seen += event.state == "begin" or (
            event.state == "done" and event.step in {"ready", "gateway", "stop", "test", "traffic"}
        )
        if point.isdigit() and seen == int(point):
            die()

    if point.endswith("s"):
        timer = threading.Timer(float(point[:-1]), die)
        timer.daemon = True
        timer.start()
    VERBS[verb](Sandbox(home), report, *words)


if __name__ == "__main__":
    main(*sys.argv[1:])
