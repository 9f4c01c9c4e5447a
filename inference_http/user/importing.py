"""Imports of the user's own code: where they are looked for, and that what runs is what the file says.

- The user's folders come after the standard library and before installed packages, ours included: a user's config.py
  or utils.py is never hidden by anybody's (S20, S21), and a random.py never hides Python's.
- A file saved within the last two seconds is compiled anew: two saves of the same size within one second would pass for
  each other in Python's cache of compiled files, and a reload would serve the old one.
- The source text is kept as it was imported: a traceback of code that runs shows the lines that run, also after the
  file was edited.
"""

import importlib
import importlib.machinery
import importlib.util
import io
import linecache
import os
import sys
import sysconfig
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

from inference_http.user.files import distinct, is_user_file, real_path

ENTRY_MODULE: Final = "entry_module"  # the reference's name for the script (S16)
SETTLED_S: Final = 2.0  # age from which a file's time of change tells versions apart
COMPILED: Final = (*importlib.machinery.EXTENSION_SUFFIXES, *importlib.machinery.BYTECODE_SUFFIXES)
FLASK_NAMES: Final = ("flask", "request", "g", "session", "current_app", "jsonify", "has_request_context")
WEB_STACK: Final = frozenset({"__main__", "__mp_main__", "flask", "flask_cors", "werkzeug", "jinja2", "inference_http"})

_looked_at = ""  # the newest module when this process was forked; none up to there holds Flask
_naming_flask: set[str] = set()  # the user's files that name Flask, also those that run() imports later


class UserLoader(importlib.machinery.SourceFileLoader):
    """Loads a module of the user's from source, or from Python's cache where that is sure to be its source's."""

    def get_code(self, fullname: str) -> Any:
        """Give the module's code, and remember the text it was made from."""
        self.get_data(self.path)
        return super().get_code(fullname)

    def get_data(self, path: str) -> bytes:
        """Read a file; a source file's text is remembered."""
        data = super().get_data(path)
        if path == self.path:
            _remember(path, data)
        return data

    def path_stats(self, path: str) -> Any:
        """Give time and size of a file, by which cached code is found; OSError (no cache) while it is too young."""
        stats = super().path_stats(path)
        if time.time() - stats["mtime"] < SETTLED_S:
            raise OSError("changed just now")
        return stats


