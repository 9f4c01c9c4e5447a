"""Jobs: work in processes of their own, so that leaving the terminal UI ends none of it and the next one finds it.

A job is a folder: ``order.json`` says what, ``events.jsonl`` how far it got. Whether it still works is told by a lock
on the latter that the kernel releases when the process ends.
"""

import contextlib
import fcntl
import functools
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime, timezone
from typing import Any, Literal

from tui.looks import Job, Step, Trouble
from tui.source import Order

ORDER, EVENTS = "order.json", "events.jsonl"
KEPT = 30  # jobs that are remembered
TAIL = 200  # lines of output of one step
VARIABLE = "SANDBOX_HOME"


def begin(folder: str, home: str, order: Order) -> str:
    """Begin a job; return its id, by which jobs sort in the order of time."""
    began = datetime.now(timezone.utc)
    name = f"{began.strftime('%Y%m%dT%H%M%S%f')}-{secrets.token_hex(2)}"
    place = os.path.join(folder, name)
    os.makedirs(place, mode=0o700)
    said = asdict(order) | {"arguments": dict(order.arguments), "began": began.isoformat(timespec="seconds")}
    with open(os.open(os.path.join(place, ORDER), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        json.dump(said, file)
    events = os.open(os.path.join(place, EVENTS), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(events, fcntl.LOCK_EX)  # the child inherits it: there is no moment at which nobody holds it
        child = subprocess.Popen(
            [sys.executable, "-m", "tui.work", place],
            stdin=subprocess.DEVNULL,
            stdout=events,
            stderr=events,
            start_new_session=True,
            env={**os.environ, VARIABLE: home, "PYTHONSAFEPATH": "1"},  # a folder here may be named as we are
        )
    finally:
        os.close(events)
    _children[child.pid] = child
    _forget_old(folder)
    return name


def order(folder: str, name: str) -> Order:
    """Return what a job was asked to do."""
    said = json.loads(_text(os.path.join(folder, name, ORDER)))
    return Order(**{each.name: said[each.name] for each in fields(Order)})


_children: dict[int, "subprocess.Popen[bytes]"] = {}  # to collect their exit codes; they do not depend on us


def cancel(folder: str, name: str) -> None:
    """Interrupt a job as Ctrl-C would; what served before goes on serving."""
    path = os.path.join(folder, name, EVENTS)
    if not works(path):
        return
    for event in _events(path):
        if "pid" in event:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(event["pid"]), signal.SIGINT)
            return


def works(path: str) -> bool:
    """Tell whether the process of a job runs: it holds a lock on its file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read(folder: str) -> tuple[Job, ...]:
    """Return all jobs, the newest first."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            del _children[pid]
    with contextlib.suppress(FileNotFoundError):
        names = sorted(os.listdir(folder), reverse=True)
        found = (_read(folder, name) for name in names)
        return tuple(job for job in found if job is not None)
    return ()


def _read(folder: str, name: str) -> Job | None:
    path = os.path.join(folder, name, EVENTS)
    try:
        order = json.loads(_text(os.path.join(folder, name, ORDER)))
        size = os.stat(path).st_size
    except (OSError, ValueError):
        return None
    return _folded(path, name, json.dumps(order), size, works(path))


@functools.lru_cache(128)  # a job that is over is read once
def _folded(path: str, name: str, order: str, size: int, working: bool) -> Job:  # noqa: ARG001, FBT001 - key of the cache
    return fold(name, json.loads(order), _events(path), working=working)


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _events(path: str) -> list[dict[str, Any]]:
    """Read events; a line that is none is output of the process itself, such as a traceback of ours."""
    found = []
    with contextlib.suppress(OSError):
        for line in _text(path).splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            found.append(event if isinstance(event, dict) else {"step": "", "state": "line", "text": line})
    return found


def fold(name: str, order: Mapping[str, Any], events: Iterable[Mapping[str, Any]], *, working: bool) -> Job:
    """Make a job of its order and its events. Pure."""
    steps: dict[tuple[str, str], Step] = {}
    state: Literal["working", "done", "failed", "cancelled", "lost"] = "working" if working else "lost"
    trouble: Trouble | None = None
    seconds = 0.0
    for event in events:
        if "end" in event:
            state = event["end"]
            seconds = float(event.get("seconds", 0.0))
            said = event.get("trouble")
            trouble = Trouble(**{**said, "log": tuple(said.get("log", ()))}) if said else None
        elif "state" in event:
            _add(steps, event)
    if state == "lost":
        why = "its process was ended from outside"
        trouble = Trouble("E063", "the job ended before it was ready", why, "say it again: it goes on")
    return Job(
        name,
        str(order.get("title", "")),
        str(order.get("command", "")),
        state,
        str(order.get("began", "")),
        seconds,
        tuple(steps.values()),
        trouble,
        str(order.get("endpoint", "")),
        str(order.get("deployment", "")),
    )


def _add(steps: dict[tuple[str, str], Step], event: Mapping[str, Any]) -> None:
    where = "/".join(str(event[key]) for key in ("endpoint", "deployment") if event.get(key))
    key = (str(event.get("step", "")), where)
    text, state = str(event.get("text", "")), event["state"]
    step = steps.get(key)
    if step is None or (state == "begin" and step.state != "working"):
        # The same step may come twice, for instance publishing before and after; both are shown.
        if step is not None:
            steps[key[0], f"{where} {len(steps)}"] = steps.pop(key)
        step = Step(key[0], text, "working", where=where)
    if state in {"line", "note"}:
        step = replace(step, lines=(*step.lines[-TAIL + 1 :], text))
    elif state == "done":
        step = replace(step, state="done", seconds=float(event.get("seconds", 0.0)))
    elif state == "failed":
        lines = (*step.lines, text) if text else step.lines
        step = replace(step, state="failed", seconds=float(event.get("seconds", 0.0)), lines=lines)
    steps[key] = step


def _forget_old(folder: str) -> None:
    for name in sorted(os.listdir(folder))[:-KEPT]:
        if not works(os.path.join(folder, name, EVENTS)):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
