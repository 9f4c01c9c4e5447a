"""Images on their way to a host: unchanged, no byte twice, and whole or not at all, whatever happens in between."""

import contextlib
import os
import random
import socket

import pytest

from sandbox.hosts import reach
from sandbox.hosts.known import Host
from sandbox.image import seal, ship, ship_layers, ship_report
from sandbox.model.errors import SandboxError
from sandbox.model.progress import quiet
from tests.support import small_images
from tests.support.second_engine import second_engine

pytestmark = pytest.mark.docker

MEGABYTE = 2**20


@pytest.fixture
def target(second):
    """A client of the host's engine; what these tests have brought is removed."""
    with contextlib.closing(second.client()) as client:
        yield client
        small_images.clear(client)


@pytest.fixture
def source(engine):
    yield engine
    small_images.clear(engine)


@pytest.fixture
def every_block(monkeypatch):
    """Progress is told with every block, not twice a second."""
    monkeypatch.setattr(ship_report, "EVERY_S", 0.0)


@pytest.fixture
def tag():
    """A name that no other run has."""
    return f"endpoint-sandbox-test/small{random.randrange(10**9)}:1"


def layers(*sizes):
    return [small_images.layer(f"file{index}", small_images.noise(size)) for index, size in enumerate(sizes)]


def partial(client):
    return client.images(filters={"label": f"endpoint-sandbox.kind={ship_layers.PARTIAL}"}, quiet=True)


def sent(event):
    """How many bytes an event tells of, 0 where it tells of none."""
    words = event.text.split()
    return float(words[1]) * 1e6 if event.state == "line" and words[0] == "sent" else 0.0


def there(client, image):
    return image in client.images(quiet=True)


# --- Straight from engine to engine ----------------------------------------------------------------------------------


def test_an_image_arrives_with_its_id_and_its_names_and_is_not_sent_again(source, target, tag):
    image = small_images.load(source, layers(1000, 2000), tag)
    events = []
    done = ship.ship(source, target, tag, events.append, name="prod", whose=("shop", "blue"))
    assert (done.id, done.layers_sent, done.digest) == (image, 2, "")
    assert done.bytes_sent > 3000
    found = target.inspect_image(image)
    kept = f"endpoint-sandbox/shipped:{image.removeprefix('sha256:')[:16]}"
    assert sorted(found["RepoTags"]) == sorted([tag, kept])
    assert found["Config"] == source.inspect_image(image)["Config"]
    assert [event.state for event in events if event.state != "line"] == ["begin", "done"]
    assert {(event.endpoint, event.deployment) for event in events} == {("shop", "blue")}
    assert "2 layers" in events[-1].text
    again = ship.ship(source, target, image, quiet)
    assert (again.id, again.layers_sent, again.bytes_sent) == (image, 0, 0)


def test_of_a_new_version_only_the_layer_that_changed_is_sent(source, target, tag):
    common = layers(3 * MEGABYTE, 1000)
    first = small_images.load(source, [*common, *layers(500)], tag)
    ship.ship(source, target, first, quiet)
    second = small_images.load(source, [*common, *layers(700)], tag)
    done = ship.ship(source, target, second, quiet)
    assert done.id == second != first
    assert done.layers_sent == 1
    assert done.bytes_sent < MEGABYTE
    assert there(target, first)
    assert there(target, second)


def test_another_version_of_the_code_moves_no_model(source, target, tag, tmp_path, every_block):
    base = small_images.load(source, layers(1000), tag)
    (tmp_path / "model.bin").write_bytes(small_images.noise(3 * MEGABYTE))
    (tmp_path / "app").mkdir()
    places = (("/models/1/model.bin", str(tmp_path / "model.bin")), ("/app", str(tmp_path / "app")))
    content = seal.Content("shop-blue", base, places, {"AML_APP_ROOT": "/app"}, {"name": "blue"})
    sealed = []
    for version in ("1", "2"):
        (tmp_path / "app" / "score.py").write_text(f"VERSION = {version}")
        sealed.append(seal.write(source, content, str(tmp_path / "work")))
        assert seal.write(source, content, str(tmp_path / "work")) == sealed[-1]
    events = []
    ship.ship(source, target, sealed[0], quiet)
    done = ship.ship(source, target, sealed[1], events.append, kept=str(tmp_path / "work"))
    assert (done.id, done.layers_sent) == (sealed[1], 1)
    assert done.bytes_sent < MEGABYTE
    assert not [event for event in events if event.text.startswith("read")]  # the engine wrote no image for that
    target.remove_image(sealed[1], force=True)
    for name in os.listdir(tmp_path / "work" / "kept"):
        (tmp_path / "work" / "kept" / name).write_bytes(b"damaged")
    events.clear()
    assert ship.ship(source, target, sealed[1], events.append, kept=str(tmp_path / "work")).id == sealed[1]
    assert [event for event in events if event.text.startswith("read")]
    for client in (source, target):
        for image in sealed:
            client.remove_image(image, force=True)


