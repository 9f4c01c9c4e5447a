"""A real engine for every test here; at the end it has what it had before."""

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.home import Home
from sandbox.hosts import known, program, reach
from sandbox.model.progress import quiet
from tests.support import containers
from tests.support.boxes import box_in
from tests.support.second_engine import second_engine


@pytest.fixture(scope="session")
def engine():
    client = containers.client_or_skip()
    yield client
    for _ in range(3):
        for image in containers.ours(client):
            with contextlib.suppress(Exception):  # another one stands on it, which goes first
                client.remove_image(image, force=True)
    assert containers.ours(client) == set()
    client.close()


@pytest.fixture(scope="session")
def second(engine):
    """A second engine, as a host: in a network of its own, reached by its socket and by ssh."""
    with second_engine() as made:
        made.start_sshd()
        yield made


@pytest.fixture(scope="session")
def prod(engine, second, tmp_path_factory):
    """The second engine as a host that is reached by ssh, with our program there; the home that knows it."""
    home = Home(str(tmp_path_factory.mktemp("client"))).make()
    containers.owner(home.root)
    host = known.Host("prod", second.ssh_url, second.state, second.socket, ssh_config=second.ssh_config)
    known.add(home, host)
    with contextlib.closing(second.client()) as target:
        program.ensure(home, lambda: engine, target, host, quiet)
    yield home, host
    reach.leave(host)


@pytest.fixture
def here(tmp_path, engine):
    with containers.harbour(tmp_path, engine) as made:
        yield made


@pytest.fixture
def box(tmp_path, engine, monkeypatch):
    monkeypatch.setenv("SANDBOX_BACKEND", "docker")
    containers.owner(tmp_path / "home")
    with box_in(tmp_path) as made:
        yield made
    assert containers.left(engine, tmp_path / "home") == []


DEVCONTAINERS = "@devcontainers/cli@0.89.0"  # the reference implementation, which VS Code uses, too


@pytest.fixture(scope="session")
def devcontainer():
    """Run the command ``devcontainer``: installed once, into the cache of the user; returns what it says as JSON."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm to install the command `devcontainer` with")
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "endpoint-sandbox" / "devcontainers-0.89.0"
    )
    program = cache / "node_modules" / "@devcontainers" / "cli" / "devcontainer.js"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(cache), DEVCONTAINERS]
        subprocess.run(install, check=True, timeout=110)

    def run(*words, parsed=True):
        done = subprocess.run(["node", str(program), *words], capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1]) if parsed else done.stdout

    return run
