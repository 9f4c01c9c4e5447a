"""The files that count, as they were when last looked at: finds them, compares them by content, says which changed."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from inference_http.watch.rules import SMALL_IGNORED_FOLDERS, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HASH_LIMIT: Final = 16 * 1024 * 1024  # bytes; a larger file (a model) counts as changed when its time or size changed
HASH_BUDGET: Final = 128 * 1024 * 1024  # bytes read at the start; what is beyond counts as changed when its time did
FOLDER_LIMIT: Final = 5000  # folders; a tree with more is data, not code
SPLIT_LIMIT: Final = 48  # folders observed apart; each costs a thread
_DEPTH_LIMIT: Final = 100
_LINKS_LIMIT: Final = 40  # as the system's: they may lead in a circle

Mark = tuple[int, int, int]  # modification time in ns, size in bytes, inode


@dataclass
class Survey:
    """What one walk over everything watched has found."""

    tops: dict[str, Rules] = field(default_factory=dict)  # the roots, the targets of linked folders, and their rules
    files: dict[str, Mark] = field(default_factory=dict)
    observed: dict[str, bool] = field(default_factory=dict)  # folder -> with all below it
    aliases: dict[str, set[str]] = field(default_factory=dict)  # target of linked files -> the links, which count
    links: set[str] = field(default_factory=set)  # on the way to the roots: one that is exchanged changes everything
    too_large: str | None = None  # the top with more folders than are looked at

    def observe(self, folder: str) -> None:
        """Have one folder observed, unless it is already."""
        if not _inside(folder, self.observed):
            self.observed[folder] = False


class Tree:
    """Roots, rules and the last look. Not thread-safe."""

    def __init__(self, roots: Mapping[str, Rules], rules: Rules) -> None:
        self._given = dict(roots)
        self._rules = rules  # for files outside all roots
        self._extra: set[str] = set()
        self._hashes: dict[str, bytes] = {}
        self.survey = Survey()

    def add(self, paths: Iterable[str]) -> bool:
        """Make files count whatever the include patterns say, wherever they are. Returns whether any is new."""
        before = len(self._extra)
        self._extra.update(map(os.path.realpath, paths))
        return len(self._extra) > before

    def look(self) -> Survey:
        """Walk over everything. Raises nothing: what cannot be read is not there."""
        survey = Survey()
        for root, rules in self._given.items():
            top = os.path.realpath(root)  # a link may point elsewhere now
            top = os.path.dirname(top) if os.path.isfile(top) else top
            survey.links.update(links_in(root))
            if top not in survey.tops:
                _Walk(survey, rules).top(top)
        for path in self._extra:
            _, rules, below = self._place(path, survey) or ("", self._rules, os.path.basename(path))
            mark = mark_of(path)
            if mark and rules.allows(below) and rules.covers(below):
                survey.files[path] = mark
        for folder in sorted({os.path.dirname(path) for path in (*self._extra, *survey.aliases, *survey.links)}):
            if len(survey.observed) < SPLIT_LIMIT:
                survey.observe(folder)
        return survey

    def interesting(self, path: str, *, folder: bool) -> bool:
        """Whether an event for this path can matter. Asked for every event, so it looks at names almost alone."""
        if path in self._extra or path in self.survey.aliases or path in self.survey.links:
            return True
        place = self._place(path, self.survey)
        if place is None or not place[1].covers(place[2]):
            return path in self.survey.tops
        if folder:
            return os.path.basename(path) not in SMALL_IGNORED_FOLDERS
        return place[1].includes(place[2]) or os.path.islink(path)

    def remember(self, survey: Survey) -> None:
        """Take the survey for what is known without asking what changed: the start."""
        self.survey = survey
        budget = HASH_BUDGET
        for path, mark in survey.files.items():
            if path not in self._hashes and mark[1] <= min(budget, HASH_LIMIT):
                budget -= mark[1]
                self._hashes[path] = _hash(path)

    def changes(self, survey: Survey) -> list[str]:
        """Sorted paths of the files that are new, gone, or of other content; the survey is what is known afterwards."""
        before, after = self.survey.files, survey.files
        self.survey = survey
        suspects = [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
        return sorted(path for path in suspects if self._differs(path, after.get(path)))

    def changes_of(self, paths: Iterable[str]) -> list[str]:
        """The same for a few files, without a walk."""
        known = self.survey
        survey = replace(known, files=dict(known.files))
        for path in paths:
            for counted in known.aliases.get(path, {path}):
                mark = mark_of(counted)
                if mark and (counted in known.files or self._enters_all(counted)):
                    survey.files[counted] = mark
                else:
                    survey.files.pop(counted, None)
        return self.changes(survey)

    def data_digest(self) -> str:
        """A short text for the names and contents of the files that are no Python; empty where there are none.

        A file too large to be read counts with its time and size.
        """
        lines = []
        for path, mark in self.survey.files.items():
            if not path.endswith(".py"):
                place = self._place(path, self.survey)
                name = place[2] if place else os.path.basename(path)
                lines.append(f"{name}\0{self._hashes.get(path) or mark!r}")
        return hashlib.sha256("\n".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest() if lines else ""

    def _enters_all(self, path: str) -> bool:
        """Whether no folder around a new file is one to stay out of: an environment may have been made just now."""
        place = self._place(path, self.survey)
        folder = os.path.dirname(path)
        while place and len(folder) > len(place[0]):
            if not place[1].enters(os.path.relpath(folder, place[0]), folder):
                return False
            folder = os.path.dirname(folder)
        return True

    @staticmethod
    def _place(path: str, survey: Survey) -> tuple[str, Rules, str] | None:
        """The innermost top around a path, its rules, and the path below it; None outside all of them."""
        inside = [top for top in survey.tops if path.startswith(top + os.sep)]
        if not inside:
            return None
        top = max(inside, key=len)
        return top, survey.tops[top], os.path.relpath(path, top)

    def _differs(self, path: str, after: Mark | None) -> bool:
        old = self._hashes.pop(path, None)
        if after is None:
            return True
        if after[1] <= HASH_LIMIT:
            self._hashes[path] = _hash(path)
            return self._hashes[path] != old
        return True


class _Walk:
    """One walk from one root: which files count, and how few watches observe all folders that are looked into."""

    def __init__(self, survey: Survey, rules: Rules) -> None:
        self._survey, self._rules = survey, rules
        self._links: list[str] = []
        self._folders = 0

    def top(self, top: str) -> None:
        survey = self._survey
        if not os.path.isdir(top):
            return
        survey.tops[top] = self._rules
        observed: dict[str, bool] = {}
        self._visit(top, top, observed)
        if self._folders > FOLDER_LIMIT:
            survey.too_large, observed = top, {top: False}
        elif len(observed) > SPLIT_LIMIT:
            observed = {top: True}
        survey.observed.update(observed)
        for target in dict.fromkeys(self._links):
            around = any((known + os.sep).startswith(target.rstrip(os.sep) + os.sep) for known in survey.tops)
            if not around and not _inside(target, survey.observed):  # a folder around another one brings in anything
                _Walk(survey, self._rules).top(target)

    def _visit(self, folder: str, top: str, observed: dict[str, bool]) -> bool:
        """Returns whether the folder can be observed with all below it: nothing large that is ignored lies there."""
        self._folders += 1
        whole = self._folders <= FOLDER_LIMIT
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name) if whole else []
        except OSError:
            entries = []
        below: dict[str, bool] = {}
        for entry in entries:
            path = os.path.relpath(entry.path, top)
            if entry.is_symlink():
                self._follow(entry.path, path)
            elif not entry.is_dir(follow_symlinks=False):
                self._count(entry.path, path)
            elif path.count(os.sep) < _DEPTH_LIMIT and self._rules.enters(path, entry.path):
                whole = self._visit(entry.path, top, below) and whole
            else:
                whole = whole and entry.name in SMALL_IGNORED_FOLDERS
        observed.update({folder: True} if whole else {folder: False, **below})
        return whole

    def _follow(self, link: str, path: str) -> None:
        target = os.path.realpath(link)
        if not os.path.isdir(target):
            if self._count(link, path):
                self._survey.aliases.setdefault(target, set()).add(link)
        elif self._rules.enters(path, target) and self._rules.enters(os.path.basename(target), target):
            self._links.append(target)

    def _count(self, path: str, below: str) -> bool:
        mark = mark_of(path) if self._rules.includes(below) else None
        if mark:
            self._survey.files[path] = mark
        return mark is not None


def links_in(path: str) -> list[str]:
    """The symbolic links that are followed on the way to a path, each by the real path of the folder that it is in."""
    found: list[str] = []
    rest, at = os.path.abspath(path).split(os.sep)[1:], os.sep
    while rest and len(found) < _LINKS_LIMIT:
        step = os.path.join(at, rest.pop(0))
        if os.path.islink(step):
            found.append(step)
            target = os.path.normpath(os.path.join(at, os.readlink(step)))
            rest, at = [*target.split(os.sep)[1:], *rest], os.sep
        else:
            at = step
    return found


def mark_of(path: str) -> Mark | None:
    """What tells cheaply that a file may have changed; None for anything but a regular file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _hash(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return hashlib.blake2b(file.read(), digest_size=16).digest()
    except OSError:
        return b""


def _inside(folder: str, observed: dict[str, bool]) -> bool:
    """Whether a folder is observed already."""
    return folder in observed or any(whole and folder.startswith(root + os.sep) for root, whole in observed.items())
