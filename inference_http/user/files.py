"""Which source files are the user's own: what a traceback shows, what a reload loads anew."""

import os
import sysconfig
from collections.abc import Iterable, Sequence
from functools import lru_cache

OURS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
FOREIGN_FOLDERS = frozenset({"site-packages", "dist-packages"})


def is_user_file(path: str, roots: Sequence[str]) -> bool:
    """Tell whether a file or folder is the user's: below a root, and neither installed there nor part of Python.

    A root may hold a virtual environment (a project folder often does) and may itself be installed somewhere
    (a script inside a wheel); only what lies between root and file is looked at.
    """
    return bool(path) and not path.startswith("<") and _is_user_file(path, tuple(roots))


def below(path: str, folder: str) -> bool:
    """Tell whether `path` is `folder` or lies in it; both as `real_path` gives them."""
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def real_path(path: str) -> str:
    """Give the one spelling of a path: absolute, links resolved, case folded where the system does."""
    return os.path.normcase(os.path.realpath(path))


def real_roots(folders: Iterable[str | None]) -> tuple[str, ...]:
    """Give the folders that are named, each once, in `real_path`'s spelling."""
    return tuple(dict.fromkeys(real_path(folder) for folder in folders if folder))


def distinct(folders: Iterable[str | None]) -> tuple[str, ...]:
    """Give the folders that are named as absolute paths, each once, in the order and spelling of the first mention."""
    found: dict[str, str] = {}
    for folder in folders:
        if folder:
            found.setdefault(real_path(folder), os.path.abspath(folder))
    return tuple(found.values())


def is_ours(path: str) -> bool:
    """Tell whether a source file belongs to this server."""
    return below(real_path(path), OURS)


@lru_cache(maxsize=8192)
def _is_user_file(path: str, roots: tuple[str, ...]) -> bool:
    real = real_path(path)
    for root in roots:
        base = real_path(root)
        if not below(real, base):
            continue
        inner = os.path.relpath(real, base)
        foreign = any(below(real, folder) and not below(base, folder) for folder in _foreign_roots())
        if not foreign and FOREIGN_FOLDERS.isdisjoint(inner.split(os.sep)):
            return True
    return False


@lru_cache(maxsize=1)
def _foreign_roots() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return (OURS, *real_roots(paths.get(name) for name in ("stdlib", "platstdlib")))
