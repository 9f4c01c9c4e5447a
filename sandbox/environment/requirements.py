"""The list below ``pip:`` made independent of where it stands: files in it are read, paths in it are absolute."""

import os
import re
from collections.abc import Iterator, Sequence

from sandbox.copies import copying, tree
from sandbox.copies.ignoring import NotContent
from sandbox.environment.masks import mask
from sandbox.model.errors import SandboxError

_OPTION = re.compile(r"(?P<name>-[a-z]|--[a-z-]+)(?:[ =]\s*(?P<value>.+))?")
_INLINE = {"-r", "--requirement"}
_PATHS = {"-c", "--constraint", "-e", "--editable", "-f", "--find-links"}
_CONSTRAINTS = {"-c", "--constraint"}
_DEEPEST = 10  # files that include files


def read(items: Sequence[str], folder: str) -> list[str]:
    """Return the lines of a requirements file that asks for the same from any folder.

    Args:
        items: as the conda file lists them.
        folder: the folder of the conda file, from which relative paths start.

    Raises:
        SandboxError: E071, a file that is named is missing, or files include each other.
    """
    return list(_lines(items, os.path.abspath(folder), 0))


def state(lines: Sequence[str]) -> list[str]:
    """Return what stands for the content of local files that the lines name, for a hash.

    An editable package counts by its path: it is run from where it lies.

    Raises:
        SandboxError: E071, a file is missing.
    """
    found = []
    for line in lines:
        option = _OPTION.fullmatch(line)
        if option is not None and option["name"] in _CONSTRAINTS and "://" not in option["value"]:
            found.append(_hash(option["value"]))
        elif option is None and os.path.isabs(path := _path_of(line)):
            found.append(_hash(path))
    return found


def _lines(items: Sequence[str], folder: str, depth: int) -> Iterator[str]:
    for item in items:
        for line in _joined(item):
            option = _OPTION.fullmatch(line)
            value = (option["value"] or "").strip().strip("'\"") if option is not None else ""
            if option is not None and option["name"] in _INLINE and "://" not in value:
                yield from _included(os.path.join(folder, value), depth)
            elif option is not None and option["name"] in _PATHS:
                yield f"{option['name']} {_absolute(value, folder, is_path=True)}"
            elif option is None:
                yield _absolute(line, folder)
            else:
                yield line


def _joined(text: str) -> list[str]:
    """Return the lines of a text without comments, continued lines joined."""
    text = re.sub(r"\\\r?\n", " ", text)
    return [line for raw in text.splitlines() if (line := re.sub(r"(^|\s)#.*$", "", raw).strip())]


def _included(path: str, depth: int) -> Iterator[str]:
    if depth >= _DEEPEST:
        raise SandboxError("E071", f"{path} is included too deep", "the files include each other", "break the circle")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        why = f"`-r` under `pip:` names it: {getattr(error, 'strerror', None) or error}"
        raise SandboxError("E071", f"{path} cannot be read", why, "correct the path, from the conda file") from None
    yield from _lines([text], os.path.dirname(path), depth + 1)


def _absolute(text: str, folder: str, *, is_path: bool = False) -> str:
    """Return a requirement with its path made absolute, where it is a path."""
    if "://" in text or " @ " in text:
        return text
    path = _path_of(text)
    here = os.path.normpath(os.path.join(folder, path))
    like_one = text.startswith(".") or os.sep in path or "/" in path or path.endswith((".whl", ".tar.gz", ".zip"))
    return here + text[len(path) :] if is_path or (like_one and os.path.exists(here)) else text


def _path_of(requirement: str) -> str:
    """Return a requirement without extras and marker: ``./pkg[extra]; python_version > '3'`` is ``./pkg``."""
    return re.split(r"\[|\s*;|\s--", requirement, maxsplit=1)[0].strip()


def _hash(path: str) -> str:
    try:
        if os.path.isfile(path):
            return copying.digest(path, lambda _: None)
        return repr([(file.relative, file.size, file.mtime_ns) for file in tree.read(path, NotContent()).files])
    except OSError as error:
        why = error.strerror or str(error)
        raise SandboxError("E071", f"{mask(path)} cannot be read", why, "correct the path below `pip:`") from None
