"""Why an instance does not serve, from what it has left: its exit code, its log, the state of the machine.

The server's log names the failing line of the user's code first and gives the user's frames after it, in one record
(``inference_http.failure.render``); nothing else of it is on disk once the server has ended.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from inference_http import contract
from sandbox.backend.protocol import Failure

SHOWN = 20  # lines of the log
_RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?P<level>[A-Z]) \[\d+\] \S+ - ")
_PLACE = re.compile(r"^(?P<file>[^\n]+?):(?P<line>\d+): (?P<summary>.+)$")
_ENDS = "The server ends: "
_MODEL_FILES = "\nModel Directory Contents:\n"  # up to 200 lines, which the log has
_TAKEN = re.compile(r"port \d+ is in use by another program")
_GRAVE = frozenset({"E", "C", "ERROR", "CRITICAL"})


@dataclass(frozen=True, slots=True)
class Message:
    """One record of the log."""

    level: str
    text: str
    line: str  # as it stands in the log


def explain(exit_code: int | None, log: Sequence[str], *, rebooted: bool, oom_kills: int) -> Failure:
    """Say why an instance has ended.

    ``log`` are the lines of this run. ``rebooted``: the machine has been started since. ``oom_kills``: how many
    processes the system has killed for want of memory since the instance was started.
    """
    last = tuple(log[-SHOWN:])
    if rebooted:
        return Failure("reboot", "the machine has been started anew since", log=last)
    messages = read(log)
    if exit_code == contract.EXIT_START_FAILED and (found := _script(messages, oom_kills)):
        return found
    if exit_code == contract.EXIT_FAILED and any(_TAKEN.search(message.text) for message in messages):
        return Failure("port", "its port was taken by another program; started again it gets another one", log=last)
    if exit_code is None or exit_code < 0:
        how = "killed" if exit_code is None else f"killed by signal {-exit_code}"
        if oom_kills > 0 and exit_code in (None, -9):
            return Failure("memory", f"the server was {how}: the system ran out of memory meanwhile", log=last)
        return Failure("killed", f"the server was {how}", log=last)
    said = _said(messages)
    summary = f"the server ended with exit code {exit_code}"
    return Failure("ended", f"{summary}: {said}" if said else summary, log=last)


def broken(error: str, log: Sequence[str]) -> Failure:
    """Say what is wrong with code that does not load while the server goes on; ``error`` is the server's sentence."""
    messages = read(log)
    for number in reversed(range(len(messages))):
        found = _placed(messages, number) if messages[number].level in _GRAVE else None
        if found is not None and error.startswith(found.summary):
            return found
    return Failure("script", error, log=tuple(log[-SHOWN:]))


def read(lines: Sequence[str]) -> list[Message]:
    """Return the records of a log, as text or JSON; lines that begin no record belong to the one before."""
    found: list[Message] = []
    for line in lines:
        start = _RECORD.match(line)
        if start:
            found.append(Message(start["level"], line[start.end() :], line))
        elif line.startswith("{") and (message := _from_json(line)):
            found.append(message)
        elif found:
            last = found[-1]
            found[-1] = Message(last.level, f"{last.text}\n{line}", f"{last.line}\n{line}")
        else:
            found.append(Message("", line, line))
    return found


def _from_json(line: str) -> Message | None:
    try:
        found = json.loads(line)
        return Message(found["level"], f"{found['message']}", line)
    except (ValueError, KeyError, TypeError):
        return None


def _said(messages: Sequence[Message]) -> str:
    """Return the last grave message's first line, or what Python printed last."""
    for message in reversed(messages):
        if message.level in _GRAVE:
            return message.text.strip().partition("\n")[0].removeprefix(_ENDS)
    return messages[-1].text.strip().rpartition("\n")[2] if messages else ""


def _script(messages: Sequence[Message], oom_kills: int) -> Failure | None:
    """Return what the script did wrong at the start; ``log`` is then what came before."""
    grave = [number for number, message in enumerate(messages) if message.level in _GRAVE]
    ends = [messages[number].text for number in grave if messages[number].text.startswith(_ENDS)]
    summary = ends[-1].removeprefix(_ENDS).partition("\n")[0] if ends else ""
    causes = [number for number in grave if not messages[number].text.startswith(_ENDS)]
    if not causes:
        return Failure("script", summary) if summary else None
    log = _before(messages, causes[-1])
    if oom_kills > 0 and "SIGKILL" in summary:
        return Failure("memory", f"{summary}; the system ran out of memory", log=log)
    cause = messages[causes[-1]].text
    first, _, more = cause.partition("\n")
    traceback = tuple(more.split("\n")) if more else ()
    return _placed(messages, causes[-1]) or Failure("script", summary or first, traceback=traceback, log=log)


def _before(messages: Sequence[Message], number: int) -> tuple[str, ...]:
    """Return the last lines before a message: what the script itself has said."""
    return tuple("\n".join(message.line for message in messages[:number]).split("\n")[-SHOWN:])


def _placed(messages: Sequence[Message], number: int) -> Failure | None:
    """Return the failure of a message that names a line of the user's code."""
    lines = messages[number].text.partition(_MODEL_FILES)[0].strip("\n").split("\n")
    for at, line in enumerate(lines):
        place = _PLACE.match(line)
        if place:
            traceback, log = tuple(lines[at + 1 :]), _before(messages, number)
            return Failure("script", place["summary"], place["file"], int(place["line"]), traceback, log)
    return None
