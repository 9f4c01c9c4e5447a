"""A real engine for every test here; at the end it has what it had before."""

import contextlib

import pytest

from tests.support import containers
from tests.support.boxes import box_in


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
