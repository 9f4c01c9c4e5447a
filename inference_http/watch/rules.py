"""Which files and folders a reload looks at: the user's patterns, and what no editor, tool or environment triggers."""

from __future__ import annotations

import fnmatch
import os
import re
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Never looked into. Importing libraries makes thousands of events in such places, and nothing there is the user's code.
# fmt: off
IGNORED_FOLDERS: Final = frozenset((
    ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "site-packages", "dist-packages", ".tox", ".nox", ".eggs",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".idea", ".vscode",
))
# fmt: on
# Ignored too, but small: events from there are dropped, and the folder around it is still observed as a whole.
SMALL_IGNORED_FOLDERS: Final = frozenset({"__pycache__", ".ipynb_checkpoints", ".vs"})

# What editors write beside a file while saving it.
_EDITOR_FILES: Final = re.compile(
    r"""
    4913                         # vim tries out whether it may create files
    | \..*\.sw[a-z]              # vim's swap files
    | .*~                        # vim, emacs, gedit: backups
    | \.\#.* | \#.*\#            # emacs: locks, autosaves
    | .*___jb_(tmp|old|bak)___   # PyCharm's safe write
    | \.goutputstream-.*         # GNOME
    | .*\.(tmp|part|crdownload|pyc|pyo)
    | .*\.tmp\.\d+(\.\d+)?       # several tools: NAME.tmp.PID
    | \.DS_Store
    """,
    re.VERBOSE,
)

# File systems that may change without this kernel being told: on another machine, or on the host of a virtual machine
# (Docker Desktop, WSL, VirtualBox, VMware, Parallels).
_SILENT_FILE_SYSTEMS: Final = re.compile(
    r"nfs4?|cifs|smbfs|smb[23]|afs|ceph|lustre|(fuse\.)?glusterfs|9p|drvfs|virtiofs|fakeowner|(fuse\.)?(grpcfuse|osxfs)"
    r"|fuse\.(sshfs|s3fs|gcsfuse|vmhgfs-fuse)|vboxsf|vmhgfs|prl_fs"
)
_MOUNTS: Final = "/proc/mounts"


class Rules:
    """The include and exclude patterns of one watcher.

    A pattern is a shell pattern for a file's name or for its path below the watched folder (``*`` crosses ``/``); an
    exclude pattern that fits a folder excludes all that is in it. Exclude beats include.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = _matcher(include)
        self._exclude = _matcher([pattern.rstrip("/") for pattern in exclude])

    def includes(self, path: str) -> bool:
        """Whether a file counts, for its own name; ``enters`` judges the folders around it. ``path`` is relative."""
        return self.allows(path) and _any_fits(self._include, path)

    def allows(self, path: str) -> bool:
        """Whether a file may count at all: it is no editor's file, and not excluded."""
        return not is_editor_file(path) and not _any_fits(self._exclude, path)

    def enters(self, path: str, full_path: str) -> bool:
        """Whether a folder below a watched one is looked into. ``path`` is relative, ``full_path`` is not."""
        name = os.path.basename(path)
        if name in IGNORED_FOLDERS or name in SMALL_IGNORED_FOLDERS or _any_fits(self._exclude, path):
            return False
        return not is_environment(full_path)

    def covers(self, path: str) -> bool:
        """Whether every folder around a relative path is looked into, by name alone: for events, which are many."""
        folder = os.path.dirname(path)
        while folder:
            name = os.path.basename(folder)
            if name in IGNORED_FOLDERS or name in SMALL_IGNORED_FOLDERS or _any_fits(self._exclude, folder):
                return False
            folder = os.path.dirname(folder)
        return True


def is_editor_file(path: str) -> bool:
    """Whether an editor made this file for itself: a backup, a swap file, the first half of a save."""
    return _EDITOR_FILES.fullmatch(os.path.basename(path)) is not None


def is_environment(folder: str) -> bool:
    """Whether a folder is a Python environment (venv, virtualenv, conda)."""
    return os.path.exists(os.path.join(folder, "pyvenv.cfg")) or os.path.isdir(os.path.join(folder, "conda-meta"))


def silent_file_system(folders: Iterable[str], mounts: str = _MOUNTS) -> str | None:
    """The reason why changes below one of the folders may come without events; None when nothing speaks for that."""
    if not sys.platform.startswith("linux"):
        return None
    table = _mount_table(mounts)
    for folder in folders:
        inside = [point for point in table if folder == point or folder.startswith(point.rstrip("/") + "/")]
        kind = table[max(inside, key=len)] if inside else ""
        if _SILENT_FILE_SYSTEMS.fullmatch(kind):
            return f"{folder} is on {kind}, which does not tell of all changes"
    return None


def _mount_table(mounts: str) -> dict[str, str]:
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as lines:
            fields = [line.split() for line in lines]
    except OSError:
        return {}
    # Spaces and the like in mount points are written in octal; a later mount on the same point hides an earlier one.
    return {re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), row[1]): row[2] for row in fields if len(row) > 2}


def _matcher(patterns: Sequence[str]) -> list[re.Pattern[str]]:
    return [re.compile(fnmatch.translate(pattern.removeprefix("./"))) for pattern in patterns]


def _any_fits(patterns: Sequence[re.Pattern[str]], path: str) -> bool:
    path = path.replace(os.sep, "/")
    name = path.rpartition("/")[2]
    return any(pattern.match(name) or pattern.match(path) for pattern in patterns)
