"""The ends of the logs of revisions that are gone: replaced, or failed. They stay until the deployment is deleted."""

import contextlib
import os
import re
from collections.abc import Iterator

from sandbox import files
from sandbox.backend import rotation

FOLDER = "earlier"  # beside the folders of revisions, whose names are numbers; in it nothing that could be an instance
REVISIONS = 3  # so many of them are remembered
LINES, BYTES = 5000, 2 * 2**20  # of each instance
_NAME = re.compile(r"(\d+)-(\d+)\.log")

Logs = dict[str, dict[int, str]]  # by revision and number of the instance: the path of its log


def keep(folder: str, revision: str) -> None:
    """Keep the ends of the logs of a revision that is about to be removed, and forget those of the oldest ones.

    Where the disk is full they are not kept: it is removed to make room.

    Args:
        folder: of the deployment, in which its revisions lie.
        revision: its instances have ended.
    """
    with contextlib.suppress(OSError):
        for index, log in _of_revision(folder, revision).items():
            path = os.path.join(folder, FOLDER, f"{revision}-{index}.log")
            if not os.path.exists(path):  # else by a command that was killed; what was there then was all of it
                files.write(path, _end(log))
    kept = _kept(folder)
    for old in sorted(kept, key=int)[:-REVISIONS]:
        for path in kept[old].values():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def find(folder: str) -> Logs:
    """Return the logs of a deployment's revisions that are on disk, of those that are gone and of those that are not.

    Args:
        folder: of the deployment, in which its revisions lie.
    """
    there = {name: found for name in _listed(folder) if (found := _of_revision(folder, name))}
    return {**_kept(folder), **there}


def _kept(folder: str) -> Logs:
    found: Logs = {}
    for name in _listed(os.path.join(folder, FOLDER)):
        if said := _NAME.fullmatch(name):
            found.setdefault(said[1], {})[int(said[2])] = os.path.join(folder, FOLDER, name)
    return found


def _of_revision(folder: str, revision: str) -> dict[int, str]:
    if not revision.isdecimal():
        return {}
    named = {int(name): os.path.join(folder, revision, name, "log") for name in _numbers(folder, revision)}
    return {index: log for index, log in sorted(named.items()) if any(map(rotation.size, rotation.parts(log)))}


def _numbers(folder: str, revision: str) -> Iterator[str]:
    return (name for name in _listed(os.path.join(folder, revision)) if name.isdecimal())


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _end(log: str) -> bytes:
    """Return the last lines of a log, whole ones where that is possible."""
    from sandbox.backend import logs  # here: most commands only need the name of the folder

    text = "".join(f"{line}\n" for line in logs.tail(log, LINES)).encode()
    if len(text) <= BYTES:
        return text
    cut = text[-BYTES:]
    begin = cut.find(b"\n") + 1
    return cut[begin:] or cut
