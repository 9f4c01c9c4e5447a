"""Images by a registry, where another command that ships the same image is faster."""

import contextlib

import docker.errors
import pytest

from sandbox.image import ship_registry
from sandbox.image.ship_report import Told
from sandbox.model.errors import SandboxError

FOUND = {"Id": "sha256:" + "01" * 32, "RepoTags": ["endpoint-sandbox/sealed:shop-blue"]}


class Engine:
    """What both engines say; the name was taken away by somebody else meanwhile, which cannot be arranged with one."""

    def __init__(self, *pushed):
        self.pushed = pushed
        self.names = []

    def tag(self, image, repository, tag):
        self.names.append(f"{repository}:{tag}")

    def push(self, *_, **__):
        return iter(self.pushed)

    def pull(self, *_, **__):
        return iter(())

    def remove_image(self, name, **_):
        self.names.remove(name)
        raise docker.errors.ImageNotFound(f"No such image: {name}")


def ship(*pushed):
    engine = Engine(*pushed)
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: engine.names == [] or pytest.fail("a name is left"))
        told = stack.enter_context(Told(lambda _: None, "it", ("", "")))
        return ship_registry.ship(engine, engine, FOUND, "registry.example", told)


def test_a_name_that_is_gone_already_is_no_failure():
    assert ship({"aux": {"Digest": "sha256:02"}}) == ("sha256:02", 0, 0)


def test_a_failure_is_told_as_what_it_was():
    with pytest.raises(SandboxError) as caught:
        ship({"error": "no space left on registry"})
    assert caught.value.code == "E160"
    assert "no space left on registry" in caught.value.why
