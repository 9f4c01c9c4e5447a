"""State that a script keeps across reloads: ``__keep__ = ("model",)`` names globals that init() fills.

The rule: a kept value is given to the new code before its init() as long as nothing it was made from has changed. What
it was made from is

- the files in the model folder (name, size, time of change, inode), and the data files that are watched;
- in the script, ``init()`` and everything it names, directly or through other definitions, the definitions of the kept
  names, and every statement at module level that defines nothing; comments and layout do not count;
- of the user's other modules those that these definitions import, with all that they import, and those that define a
  class or function found in the value; their whole text.

Where that cannot be told (init() uses globals(), exec() or importlib; a value of very many objects) all of the code
counts. Modules that define what is found in the value stay loaded, so that isinstance() holds.
"""

import hashlib
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from inference_http.config.settings import Settings
from inference_http.user.importing import ENTRY_MODULE
from inference_http.worker.origins import Origins, digest_of, names_of, origins_of, sources_in
from inference_http.worker.runtime import Loaded
from inference_http.worker.surroundings import Surroundings

__all__ = ["State", "Surroundings"]

logger = logging.getLogger("azmlinfsrv")


@dataclass(frozen=True)
class State:
    """Values that init() made, and what they were made from."""

    values: Mapping[str, Any]
    classes: Mapping[str, Any]  # what the script itself defines and the values are made of
    model: str
    data: str
    script: str
    origins: Origins
    digest: str
    stay: Mapping[str, ModuleType]  # the user's modules that the values' classes come from
    own: tuple[str, ...]
    around: Surroundings

    @classmethod
    def of(cls, loaded: Loaded, settings: Settings, data: str, around: Surroundings) -> "State":
        """The state of a script that has been loaded in this process."""
        module, path = loaded.script.module, loaded.script.path
        values = {name: getattr(module, name) for name in names_of(module) if hasattr(module, name)}
        script_names = {name for name, found in sys.modules.items() if found is module} | {module.__name__}
        defined, modules = sources_in(values.values(), {**loaded.own, **dict.fromkeys(script_names, path)})
        classes = {name for owner, name in defined if owner in script_names}
        origins = origins_of(path, names_of(module), classes, modules - script_names, loaded.own)
        return cls(
            values=values,
            classes={name: getattr(module, name) for name in classes if hasattr(module, name)},
            model=listing(settings.model_dir),
            data=data,
            script=path,
            origins=origins,
            digest=digest_of(path, origins),
            stay={name: sys.modules[name] for name in origins.modules if name in sys.modules},
            own=tuple({*loaded.own, *script_names, ENTRY_MODULE}),
            around=around,
        )

    def prepare(self, settings: Settings, data: str) -> bool:
        """In a worker, before the new code is imported: forget the old. Returns whether the values may be kept."""
        changed = self._changed(settings, data)
        if changed:
            logger.info("State is made anew, not kept: %s changed", changed)
        self.around.restore()
        for name in self.own:
            if changed or name not in self.stay:
                sys.modules.pop(name, None)
        return not changed

    def give(self, module: ModuleType) -> list[str]:
        """Put the values into the new script, before its init(). Returns their names."""
        given = [name for name in names_of(module) if name in self.values]
        for name in given:
            setattr(module, name, self.values[name])
        for name, value in self.classes.items():
            setattr(module, name, value)
        if given:
            logger.info("State kept from before the edit: %s", ", ".join(given))
        return given

    def _changed(self, settings: Settings, data: str) -> str | None:
        if listing(settings.model_dir) != self.model:
            return "the model folder"
        if data != self.data:
            return "a data file"
        if digest_of(self.script, self.origins) != self.digest:
            return "code that made it"
        return None


def listing(folder: str | None) -> str:
    """A short text for names, sizes, times and inodes of all files below a folder; reads none of them."""
    digest = hashlib.sha256()
    for path, folders, files in os.walk(folder or "", followlinks=True):
        folders.sort()
        for name in sorted(files):
            full = os.path.join(path, name)
            try:
                found = os.stat(full)
            except OSError:
                continue
            digest.update(
                f"{full}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}\n".encode(errors="surrogateescape")
            )
    return digest.hexdigest()