def test_the_same_layer_twice_arrives(source, target, tag):
    [twice] = layers(1000)
    image = small_images.load(source, [twice, *layers(10), twice], tag)
    assert ship.ship(source, target, image, quiet).id == image


def test_an_image_that_is_not_here_is_told(source, target):
    with pytest.raises(SandboxError) as caught:
        ship.ship(source, target, f"sha256:{'0' * 64}", quiet)
    assert caught.value.code == "E119"


def test_an_image_for_another_machine_is_refused_before_a_byte_is_sent(source, target, tag):
    image = small_images.load(source, layers(100), tag, architecture="arm64")
    events = []
    with pytest.raises(SandboxError) as caught:
        ship.ship(source, target, image, events.append, name="prod")
    assert caught.value.code == "E157"
    assert "linux/arm64, and prod is linux/amd64" in caught.value.what
    assert not there(target, image)
    assert [event.state for event in events] == ["begin", "failed"]


def test_one_that_is_interrupted_goes_on_after_what_has_arrived(source, target, tag, every_block):
    size = ship_layers.TOGETHER
    image = small_images.load(source, layers(size, size, 1000), tag)

    def interrupt(event):
        if sent(event) > size * 1.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ship.ship(source, target, image, interrupt)
    assert not there(target, image)
    assert len(partial(target)) == 1
    done = ship.ship(source, target, image, quiet)
    assert done.id == image
    assert done.layers_sent == 2
    assert size <= done.bytes_sent < size * 1.2
    assert partial(target) == []


def test_one_whose_ssh_is_cut_goes_on_after_what_has_arrived(source, second, target, tag, every_block):
    size = ship_layers.TOGETHER
    image = small_images.load(source, layers(size, size), tag)
    host = Host("prod", second.ssh_url, second.state, second.socket, ssh_config=second.ssh_config)

    def cut(event):
        if sent(event) > size * 1.2:
            second.cut_ssh()

    with contextlib.closing(reach.engine(host)) as far, pytest.raises(SandboxError) as caught:
        ship.ship(source, far, image, cut, name="prod")
    assert caught.value.code == "E156"
    assert "prod" in caught.value.what
    assert not there(target, image)
    with contextlib.closing(reach.engine(host)) as far:  # a new connection
        done = ship.ship(source, far, image, quiet, name="prod")
    reach.leave(host)
    assert done.id == image
    assert done.layers_sent == 1
    assert partial(target) == []


def test_an_engine_that_takes_no_parts_gets_the_whole(source, target, tag, monkeypatch):
    monkeypatch.setattr(ship_layers._Sender, "missing", lambda *_: "invalid diffID for layer 1")
    image = small_images.load(source, layers(1000, 2000), tag)
    done = ship.ship(source, target, image, quiet)
    assert done.id == image
    assert there(target, image)


# --- By a registry ---------------------------------------------------------------------------------------------------


def test_a_registry_brings_it_with_a_digest_and_without_what_it_has(source, second, target, tag):
    common = layers(3 * MEGABYTE)
    first = small_images.load(source, [*common, *layers(500)], tag)
    with second.registry() as registry:
        done = ship.ship(source, target, first, quiet, f"{registry}/team")
        assert (done.id, done.layers_sent) == (first, 2)
        assert done.digest.startswith("sha256:")
        assert done.digest in target.inspect_image(first)["RepoDigests"][0]
        assert not [each for each in source.inspect_image(first)["RepoTags"] if registry in each]
        version = small_images.load(source, [*common, *layers(700)], tag)
        again = ship.ship(source, target, version, quiet, f"{registry}/team")
        assert (again.id, again.layers_sent) == (version, 1)
        assert again.bytes_sent < MEGABYTE
        assert again.digest != done.digest


def test_a_registry_that_is_down_is_told_and_nothing_stays_behind(source, target, tag):
    image = small_images.load(source, layers(100), tag)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SandboxError) as caught:
        ship.ship(source, target, image, quiet, nobody)
    assert caught.value.code == "E160"
    assert "refused" in caught.value.why
    assert source.inspect_image(image)["RepoTags"] == [tag]
    assert not there(target, image)


# --- A host that is full ---------------------------------------------------------------------------------------------


def test_a_host_that_is_full_is_told_and_goes_on_serving(source, tag, tmp_path):
    image = small_images.load(source, layers(60 * MEGABYTE), tag)
    little = small_images.load(source, layers(1000), f"{tag}-little")
    with second_engine(space=100 * MEGABYTE) as small, contextlib.closing(small.client()) as client:
        with pytest.raises(SandboxError) as caught:
            ship.ship(source, client, image, quiet, name="prod")
        assert caught.value.code == "E159", (caught.value.what, caught.value.why)
        assert "prod" in caught.value.what
        assert not there(client, image)
        assert ship.ship(source, client, little, quiet).id == little
