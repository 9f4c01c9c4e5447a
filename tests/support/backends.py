"""A process backend with scripts to run, for tests; asserts at its end that nothing of it is left."""

import contextlib
import hashlib
import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.backend.process import listing
from sandbox.backend.process.backend import ProcessBackend
from sandbox.backend.protocol import Instance, InstanceSpec
from sandbox.home import Home

LIMIT_S = 30


def until(condition: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
    """Wait for a true value and return it."""
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return found


@dataclass
class Yard:
    """A home, its backend, and folders with scripts."""

    folder: Path
    backend: ProcessBackend

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def script(self, text: str, name: str = "app") -> Path:
        app = self.folder / name
        app.mkdir(exist_ok=True)
        (app / "score.py").write_text(text)
        return app

    def spec(self, app: Path, deployment: str = "blue", index: int = 0, **fields: Any) -> InstanceSpec:
        variables = {"AML_APP_ROOT": str(app), "AZUREML_ENTRY_SCRIPT": "score.py", **fields.pop("variables", {})}
        return InstanceSpec(
            "shop",
            deployment,
            "r1",
            index,
            fields.pop("python", sys.executable),
            str(app),
            variables=variables,
            **fields,
        )

    def start(self, app: Path, *, wait: bool = True, **fields: Any) -> Instance:
        instance = self.backend.start(self.spec(app, **fields))
        if wait:
            until(lambda: self.backend.ready(instance).ready)
        return instance

    def now(self, instance: Instance) -> Instance:
        """The instance as it is at the moment."""
        return next(one for one in self.backend.instances() if one.id == instance.id)

    def members(self) -> list[listing.Seen]:
        """All processes of all instances of this home."""
        owner = hashlib.sha256(os.fsencode(os.path.realpath(self.home))).hexdigest()[:12]
        return [seen for seen in listing.everybody() if seen.mark.startswith(owner)]


def score(instance: Instance, value: Any = None) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{instance.port}/score", json.dumps(value).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


@contextlib.contextmanager
def yard(folder: Path) -> Iterator[Yard]:
    """Make one; ends what it has started, and looks whether that was all."""
    made = Yard(folder, ProcessBackend(Home(str(folder / "home"))))
    try:
        yield made
    finally:
        for instance in made.backend.instances():
            made.backend.stop(instance, 0)
        assert made.members() == []
