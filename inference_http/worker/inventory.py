"""What loading the script brought into this process: modules, told apart by whose they are, and variables it set.

The user's modules are loaded anew by every reload and never imported ahead; libraries are imported ahead. A file that
is not installed is the user's, wherever it lies: a folder in PYTHONPATH, one that the script adds to sys.path, the
source tree of an editable install.
"""

import importlib.util
import linecache
import os
import site
import sys
import sysconfig
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from types import FrameType
from typing import Any

from inference_http.user.files import FOREIGN_FOLDERS, OURS, below, is_user_file, real_path, real_roots


@lru_cache(maxsize=16384)
def is_installed(file: str) -> bool:
    """Whether a file belongs to Python, to an installed package, or to this server."""
    real = real_path(file)
    return not FOREIGN_FOLDERS.isdisjoint(real.split(os.sep)) or any(below(real, folder) for folder in _installed())


def own_modules(roots: Sequence[str], names: Iterable[str]) -> dict[str, str]:
    """Name and file of those of the loaded modules ``names`` that are the user's."""
    found = {}
    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        if name != "__main__" and isinstance(file, str) and (is_user_file(file, roots) or not is_installed(file)):
            found[name] = file
    return found


def libraries(names: Iterable[str], own: Collection[str]) -> list[str]:
    """Those of the loaded modules ``names`` that are libraries'."""
    return [name for name in names if name not in own and _is_library(name)]


def _is_library(name: str) -> bool:
    """Whether importing this name elsewhere gives the same module; names made up at run time do not.

    What is built into Python costs nothing; the names of Microsoft's packages are ours, and come with the script.
    """
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if spec is None or spec.name != name or spec.origin is None or not os.path.isabs(spec.origin):
        return False
    return is_installed(spec.origin) and not below(real_path(spec.origin), OURS)


@lru_cache(maxsize=1)
def _installed() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = [paths.get(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return (OURS, *real_roots([*folders, site.getusersitepackages()]))


class Sources:
    """Which texts of the user's are imported from now on, and whether the files still hold them.

    A file is empty for a moment while it is saved in place: what was read then was never anybody's code.
    """

    def __init__(self) -> None:
        self._before = {path: id(entry) for path, entry in linecache.cache.items()}

    def differ(self) -> bool:
        """Whether a file has another text than the one that was imported."""
        imported = [
            (path, entry[2])
            for path, entry in list(linecache.cache.items())
            if len(entry) == 4 and entry[1] is None and self._before.get(path) != id(entry) and os.path.isabs(path)
        ]
        return any(_text(path) != "".join(lines) for path, lines in imported)


def _text(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return importlib.util.decode_source(file.read())
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None


class Variables:
    """Notes which environment variables the user's code sets, while the context is open.

    What libraries set at their import is none of it: it stays with the library wherever that is imported.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = tuple(roots)
        self._names: set[str] = set()
        self._plain: Any = type(os.environ)

    def __enter__(self) -> "Variables":  # noqa: PYI034 - typing.Self is not in Python 3.10
        noted = self
        plain: Any = self._plain

        class Noting(plain):  # type: ignore[misc]
            """os.environ, with somebody looking on."""

            def __setitem__(self, name: str, value: str) -> None:
                super().__setitem__(name, value)
                noted.note(name, sys._getframe(1))  # noqa: SLF001 - who sets it is the question

            def __delitem__(self, name: str) -> None:
                super().__delitem__(name)
                noted.note(name, sys._getframe(1))  # noqa: SLF001

        os.environ.__class__ = Noting
        return self

    def __exit__(self, *exception: object) -> None:
        os.environ.__class__ = self._plain

    def note(self, name: str, frame: FrameType | None) -> None:
        """Note a variable if the user's code is at work, also through a library's function (load_dotenv())."""
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith("<"):
                if is_user_file(file, self._roots) or not is_installed(file):
                    self._names.add(name)
                    return
                if frame.f_code.co_name == "<module>":
                    return  # a library sets it while it is imported
            frame = frame.f_back

    def values(self) -> dict[str, str | None]:
        """The variables and what they are now; None: removed."""
        return {name: os.environ.get(name) for name in sorted(self._names)}