class _UserFolders:
    """A path hook: modules in the user's folders are found as usual and loaded by UserLoader."""

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = tuple(roots)

    def __call__(self, path: str) -> importlib.machinery.FileFinder:
        if not path or not os.path.isdir(path) or not is_user_file(path, self.roots):
            raise ImportError("no folder of the user's", path=path)
        return importlib.machinery.FileFinder(
            path,
            (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
            (UserLoader, importlib.machinery.SOURCE_SUFFIXES),
            (importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
        )


def prepare(roots: Sequence[str]) -> None:
    """Make the modules in the folders ``roots`` importable. Again with others: those are the user's then."""
    sys.path_hooks[:] = [hook for hook in sys.path_hooks if not isinstance(hook, _UserFolders)]
    sys.path_hooks.insert(0, _UserFolders(roots))
    for path in [path for path in list(sys.path_importer_cache) if is_user_file(path, roots)]:
        del sys.path_importer_cache[path]
    added = list(roots)
    if sys.path and real_path(sys.path[0]) == real_path("") and not _in_pythonpath(sys.path[0]):
        del sys.path[0]  # `python -m` puts the working folder before the standard library
        added.append(os.getcwd())
    at = _before_installed()
    present = {real_path(path) for path in sys.path[:at]}
    sys.path[at:at] = [path for path in distinct(added) if real_path(path) not in present]
    importlib.invalidate_caches()


def hidden_files(roots: Sequence[str]) -> dict[str, str]:
    """Give the user's files that an installed module of the same name hides, as it is loaded already, and its place.

    Only what the server itself runs on, or preloads, can be loaded before the script.
    """
    found = {}
    for root in roots:
        names = os.listdir(root) if os.path.isdir(root) else []
        for name in sorted(name for name in names if name.endswith(".py")):
            loaded = getattr(sys.modules.get(name[:-3]), "__file__", None)
            if loaded and name[:-3] not in sys.stdlib_module_names and not is_user_file(loaded, roots):
                found[os.path.join(root, name)] = loaded
    return found


def load_file(path: str) -> ModuleType:
    """Load the entry script under the name ``entry_module``; raises whatever the script raises."""
    if path.endswith(tuple(COMPILED)):
        spec = importlib.util.spec_from_file_location(ENTRY_MODULE, path)
    else:
        spec = importlib.util.spec_from_file_location(ENTRY_MODULE, path, loader=UserLoader(ENTRY_MODULE, path))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no file that Python can import", path=path)
    module = importlib.util.module_from_spec(spec)
    names = [ENTRY_MODULE, *_own_name(path)]
    for name in names:
        sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for name in names:
            sys.modules.pop(name, None)
        raise
    return sys.modules.get(ENTRY_MODULE, module)


def load_main() -> ModuleType | None:
    """Import ``main`` from the user's folders (S19); None where there is none. Raises whatever the script raises."""
    sys.modules.pop("main", None)
    if importlib.util.find_spec("main") is None:
        return None
    module = importlib.import_module("main")
    sys.modules[ENTRY_MODULE] = module
    return module


def user_modules(roots: Sequence[str]) -> dict[str, str]:
    """Give name and file of the loaded modules that are the user's."""
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return {name: file for name, file in files.items() if isinstance(file, str) and is_user_file(file, roots)}


def newest_module() -> str:
    """Give the name of the module that was loaded last."""
    return next(reversed(sys.modules), "")


def modules_since(newest: str) -> list[str]:
    """Give the names of the modules loaded since ``newest`` was the newest one, oldest first; all if that is gone.

    The others are not even looked at: that alone would copy their memory in a forked process.
    """
    found: list[str] = []
    try:
        for name in reversed(sys.modules):
            if name == newest:
                return found[::-1]
            found.append(name)
    except RuntimeError:  # another thread is importing
        found = list(sys.modules)[::-1]
    return found[::-1]


def names_flask() -> bool:
    """Tell whether a module of the user's that was imported so far names Flask anywhere."""
    return bool(_naming_flask)


def look_ahead(roots: Sequence[str]) -> None:
    """In a process to be forked, with libraries loaded and nothing of the user's: learn what its forks would ask."""
    global _looked_at  # noqa: PLW0603 - a fact about this process
    for path in list(sys.path_importer_cache):
        is_user_file(path, roots)
    if not libraries_use_flask():
        _looked_at = newest_module()


def libraries_use_flask() -> bool:
    """Tell whether an installed module, ours apart, holds Flask or one of its proxies: it may look at the request."""
    flask = sys.modules.get("flask")
    if flask is None:
        return False
    wanted = [(name, flask if name == "flask" else getattr(flask, name)) for name in FLASK_NAMES]
    for name in modules_since(_looked_at):
        names = getattr(sys.modules.get(name), "__dict__", None)
        if type(names) is dict and name.partition(".")[0] not in WEB_STACK:
            for key, value in wanted:
                if names.get(key) is value:
                    return True
    return False


def _remember(path: str, data: bytes) -> None:
    if b"flask" in data:
        _naming_flask.add(path)
    try:
        text = importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError):  # compiling it will say so
        return
    # No time of change: linecache then never looks at the file again (as it does for modules without files).
    linecache.cache[path] = (len(data), None, io.StringIO(text).readlines(), path)


def _own_name(path: str) -> list[str]:
    """Give the name under which other modules import the script, so that they get this module and not a second one."""
    name = os.path.splitext(os.path.basename(path))[0]
    if not name.isidentifier() or name in sys.modules:
        return []
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return []
    return [name] if spec is not None and spec.origin and real_path(spec.origin) == real_path(path) else []


def _before_installed() -> int:
    """Where in sys.path installed packages begin; what follows the standard library where there are none."""
    library = real_path(sysconfig.get_path("stdlib"))
    at = len(sys.path)
    for index, path in enumerate(sys.path):
        real = real_path(path)
        if not {"site-packages", "dist-packages"}.isdisjoint(real.split(os.sep)):
            return index
        if real in (library, os.path.join(library, "lib-dynload")):
            at = index + 1
    return at


def _in_pythonpath(path: str) -> bool:
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return any(real_path(one) == real_path(path) for one in given if one)
