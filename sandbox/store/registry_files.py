"""The files of registered models and build folders: copied once for each content, or linked where that is asked for.

The copies are kept as those of deployments are (``sandbox.copies.content``), in a store of the registry's own:
what is registered stays, whatever becomes of the deployments.
"""

import os
import time
from collections.abc import Collection

from sandbox.copies import content, copying, tree
from sandbox.copies.ignoring import NotContent
from sandbox.home import Home
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Report
from sandbox.store.registry_records import Stored

_SWEEP_EVERY_S = 24 * 3600.0


def keep(home: Home, path: str, what: str, *, link: bool, report: Report) -> Stored:
    """Return where the files of ``path`` are from now on.

    Args:
        home: its registry holds the copies.
        path: a file or folder; its own name survives.
        what: names it to people.
        link: leave the files where they are; who changes them changes what is registered.
        report: is told of progress.

    Raises:
        SandboxError: E100, a file cannot be read or copied, or changed meanwhile.
    """
    path = os.path.abspath(path)
    try:
        found = tree.read(path, NotContent())
        progress = copying.Progress(report, what, found.size)
        if link:
            described = content.describe(_own(home), path, found, progress)
            return Stored(described.digest, path, len(described.parts), described.size, linked=True)
        home.make()
        kept = content.store(_own(home), path, found, progress)
    except content.Changed as error:
        fix = "say it again when nobody writes there"
        raise SandboxError("E100", f"{what} was changed while it was copied", str(error), fix) from None
    except OSError as error:
        why = f"{error.filename or path}: {error.strerror or error}"
        raise SandboxError("E100", f"{what} cannot be copied", why) from None
    assert kept is not None
    assert kept.folder is not None
    name = os.path.join(kept.folder, found.name)
    return Stored(kept.digest, name, len(kept.parts), kept.size)


def lay_out(stored: Stored, folder: str) -> None:
    """Copy what is stored into a folder, under its own name; a file that is there is replaced, each at once.

    Raises:
        OSError: it cannot be read, or not be written there.
    """
    base = os.path.dirname(stored.path)
    for file in tree.read(stored.path, NotContent()).files:
        target = os.path.join(folder, *file.relative.split("/"))
        draft = f"{target}.draft-{os.getpid()}"
        copying.remove(draft)
        try:
            source = os.path.join(base, *file.relative.split("/")) if not stored.linked else file.source
            copying.copy(source, draft, 0o755 if file.executable else 0o644, lambda _: None)
            os.replace(draft, target)
        finally:
            copying.remove(draft)


def sweep_is_due(home: Home) -> bool:
    """Tell whether the last sweep was a day ago, and note that there is one now."""
    mark = os.path.join(home.registry, "swept")
    try:
        due = time.time() - os.path.getmtime(mark) > _SWEEP_EVERY_S
    except FileNotFoundError:
        due = True
    if due:
        with open(mark, "wb"):
            os.utime(mark)
    return due


def sweep(home: Home, keep: Collection[str]) -> int:
    """Remove copies whose digest is not in ``keep`` and that are older than a few minutes; return the bytes removed."""
    return content.clean(_own(home), keep)


def _own(home: Home) -> Home:
    """Return the registry as a home: its store is a folder in it."""
    return Home(home.registry)
